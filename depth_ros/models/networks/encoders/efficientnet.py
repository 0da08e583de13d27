# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
EfficientNet and EfficientNet-Lite (Tan and Le 2019) with the names of timm.

Only the `tf_` forms are here: SAME padding and the batch normalisation of TensorFlow's weights. A
form with symmetric padding takes the same weights: it sees an image that is moved by a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.encoders.padding import SameConv2d

EPSILON = 1e-3
# Kernel, stride, expansion, channels, blocks: of EfficientNet-B0.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM = 32
HEAD = 1280


@dataclass(frozen=True)
class EfficientNetConfig:
    """The shape of an EfficientNet: factors on the widths and depths of B0."""

    width: float
    depth: float
    lite: bool = False
    """ReLU6, no squeeze-and-excitation; the stem, first and last stage keep their size."""
    head: bool = True
    """With the 1x1 convolution after the last stage."""
    symmetric: bool = False
    """As much padding before as after, which every runtime computes alike."""

    @property
    def stem_channels(self) -> int:
        return STEM if self.lite else rounded(STEM * self.width)

    @property
    def head_channels(self) -> int:
        return HEAD if self.lite else rounded(HEAD * self.width)

    @property
    def stage_channels(self) -> tuple[int, ...]:
        return tuple(rounded(stage[3] * self.width) for stage in STAGES)

    @property
    def stage_blocks(self) -> tuple[int, ...]:
        kept = (0, len(STAGES) - 1) if self.lite else ()
        return tuple(
            stage[4] if index in kept else math.ceil(stage[4] * self.depth)
            for index, stage in enumerate(STAGES)
        )

    @property
    def channels(self) -> tuple[int, ...]:
        """Return the channels of the five feature maps (of the head, where there is one)."""
        found = self.stage_channels
        last = self.head_channels if self.head else found[6]
        return found[0], found[1], found[2], found[4], last


EFFICIENTNETS = {
    'lite0': EfficientNetConfig(1.0, 1.0, lite=True, head=False, symmetric=True),
    'lite3': EfficientNetConfig(1.2, 1.4, lite=True, head=False),
    'b5': EfficientNetConfig(1.6, 2.2),
}


def rounded(channels: float, step: int = 8) -> int:
    """Return the nearest multiple of `step` that takes away at most a tenth."""
    nearest = max(step, int(channels + step / 2) // step * step)
    return nearest + step if nearest < 0.9 * channels else nearest


def _convolution(
    config: EfficientNetConfig, inside: int, outside: int, kernel: int, stride: int, groups: int
) -> nn.Conv2d:
    if config.symmetric:
        return nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False)
    return SameConv2d(inside, outside, kernel, stride, groups)


def _activation(x: Tensor, lite: bool) -> Tensor:
    return functional.relu6(x) if lite else functional.silu(x)


class SqueezeExcite(nn.Module):
    """Scales every channel by what the means of all of them give."""

    def __init__(self, channels: int, middle: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, middle, 1)
        self.conv_expand = nn.Conv2d(middle, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.conv_reduce(x.mean((2, 3), keepdim=True))
        return x * torch.sigmoid(self.conv_expand(functional.silu(scale)))


class SeparableBlock(nn.Module):
    """A depthwise convolution and a 1x1 one: the block of the first stage."""

    def __init__(
        self, config: EfficientNetConfig, inside: int, outside: int, kernel: int, stride: int
    ) -> None:
        super().__init__()
        self.lite = config.lite
        self.shortcut = stride == 1 and inside == outside
        self.conv_dw = _convolution(config, inside, inside, kernel, stride, inside)
        self.bn1 = nn.BatchNorm2d(inside, EPSILON)
        self.se = None if config.lite else SqueezeExcite(inside, max(1, inside // 4))
        self.conv_pw = SameConv2d(inside, outside, 1)
        self.bn2 = nn.BatchNorm2d(outside, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        y = _activation(self.bn1(self.conv_dw(x)), self.lite)
        y = y if self.se is None else self.se(y)
        y = self.bn2(self.conv_pw(y))
        return x + y if self.shortcut else y


class InvertedBlock(nn.Module):
    """A depthwise convolution between a 1x1 one that widens and one that narrows."""

    def __init__(
        self,
        config: EfficientNetConfig,
        inside: int,
        outside: int,
        kernel: int,
        stride: int,
        expansion: int,
    ) -> None:
        super().__init__()
        middle = inside * expansion
        self.lite = config.lite
        self.shortcut = stride == 1 and inside == outside
        self.conv_pw = SameConv2d(inside, middle, 1)
        self.bn1 = nn.BatchNorm2d(middle, EPSILON)
        self.conv_dw = _convolution(config, middle, middle, kernel, stride, middle)
        self.bn2 = nn.BatchNorm2d(middle, EPSILON)
        self.se = None if config.lite else SqueezeExcite(middle, max(1, inside // 4))
        self.conv_pwl = SameConv2d(middle, outside, 1)
        self.bn3 = nn.BatchNorm2d(outside, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        y = _activation(self.bn1(self.conv_pw(x)), self.lite)
        y = _activation(self.bn2(self.conv_dw(y)), self.lite)
        y = y if self.se is None else self.se(y)
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.shortcut else y


class EfficientNet(nn.Module):
    """A stem, seven stages and, if the configuration has one, a head."""

    def __init__(self, config: EfficientNetConfig) -> None:
        super().__init__()
        self.channels = config.channels
        self.lite = config.lite
        inside = config.stem_channels
        self.conv_stem = _convolution(config, 3, inside, 3, 2, 1)
        self.bn1 = nn.BatchNorm2d(inside, EPSILON)
        self.blocks = nn.ModuleList()
        sizes = zip(config.stage_channels, config.stage_blocks)
        for (kernel, stride, expansion, *_), (outside, count) in zip(STAGES, sizes):
            stage: list[nn.Module] = []
            for number in range(count):
                step = 1 if number else stride
                stage.append(
                    SeparableBlock(config, inside, outside, kernel, step)
                    if expansion == 1
                    else InvertedBlock(config, inside, outside, kernel, step, expansion)
                )
                inside = outside
            self.blocks.append(nn.Sequential(*stage))
        self.conv_head = SameConv2d(inside, config.head_channels, 1) if config.head else None

    def forward(self, x: Tensor) -> list[Tensor]:
        """
        Return the features of image x (batch, 3, height, width) at 1/2, 1/4 ... 1/32.

        Each is the output of the last stage of its size; the head is applied to the last one,
        without normalisation.
        """
        x = _activation(self.bn1(self.conv_stem(x)), self.lite)
        features = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in (0, 1, 2, 4, 6):
                features.append(x)
        if self.conv_head is not None:
            features[-1] = self.conv_head(features[-1])
        return features
