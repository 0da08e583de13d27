# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The dense prediction head (Ranftl et al., 2021), and the one for depth and sky."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.depth_anything_3 import configurations
from depth_ros.models.networks.depth_anything_3.configurations import PATCH
from depth_ros.models.networks.depth_anything_3.precision import at_least_float32

LAST = 32  # channels before the last convolution

Grid = tuple[int, int]


class Dense(NamedTuple):
    """What a head returns for each view; None is what it does not predict."""

    depth: Tensor
    """(images, height, width)"""
    confidence: Tensor | None = None
    """(images, height, width), from 1"""
    rays: Tensor | None = None
    """(images, 8 rows, 8 columns, 6): direction and origin"""
    ray_confidence: Tensor | None = None
    """(images, 8 rows, 8 columns), from 1"""
    sky: Tensor | None = None
    """(images, height, width), from 0"""


class ResidualUnit(nn.Module):
    """Two convolutions, each after a ReLU, around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (images, width, rows, columns) for the same."""
        return x + self.conv2(functional.relu(self.conv1(functional.relu(x))))


class Fusion(nn.Module):
    """Joins a coarse level with the next finer one and enlarges it."""

    def __init__(self, width: int, has_skip: bool) -> None:
        super().__init__()
        self.resConfUnit1 = ResidualUnit(width) if has_skip else None
        self.resConfUnit2 = ResidualUnit(width)
        self.out_conv = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, skip: Tensor | None, size: Grid) -> Tensor:
        """Return (images, width, *size)."""
        if self.resConfUnit1 is not None and skip is not None:
            x = x + self.resConfUnit1(skip)
        # A 1x1 convolution and interpolation commute; in this order it is a quarter of the work.
        return enlarged(self.out_conv(self.resConfUnit2(x)), size)


class Scratch(nn.Module):
    """The layers between the four stages and the last convolutions, by their official names."""

    def __init__(self, stages: Sequence[int], width: int) -> None:
        super().__init__()
        for index, inside in enumerate(stages, 1):
            layer = nn.Conv2d(inside, width, 3, padding=1, bias=False)
            self.add_module(f'layer{index}_rn', layer)
        self.add_fusions(width)
        self.output_conv1 = nn.Conv2d(width, width // 2, 3, padding=1)

    def add_fusions(self, width: int, suffix: str = '') -> None:
        """Add the four fusions of one branch."""
        for index in range(1, 5):
            self.add_module(f'refinenet{index}{suffix}', Fusion(width, has_skip=index < 4))

    def levels(self, stages: Sequence[Tensor]) -> list[Tensor]:
        """Return the four stages at the common width."""
        return [getattr(self, f'layer{i}_rn')(stage) for i, stage in enumerate(stages, 1)]

    def fused(self, levels: Sequence[Tensor], suffix: str = '') -> Tensor:
        """Return all levels in one, at twice the size of the finest."""
        first = levels[0].shape
        sizes = [(2 * first[2], 2 * first[3]), *((s.shape[2], s.shape[3]) for s in levels[:3])]
        x = getattr(self, f'refinenet4{suffix}')(levels[3], None, sizes[3])
        for index in (3, 2, 1):
            fusion = getattr(self, f'refinenet{index}{suffix}')
            x = fusion(x, levels[index - 1], sizes[index - 1])
        return x


class Head(nn.Module):
    """What both heads share: tokens of four blocks become four stages of one pyramid."""

    def __init__(self, inside: int, configuration: configurations.Head) -> None:
        super().__init__()
        stages = configuration.stages
        self.projects = nn.ModuleList(nn.Conv2d(inside, stage, 1) for stage in stages)
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(stages[0], stages[0], 4, 4),
                nn.ConvTranspose2d(stages[1], stages[1], 2, 2),
                nn.Identity(),
                nn.Conv2d(stages[3], stages[3], 3, 2, padding=1),
            ]
        )

    def forward(self, tokens: Sequence[Tensor], grid: Grid) -> Dense:
        """
        Return the predictions for the tokens of four blocks.

        :param tokens: four times (images, patches, channels). :param grid: rows and columns of
            patches.
        """
        raise NotImplementedError

    def stage(self, index: int, tokens: Tensor, grid: Grid) -> Tensor:
        """Return one stage of the pyramid."""
        image = tokens.transpose(1, 2).unflatten(2, grid)
        return self.resize_layers[index](self.projects[index](image))


class SkyScratch(Scratch):
    """With the last convolutions for depth and sky."""

    def __init__(self, stages: Sequence[int], width: int) -> None:
        super().__init__(stages, width)
        self.output_conv2 = last_convolutions(width // 2, 1)
        self.sky_output_conv2 = last_convolutions(width // 2, 1)


class SkyHead(Head):
    """The head of mono networks: depth and sky, each image by itself."""

    def __init__(self, inside: int, configuration: configurations.Head) -> None:
        super().__init__(inside, configuration)
        self.scratch = SkyScratch(configuration.stages, configuration.width)

    def forward(self, tokens: Sequence[Tensor], grid: Grid) -> Dense:
        """Return depth and sky for the tokens of four blocks."""
        stages = [self.stage(i, t, grid) for i, t in enumerate(tokens)]
        x = self.scratch.output_conv1(self.scratch.fused(self.scratch.levels(stages)))
        x = enlarged(x, image_size(grid))
        depth = at_least_float32(self.scratch.output_conv2(x))[:, 0].exp()
        sky = at_least_float32(self.scratch.sky_output_conv2(x))[:, 0].relu()
        return Dense(depth, sky=sky)


def last_convolutions(inside: int, outside: int) -> nn.Sequential:
    """Return the convolutions that make predictions of the features."""
    return nn.Sequential(
        nn.Conv2d(inside, LAST, 3, padding=1), nn.ReLU(), nn.Conv2d(LAST, outside, 1)
    )


def enlarged(x: Tensor, size: Grid) -> Tensor:
    """Return images (images, channels, *size), interpolated from corner to corner."""
    return functional.interpolate(x, size=size, mode='bilinear', align_corners=True)


def image_size(grid: Grid) -> Grid:
    """Return height and width of the image with so many rows and columns of patches."""
    return grid[0] * PATCH, grid[1] * PATCH


def in_chunks(head: Head, tokens: Sequence[Tensor], grid: Grid, chunk: int) -> Dense:
    """
    Return the predictions of a head, made for a few images at a time.

    What a head needs besides its result is much larger than the tokens: this bounds it.
    """
    images = tokens[0].shape[0]
    if images <= chunk:
        return head(tokens, grid)
    parts = [
        head([t[start : start + chunk] for t in tokens], grid) for start in range(0, images, chunk)
    ]
    return Dense(
        torch.cat([part.depth for part in parts]),
        _joined([part.confidence for part in parts]),
        _joined([part.rays for part in parts]),
        _joined([part.ray_confidence for part in parts]),
        _joined([part.sky for part in parts]),
    )


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    known = [part for part in parts if part is not None]
    return torch.cat(known) if known else None
