# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The one place that decides what a depth value means.

A depth image is float32 metres along the optical axis. As REP-117 and REP-118 say, NaN is
missing, +Inf is beyond range (sky), -Inf is too close to measure; a finite value that is not
positive is no measurement. As 16UC1 it is millimetres and 0 is all of these.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, FloatImage

MILLIMETRES_MAX = 65535
"""The largest 16UC1 value: 65.535 m. Farther is written as 0, for any number would be a lie."""


def is_valid(depth: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Tell where depth is a measured distance: finite and positive."""
    with np.errstate(invalid='ignore'):
        return (depth > 0) & (depth < np.inf)


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
        wrong = (result <= 0) & (result > -np.inf)
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
