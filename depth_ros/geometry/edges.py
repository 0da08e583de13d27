# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pixels that hang in the air between two surfaces."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, FloatImage

_SUPPORT = 4  # neighbours in a row that must lie on one plane with a pixel to carry it
_BEND = 0.25  # how much of its slope a plane may bend by from pixel to pixel


def flying_pixels(depth: FloatImage, relative_gradient: float) -> npt.NDArray[np.bool_]:
    """
    Return True where a pixel lies between two surfaces and on neither.

    Such a pixel differs by more than relative_gradient (of the nearer depth) from both its
    neighbours in a row or column, nearer than one and farther than the other. A plane seen at a
    grazing angle does so as well, but its inverse depth is linear in the pixel: a pixel whose
    next four neighbours on either side continue one line is kept. The clean pixels on both sides
    of a depth step are kept, and so are thin things. Sky (+Inf) is a surface; NaN, -Inf and what
    is not positive are unknown and prove nothing. 0 turns the filter off.
    """
    if not relative_gradient >= 0:
        raise DepthError(
            f'relative_gradient is {relative_gradient:g}, expected 0 (off) or a positive number '
            'such as 0.05'
        )
    flying = np.zeros(depth.shape, np.bool_)
    if relative_gradient == 0 or not np.isfinite(relative_gradient):
        return flying
    inverse = inverse_depth(depth)
    shrunk = inverse * np.float32(1 / (1 + relative_gradient))
    _flying_along_rows(inverse, shrunk, flying)
    _flying_along_rows(inverse.T, shrunk.T, flying.T)
    return flying


def remove_flying_pixels(depth: FloatImage, relative_gradient: float) -> FloatImage:
    """Return depth with NaN for flying pixels."""
    flying = flying_pixels(depth, relative_gradient)
    result = np.array(depth, np.float32)
    result[flying] = np.nan
    return result


def inverse_depth(depth: FloatImage) -> FloatImage:
    """Return 1 / depth: 0 for +Inf, NaN for what is unknown or not positive."""
    depth = np.asarray(depth, np.float32)
    with np.errstate(divide='ignore', invalid='ignore'):
        inverse = np.divide(np.float32(1), depth)
        np.copyto(inverse, np.nan, where=depth <= 0)
    return inverse


def _flying_along_rows(
    inverse: FloatImage, shrunk: FloatImage, flying: npt.NDArray[np.bool_]
) -> None:
    """Mark in place; the arrays may be transposed views."""
    if inverse.shape[1] < 3:
        return
    rises = inverse[:, :-1] < shrunk[:, 1:]
    falls = shrunk[:, :-1] > inverse[:, 1:]
    between = (rises[:, :-1] & rises[:, 1:]) | (falls[:, :-1] & falls[:, 1:])
    rows, columns = np.nonzero(between)
    if rows.size == 0:
        return
    columns = columns + 1
    lonely = ~(_carried(inverse, rows, columns, 1) | _carried(inverse, rows, columns, -1))
    flying[rows[lonely], columns[lonely]] = True


def _carried(
    inverse: FloatImage, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], step: int
) -> npt.NDArray[np.bool_]:
    """Tell which pixels lie on one line with the _SUPPORT pixels that follow in a direction."""
    width = inverse.shape[1]
    last = columns + _SUPPORT * step
    carried = (last >= 0) & (last < width)
    run = np.clip(columns[:, None] + step * np.arange(_SUPPORT + 1), 0, width - 1)
    slopes = np.diff(inverse[rows[:, None], run], axis=1)
    with np.errstate(invalid='ignore'):
        bends = np.abs(np.diff(slopes, axis=1)) <= _BEND * np.abs(slopes[:, :1])
    return carried & bends.all(axis=1)
