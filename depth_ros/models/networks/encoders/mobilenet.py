# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
MobileNet: version 1 with FastDepth's names and version 2 with torchvision's.

The classifiers are left out. The widths of version 1 are free, since pruned weights have other
ones (Yang et al. 2018, NetAdapt).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

# Of the stem and of the 13 pointwise convolutions.
MOBILENET_V1_WIDTHS = (32, 64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
MOBILENET_V1_STRIDES = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)

# Expansion, channels, blocks, stride.
MOBILENET_V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
MOBILENET_V2_STEM = 32
MOBILENET_V2_HEAD = 1280


def _convolution(
    inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    return [
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU6(),
    ]


class MobileNetV1(nn.Module):
    """A stem and 13 pairs of a depthwise and a pointwise convolution: conv0 ... conv13."""

    def __init__(self, widths: Sequence[int] = MOBILENET_V1_WIDTHS) -> None:
        super().__init__()
        self.channels = tuple(widths[index] for index in (1, 3, 5, 11, 13))
        self.conv0 = nn.Sequential(*_convolution(3, widths[0], 3, MOBILENET_V1_STRIDES[0]))
        for index in range(1, len(MOBILENET_V1_STRIDES)):
            inside, outside = widths[index - 1], widths[index]
            depthwise = _convolution(inside, inside, 3, MOBILENET_V1_STRIDES[index], inside)
            pair = nn.Sequential(*depthwise, *_convolution(inside, outside, 1))
            self.add_module(f'conv{index}', pair)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of image x (batch, 3, height, width) at 1/2, 1/4 ... 1/32."""
        features = []
        for index, layer in enumerate(self.children()):
            x = layer(x)
            if index in (1, 3, 5, 11, 13):
                features.append(x)
        return features


class InvertedResidual(nn.Module):
    """A depthwise convolution between a 1x1 one that widens and one that narrows."""

    def __init__(self, inside: int, outside: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inside * expansion
        self.shortcut = stride == 1 and inside == outside
        parts: list[nn.Module] = []
        if expansion > 1:
            parts.append(nn.Sequential(*_convolution(inside, middle, 1)))
        parts.append(nn.Sequential(*_convolution(middle, middle, 3, stride, middle)))
        self.conv = nn.Sequential(*parts, *_convolution(middle, outside, 1)[:2])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.shortcut else self.conv(x)


class MobileNetV2(nn.Sequential):
    """A stem, 17 inverted residuals and a head: 0 ... 18."""

    channels = (16, 24, 32, 64, MOBILENET_V2_HEAD)

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Sequential(*_convolution(3, MOBILENET_V2_STEM, 3, 2))]
        inside = MOBILENET_V2_STEM
        for expansion, outside, blocks, stride in MOBILENET_V2_STAGES:
            for number in range(blocks):
                step = 1 if number else stride
                layers.append(InvertedResidual(inside, outside, step, expansion))
                inside = outside
        layers.append(nn.Sequential(*_convolution(inside, MOBILENET_V2_HEAD, 1)))
        super().__init__(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:  # type: ignore[override]
        """
        Return the features of image x (batch, 3, height, width) at 1/2, 1/4 ... 1/32.

        Each is the output of the last block before the next stride; at 1/16 that of the stage
        with 64 channels.
        """
        features = []
        for index, layer in enumerate(self):
            x = layer(x)
            if index in (1, 3, 6, 10, 18):
                features.append(x)
        return features
