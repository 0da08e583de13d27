# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
PSMNet (Chang and Chen, CVPR 2018): spatial pyramid pooling and stacked 3D hourglasses.

Input: RGB with ImageNet mean and standard deviation; height and width multiples of 16 and at least
256 (four times the largest pooling window).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.disparity import Disparity, enlarged_expectation
from depth_ros.models.networks.volume_convolution import ConcatConvolution, VolumeConvolution

SCALE = 4  # of the cost volume


@dataclass(frozen=True)
class Config:
    """
    What the official checkpoints differ in, and widths for tests.

    No parameter depends on `maxdisp`: weights run with another multiple of 16 than they were
    trained with (`network.config = replace(network.config, maxdisp=...)`). A larger one takes
    proportionally more time and memory.
    """

    hourglasses: bool = True
    """Stacked hourglasses, or the plain residual blocks of the basic model."""
    maxdisp: int = 192
    align_corners: bool = False
    """Of every enlargement: False for the checkpoints of 2021, True for those of 2018."""
    width: int = 32
    """Channels of features and volume."""
    blocks: tuple[int, int, int, int] = (3, 16, 3, 3)
    pools: tuple[int, ...] = (8, 16, 32, 64)
    """Pooling windows at 1/4 of the input; each is a multiple of the one before."""

    def __post_init__(self) -> None:
        multiple = 4 * SCALE if self.hourglasses else SCALE
        if self.maxdisp < multiple or self.maxdisp % multiple:
            raise ValueError(
                f'maxdisp is {self.maxdisp}, expected a multiple of {multiple}; choose one'
            )


VARIANTS = {
    'psmnet': Config(),
    'psmnet_2018': Config(align_corners=True),
    'psmnet_basic': Config(hourglasses=False),
}


def from_official(config: Mapping[str, Any]) -> Config:
    """Return the configuration for the options of the official code."""
    return Config(
        hourglasses=config.get('model', 'stackhourglass') == 'stackhourglass',
        maxdisp=int(config.get('maxdisp', 192)),
        align_corners=bool(config.get('align_corners', False)),
    )


def build(config: Config) -> PSMNet:
    """Return the network, with random weights."""
    return PSMNet(config)


def official_key(key: str) -> str:
    """Return the key here of a key in an official checkpoint."""
    return key.removeprefix('module.')


