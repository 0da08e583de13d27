# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The part of an image that counts: a rectangle, or a mask image."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from depth_ros.files.images import read_image
from depth_ros.types import DepthError, quoted

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Region:
    """A rectangle (x, y, width, height) in pixels, or the mask of an image."""

    text: str
    rectangle: tuple[int, int, int, int] | None = None
    drawn: Mask | None = None

    def mask(self, width: int, height: int) -> Mask:
        """Return which pixels of an image of this size count."""
        if self.drawn is not None:
            if self.drawn.shape != (height, width):
                raise DepthError(
                    f'region {quoted(self.text)} is {self.drawn.shape[1]}x{self.drawn.shape[0]} '
                    f'and the image {width}x{height}; give a mask of the size of the image'
                )
            return self.drawn
        assert self.rectangle is not None
        x, y, wide, high = self.rectangle
        if x >= width or y >= height:
            raise DepthError(
                f'region {quoted(self.text)} lies outside of the {width}x{height} image; give a '
                'rectangle that has a part of it'
            )
        result = np.zeros((height, width), np.bool_)
        result[y : y + high, x : x + wide] = True
        return result


def read_region(text: str) -> Region:
    """Return the region that `x,y,width,height` or the path of a mask image describes."""
    words = text.split(',')
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) == 4 and min(numbers[:2]) >= 0 and min(numbers[2:]) > 0:
        x, y, width, height = numbers
        return Region(text, rectangle=(x, y, width, height))
    if numbers or not os.path.isfile(text):  # False as well for a name that cannot be
        raise DepthError(
            f'region is {quoted(text)}, expected x,y,width,height in pixels or the path of a mask '
            'image; correct it, or leave it empty for the whole image'
        )
    path = Path(text)
    return Region(text, drawn=_drawn(path, path.stat().st_mtime_ns))


@functools.lru_cache(maxsize=8)
def _drawn(path: Path, changed: int) -> Mask:
    """Return where a mask image is not black; `changed` is when the file was written."""
    image = read_image(path)
    mask: Mask = image > 0 if image.ndim == 2 else image.max(axis=2) > 0
    if not mask.any():
        raise DepthError(f'region {path} is black all over, expected a part that counts')
    mask.flags.writeable = False
    return mask
