# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the compact network makes of a known ground: how high the camera is, and which way is down.

The ground itself is known to the centimetre wherever it is seen, and what stands upright is as far
away as the ground where it stands. Both are computed; the network says where they hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.builtin.blocks import convolution
from depth_ros.models.networks.builtin.scale import LOG_DEPTH_BIAS, log_focal
from depth_ros.models.networks.builtin.second_pass import SecondPass
from depth_ros.models.networks.builtin.sharpen import Sharpen
from depth_ros.types import Camera, FloatImage, Ground

CHANNELS = 4  # of what ground_planes gives
NEAREST, FARTHEST = -2.0, 4.5  # log metres for the canonical focal length
RANK = 64  # of the change of encoder features where the ground is known
FINEST = 24  # channels that tell where edges are
SHARP = 4.0  # makes the edge of the bare ground a step: rows of doubt must not add up


def ground_planes(
    x: FloatImage, y: FloatImage, camera: Camera, ground: Ground | None
) -> FloatImage:
    """
    Return what is known of the ground along rays x/z, y/z: (4, H, W), zeros if nothing is.

    One, because it is known; how far down a ray goes on each metre of Z; the log depth of the
    ground as the network counts it, above the horizon that of the farthest; and the log of the
    camera's height, both for the canonical focal length.
    """
    planes = np.zeros((CHANNELS, *np.broadcast_shapes(x.shape, y.shape)), np.float32)
    if ground is None:
        return planes
    right, down, ahead = ground.down.tolist()
    slope = right * x + down * y + ahead
    height = math.log(ground.height) - log_focal(camera)
    depth = height - np.log(np.maximum(slope, 1e-6))
    planes[0] = 1
    planes[1] = slope
    planes[2] = np.clip(depth, NEAREST, FARTHEST) - LOG_DEPTH_BIAS
    planes[3] = height
    return planes


class Places(NamedTuple):
    """Where depth follows from the ground, all (batch, height, width)."""

    ground: Tensor  # log depth of the ground
    bare: Tensor  # how far to believe that it is seen, 0 to 1
    upright: Tensor  # log depth of what stands where the ground below it ends
    stands: Tensor  # how far to believe that
    guesses: Tensor  # (batch, 2, height, width): log odds of bare ground, before and after

    def blend(self, log_depth: Tensor) -> Tensor:
        """Return log depth, the network's own where neither is believed."""
        ground = self.bare * (self.ground - log_depth)
        return log_depth + ground + self.stands * (self.upright - log_depth)


