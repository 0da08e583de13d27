# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
FastDepth (Wofk et al. 2019): metres from one image with a MobileNet.

The image is RGB in [0, 1] without a mean; its sides are multiples of 32 (trained at 224).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.encoders.mobilenet import (
    MOBILENET_V1_STRIDES,
    MOBILENET_V1_WIDTHS,
    MobileNetV1,
)
from depth_ros.models.networks.sides import require_multiple
from depth_ros.types import DepthError

MULTIPLE = 32
STEPS = 5


@dataclass(frozen=True)
class FastDepthConfig:
    """The shape of a FastDepth network."""

    concatenate: bool = False
    """Skip connections are concatenated, not added."""
    encoder: tuple[int, ...] = MOBILENET_V1_WIDTHS
    """Channels of conv0 ... conv13."""
    decoder: tuple[int, ...] = (512, 256, 128, 64, 32)
    """Channels of decode_conv1 ... decode_conv5."""


SKIP_ADD = FastDepthConfig()
SKIP_CONCAT = FastDepthConfig(concatenate=True)
OFFICIAL = {'MobileNetSkipAdd': SKIP_ADD, 'MobileNetSkipConcat': SKIP_CONCAT}


class FastDepthResult(NamedTuple):
    """What the network returns."""

    depth: Tensor
    """(batch, 1, height, width) metres; 0 where nothing was predicted."""


def _pointwise(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()
    )


def _separable(inside: int, outside: int) -> nn.Sequential:
    depthwise = nn.Sequential(
        nn.Conv2d(inside, inside, 5, padding=2, groups=inside, bias=False),
        nn.BatchNorm2d(inside),
        nn.ReLU(),
    )
    return nn.Sequential(depthwise, _pointwise(inside, outside))


class FastDepth(nn.Module):
    """A MobileNet and five steps that double the size."""

    def __init__(self, config: FastDepthConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = MobileNetV1(config.encoder)
        skips = self.encoder.channels
        inside = skips[-1]
        for step in range(STEPS):
            outside = config.decoder[step]
            self.add_module(f'decode_conv{step + 1}', _separable(inside, outside))
            joined = skips[3 - step] if step in (1, 2, 3) else 0
            if joined and not config.concatenate and joined != outside:
                raise DepthError(
                    f'decode_conv{step + 1} has {outside} channels and is added to {joined}; '
                    'expected the same number, correct the widths'
                )
            inside = outside + (joined if config.concatenate else 0)
        self.decode_conv6 = _pointwise(inside, 1)

    def forward(self, image: Tensor) -> FastDepthResult:
        """Return depth (batch, 1, height, width) of image (batch, 3, height, width)."""
        require_multiple(image, MULTIPLE)
        half, quarter, eighth, _, x = self.encoder(image)
        skips = (None, eighth, quarter, half, None)
        for step, skip in enumerate(skips):
            x = getattr(self, f'decode_conv{step + 1}')(x)
            x = functional.interpolate(x, scale_factor=2.0, mode='nearest')
            if skip is not None:
                x = torch.cat((x, skip), 1) if self.config.concatenate else x + skip
        return FastDepthResult(self.decode_conv6(x))


def build(config: FastDepthConfig = SKIP_ADD) -> FastDepth:
    """Return the network in eval mode, without trained weights."""
    return FastDepth(config).eval()


def from_official(config: Mapping[str, Any]) -> FastDepthConfig:
    """Return the configuration for the name of the official class."""
    if config['cls'] not in OFFICIAL:
        raise DepthError(f'expected a class of {sorted(OFFICIAL)}, got {config["cls"]!r}; use one')
    return OFFICIAL[config['cls']]


def from_shapes(shapes: Mapping[str, Sequence[int]]) -> FastDepthConfig:
    """Return the configuration for the shapes of official weights, pruned or not."""
    last = len(MOBILENET_V1_STRIDES)
    names = ['conv0.0', *(f'conv{index}.3' for index in range(1, last))]
    names += [f'decode_conv{step}.1.0' for step in range(1, STEPS + 1)]
    lacking = [f'{name}.weight' for name in names if f'{name}.weight' not in shapes]
    if lacking:
        raise DepthError(f'the weights lack {lacking[0]}; give those of a MobileNet FastDepth')
    widths = [shapes[f'{name}.weight'][0] for name in names]
    concatenate = shapes['decode_conv3.0.0.weight'][0] != shapes['decode_conv2.1.0.weight'][0]
    return FastDepthConfig(concatenate, tuple(widths[:last]), tuple(widths[last:]))


def official_key(key: str) -> str | None:
    """Return our key for one of an official checkpoint."""
    return re.sub(r'^(module\.)?(conv\d+\.)', r'encoder.\2', key.removeprefix('module.'))


def metres(result: FastDepthResult, height: int, width: int) -> Tensor:
    """Return depth (batch, height, width) in metres, float32, at the size of the image."""
    return functional.interpolate(result.depth.float(), (height, width), mode='bilinear')[:, 0]
