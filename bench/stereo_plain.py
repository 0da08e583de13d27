# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Time stereo networks beside a straightforward form of themselves.

The plain form has the same weights and modules. It computes as papers write: float32 in one
layout, 3D convolutions and instance normalisation by their torch functions, volumes disparity by
disparity, gates over joined inputs, and the full correlation volume read by `grid_sample`. Both
forms run in one process, in turn, and must give the same disparity.

    python bench/stereo_plain.py [NAME ...] [--size 320x240] [--frames 5] [--threads 1]
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.stereo import random_weights, rendered_pair
from bench.timing import interleaved, ratio_line
from depth_ros.models.networks import conv_gru, correlation, cost_volume, normalisation
from depth_ros.models.networks import recurrent_stereo as recurrent
from depth_ros.models.networks import volume_convolution as volumes
from depth_ros.models.registry import create_model

NAMES = ('raft-stereo-realtime', 'psmnet-kitti2015', 'lightstereo-s-kitti')
SAME = 1e-3  # of the mean disparity


def shifted_pairs(left: Tensor, right: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor, int]]:
    """Yield the columns that meet at each disparity, and that disparity."""
    for d in range(count):
        yield left[..., d:], right[..., : right.shape[3] - d], d


def concat_volume(left: Tensor, right: Tensor, count: int, first: int = 0) -> Tensor:
    """Return the volume of both features, disparity by disparity; `first` is 0."""
    batch, channels, height, width = left.shape
    volume = left.new_zeros(batch, 2 * channels, count, height, width)
    for of_left, of_right, d in shifted_pairs(left, right, count):
        volume[:, :channels, d, :, d:] = of_left
        volume[:, channels:, d, :, d:] = of_right
    return volume


def groupwise_volume(left: Tensor, right: Tensor, count: int, groups: int) -> Tensor:
    """Return the volume of mean products, disparity by disparity."""
    batch, _, height, width = left.shape
    volume = left.new_zeros(batch, groups, count, height, width)
    for of_left, of_right, d in shifted_pairs(left, right, count):
        volume[:, :, d, :, d:] = (of_left * of_right).unflatten(1, (groups, -1)).mean(2)
    return volume


def correlation_volume(left: Tensor, right: Tensor, count: int) -> Tensor:
    """Return the volume of mean products over all channels."""
    return groupwise_volume(left, right, count, 1)[:, 0]


def sampled(rows: Tensor, position: Tensor, radius: int) -> Tensor:
    """Return rows (n, channels, 1, length) around positions (batch, height, width)."""
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    x = position.reshape(-1, 1, 1) + offsets
    x = 2 * x / (rows.shape[3] - 1) - 1
    grid = torch.stack([x, torch.zeros_like(x)], -1)
    found = functional.grid_sample(rows, grid, align_corners=True)
    return found.view(*position.shape, -1)


class PlainCorrelation:
    """The full correlation volume, pooled, and read by `grid_sample`."""

    def __init__(
        self,
        left: Tensor,
        right: Tensor,
        levels: int,
        radius: int,
        scale: float = 1.0,
        storage: str = '',
    ) -> None:
        self.radius = radius
        volume = scale * torch.einsum('bchx,bchy->bhxy', left, right)
        rows = volume.reshape(-1, 1, 1, volume.shape[3])
        self.rows = [rows]
        for _ in range(levels - 1):
            rows = functional.avg_pool2d(rows, (1, 2))
            self.rows.append(rows)

    def lookup(self, disparity: Tensor) -> list[Tensor]:
        """Return the correlation around a disparity, for each level."""
        position = torch.arange(disparity.shape[2]) - disparity
        levels = enumerate(self.rows)
        return [sampled(rows, position / 2**level, self.radius) for level, rows in levels]


def plain_gates(self: Any, context: Tensor) -> Any:
    """Return the context alone."""
    return context


def plain_unit(self: Any, hidden: Tensor, x: Tensor, context: Tensor) -> Tensor:
    """Return the next hidden state by three convolutions of joined inputs."""
    update, reset, candidate = context.chunk(3, 1)
    both = torch.cat([hidden, x], 1)
    update = torch.sigmoid(self.convz(both) + update)
    reset = torch.sigmoid(self.convr(both) + reset)
    candidate = torch.tanh(self.convq(torch.cat([reset * hidden, x], 1)) + candidate)
    return (1 - update) * hidden + update * candidate


def plain_flow(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Return the convolution of disparity, beside an empty channel where it has two."""
    joined = torch.cat([x, torch.zeros_like(x)], 1) if convolution.in_channels == 2 else x
    return convolution(joined)


def plain_concat(self: Any, pair: tuple[Tensor, Tensor, int]) -> Tensor:
    """Return the convolution of the volume itself."""
    return nn.Conv3d.forward(self, concat_volume(*pair))


@contextlib.contextmanager
def plain() -> Iterator[None]:
    """Make the networks compute in the plain form."""
    functions: dict[Any, Any] = {
        cost_volume.concat_volume: concat_volume,
        cost_volume.groupwise_volume: groupwise_volume,
        cost_volume.correlation_volume: correlation_volume,
        normalisation.arranged_for: lambda kind, x: x,
        recurrent.channels_last: list,
        recurrent.exact_convolution: plain_flow,
        correlation.AllPairsCorrelation: PlainCorrelation,
    }
    methods: list[tuple[Any, str, Any]] = [
        (volumes.VolumeConvolution, 'forward', nn.Conv3d.forward),
        (volumes.ConcatConvolution, 'forward', plain_concat),
        (conv_gru.ConvGru, 'arranged', plain_gates),
        (conv_gru.ConvGru, 'forward', plain_unit),
        (
            normalisation.InstanceNorm,
            'forward',
            lambda self, x: functional.instance_norm(x),
        ),
    ]
    prefix = 'depth_ros.models.networks.'
    rooms = [module for name, module in sys.modules.items() if name.startswith(prefix)]
    with contextlib.ExitStack() as stack:
        for room in rooms:
            for name, value in list(vars(room).items()):
                if callable(value) and value in functions:
                    stack.enter_context(mock.patch.object(room, name, functions[value]))
        for owner, name, value in methods:
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


def beside_plain(name: str, size: str, frames: int, clock: Callable[[], float]) -> str:
    """Return the line of one network."""
    views = rendered_pair(size)
    with tempfile.TemporaryDirectory() as folder:
        weights = str(random_weights(name, Path(folder)))
        model, other = (
            create_model(name, {'weights': weights, 'precision': 'float32'}) for _ in range(2)
        )
        model.warm_up([view.camera for view in views])

        def straightforward() -> Any:
            with plain():
                return other.predict(views).values

        mine, its = model.predict(views).values, straightforward()
        change = np.nanmean(np.abs(mine - its)) / np.nanmean(np.abs(its))
        if not change <= SAME:
            return f'{name}: the forms differ by {change:.2g} of the mean disparity'
        jobs = {'ours': lambda: model.predict(views), 'plain': straightforward}
        seconds = interleaved(jobs, frames, 0, clock)
    ratio = seconds['plain'] / seconds['ours']
    line = ratio_line(f'{name} at {size}, plain / ours', ratio, 1.0)
    return f'{line}; ours {seconds["ours"]:.3g} s; change {change:.1g}'


def main() -> None:
    """Time what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('names', nargs='*', default=NAMES)
    parser.add_argument('--size', default='320x240')
    parser.add_argument('--frames', type=int, default=5)
    parser.add_argument('--threads', type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    for name in arguments.names:
        print(beside_plain(name, arguments.size, arguments.frames, time.process_time), flush=True)


if __name__ == '__main__':
    main()
