# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The convolutions of MobileNetV2 (Sandler et al., CVPR 2018) up to 1/32 of the size.

The names of parameters are those of timm's `mobilenetv2_100`, whose weights the stereo networks
start from.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional


class Stage(NamedTuple):
    """Blocks of one width; the first of them changes the size."""

    channels: int
    blocks: int
    stride: int
    expansion: int


STEM = 32
STAGES = (
    Stage(16, 1, 1, 1),
    Stage(24, 2, 2, 6),
    Stage(32, 3, 2, 6),
    Stage(64, 4, 2, 6),
    Stage(96, 3, 1, 6),
    Stage(160, 3, 2, 6),
)
LAST_OF_SCALE = (0, 1, 2, 4, 5)  # the stages whose outputs are at 1/2, 1/4, ... 1/32


class DepthwiseSeparable(nn.Module):
    """A depthwise and a pointwise convolution."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(inside, inside, 3, stride, 1, groups=inside, bias=False)
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv_pw = nn.Conv2d(inside, outside, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outside, height / stride, width / stride)."""
        y = functional.relu6(self.bn1(self.conv_dw(x)), inplace=True)
        y = self.bn2(self.conv_pw(y))
        return x + y if self.shortcut else y


class InvertedResidual(nn.Module):
    """A depthwise convolution in a wider space, around it pointwise ones, and a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.conv_pw = nn.Conv2d(inside, wide, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv_dw = nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.conv_pwl = nn.Conv2d(wide, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outside, height / stride, width / stride)."""
        y = functional.relu6(self.bn1(self.conv_pw(x)), inplace=True)
        y = functional.relu6(self.bn2(self.conv_dw(y)), inplace=True)
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.shortcut else y


class MobileNetV2(nn.Module):
    """
    A stem and six stages.

    :param width: of all layers relative to the official network.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        inside = scaled(STEM, width)
        self.conv_stem = nn.Conv2d(3, inside, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inside)
        stages = []
        for stage in STAGES:
            outside = scaled(stage.channels, width)
            blocks: list[nn.Module] = []
            for index in range(stage.blocks):
                stride = 1 if index else stage.stride
                if stage.expansion == 1:
                    blocks.append(DepthwiseSeparable(inside, outside, stride))
                else:
                    blocks.append(InvertedResidual(inside, outside, stride, stage.expansion))
                inside = outside
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.channels = tuple(scaled(STAGES[last].channels, width) for last in LAST_OF_SCALE)
        """Of the outputs, finest first: 16, 24, 32, 96, 160."""

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return features at 1/2, 1/4, 1/8, 1/16 and 1/32 of images (batch, 3, height, width)."""
        x = functional.relu6(self.bn1(self.conv_stem(x)), inplace=True)
        scales = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in LAST_OF_SCALE:
                scales.append(x)
        return scales


def scaled(channels: int, width: float) -> int:
    """Return a number of channels times a width, in whole eights."""
    return max(8, round(channels * width / 8) * 8)
