# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
LEAStereo (Cheng et al., NeurIPS 2020): a stereo network whose cells and levels were searched for.

Input: RGB, each channel minus its own mean over its own standard deviation in that image; height
and width multiples of 24. Smaller images are padded with zeros at the top and left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from depth_ros.models.networks.disparity import Disparity, enlarged_expectation
from depth_ros.models.networks.leastereo_cells import Cells, Convolution
from depth_ros.models.networks.volume_convolution import ConcatConvolution

SCALE = 3  # of features and volume


@dataclass(frozen=True)
class Config:
    """
    The options and the searched architecture of the official code.

    A path has the level of every cell: level n is at 1 / (3 * 2^n) of the image. A genotype has
    pairs (edge, operation): which edges of a cell exist, and whether each one is a convolution (1)
    or the identity (0).

    No parameter depends on `maxdisp`: weights run with another multiple of 24
    (`network.config = replace(network.config, maxdisp=408)`, as for Middlebury).
    """

    maxdisp: int = 192
    fea_filter_multiplier: int = 8
    mat_filter_multiplier: int = 8
    fea_block_multiplier: int = 4
    mat_block_multiplier: int = 4
    fea_step: int = 3
    mat_step: int = 3
    feature_network_path: tuple[int, ...] = (1, 0, 1, 0, 0, 0)
    feature_genotype: tuple[tuple[int, int], ...] = (
        (0, 1),
        (1, 0),
        (3, 1),
        (4, 1),
        (8, 1),
        (5, 1),
    )
    matching_network_path: tuple[int, ...] = (1, 1, 2, 2, 1, 2, 2, 2, 1, 1, 0, 1)
    matching_genotype: tuple[tuple[int, int], ...] = (
        (1, 1),
        (0, 1),
        (3, 1),
        (4, 1),
        (8, 1),
        (6, 1),
    )

    def __post_init__(self) -> None:
        if self.maxdisp < SCALE or self.maxdisp % SCALE:
            raise ValueError(
                f'maxdisp is {self.maxdisp}, expected a multiple of {SCALE}; choose one'
            )


VARIANTS = {'leastereo': Config(), 'leastereo_middlebury': Config(maxdisp=408)}


def from_official(config: Mapping[str, Any]) -> Config:
    """Return the configuration for the options and the architecture of the official code."""
    known = {field.name for field in fields(Config)}
    values = {name: _tuple(value) for name, value in config.items() if name in known}
    for part, path in (('fea', 'feature_network_path'), ('mat', 'matching_network_path')):
        layers = config.get(f'{part}_num_layers')
        if layers is not None and path in values:
            values[path] = values[path][:layers]
    return Config(**values)


def _tuple(value: Any) -> Any:
    return tuple(_tuple(each) for each in value) if isinstance(value, Sequence) else int(value)


def build(config: Config) -> LEAStereo:
    """Return the network, with random weights."""
    return LEAStereo(config)


def official_key(key: str) -> str:
    """Return the key here of a key in an official checkpoint."""
    return key.removeprefix('module.')


class LEAStereo(nn.Module):
    """Disparity of the left image from a rectified pair."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.feature = Features(config)
        self.matching = Matching(config)

    def forward(self, left: Tensor, right: Tensor) -> Disparity:
        """Return disparity from (B, 3, H, W) each; it is the only stage."""
        reference, other = self.feature(torch.cat([left, right])).chunk(2)
        cost = self.matching(reference, other, self.config.maxdisp // SCALE)
        size = (self.config.maxdisp, SCALE * cost.shape[3], SCALE * cost.shape[4])
        disparity = enlarged_expectation(-cost, size)
        return Disparity(disparity, (disparity,))


class Features(Cells):
    """Returns (B, C, H/3, W/3) features of an image."""

    def __init__(self, config: Config) -> None:
        joined, width = config.fea_block_multiplier, config.fea_filter_multiplier
        super().__init__(
            2, config.feature_network_path, config.feature_genotype, width, joined, config.fea_step
        )
        channels = width * joined
        self.stem0 = Convolution(2, 3, channels // 2)
        self.stem1 = Convolution(2, channels // 2, channels, stride=SCALE)
        self.stem2 = Convolution(2, channels, channels)

    def forward(self, image: Tensor) -> Tensor:
        before_last = self.stem1(self.stem0(image))
        last = start = self.stem2(before_last)
        for cell in self.cells:
            before_last, last = last, cell(before_last, last)
        return self.finished(last, start.shape[2:])


class Matching(Cells):
    """Returns a cost (B, 1, count, h, w) for two feature maps (B, C, h, w)."""

    def __init__(self, config: Config) -> None:
        joined, width = config.mat_block_multiplier, config.mat_filter_multiplier
        super().__init__(
            3,
            config.matching_network_path,
            config.matching_genotype,
            width,
            joined,
            config.mat_step,
        )
        channels = width * joined
        self.stem0 = Convolution(3, 2 * channels, channels)
        self.stem0.conv = ConcatConvolution(2 * channels, channels)
        self.stem1 = Convolution(3, channels, channels)
        self.conv1 = Convolution(3, 4 * channels, 2 * channels)
        self.conv2 = Convolution(3, 4 * channels, 2 * channels)

    def forward(self, left: Tensor, right: Tensor, count: int) -> Tensor:
        stem = self.stem0((left, right, count))
        before_last, last = stem, self.stem1(stem)
        results: list[Tensor] = []
        for place, cell in enumerate(self.cells):
            # Two shortcuts were not searched for: they have fixed places.
            if place == 5:
                last = self.conv1(torch.cat([results[1], results[4]], 1))
            elif place == 9:
                last = self.conv2(torch.cat([results[4], results[8]], 1))
            before_last, last = last, cell(before_last, last)
            results.append(last)
        return self.finished(last, stem.shape[2:])
