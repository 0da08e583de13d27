# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Features of AANet at 1/3, 1/6 and 1/12 of the image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.deformable import DeformableConvolution

SCALE = 3  # of the finest features
LAYERS = (3, 4, 6)  # blocks per scale


class Bottleneck(nn.Module):
    """A narrow 3x3 or deformable convolution between two 1x1 ones, around a shortcut."""

    def __init__(
        self, inside: int, width: int, outside: int, convolution: nn.Module, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = convolution
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.downsample: nn.Module | None = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        return functional.relu(self.bn3(self.conv3(x)) + shortcut)


class ResidualFeatures(nn.Module):
    """Returns features of 4, 8 and 16 times `width` channels, the coarsest deformable."""

    def __init__(self, width: int, deformable: bool) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, width, 7, SCALE, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.layer1 = _layer(width, width, LAYERS[0], 1, False)
        self.layer2 = _layer(4 * width, 2 * width, LAYERS[1], 2, False)
        self.layer3 = _layer(8 * width, 4 * width, LAYERS[2], 2, deformable)

    def forward(self, image: Tensor) -> list[Tensor]:
        fine = self.layer1(self.conv1(image))
        middle = self.layer2(fine)
        return [fine, middle, self.layer3(middle)]


def _layer(inside: int, width: int, blocks: int, stride: int, deformable: bool) -> nn.Sequential:
    layers = []
    for place in range(blocks):
        step = 1 if place else stride
        layers.append(
            Bottleneck(
                4 * width if place else inside,
                width,
                4 * width,
                DeformableConvolution(width, width, step)
                if deformable
                else nn.Conv2d(width, width, 3, step, 1, bias=False),
                step,
            )
        )
    return nn.Sequential(*layers)


class PyramidNetwork(nn.Module):
    """Adds coarse features to finer ones; `outside` channels at each scale."""

    def __init__(self, widths: Sequence[int], outside: int) -> None:
        super().__init__()
        self.lateral_convs = nn.ModuleList(nn.Conv2d(width, outside, 1) for width in widths)
        self.fpn_convs = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(outside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU()
            )
            for _ in widths
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        states = [lateral(x) for lateral, x in zip(self.lateral_convs, features, strict=True)]
        for level in range(len(states) - 1, 0, -1):
            coarse = functional.interpolate(states[level], scale_factor=2.0, mode='nearest')
            states[level - 1] = states[level - 1] + coarse
        return [last(x) for last, x in zip(self.fpn_convs, states, strict=True)]


class Pyramid(nn.Module):
    """Adds scales of half and a quarter of the size, with twice and four times the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out1 = _halving(width)
        self.out2 = _halving(2 * width)

    def forward(self, x: Tensor) -> list[Tensor]:
        half = self.out1(x)
        return [x, half, self.out2(half)]


def _halving(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 2 * width, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
    )
