# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pairs with known disparity: rendered, or in the layouts of Middlebury, ETH3D and KITTI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from depth_ros.geometry.channels import as_rgb
from depth_ros.lab.eval.frames import Frame
from depth_ros.lab.train.networks.batches import Taken, coloured
from depth_ros.lab.train.networks.config import NetworkConfig
from depth_ros.lab.train.networks.reader import Reader
from depth_ros.types import DepthError, FloatImage, Image


@dataclass(frozen=True, eq=False)
class Pair:
    """A rectified pair, and the disparity of its left image in px, NaN where unknown."""

    left: Image
    right: Image
    disparity: FloatImage


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Pairs of one size: uint8 RGB (B, H, W, 3) of both eyes, disparity (B, H, W)."""

    left: Tensor
    right: Tensor
    disparity: Tensor

    def to(self, device: torch.device) -> PairBatch:
        """Return the batch on a device."""
        return PairBatch(*(t.to(device) for t in (self.left, self.right, self.disparity)))


def pair_of(frame: Frame) -> Pair:
    """Return the pair of a frame; its disparity is that of the columns, x_left - x_right."""
    if frame.right is None:
        raise DepthError(
            f'frame {frame.name} has no right image; expected pairs, as docs/train.md lists them'
        )
    disparity = frame.disparity
    if disparity is None:
        if frame.depth is None or frame.focal_baseline <= 0:
            raise DepthError(
                f'frame {frame.name} has neither disparity nor depth with a baseline; '
                'give pairs with either'
            )
        with np.errstate(divide='ignore', invalid='ignore'):
            disparity = frame.focal_baseline / frame.depth + frame.offset
    known = np.isfinite(disparity) & (disparity >= 0)
    truth = np.where(known, disparity, np.nan).astype(np.float32)
    return Pair(as_rgb(frame.image), as_rgb(frame.right), truth)


def resized(pair: Pair, scale: float) -> Pair:
    """Return a pair at another size; disparity is taken from the nearest pixel and scaled."""
    height, width = pair.disparity.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return pair
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    left, right = (cv2.resize(image, size, interpolation=smooth) for image in _eyes(pair))
    nearest = cv2.resize(pair.disparity, size, interpolation=cv2.INTER_NEAREST)
    return Pair(
        np.asarray(left, np.uint8),
        np.asarray(right, np.uint8),
        np.asarray(nearest * np.float32(size[0] / width), np.float32),
    )


def cut(pair: Pair, width: int, height: int, rng: np.random.Generator | None) -> Pair:
    """
    Return a part of a size, the same columns of both images; a smaller pair is enlarged first.

    :param rng: chooses the part; None takes the middle.
    """
    high, wide = pair.disparity.shape
    grown = max(width / wide, height / high)
    if grown > 1:
        # One pixel more is never missing: sizes are rounded up.
        pair = resized(pair, max(-(-wide * grown // 1) / wide, -(-high * grown // 1) / high))
        high, wide = pair.disparity.shape
    spare = high - height, wide - width
    y, x = (s // 2 if rng is None else int(rng.integers(s + 1)) for s in spare)
    part = slice(y, y + height), slice(x, x + width)
    return Pair(pair.left[part], pair.right[part], pair.disparity[part])


def varied(pair: Pair, config: NetworkConfig, rng: np.random.Generator) -> Pair:
    """Return a pair in other colours and perhaps upside down; its disparity stays true."""
    if config.flip and rng.random() < 0.5:
        pair = Pair(pair.left[::-1], pair.right[::-1], pair.disparity[::-1])
    if not config.colour:
        return pair
    left, right = (image.astype(np.float32) / 255 for image in _eyes(pair))
    taken = coloured(Taken(left, None, None, (right,)), config.colour, rng)  # type: ignore[arg-type]
    left, right = (np.rint(255 * image).astype(np.uint8) for image in (taken.image, *taken.others))
    return Pair(left, right, pair.disparity)


def collated(pairs: Sequence[Pair]) -> PairBatch:
    """Return pairs of one size as one batch."""
    columns = zip(*((pair.left, pair.right, pair.disparity) for pair in pairs), strict=True)
    return PairBatch(*(torch.from_numpy(np.stack(column)) for column in columns))


class Pairs:
    """Endless random batches, and every pair once."""

    def __init__(self, reader: Reader, config: NetworkConfig) -> None:
        if not len(reader):
            raise DepthError('there is no pair to learn from; set data.folders or data.frames')
        self.reader, self.config = reader, config

    def batch(self, number: int) -> PairBatch:
        """Return batch `number`, the same every time."""
        config = self.config
        rng = np.random.default_rng([config.seed, number])
        chosen = rng.choice(len(self.reader), config.batch)
        return collated([varied(self._cut(int(i), rng), config, rng) for i in chosen])

    def whole(self) -> Iterator[PairBatch]:
        """Yield the middle of every pair once, unchanged."""
        for start in range(0, len(self.reader), self.config.batch):
            some = range(start, min(start + self.config.batch, len(self.reader)))
            yield collated([self._cut(index, None) for index in some])

    def _cut(self, index: int, rng: np.random.Generator | None) -> Pair:
        pair = resized(pair_of(self.reader[index]), self.config.data.scale)
        return cut(pair, self.config.width, self.config.height, rng)


def _eyes(pair: Pair) -> tuple[Image, Image]:
    return pair.left, pair.right
