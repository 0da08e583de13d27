# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of a rectified pair become the input of a network, and its output disparity again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from depth_ros.geometry.resize import resize_depth
from depth_ros.models.engine.images import BASE, IMAGENET, Normaliser, normalised_settings
from depth_ros.types import Camera, FloatImage, Image

# Share of the added rows that lie above the image, and of the added columns that lie left of it.
PLACES = {'centre': (0.5, 0.5), 'bottom left': (1.0, 0.0), 'bottom right': (1.0, 1.0)}


@dataclass(frozen=True)
class Preparation:
    """
    What the authors of a network do with images before it.

    :param normalisation: `imagenet` is minus mean over deviation of ImageNet, `bytes` is RGB from
        0 to 255, `standardised` is each channel minus its mean over its deviation in that image.
    :param multiple: of both sides of the input.
    :param place: where the image lies in a larger input.
    :param replicate: whether the border is filled with the nearest pixel, or with zeros.
    :param smallest: sides that the input has at least, px.
    :param size: (height, width) of the input where it is always the same.
    :param stretch: whether that size is reached by stretching, not by a border.
    """

    normalisation: str
    multiple: int
    place: str = 'centre'
    replicate: bool = False
    smallest: int = 1
    size: tuple[int, int] | None = None
    stretch: bool = False


@dataclass(frozen=True)
class Plan:
    """
    What depends only on the cameras of a pair. Sizes are (height, width), px.

    :param shift: columns by which the right image lies further to the right in its input than
        the left one in its own; disparity in the input is smaller by that.
    :param borders: (left, right, top, bottom) of each image.
    """

    source: tuple[int, int]
    resized: tuple[int, int]
    shift: int
    borders: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]

    @property
    def input(self) -> tuple[int, int]:
        """Height and width of what enters the network."""
        left, right, top, bottom = self.borders[0]
        return self.resized[0] + top + bottom, self.resized[1] + left + right

    @property
    def scale(self) -> float:
        """Pixels of the image for one of the input, along a row."""
        return self.source[1] / self.resized[1]

    def window(self, eye: int) -> tuple[slice, slice]:
        """Return rows and columns of the input where the image of an eye lies."""
        left, _, top, _ = self.borders[eye]
        height, width = self.resized
        return slice(top, top + height), slice(left, left + width)

    def disparity(self, values: FloatImage, offset: float) -> FloatImage:
        """
        Return disparity of the left image at its size and in its pixels.

        :param values: disparity of the whole input.
        :param offset: cx of the left camera minus cx of the right one, px of the image.
        """
        inside = values[self.window(0)] + np.float32(self.shift - offset / self.scale)
        if self.resized == self.source:
            return inside
        height, width = self.source
        # Inverse depth is linear on planes, and edges stay edges.
        with np.errstate(divide='ignore'):
            larger = 1 / resize_depth(1 / np.maximum(inside, 0), width, height)
        return np.asarray(larger * np.float32(self.scale), np.float32)

    def enlarged(self, values: FloatImage) -> FloatImage:
        """Return what belongs to the pixels of the input for those of the left image."""
        inside = values[self.window(0)]
        if self.resized == self.source:
            return inside
        return np.asarray(cv2.resize(inside, self.source[::-1]), np.float32)

    def difference(self, values: FloatImage) -> FloatImage:
        """Return a left-right difference of the whole input as one of the left image, px."""
        inside = values[self.window(0)]
        if self.resized == self.source:
            return inside
        size = self.source[::-1]
        larger = cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST)
        return np.asarray(larger * np.float32(self.scale), np.float32)


def plan_for(preparation: Preparation, left: Camera, right: Camera, input_size: int) -> Plan:
    """
    Return the sizes for a pair of cameras; `input_size` is the long side, 0 that of the image.

    A network searches disparities from 0 on. Where the principal points differ, that of an
    infinitely far point is not 0, so one image is moved until it is.
    """
    source = left.height, left.width
    offset = left.cx - right.cx
    resized = _resized_size(preparation, source, offset, input_size)
    moved_by = offset * resized[1] / source[1]
    if preparation.size is not None or abs(moved_by) < 1:
        shift = math.trunc(moved_by)  # no column more than there is room for
    else:
        shift = math.floor(moved_by)
    if preparation.size is None:
        multiple = preparation.multiple
        sides = (resized[0], resized[1] + abs(shift))
        canvas = [-(-max(preparation.smallest, s) // multiple) * multiple for s in sides]
    else:
        canvas = list(preparation.size)
    rows, columns = canvas[0] - resized[0], canvas[1] - resized[1] - abs(shift)
    above, before = (
        math.floor(share * count)
        for share, count in zip(PLACES[preparation.place], (rows, columns), strict=True)
    )
    borders = []
    for moved in (max(-shift, 0), max(shift, 0)):
        start = before + moved
        borders.append((start, columns + abs(shift) - start, above, rows - above))
    return Plan(source, resized, shift, (borders[0], borders[1]))


def _resized_size(
    preparation: Preparation, source: tuple[int, int], offset: float, input_size: int
) -> tuple[int, int]:
    height, width = source
    if preparation.size is not None:
        # Columns for the shift are left free.
        wide = preparation.size[1] / (width + abs(offset))
        high = preparation.size[0] / height
        if not preparation.stretch:
            wide = high = min(wide, high)
        return max(1, int(height * high + 1e-9)), max(1, int(width * wide + 1e-9))
    factor = input_size / max(height, width) if input_size else 1.0
    return max(1, round(height * factor)), max(1, round(width * factor))


class Preparer:
    """Make the input of a network on the device that runs it."""

    def __init__(self, preparation: Preparation, device: Any) -> None:
        self.preparation = preparation
        self._imagenet = None
        if preparation.normalisation == 'imagenet':
            settings = normalised_settings({**BASE, **IMAGENET})
            self._imagenet = Normaliser(settings, 'tensor', device)

    def __call__(self, runtime: Any, eyes: Sequence[Sequence[Image]], plan: Plan) -> list[Any]:
        """Return left and right input (pairs, 3, height, width) for left and right images."""
        import torch.nn.functional as F

        images = [resized(image, plan.resized) for eye in eyes for image in eye]
        normal = self.normalised(runtime.upload(images))
        mode = 'replicate' if self.preparation.replicate else 'constant'
        inputs = []
        for both, border in zip(normal.chunk(2), plan.borders, strict=True):
            inputs.append(F.pad(both, border, mode=mode) if any(border) else both)
        return inputs

    def normalised(self, images: Any) -> Any:
        """Return float32 NCHW for uint8 RGB NHWC."""
        if self._imagenet is not None:
            return self._imagenet(images)
        values = images.permute(0, 3, 1, 2).float()
        if self.preparation.normalisation == 'bytes':
            return values
        mean = values.mean((2, 3), keepdim=True)
        deviation = (values - mean).square().mean((2, 3), keepdim=True).sqrt()
        return (values - mean) / deviation.clamp(min=1e-3)  # an image of one colour has none


def resized(image: Image, size: tuple[int, int]) -> Image:
    """Return an RGB image at another size (height, width)."""
    height, width = size
    if image.shape[:2] == size:
        return image
    shrinks = height * width < image.shape[0] * image.shape[1]
    flag = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=flag), np.uint8)
