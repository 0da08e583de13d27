# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stages of MobileNetV2 and EfficientNetV2, with the parameter names that timm gave them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor, nn


class Stage(NamedTuple):
    """Blocks in a row; the first one has the stride."""

    blocks: int
    width: int
    stride: int
    expand: int
    """How many times wider a block is inside than its input."""
    fused: bool = False
    """One full 3x3 convolution for the 1x1 and the depthwise one."""
    squeeze: float = 0.0
    """The channels that summarise the image, over those of the input of a block; 0 for none."""


class Backbone(NamedTuple):
    """What a network is made of after its first convolution, which has stride 2."""

    stem: int
    stages: Sequence[Stage]
    activation: Callable[[], nn.Module]


MOBILENET_V2 = Backbone(
    32,
    (
        Stage(1, 16, 1, 1),
        Stage(2, 24, 2, 6),
        Stage(3, 32, 2, 6),
        Stage(4, 64, 2, 6),
        Stage(3, 96, 1, 6),
        Stage(3, 160, 2, 6),
        Stage(1, 320, 1, 6),
    ),
    nn.ReLU6,
)
"""mobilenetv2_100."""

EFFICIENTNET_V2_RW_S = Backbone(
    24,
    (
        Stage(2, 24, 1, 1, fused=True),
        Stage(4, 48, 2, 4, fused=True),
        Stage(4, 64, 2, 4, fused=True),
        Stage(6, 128, 2, 4, squeeze=0.25),
        Stage(9, 160, 1, 6, squeeze=0.25),
        Stage(15, 272, 2, 6, squeeze=0.25),
    ),
    nn.SiLU,
)
"""efficientnetv2_rw_s."""


def narrowed(backbone: Backbone, share: float) -> Backbone:
    """Return a backbone with a share of the channels, each a multiple of 4, 4 at least."""
    if share == 1.0:
        return backbone

    def fewer(width: int) -> int:
        return max(4, round(share * width / 4) * 4)

    made = [stage._replace(width=fewer(stage.width)) for stage in backbone.stages]
    return backbone._replace(stem=fewer(backbone.stem), stages=tuple(made))


def stages(backbone: Backbone) -> list[nn.Sequential]:
    """Return the stages, fine to coarse."""
    found = []
    inside = backbone.stem
    for stage in backbone.stages:
        blocks: list[nn.Module] = []
        for place in range(stage.blocks):
            stride = 1 if place else stage.stride
            blocks.append(_block(inside, stage, stride, backbone.activation))
            inside = stage.width
        found.append(nn.Sequential(*blocks))
    return found


def _block(
    inside: int, stage: Stage, stride: int, activation: Callable[[], nn.Module]
) -> nn.Module:
    wide, width = inside * stage.expand, stage.width
    if stage.fused:
        return FusedResidual(inside, wide, width, stride, activation)
    if stage.expand == 1:
        return DepthwiseSeparable(inside, width, stride, activation)
    squeezed = round(inside * stage.squeeze)
    return InvertedResidual(inside, wide, width, stride, activation, squeezed)


class DepthwiseSeparable(nn.Module):
    """A depthwise 3x3 convolution and a linear 1x1 one."""

    def __init__(
        self, inside: int, outside: int, stride: int, activation: Callable[[], nn.Module]
    ) -> None:
        super().__init__()
        self.shortcut = stride == 1 and inside == outside
        self.conv_dw = nn.Conv2d(inside, inside, 3, stride, 1, groups=inside, bias=False)
        self.bn1 = nn.BatchNorm2d(inside)
        self.act1 = activation()
        self.conv_pw = nn.Conv2d(inside, outside, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        result = self.bn2(self.conv_pw(self.act1(self.bn1(self.conv_dw(x)))))
        return result + x if self.shortcut else result


class InvertedResidual(nn.Module):
    """A depthwise 3x3 convolution between two 1x1 ones, wide inside, linear at the end."""

    def __init__(
        self,
        inside: int,
        wide: int,
        outside: int,
        stride: int,
        activation: Callable[[], nn.Module],
        squeezed: int = 0,
    ) -> None:
        super().__init__()
        self.shortcut = stride == 1 and inside == outside
        self.conv_pw = nn.Conv2d(inside, wide, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.act1 = activation()
        self.conv_dw = nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.act2 = activation()
        self.se = SqueezeExcite(wide, squeezed, activation) if squeezed else nn.Identity()
        self.conv_pwl = nn.Conv2d(wide, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        result = self.act1(self.bn1(self.conv_pw(x)))
        result = self.se(self.act2(self.bn2(self.conv_dw(result))))
        result = self.bn3(self.conv_pwl(result))
        return result + x if self.shortcut else result


class FusedResidual(nn.Module):
    """A full 3x3 convolution to a wide inside, and a linear 1x1 one."""

    def __init__(
        self,
        inside: int,
        wide: int,
        outside: int,
        stride: int,
        activation: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.shortcut = stride == 1 and inside == outside
        self.conv_exp = nn.Conv2d(inside, wide, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.act1 = activation()
        self.conv_pwl = nn.Conv2d(wide, outside, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        result = self.bn2(self.conv_pwl(self.act1(self.bn1(self.conv_exp(x)))))
        return result + x if self.shortcut else result


class SqueezeExcite(nn.Module):
    """Weighs each channel by what all of them have in the mean over the image."""

    def __init__(self, width: int, squeezed: int, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(width, squeezed, 1)
        self.act1 = activation()
        self.conv_expand = nn.Conv2d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((2, 3), keepdim=True)
        return x * self.conv_expand(self.act1(self.conv_reduce(mean))).sigmoid()
