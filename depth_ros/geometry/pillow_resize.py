# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Pillow's resizing of RGB images, to the bit, in three quarters of its time.

Checkpoints were trained on images that Pillow has resized. Its filter is stretched by the factor
of shrinking, weights are rounded to 22 bits, and the image is resized along its rows and along
its columns, with bytes in between. Which comes first depends on the sizes and on Pillow's version,
so Pillow is asked once for each size.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.compiled import compile_loop
from depth_ros.types import Image

_BITS = 22
# First pixel; weights, 0 where unused.
Taps = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


def _bilinear(x: float) -> float:
    return max(0.0, 1.0 - abs(x))


def _bicubic(x: float, a: float = -0.5) -> float:
    x = abs(x)
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


# The function, how far it reaches, and Pillow's number for it.
FILTERS: dict[str, tuple[Callable[[float], float], float, int]] = {
    'bilinear': (_bilinear, 1.0, 2),
    'bicubic': (_bicubic, 2.0, 3),
}


@functools.lru_cache(maxsize=32)
def filter_taps(before: int, after: int, mode: str) -> Taps:
    """Return for every pixel of the result where its filter begins and its whole weights."""
    function, reach, _ = FILTERS[mode]
    scale = before / after
    stretch = max(scale, 1.0)
    reach *= stretch
    first = np.zeros(after, np.int64)
    weights = np.zeros((after, math.ceil(reach) * 2 + 1))
    for i in range(after):
        centre = (i + 0.5) * scale
        begin = max(int(centre - reach + 0.5), 0)
        end = min(int(centre + reach + 0.5), before)
        taps = [function((j - centre + 0.5) / stretch) for j in range(begin, end)]
        total = 0.0
        for tap in taps:  # in this order, which decides the last bit
            total += tap
        first[i] = begin
        for j, tap in enumerate(taps):
            share = tap / total if total else tap
            rounded = int(share * (1 << _BITS) + math.copysign(0.5, share))
            weights[i, j] = rounded / (1 << _BITS)
    # Filters at the border are shorter; a fixed number of taps must not reach beyond it.
    used = int(np.flatnonzero(weights.any(0))[-1]) + 1
    shift = np.maximum(first + used - before, 0)
    for row in np.flatnonzero(shift):
        weights[row] = np.roll(weights[row], shift[row])
    return first - shift, np.ascontiguousarray(weights[:, :used])


@functools.cache
def _loops() -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    source, out = ('uint8', 3, True), ('uint8', 3, False)
    taps = (('int64', 1, True), ('float64', 2, True))
    rows = compile_loop(_along_rows, 'void', source, *taps, out)
    columns = compile_loop(_along_columns, 'void', ('uint8', 2, True), *taps, ('uint8', 2, False))
    return None if rows is None or columns is None else (rows, columns)


def resize_like_pillow(image: Image, width: int, height: int, mode: str) -> Image | None:
    """Return a new (height, width, 3) image; None where only Pillow can."""
    if _loops() is None:
        return None
    rows_first = _rows_first(image.shape[1], image.shape[0], width, height, mode)
    if rows_first is None:
        return None
    return _resize(np.ascontiguousarray(image), width, height, mode, rows_first)


@functools.lru_cache(maxsize=32)
def _rows_first(
    width: int, height: int, new_width: int, new_height: int, mode: str
) -> bool | None:
    """Return the order in which Pillow does it; None if it does something else."""
    import PIL.Image

    rng = np.random.default_rng(0)
    size, number = (new_width, new_height), FILTERS[mode][2]
    possible = {True, False}
    for _ in range(1 + 3000 // (new_width * new_height)):  # a few pixels agree by accident
        noise = rng.integers(0, 2, (height, width, 3), np.uint8) * np.uint8(255)
        wanted = np.asarray(PIL.Image.fromarray(noise).resize(size, resample=number))
        possible = {
            rows_first
            for rows_first in possible
            if np.array_equal(_resize(noise, *size, mode, rows_first), wanted)
        }
    return max(possible, default=None)


def _resize(image: Image, width: int, height: int, mode: str, rows_first: bool) -> Image:
    loops = _loops()
    assert loops is not None
    along_rows, along_columns = loops
    for rows in (rows_first, not rows_first):
        old_height, old_width = image.shape[:2]
        if rows and width != old_width:
            result: Image = np.empty((old_height, width, 3), np.uint8)
            along_rows(image, *filter_taps(old_width, width, mode), result)
            image = result
        elif not rows and height != old_height:
            result = np.empty((height, old_width, 3), np.uint8)
            taps = filter_taps(old_height, height, mode)
            along_columns(image.reshape(old_height, -1), *taps, result.reshape(height, -1))
            image = result
    return image


# Sums of a byte times 22 bits are exact in float64, which processors multiply faster than int32.


def _along_rows(source: Image, first: Any, weights: Any, out: Image) -> None:
    line = np.empty((source.shape[1], 3), np.float64)
    for y in range(source.shape[0]):
        for x in range(source.shape[1]):
            line[x, 0] = source[y, x, 0]
            line[x, 1] = source[y, x, 1]
            line[x, 2] = source[y, x, 2]
        for x in range(out.shape[1]):
            begin = first[x]
            red = green = blue = 0.5
            for t in range(weights.shape[1]):
                weight = weights[x, t]
                red += weight * line[begin + t, 0]
                green += weight * line[begin + t, 1]
                blue += weight * line[begin + t, 2]
            out[y, x, 0] = min(max(red, 0.0), 255.0)
            out[y, x, 1] = min(max(green, 0.0), 255.0)
            out[y, x, 2] = min(max(blue, 0.0), 255.0)


def _along_columns(source: Any, first: Any, weights: Any, out: Any) -> None:
    total = np.empty(source.shape[1], np.float64)
    for y in range(out.shape[0]):
        begin = first[y]
        for x in range(source.shape[1]):
            total[x] = 0.5
        for t in range(weights.shape[1]):
            weight = weights[y, t]
            for x in range(source.shape[1]):
                total[x] += weight * source[begin + t, x]
        for x in range(source.shape[1]):
            out[y, x] = min(max(total[x], 0.0), 255.0)
