# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AnyNet, with filled and with published weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from depth_ros.lab.parity.case import Case, Tolerance
from depth_ros.models.networks import anynet
from depth_ros.types import DepthError

STAGES = ('stage1', 'stage2', 'stage3', 'spn')
PX = Tolerance(0.02, 0.999)
PAIRS = ('kitti', 'redtail')
EVERY = 8  # row and column of the stored stages of real pairs


def _build(config: Mapping[str, Any]) -> anynet.AnyNet:
    return anynet.build(anynet.from_official(config)).eval()


def _run(network: anynet.AnyNet, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    found = network(inputs['left'], inputs['right']).stages
    return {f'disp_{name}': stage for name, stage in zip(STAGES, found, strict=False)}


def _load(network: anynet.AnyNet, spec: Mapping[str, Any], folder: Path) -> None:
    path = folder.parent / 'weights' / spec['weights']
    if not path.is_file():
        raise DepthError(f'{path} is missing, expected the published weights; put them there')
    state = torch.load(path, map_location='cpu', weights_only=True)['state_dict']
    network.load_state_dict({anynet.official_key(key): value for key, value in state.items()})


def _run_real(network: anynet.AnyNet, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    outputs: dict[str, Any] = {}
    for pair in sorted({key.rpartition('_')[0] for key in inputs}):
        images = [_normalised(inputs[f'{pair}_{side}']) for side in ('left', 'right')]
        for name, stage in zip(STAGES, network(*images).stages, strict=True):
            outputs[f'{pair}_disp_{name}'] = stage
            outputs[f'{pair}_disp_{name}_every{EVERY}'] = stage[..., ::EVERY, ::EVERY]
    return outputs


def _normalised(image: Tensor) -> Tensor:
    """Return (1, 3, H, W) for a grey (H, W) or RGB (H, W, 3) image of bytes."""
    rgb = image[..., None].expand(*image.shape, 3) if image.ndim == 2 else image
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    return ((rgb / 255 - mean) / deviation).permute(2, 0, 1)[None]


CASES = {
    'anynet': Case(_build, _run, anynet.official_key),
    'anynet_real': Case(
        _build,
        _run_real,
        load=_load,
        tolerances={
            f'{pair}_disp_{name}': PX
            for pair in PAIRS
            for name in ('spn', *(f'{stage}_every{EVERY}' for stage in STAGES[:3]))
        },
    ),
}
