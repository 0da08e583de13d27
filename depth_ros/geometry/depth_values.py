# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The one place that decides what a depth value means.

A depth image is float32 metres along the optical axis. As REP-117 and REP-118 say, NaN is
missing, +Inf is beyond range (sky), -Inf is too close to measure; a finite value that is not
positive is no measurement. As 16UC1 it is millimetres and 0 is all of these.

Every other file asks here whether a depth is valid.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, FloatImage

MILLIMETRES_MAX = 65535
"""The largest 16UC1 value: 65.535 m. Farther is written as 0, for any number would be a lie."""
SMALLEST = float(np.finfo(np.float32).tiny)
"""Metres; the inverse of a smaller number is not finite, and some libraries flush it to 0."""
LARGEST = float(np.finfo(np.float32).max)

Values = TypeVar('Values', bound=npt.NDArray[np.floating])


def is_valid(depth: Any) -> Any:
    """
    Return where depth is a measured distance: finite and positive.

    For arrays of float32 or float64, and for tensors of torch.
    """
    with np.errstate(invalid='ignore'):
        return (depth >= SMALLEST) & (depth <= LARGEST)


def in_range(depth: Any, nearest: float, farthest: float) -> Any:
    """Return where depth is valid, above `nearest` and below `farthest`; arrays or tensors."""
    with np.errstate(invalid='ignore'):
        return is_valid(depth) & (depth > nearest) & (depth < farthest)


def valid_or_nan(depth: Values) -> Values:
    """Return depth with NaN for everything that is not valid, +Inf and -Inf included."""
    return np.where(is_valid(depth), depth, depth.dtype.type(np.nan))  # type: ignore[return-value]


def to_inverse(depth: Values) -> Values:
    """Return 1 / depth: 0 for +Inf, NaN for what is unknown, too close or not positive."""
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        inverse: Values = np.divide(depth.dtype.type(1), depth)  # type: ignore[assignment]
        wrong = depth < SMALLEST
        if wrong.any():
            inverse[wrong] = np.nan
    return inverse


def from_inverse(inverse: Values) -> Values:
    """
    Return 1 / inverse: +Inf where it is not positive, for nothing lies within range there.

    NaN stays, and an infinite inverse is no distance but NaN.
    """
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        depth: Values = np.divide(inverse.dtype.type(1), inverse)  # type: ignore[assignment]
        np.copyto(depth, np.inf, where=inverse <= 0)
        np.copyto(depth, np.nan, where=depth < SMALLEST)
    return depth


def clip_range(
    depth: FloatImage, min_depth: float = 0.0, max_depth: float = math.inf
) -> FloatImage:
    """
    Return depth with -Inf for what is nearer than min_depth and +Inf beyond max_depth.

    NaN and infinities stay; zero and negative numbers are no measurement and become NaN.
    """
    if not 0 <= min_depth < max_depth:
        raise DepthError(
            f'the depth range is {min_depth:g} to {max_depth:g} m; expected '
            '0 <= min_depth < max_depth'
        )
    result = np.array(depth, np.float32)
    with np.errstate(invalid='ignore'):
        if max_depth < math.inf:
            np.copyto(result, np.inf, where=result > np.float32(max_depth))
        wrong = (result < SMALLEST) & (result > -np.inf)
        if min_depth > 0:
            np.copyto(result, -np.inf, where=result < np.float32(min_depth))
        np.copyto(result, np.nan, where=wrong)
    return result


def metres_to_millimetres(depth: FloatImage) -> npt.NDArray[np.uint16]:
    """Return 16UC1 depth, rounded; 0 where depth is not valid or beyond 65.535 m."""
    with np.errstate(invalid='ignore', over='ignore'):
        millimetres = np.multiply(depth, np.float32(1000), dtype=np.float32)
        millimetres += np.float32(0.5)
        # Written so that NaN fails it as well.
        fits = (millimetres >= 1) & (millimetres < MILLIMETRES_MAX + 1)
        np.copyto(millimetres, 0, where=~fits)
    return millimetres.astype(np.uint16)


def millimetres_to_metres(millimetres: npt.NDArray[np.uint16]) -> FloatImage:
    """Return float32 metres; NaN where 0."""
    depth = np.multiply(millimetres, np.float32(0.001), dtype=np.float32)
    np.copyto(depth, np.nan, where=millimetres == 0)
    return depth
