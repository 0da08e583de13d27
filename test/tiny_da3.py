# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3 as its authors publish it, with few channels and random weights."""

import json
from pathlib import Path

import pytest

STAGES = [8, 8, 16, 16]
RAYS = 'da3-small'
MONO, METRIC = 'da3mono-large', 'da3metric-large'
NESTED = 'da3nested-giant-large'


def _net(across: bool) -> dict:
    start = 2 if across else -1
    return {
        'name': 'vits',
        'embed_dim': 64,
        'depth': 6,
        'num_heads': 2,
        'out_layers': [2, 3, 4, 5],
        'alt_start': start,
        'qknorm_start': start,
        'rope_start': start,
        'cat_token': across,
    }


def _any_view() -> dict:
    head = {'dim_in': 128, 'output_dim': 2, 'features': 16, 'out_channels': STAGES}
    cameras = {'cam_enc': {'dim_out': 64}, 'cam_dec': {'dim_in': 128}}
    return {'net': _net(True), 'head': head, **cameras}


def _one_view() -> dict:
    head = {'dim_in': 64, 'output_dim': 1, 'features': 16, 'out_channels': STAGES}
    return {'net': _net(False), 'head': head}


def configuration(name: str) -> dict:
    """Return the configuration of a small network as the authors write it."""
    if name == NESTED:
        return {'anyview': _any_view(), 'metric': _one_view()}
    return _any_view() if name == RAYS else _one_view()


def write(folder: Path, name: str, seed: int = 0, sky: float = 0.0) -> Path:
    """
    Write a folder as the hub has it and return it.

    :param sky: bias of the sky output; 1 makes everything sky.
    """
    torch = pytest.importorskip('torch')
    safetensors = pytest.importorskip('safetensors.torch')
    from depth_ros.models.networks.depth_anything_3.configurations import official_configuration
    from depth_ros.models.networks.depth_anything_3.network import build

    torch.manual_seed(seed)
    network = build(official_configuration(configuration(name)))
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
            if key.endswith('cls_token'):
                parameter.normal_()
            if key.endswith('fc_fov.0.bias'):
                parameter.fill_(1.0)  # its ReLU must not be in the way
            if '.output_conv2.2.' in key or '.sky_output_conv2.2.' in key:
                parameter.mul_(0.5)
            if key.endswith('.sky_output_conv2.2.bias'):
                parameter.fill_(sky)
    # As in published files: a prefix, and what several keys share is there once.
    shared = [f'output_conv2_aux.{level}.2.' for level in (0, 1, 3)]
    tensors = {
        f'model.{key}': value.contiguous()
        for key, value in network.state_dict().items()
        if not any(part in key for part in shared)
    }
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.save_file(tensors, folder / 'model.safetensors')
    stated = {'model_name': name, 'config': configuration(name)}
    (folder / 'config.json').write_text(json.dumps(stated))
    return folder
