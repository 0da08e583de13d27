# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cells of LEAStereo, for images (2 dimensions) and for volumes (3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.volume_convolution import VolumeConvolution

Edges = Sequence[Sequence[int]]


class Convolution(nn.Module):
    """A convolution with normalisation and ReLU; `plain` ones have neither."""

    def __init__(
        self,
        dimensions: int,
        inside: int,
        outside: int,
        size: int = 3,
        stride: int = 1,
        plain: bool = False,
    ) -> None:
        super().__init__()
        self.plain = plain
        if dimensions == 2:
            self.conv: nn.Module = nn.Conv2d(inside, outside, size, stride, size // 2, bias=False)
        elif size == 3:
            self.conv = VolumeConvolution(inside, outside)
        else:
            self.conv = nn.Conv3d(inside, outside, size, bias=False)
        # Official checkpoints have the normalisation of plain ones, too.
        self.bn: nn.Module = (nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm3d)(outside)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.plain else functional.relu(self.bn(x))

    def resized(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """
        Return the result for `x` resized to `size`; the convolution must be 1x1.

        It commutes with the interpolation and comes first where that makes it cheaper.
        """
        if x.shape[-1] < size[-1]:
            return functional.relu(self.bn(resized(self.conv(x), size)))
        return self(resized(x, size))


def resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return features or a volume of another size, corners on corners."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    mode = 'bilinear' if len(size) == 2 else 'trilinear'
    return functional.interpolate(x, size=tuple(size), mode=mode, align_corners=True)


class Cell(nn.Module):
    """
    A small graph of convolutions on the results of the two cells before.

    A node adds up what its edges bring from both inputs and the nodes before it. Edges have
    numbers: two lead to the first node, the next three to the second, and so on; `genotype` has
    those that exist. The official code takes the operations in the order of the genotype, one per
    existing edge from the lowest number on, and the weights are trained with that assignment.
    """

    def __init__(
        self,
        dimensions: int,
        before_last: int,
        last: int,
        width: int,
        step: int,
        genotype: Edges,
        nodes: int,
        joined: int,
    ) -> None:
        """
        Take the channels of the two inputs and of a node, and how many states are joined.

        `step` is -1 at half the size of the last input, 1 at twice the size, 0 at the same.
        """
        super().__init__()
        self.step, self.nodes, self.joined = step, nodes, joined
        self.edges = frozenset(edge for edge, _ in genotype)
        # Official checkpoints have both, the first one also where the channels fit already.
        self.fits = before_last == width
        self.pre_preprocess = Convolution(dimensions, before_last, width, size=1)
        self.preprocess = Convolution(dimensions, last, width, size=1)
        self._ops = nn.ModuleList(
            Convolution(dimensions, width, width) if operation else nn.Identity()
            for _, operation in genotype
        )

    def forward(self, before_last: Tensor, last: Tensor) -> Tensor:
        size = [_scaled(side, self.step) for side in last.shape[2:]]
        if self.fits:
            first = resized(before_last, size)
        else:
            first = self.pre_preprocess.resized(before_last, size)
        states = [first, self.preprocess.resized(last, size)]
        operations = iter(self._ops)
        edge = 0
        for _ in range(self.nodes):
            node: Tensor | None = None
            for state in tuple(states):
                if edge in self.edges:
                    part = next(operations)(state)
                    node = part if node is None else node + part
                edge += 1
            if node is None:
                raise ValueError(
                    f'no edge of {sorted(self.edges)} leads to node {len(states) - 2}; '
                    f'correct the genotype'
                )
            states.append(node)
        return torch.cat(states[-self.joined :], 1)


def _scaled(side: int, step: int) -> int:
    """Return the number of pixels after one step; corners stay where they are."""
    if step < 0:
        return (side + 1) // 2
    return side if step == 0 else 2 * side - side % 2


class Cells(nn.Module):
    """The searched part of a network: cells, and what brings their result back to the start."""

    def __init__(
        self,
        dimensions: int,
        path: Sequence[int],
        genotype: Edges,
        width: int,
        joined: int,
        nodes: int,
    ) -> None:
        super().__init__()
        self.path = tuple(path)
        channels = width * joined
        results = [channels, channels, *(channels * 2**level for level in path)]
        levels = [0, *path]
        self.cells = nn.ModuleList(
            Cell(
                dimensions,
                results[place],
                results[place + 1],
                width * 2**level,
                levels[place] - level,
                genotype,
                nodes,
                joined,
            )
            for place, level in enumerate(path)
        )
        outside, size = (channels, 1) if dimensions == 2 else (1, 3)
        self.last_3 = Convolution(dimensions, channels, outside, size, plain=True)
        self.last_6 = Convolution(dimensions, 2 * channels, channels, size=1)
        self.last_12 = Convolution(dimensions, 4 * channels, 2 * channels, size=1)
        self.last_24 = Convolution(dimensions, 8 * channels, 4 * channels, size=1)

    def finished(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """Return the last result `x` at `size`, that of level 0."""
        for level in range(self.path[-1], 0, -1):
            x = (self.last_6, self.last_12, self.last_24)[level - 1](x)
            x = resized(x, [side >> (level - 1) for side in size])
        return self.last_3(x)
