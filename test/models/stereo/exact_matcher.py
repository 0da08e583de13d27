# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a stereo network that finds whole disparities exactly, and its family."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

from depth_ros.models.options import option
from depth_ros.models.stereo.pair import PairNetwork, RecurrentOptions
from depth_ros.models.stereo.pair_family import PairFamily, pair_family
from depth_ros.models.stereo.preparation import Preparation
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import ByHand
from depth_ros.types import Camera, DepthKind, Image, View

NAME = 'exact-matcher'


class Matcher(torch.nn.Module):
    """The disparity of the smallest difference in a 5x5 window; keeps what it was given."""

    factor = 4

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.gain = torch.nn.Parameter(torch.ones(1))
        self.seen: list[torch.Tensor] = []
        self.started: list[torch.Tensor] = []

    def forward(self, left, right, iterations=None, initial=None):
        self.seen = [left.clone(), right.clone()]
        costs = []
        for d in range(self.reach):
            moved = functional.pad(right, (d, 0))[..., : right.shape[3]]
            cost = (left - moved).abs().sum(1, keepdim=True)
            cost[..., :d] = cost[..., :d] + 1000
            costs.append(functional.avg_pool2d(cost, 5, 1, 2))
        found = self.gain * torch.cat(costs, 1).argmin(1, keepdim=True)
        if initial is not None:
            self.started.append(initial.clone())
        return found, functional.avg_pool2d(found, self.factor) / self.factor


@dataclass(frozen=True)
class MatcherOptions(RecurrentOptions):
    """What is searched."""

    disparity_range: int = option(24, 'disparities', range=(1, 100))


def matcher_family(preparation: Preparation) -> PairFamily:
    """Return the family of the one matcher."""
    entry = Entry(
        source=ByHand('https://example.org', 'matcher.pth'),
        kind=DepthKind.DISPARITY,
        licence='Apache-2.0',
        commercial=True,
        description='exact',
        size=0,
        multiple=preparation.multiple,
        parameters=1,
        views=2,
    )
    return pair_family(
        'matcher',
        {NAME: entry},
        MatcherOptions,
        lambda name, options, shape: PairNetwork(
            Matcher(options.disparity_range), options.disparity_range
        ),
        preparation,
    )


def write_weights(folder: Path, name: str, state: dict[str, torch.Tensor]) -> Path:
    """Write a converted folder for a model."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / 'model.safetensors', {'model': json.dumps(name)})
    return folder


def texture(height: int, width: int, seed: int = 0) -> Image:
    """Return RGB noise, coarse enough to survive resizing."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (-(-height // 2), -(-width // 2), 3), np.uint8)
    return np.repeat(np.repeat(coarse, 2, 0), 2, 1)[:height, :width]


def frontal_pair(
    height: int, width: int, shift: int, *, offset: float = 0.0, grey: bool = False, seed: int = 0
) -> list[View]:
    """
    Return a pair of one wall, whose left column x is right column x - shift.

    :param offset: cx of the left camera minus cx of the right one.
    """
    wide = texture(height, width + abs(shift), seed)
    starts = max(-shift, 0), max(shift, 0)
    eyes = [wide[:, start : start + width] for start in starts]
    if grey:
        eyes = [eye[..., 0] for eye in eyes]
    cameras = (
        Camera.pinhole(width, height, 0.8 * width),
        Camera.pinhole(width, height, 0.8 * width, cx=(width - 1) / 2 - offset, baseline=0.1),
    )
    return [
        View(np.ascontiguousarray(eye), camera) for eye, camera in zip(eyes, cameras, strict=True)
    ]