class PSMNet(nn.Module):
    """Disparity of the left image from a rectified pair."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.feature_extraction = Features(config)
        self.dres0 = nn.Sequential(
            nn.Sequential(ConcatConvolution(2 * width, width), nn.BatchNorm3d(width)),
            nn.ReLU(),
            _convolution(width, width),
            nn.ReLU(),
        )
        self.dres1 = _pair(width)
        block: Callable[[int], nn.Module] = Hourglass if config.hourglasses else _pair
        self.dres2, self.dres3, self.dres4 = block(width), block(width), block(width)
        if config.hourglasses:
            self.classif1, self.classif2 = _classifier(width), _classifier(width)
            self.classif3 = _classifier(width)
        else:
            self.classify = _classifier(width)

    def forward(self, left: Tensor, right: Tensor) -> Disparity:
        """Return disparity from (B, 3, H, W) each; in training mode three stages."""
        config = self.config
        features = self.feature_extraction(torch.cat([left, right]), config.align_corners)
        reference, other = features.chunk(2)
        cost = self.dres0((reference, other, config.maxdisp // SCALE))
        cost = self.dres1(cost) + cost
        costs = self._stacked(cost) if config.hourglasses else self._plain(cost)
        if not self.training:
            costs = costs[-1:]
        size = (config.maxdisp, *left.shape[2:])
        stages = tuple(enlarged_expectation(each, size, config.align_corners) for each in costs)
        return Disparity(stages[-1], stages)

    def _stacked(self, cost: Tensor) -> list[Tensor]:
        out1, before, after = self.dres2(cost, None, None)
        out1 = out1 + cost
        out2, _, after = self.dres3(out1, before, after)
        out2 = out2 + cost
        out3, _, _ = self.dres4(out2, before, after)
        out3 = out3 + cost
        costs = [self.classif1(out1)]
        costs.append(self.classif2(out2) + costs[0])
        costs.append(self.classif3(out3) + costs[1])
        return costs

    def _plain(self, cost: Tensor) -> list[Tensor]:
        for block in (self.dres2, self.dres3, self.dres4):
            cost = block(cost) + cost
        return [self.classify(cost)]


class Features(nn.Module):
    """Returns (B, width, H/4, W/4) features that see the whole image through pooling."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.pools = config.pools
        width = config.width
        self.firstconv = nn.Sequential(
            _convolution2d(3, width, stride=2),
            nn.ReLU(),
            _convolution2d(width, width),
            nn.ReLU(),
            _convolution2d(width, width),
            nn.ReLU(),
        )
        self.layer1 = _layer(width, width, config.blocks[0])
        self.layer2 = _layer(width, 2 * width, config.blocks[1], stride=2)
        self.layer3 = _layer(2 * width, 4 * width, config.blocks[2])
        self.layer4 = _layer(4 * width, 4 * width, config.blocks[3], dilation=2)
        # The official names count from the largest window; the pooling itself, without
        # parameters, has index 0.
        for number in range(1, len(self.pools) + 1):
            reduce = _convolution2d(4 * width, width, size=1)
            setattr(self, f'branch{number}', nn.Sequential(nn.Identity(), reduce, nn.ReLU()))
        joined = (6 + len(self.pools)) * width
        self.lastconv = nn.Sequential(
            _convolution2d(joined, 4 * width),
            nn.ReLU(),
            nn.Conv2d(4 * width, width, 1, bias=False),
        )

    def forward(self, image: Tensor, align_corners: bool) -> Tensor:
        fine = self.layer2(self.layer1(self.firstconv(image)))
        deep = self.layer4(self.layer3(fine))
        parts = [fine, deep]
        pooled, window = deep, 1
        for place, pool in enumerate(self.pools):
            # A mean of means over equal windows: the large ones cost nothing.
            pooled = functional.avg_pool2d(pooled, pool // window)
            window = pool
            part = getattr(self, f'branch{len(self.pools) - place}')(pooled)
            parts.append(
                functional.interpolate(
                    part, size=deep.shape[2:], mode='bilinear', align_corners=align_corners
                )
            )
        return self.lastconv(torch.cat(parts, 1))


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut, without activation at the end."""

    def __init__(self, inside: int, outside: int, stride: int, dilation: int) -> None:
        super().__init__()
        first = _convolution2d(inside, outside, stride=stride, dilation=dilation)
        self.conv1 = nn.Sequential(first, nn.ReLU())
        self.conv2 = _convolution2d(outside, outside, dilation=dilation)
        self.downsample: nn.Module | None = None
        if stride != 1 or inside != outside:
            self.downsample = _convolution2d(inside, outside, size=1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.conv2(self.conv1(x)) + shortcut


class Hourglass(nn.Module):
    """3D convolutions down to a quarter and back, joined with those of the hourglass before."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(_reduction(width, 2 * width), nn.ReLU())
        self.conv2 = _convolution(2 * width, 2 * width)
        self.conv3 = nn.Sequential(_reduction(2 * width, 2 * width), nn.ReLU())
        self.conv4 = nn.Sequential(_convolution(2 * width, 2 * width), nn.ReLU())
        self.conv5 = _enlargement(2 * width, 2 * width)
        self.conv6 = _enlargement(2 * width, width)

    def forward(
        self, x: Tensor, before: Tensor | None, after: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """
        Return the result and what the next hourglass takes: states at 1/8 on the way down and up.

        `before` and `after` are those of earlier hourglasses.
        """
        down = self.conv2(self.conv1(x))
        down = functional.relu(down if after is None else down + after)
        up = self.conv5(self.conv4(self.conv3(down)))
        up = functional.relu(up + (down if before is None else before))
        return self.conv6(up), down, up


def _layer(
    inside: int, outside: int, blocks: int, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    layers = [Residual(inside, outside, stride, dilation)]
    layers += [Residual(outside, outside, 1, dilation) for _ in range(blocks - 1)]
    return nn.Sequential(*layers)


def _convolution2d(
    inside: int, outside: int, size: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    padding = dilation if size == 3 else 0
    return nn.Sequential(
        nn.Conv2d(inside, outside, size, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outside),
    )


def _convolution(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(VolumeConvolution(inside, outside), nn.BatchNorm3d(outside))


def _reduction(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(inside, outside, 3, 2, 1, bias=False), nn.BatchNorm3d(outside))


def _enlargement(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose3d(inside, outside, 3, 2, 1, output_padding=1, bias=False),
        nn.BatchNorm3d(outside),
    )


def _pair(width: int) -> nn.Sequential:
    return nn.Sequential(_convolution(width, width), nn.ReLU(), _convolution(width, width))


def _classifier(width: int) -> nn.Sequential:
    return nn.Sequential(_convolution(width, width), nn.ReLU(), VolumeConvolution(width, 1))
