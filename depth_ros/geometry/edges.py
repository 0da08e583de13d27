# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Where one surface ends and another begins, and the pixels that hang in the air between them.

All of it works on inverse depth. There a plane is linear in the pixel however steeply it is
seen, so a slope that goes on is a surface and a slope that does not is an edge; and the sky,
at 0, is as good a surface as any.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import to_inverse
from depth_ros.types import DepthError, FloatImage

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

_SUPPORT = 4  # neighbours in a row that must lie on one line with a pixel to carry it
_BEND = np.float32(0.25)  # how much of its slope a surface may bend by from pixel to pixel


def flying_pixels(depth: FloatImage, relative_gradient: float) -> Mask:
    """
    Return True where a pixel lies between two surfaces and on neither.

    Such a pixel differs by more than relative_gradient (of the nearer depth) from both its
    neighbours in a row or column, nearer than one and farther than the other. A plane seen at a
    grazing angle does so as well: a pixel whose next four neighbours on either side go on in one
    line of inverse depth is kept. The clean pixels on both sides of a depth step are kept, and so
    are thin things, which are nearer than both their neighbours. Sky (+Inf) is a surface; NaN,
    -Inf and what is not positive are unknown and prove nothing. 0 turns the filter off.
    """
    if not relative_gradient >= 0:
        raise DepthError(
            f'relative_gradient is {relative_gradient:g}, expected 0 (off) or a positive number '
            'such as 0.05'
        )
    flying = np.zeros(depth.shape, np.bool_)
    if relative_gradient == 0 or math.isinf(relative_gradient):
        return flying
    inverse = inverse_depth(depth)
    shrunk = inverse * np.float32(1 / (1 + relative_gradient))
    for axis in (0, 1):
        if inverse.shape[axis] < 3:
            continue
        rises, falls = steps(inverse, shrunk, axis)
        between = first_of(rises, axis) & last_of(rises, axis)
        between |= first_of(falls, axis) & last_of(falls, axis)
        line = lines_at(between, inverse.shape, axis, 1)
        lonely = ~(_carried(inverse, line, 1) | _carried(inverse, line, -1))
        flying.ravel()[line.pixels[lonely]] = True
    return flying


def remove_flying_pixels(depth: FloatImage, relative_gradient: float) -> FloatImage:
    """Return depth with NaN for flying pixels."""
    result = np.array(depth, np.float32)
    result[flying_pixels(result, relative_gradient)] = np.nan
    return result


def split_cells(depth: FloatImage, relative_gradient: float) -> Mask:
    """
    Return (H-1, W-1): True where four neighbouring pixels are not one surface.

    Two neighbours are of one surface if both are valid and differ by less than relative_gradient
    (of the nearer depth), or if their slope goes on to the next pixel on one side at least.
    """
    inverse = inverse_depth(depth)
    shrunk = inverse * np.float32(1 / (1 + relative_gradient))
    apart = []
    for axis in (0, 1):
        # Written so that NaN, and 0 (infinitely far), are like nothing.
        alike = first_of(shrunk, axis) < last_of(inverse, axis)
        alike &= last_of(shrunk, axis) < first_of(inverse, axis)
        rises, falls = steps(inverse, shrunk, axis)
        line = lines_at(rises | falls, inverse.shape, axis, 0)
        smooth = line.pixels[_goes_on(inverse, line)]
        if axis == 1:
            smooth = smooth - smooth // inverse.shape[1]  # from pixels to pairs of a row
        alike.ravel()[smooth] = True
        apart.append(~alike)
    down, across = apart
    return across[:-1] | across[1:] | down[:, :-1] | down[:, 1:]


def inverse_depth(depth: FloatImage) -> FloatImage:
    """Return 1 / depth, C-contiguous: 0 for +Inf, NaN for what is unknown or not positive."""
    return to_inverse(np.ascontiguousarray(depth, np.float32))


class Line(NamedTuple):
    """Pixels of a contiguous image, seen along an axis."""

    pixels: Indices  # flat
    places: Indices  # along the axis
    length: int  # of the axis
    stride: int  # between neighbours along the axis


def steps(inverse: FloatImage, shrunk: FloatImage, axis: int) -> tuple[Mask, Mask]:
    """Return, for each pixel but the last of an axis, if the next is clearly nearer, farther."""
    with np.errstate(invalid='ignore'):
        rises = first_of(inverse, axis) < last_of(shrunk, axis)
        falls = first_of(shrunk, axis) > last_of(inverse, axis)
    return rises, falls


def first_of(image: np.ndarray, axis: int) -> np.ndarray:
    """Return all but the last along an axis."""
    return image[:-1] if axis == 0 else image[:, :-1]


def last_of(image: np.ndarray, axis: int) -> np.ndarray:
    """Return all but the first along an axis."""
    return image[1:] if axis == 0 else image[:, 1:]


def lines_at(mask: Mask, shape: tuple[int, ...], axis: int, offset: int) -> Line:
    """Return the True pixels of a mask that is cut along one axis and begins at an offset."""
    flat = np.flatnonzero(mask)
    rows, columns = np.divmod(flat, max(mask.shape[1], 1))
    places = (rows if axis == 0 else columns) + offset
    pixels = places * shape[1] + columns if axis == 0 else rows * shape[1] + places
    return Line(pixels, places, shape[axis], shape[1] if axis == 0 else 1)


def _carried(inverse: FloatImage, line: Line, way: int) -> Mask:
    """Return which pixels lie on one line with the _SUPPORT pixels that follow them one way."""
    last = line.places + way * _SUPPORT
    carried = (last >= 0) & (last < line.length)
    left = np.flatnonzero(carried)
    here, step, flat = line.pixels[left], way * line.stride, inverse.ravel()
    slope = flat[here + step] - flat[here]
    limit, before = _BEND * np.abs(slope), slope
    straight = np.ones(left.size, np.bool_)
    for count in range(1, _SUPPORT):
        after = flat[here + (count + 1) * step] - flat[here + count * step]
        straight &= np.abs(after - before) <= limit
        before = after
    carried[left] = straight
    return carried


def _goes_on(inverse: FloatImage, line: Line) -> Mask:
    """Return which slopes, from a pixel to the next, are also those before or after them."""
    flat, step = inverse.ravel(), line.stride
    here = line.pixels
    slope = flat[here + step] - flat[here]
    limit = _BEND * np.abs(slope)
    goes_on = np.zeros(here.size, np.bool_)
    for known, at in ((line.places > 0, -1), (line.places < line.length - 2, 1)):
        first = np.where(known, here + at * step, here)
        other = flat[first + step] - flat[first]
        goes_on |= known & (np.abs(other - slope) <= limit)
    # The infinitely far is on no plane.
    return goes_on & (flat[here] > 0) & (flat[here + step] > 0)
