# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The any-view head: depth and rays, from one pyramid through two branches."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from depth_ros.models.networks.depth_anything_3 import configurations
from depth_ros.models.networks.depth_anything_3.dpt import (
    LAST,
    Dense,
    Grid,
    Head,
    Scratch,
    enlarged,
    image_size,
    last_convolutions,
)
from depth_ros.models.networks.depth_anything_3.precision import at_least_float32

_EMBEDDING = 0.1  # weight of the position embedding
_BASE = 100.0  # ratio of its longest and its shortest wave
_LEVELS = 4  # of the ray branch; official weights hold all, only the finest is used
_RAY = 6  # direction and origin


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (images, channels, rows, columns)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised features, in the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class RayScratch(Scratch):
    """With the last convolutions for depth and a second branch for rays."""

    def __init__(self, stages: Sequence[int], width: int) -> None:
        super().__init__(stages, width)
        self.output_conv2 = last_convolutions(width // 2, 2)
        self.add_fusions(width, '_aux')
        self.output_conv1_aux = nn.ModuleList(_five_convolutions(width) for _ in range(_LEVELS))
        last = [last_convolutions(width // 2, 1 + _RAY) for _ in range(_LEVELS)]
        # All levels were trained with one normalisation. The identities keep the official names.
        shared = ChannelNorm(LAST)
        self.output_conv2_aux = nn.ModuleList(
            nn.Sequential(first, nn.Identity(), shared, nn.Identity(), relu, final)
            for first, relu, final in last
        )


class RayHead(Head):
    """Depth and its confidence at full size; rays and theirs at 8 times the patch grid."""

    def __init__(self, inside: int, configuration: configurations.Head) -> None:
        super().__init__(inside, configuration)
        self.norm = nn.LayerNorm(inside)
        self.scratch = RayScratch(configuration.stages, configuration.width)

    def forward(self, tokens: Sequence[Tensor], grid: Grid) -> Dense:
        """Return depth and rays, each with its confidence, for the tokens of four blocks."""
        aspect = grid[1] / grid[0]
        scratch = self.scratch
        stages = [self._stage(i, t, grid, aspect) for i, t in enumerate(tokens)]
        levels = scratch.levels(stages)
        x = enlarged(scratch.output_conv1(scratch.fused(levels)), image_size(grid))
        depth = at_least_float32(scratch.output_conv2(with_places(x, aspect))).exp()
        y = scratch.output_conv1_aux[-1](scratch.fused(levels, '_aux'))
        rays = at_least_float32(scratch.output_conv2_aux[-1](with_places(y, aspect)))
        return Dense(
            depth=depth[:, 0],
            confidence=depth[:, 1] + 1,
            rays=rays[:, :_RAY].permute(0, 2, 3, 1),
            ray_confidence=rays[:, _RAY].exp() + 1,
        )

    def _stage(self, index: int, tokens: Tensor, grid: Grid, aspect: float) -> Tensor:
        image = self.norm(tokens).transpose(1, 2).unflatten(2, grid)
        return self.resize_layers[index](with_places(self.projects[index](image), aspect))


def with_places(x: Tensor, aspect: float) -> Tensor:
    """
    Return features (images, channels, rows, columns) plus a sine-cosine position embedding.

    The first half of the channels depends on the column alone, the second on the row alone, so
    the embedding is computed per column and per row and broadcast.

    :param aspect: width of the image over its height.
    """
    channels, rows, columns = x.shape[1:]
    diagonal = (aspect**2 + 1) ** 0.5
    across, down = x.chunk(2, 1)
    u = _waves(columns, aspect / diagonal, channels // 2, x)
    v = _waves(rows, 1 / diagonal, channels // 2, x)
    return torch.cat([across + u[:, None, :], down + v[:, :, None]], 1)


def _waves(steps: int, span: float, channels: int, like: Tensor) -> Tensor:
    """Return sines and cosines of the pixel centres between -span and span, (channels, steps)."""
    exact = torch.float64 if like.dtype == torch.float64 else torch.float32
    edge = span * (steps - 1) / steps
    places = torch.linspace(-edge, edge, steps, device=like.device, dtype=exact)
    half = channels // 2
    exponent = torch.arange(half, device=like.device, dtype=exact) / half
    angles = _BASE ** -exponent[:, None] * places
    return (_EMBEDDING * torch.cat([angles.sin(), angles.cos()])).to(like.dtype)


def _five_convolutions(width: int) -> nn.Sequential:
    sides = [width, width // 2] * 3
    return nn.Sequential(*(nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise(sides)))
