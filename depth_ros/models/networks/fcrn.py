# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
FCRN (Laina et al. 2016): metres from one image, with up-projections.

The image is RGB from 0 to 255, without a mean; any size (trained at 304x228).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.encoders.padding import pad_same
from depth_ros.models.networks.encoders.resnet import RESNETS, ResNet, ResNetConfig

MULTIPLE = 1
EPSILON = 1e-4
STEPS = ('layer2x', 'layer4x', 'layer8x', 'layer16x')


RESNET = replace(RESNETS['resnet50'], epsilon=EPSILON, stem_bias=True, stride_in_first=True)


@dataclass(frozen=True)
class FcrnConfig:
    """The shape of an FCRN network."""

    encoder: ResNetConfig = RESNET


NYU = FcrnConfig()


class FcrnResult(NamedTuple):
    """What the network returns."""

    depth: Tensor
    """(batch, 1, height, width) metres at 16 times the size of the coarsest features; >= 0."""


def _pool(x: Tensor) -> Tensor:
    """Return the 3x3 maxima with stride 2; x is rectified, so that zeros around it are right."""
    return functional.max_pool2d(pad_same(x, 3, 2), 3, 2)


class Unpool(nn.Module):
    """Twice the size: four small convolutions, interleaved, and a normalisation."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.ConvA = nn.Conv2d(inside, outside, (3, 3))
        self.ConvB = nn.Conv2d(inside, outside, (2, 3))
        self.ConvC = nn.Conv2d(inside, outside, (3, 2))
        self.ConvD = nn.Conv2d(inside, outside, (2, 2))
        self.BN = nn.BatchNorm2d(outside, EPSILON)

    def forward(self, padded: Tensor) -> Tensor:
        """Return the normalised map for one with a border of one zero on every side."""
        found = (
            self.ConvA(padded),
            self.ConvC(padded[..., :-1]),
            self.ConvB(padded[..., :-1, :]),
            self.ConvD(padded[..., :-1, :-1]),
        )
        return self.BN(functional.pixel_shuffle(torch.stack(found, 2).flatten(1, 2), 2))


class UpProjection(nn.Module):
    """A residual block that doubles the size."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.br1 = Unpool(inside, outside)
        self.br2 = Unpool(inside, outside)
        self.Conv = nn.Conv2d(outside, outside, 3, padding=1)
        self.BN = nn.BatchNorm2d(outside, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, (1, 1, 1, 1))
        found = self.BN(self.Conv(functional.relu(self.br1(padded))))
        return functional.relu(found + self.br2(padded))


class Fcrn(nn.Module):
    """A ResNet and four up-projections."""

    def __init__(self, config: FcrnConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ResNet(config.encoder, _pool)
        inside = self.encoder.channels[-1]
        self.layer1 = nn.Conv2d(inside, inside // 2, 1)
        self.layer1_BN = nn.BatchNorm2d(inside // 2, EPSILON)
        inside //= 2
        for name in STEPS:
            self.add_module(name, UpProjection(inside, inside // 2))
            inside //= 2
        self.ConvPred = nn.Conv2d(inside, 1, 3, padding=1)

    def forward(self, image: Tensor) -> FcrnResult:
        """Return the depth of image (batch, 3, height, width)."""
        x = self.layer1_BN(self.layer1(self.encoder(image)[-1]))
        for name in STEPS:
            x = getattr(self, name)(x)
        return FcrnResult(functional.relu(self.ConvPred(x)))


def build(config: FcrnConfig = NYU) -> Fcrn:
    """Return the network in eval mode, without trained weights."""
    return Fcrn(config).eval()


def from_official(config: Mapping[str, Any]) -> FcrnConfig:
    """Return the configuration; the official network has only one."""
    del config
    return NYU


_BRANCH = {'1': 'downsample', '2a': '1', '2b': '2', '2c': '3'}


def official_key(key: str) -> str | None:
    """Return our key for one that `tensorflow_to_torch` gives for a published file."""
    if found := re.match(r'(res|bn)(\d)([a-f])_branch(1|2[abc])\.(\w+)$', key):
        kind, stage, block, branch, leaf = found.groups()
        part = _BRANCH[branch]
        if branch == '1':
            part = f'{part}.{0 if kind == "res" else 1}'
        else:
            part = f'{"conv" if kind == "res" else "bn"}{part}'
        number = ord(block) - ord('a')
        return f'encoder.layer{int(stage) - 1}.{number}.{part}.{leaf}'
    key = re.sub(r'^(bn_)?conv1\.', lambda m: f'encoder.{"bn" if m[1] else "conv"}1.', key)
    return re.sub(r'^(layer\d+x)_(br[12])?_?(Conv|BN)', _step, key)


def _step(found: re.Match[str]) -> str:
    return '.'.join(part for part in found.groups() if part)


def metres(result: FcrnResult, height: int, width: int) -> Tensor:
    """Return depth (batch, height, width) in metres, float32, at the size of the image."""
    return functional.interpolate(result.depth.float(), (height, width), mode='bilinear')[:, 0]
