# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A small convolutional encoder-decoder that predicts metric depth and how far to trust it.

Two things make it know metres. Beside the colours it sees the viewing ray of every pixel, so that
it can tell a wide lens from a long one. And it predicts depth for one canonical focal length: the
same object at twice the distance through a lens twice as long makes the same image, so what it
answers is multiplied by the camera's focal length over the canonical one.

Where the height of the camera and the direction of down are known, they are inputs too
(`ground.py`): things stand on the ground, so this gives the scale of all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.builtin.blocks import Block, Context, Up, convolution
from depth_ros.models.networks.builtin.ground import CHANNELS, GroundSense, ground_planes
from depth_ros.models.networks.builtin.scale import LOG_DEPTH_BIAS
from depth_ros.models.networks.builtin.sharpen import twice
from depth_ros.types import Camera, FloatImage, Ground, Image

LARGEST = 1024  # width of a layer, and most blocks
IMAGE_CHANNELS = 5  # channels: colours and rays


@dataclass(frozen=True)
class Layout:
    """Widths and depths; the shipped weights name the one they were trained with."""

    stem: int = 16
    widths: Sequence[int] = (40, 80, 128, 224)  # at 1/4, 1/8, 1/16, 1/32
    blocks: Sequence[int] = (1, 2, 3, 2)
    decoder: Sequence[int] = (16, 40, 64, 112)  # at 1/2, 1/4, 1/8, 1/16
    second: Sequence[int] = (32, 64, 112, 128)  # of the second pass, at 1/4, 1/8, 1/16, 1/32

    def __post_init__(self) -> None:
        if not _is_size(self.stem):
            raise ValueError(f'stem is {self.stem!r}, expected a number from 1 to {LARGEST}')
        for name in ('widths', 'blocks', 'decoder', 'second'):
            sizes = getattr(self, name)
            if not (
                isinstance(sizes, list | tuple) and len(sizes) == 4 and all(map(_is_size, sizes))
            ):
                raise ValueError(f'{name} is {sizes!r}, expected four numbers from 1 to {LARGEST}')

    def as_dict(self) -> dict[str, Any]:
        """Return the values as a file has them, lists for tuples."""
        return {k: v if isinstance(v, int) else list(v) for k, v in asdict(self).items()}


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST


class Answer(NamedTuple):
    """
    The predictions of the network, at half the size of its input.

    With a known ground the first two have the size of the input.
    """

    log_depth: Tensor  # (batch, height, width), in metres for the canonical focal length
    log_error: Tensor  # the log of the expected absolute error of that
    bare: Tensor | None  # (batch, 2, height, width): log odds of bare ground, if it is known


class CompactDepth(nn.Module):
    """
    Input (batch, 9, height, width): RGB as (x - 0.5) / 0.25; x/z and y/z of each pixel's ray; what
    is known of the ground, as `ground_planes` gives it.

    Output: see `Answer`.
    """

    def __init__(self, layout: Layout | None = None) -> None:
        super().__init__()
        self.layout = layout = layout or Layout()
        widths = layout.widths
        self.stem = convolution(IMAGE_CHANNELS, layout.stem, 3, stride=2)
        stages = []
        before = layout.stem
        for width, blocks in zip(widths, layout.blocks, strict=True):
            body: list[nn.Module] = [convolution(before, width, 3, stride=2), nn.ReLU()]
            body += [Block(width) for _ in range(blocks)]
            stages.append(nn.Sequential(*body))
            before = width
        self.stages = nn.ModuleList(stages)
        self.context = Context(widths[-1])
        skips = (layout.stem, *widths[:-1])
        inside = (*layout.decoder[1:], widths[-1])
        self.ups = nn.ModuleList(
            Up(i, s, o) for i, s, o in zip(inside, skips, layout.decoder, strict=True)
        )
        self.ground = GroundSense(layout.stem, layout.decoder, widths, layout.second)
        self.head = nn.Conv2d(layout.decoder[0], 2, 3, padding=1)
        nn.init.normal_(self.head.weight, std=1e-3)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Answer:
        image, planes = x[:, :IMAGE_CHANNELS], x[:, IMAGE_CHANNELS:]
        half = functional.avg_pool2d(planes, 2)
        # In a batch of both it is computed for all and masked where the ground is unknown.
        known = self.ground.training or bool(half[:, 0].any())
        *grounds, deepest = self.ground.at_levels(half)
        x = functional.relu(self.stem(image) + self.ground.stem(half))
        seen = [x]
        for level, stage in enumerate(self.stages):
            x = stage(x)
            if known:
                x = self.ground.turn(x, half, level)
            seen.append(x)
        x = self.context(x + deepest)
        first = (*seen[1:-1], x)
        for up, skip, ground in zip(
            reversed(self.ups), reversed(seen[:-1]), reversed(grounds), strict=True
        ):
            x = up(x, skip, ground)
        rays = functional.avg_pool2d(image[:, 3:], 2)
        located = self.ground.locate(x, half, rays, first) if known else None
        x, places = located or (functional.relu(x), None)
        log_depth, log_error = self.head(x).float().unbind(1)
        bare = None
        if places is not None:
            log_depth, bare = places.blend(log_depth), places.guesses
            log_depth = self.ground.sharpen(log_depth, x, image[:, :3], planes[:, 0] > 0)
            log_error = twice(log_error)
        return Answer(log_depth + LOG_DEPTH_BIAS, log_error.clamp(-5, 2) - 1.0, bare)


def network_input(image: Image, camera: Camera, ground: Ground | None = None) -> FloatImage:
    """Return the (9, H, W) input for an RGB image of an undistorted camera of its size."""
    height, width = image.shape[:2]
    planes = np.empty((IMAGE_CHANNELS + CHANNELS, height, width), np.float32)
    for channel in range(3):
        np.multiply(image[..., channel], np.float32(4 / 255), out=planes[channel])
    planes[:3] -= 2
    planes[3] = (np.arange(width) - camera.cx) / camera.fx
    planes[4] = ((np.arange(height) - camera.cy) / camera.fy)[:, None]
    planes[IMAGE_CHANNELS:] = ground_planes(planes[3], planes[4], camera, ground)
    return planes


def fold_normalisation(network: nn.Module) -> nn.Module:
    """Merge every batch normalisation into the convolution before it; for inference only."""
    network.eval()
    for module in network.modules():
        if (
            isinstance(module, nn.Sequential)
            and len(module) >= 2
            and isinstance(module[0], nn.Conv2d)
            and isinstance(module[1], nn.BatchNorm2d)
        ):
            module[0] = torch.nn.utils.fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    return network