class Turn(nn.Module):
    """A change of channels of low rank, none before it has learned."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(width, rank, 1, bias=False)
        self.wide = nn.Conv2d(rank, width, 1, bias=False)
        nn.init.zeros_(self.wide.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(self.narrow(x))


class GroundSense(nn.Module):
    """The parts of the network that know the ground; silent where it is not known."""

    def __init__(
        self, stem: int, decoder: Sequence[int], encoder: Sequence[int], second: Sequence[int]
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(CHANNELS, stem, 1, bias=False)
        levels = (*decoder, encoder[-1])  # at 1/2, 1/4, ... 1/32
        self.levels = nn.ModuleList(nn.Conv2d(CHANNELS, w, 1, bias=False) for w in levels)
        width = decoder[0]
        self.bare = nn.Conv2d(width, 1, 3, padding=1)
        self.found = nn.Conv2d(3, width, 1, bias=False)
        self.refine = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        self.second = SecondPass(width + CHANNELS + 3, width, encoder, second)
        self.trust = nn.Conv2d(width, 2, 3, padding=1)
        self.again = nn.Conv2d(width, 1, 3, padding=1)
        self.last = nn.Sequential(
            convolution(width + 3, width, 3),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
        )
        self.turns = nn.ModuleList(Turn(w, min(w, RANK)) for w in encoder)
        self.sharpen = Sharpen(width, FINEST)
        # Before training the output is almost that without a known ground.
        for layer in (self.stem, *self.levels, self.found, self.last[-1]):
            nn.init.zeros_(layer.weight)
        for head, bias in ((self.bare, -1.0), (self.again, 0.0), (self.trust, -4.0)):
            assert head.bias is not None
            nn.init.normal_(head.weight, std=1e-3)
            nn.init.constant_(head.bias, bias)

    def at_levels(self, half: Tensor) -> list[Tensor]:
        """Return the ground features of each level of the decoder, the largest first."""
        planes = [half]
        while len(planes) < len(self.levels):
            planes.append(functional.avg_pool2d(planes[-1], 2))
        return [level(plane) for level, plane in zip(self.levels, planes, strict=True)]

    def turn(self, x: Tensor, half: Tensor, level: int) -> Tensor:
        """Return the features of an encoder stage, changed where the ground is known."""
        known = half[:, :1, :1, :1].to(x.dtype)
        return functional.relu(x + known * self.turns[level](x))

    def locate(
        self, x: Tensor, half: Tensor, rays: Tensor, first: Sequence[Tensor]
    ) -> tuple[Tensor, Places]:
        """
        Find the bare ground and what stands on it in the last features of the decoder.

        :param first: what the encoder saw, from 1/4 to 1/32.
        """
        known, slope, depth, _ = half.float().unbind(1)
        planes = half.to(x.dtype)  # or all that follows would be float32
        gate = planes[:, :1]
        flat = log_flat(rays.float(), slope)
        below = known * (slope > 0)  # the horizon, above which there is no ground

        def find(log_odds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            bare = below * (SHARP * log_odds).sigmoid()
            upright, seen = depth_upright(bare, depth, flat)
            return torch.stack([bare, seen, seen * upright], 1).to(x.dtype), upright, seen

        guess = self.bare(x)[:, 0].float()
        found, _, _ = find(guess)
        x = functional.relu(x + self.found(found))
        x = x + gate * functional.relu(self.refine(x))
        x = x + gate * self.second(torch.cat([x, planes, found], 1), first)
        # With a better `bare`, the distance of upright surfaces is better, too.
        better = guess + self.again(x)[:, 0].float()
        found, upright, seen = find(better)
        x = x + gate * self.last(torch.cat([x, found], 1))
        # One part, e^0, is left for what the network makes up by itself.
        trust = functional.pad(self.trust(x).float(), (0, 0, 0, 0, 1, 0)).softmax(1)
        places = Places(
            depth,
            known * trust[:, 1],
            upright,
            seen * trust[:, 2],
            torch.stack([guess, better], 1),
        )
        return x, places


def depth_upright(bare: Tensor, depth: Tensor, log_flat: Tensor) -> tuple[Tensor, Tensor]:
    """
    Return the log depth of upright things, from where the ground below them ends.

    They are as far away, measured along the ground, as the last bare ground below them in the
    image. `bare` says where that is seen, `depth` is its log depth; the second result says
    whether any is seen below, 0 to 1. All (batch, height, width); down is taken as straight down
    in the image, which for robots it nearly is.
    """
    # From the bottom up, each row keeps of the one below it what is not bare ground of its own.
    # Rows are joined by twos, fours, eights, so that it takes few operations on large arrays.
    kept = 1 - bare
    far, seen = bare * (depth + log_flat), bare
    rows, step = bare.shape[1], 1
    while step < rows:
        below = [functional.pad(t[:, step:], (0, 0, 0, step)) for t in (far, seen, kept)]
        far, seen = far + kept * below[0], seen + kept * below[1]
        kept = kept * below[2]
        step *= 2
    return far / seen.clamp(min=0.05) - log_flat, seen


def log_flat(rays: Tensor, slope: Tensor) -> Tensor:
    """Return the log of how far a ray goes along the ground on each metre of Z."""
    return 0.5 * (1 + rays.square().sum(1) - slope.square()).clamp(min=1e-2).log()
