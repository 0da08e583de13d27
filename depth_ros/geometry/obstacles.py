# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Ground and obstacles in a depth image, and the height of every point above the ground.

With `max_slope` the ground may leave the plane: from the camera outwards, column by column, it
goes on as long as it rises or falls no steeper than that. A step, a box or a wall is steeper.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.compiled import compile_loop
from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.level_frame import heights, level_reach
from depth_ros.types import Camera, DepthError, FloatImage, Ground

Mask = npt.NDArray[np.bool_]

_SPACING = np.float32(0.3)  # metres of ground over which its slope is judged
_REACH = np.float32(1.0)  # metres behind the last ground that a slope may go on unseen
_STEP = np.float32(0.02)  # metres of noise that a slope may have over _SPACING


class Split(NamedTuple):
    """A depth image divided; what is neither ground nor obstacle is invalid, below or above."""

    height: FloatImage  # HxW metres above the ground below the point, NaN where depth is invalid
    ground: Mask
    obstacle: Mask


def split_ground(
    depth: FloatImage,
    camera: Camera,
    ground: Ground,
    *,
    min_height: float = 0.1,
    max_height: float = 2.0,
    spread: float = 0.0,
    max_slope: float = 0.0,
) -> Split:
    """
    Return which pixels are ground, which are obstacles, and the height of each.

    :param min_height: metres; what is not higher is ground. What lies deeper than that below the
        ground is neither: a reflection, or a hole.
    :param max_height: metres; what is higher is not in the way.
    :param spread: metres added to min_height per metre of depth, for depth that gets worse.
    :param max_slope: radians of slope that the ground may have against the plane; 0 is the plane.
    """
    if not (0 < min_height < max_height and spread >= 0 and 0 <= max_slope < math.pi / 2):
        raise DepthError(
            f'obstacles are from {min_height:g} to {max_height:g} m with spread {spread:g} and '
            f'slope {max_slope:g} rad; expected 0 < min_height < max_height, a spread from 0 and '
            'a slope from 0 to 90 degrees'
        )
    valid = is_valid(depth)
    height = heights(depth, camera, ground)
    np.copyto(height, np.float32(np.nan), where=~valid)
    if max_slope > 0:
        height = _above_slopes(height, depth, camera, ground, min_height, max_slope)
    limit: Any = np.float32(min_height)
    with np.errstate(invalid='ignore'):
        if spread > 0:
            limit = limit + np.float32(spread) * depth
        floor = (height <= limit) & (height >= -limit)
        obstacle = (height > limit) & (height <= np.float32(max_height))
    return Split(height, floor, obstacle)


def _above_slopes(
    height: FloatImage,
    depth: FloatImage,
    camera: Camera,
    ground: Ground,
    min_height: float,
    max_slope: float,
) -> FloatImage:
    x, y, z = ground.down.tolist()
    forward, left = level_reach(camera, (x, y, z))
    with np.errstate(invalid='ignore', over='ignore'):
        away: FloatImage = np.hypot(forward, left) * depth
    slope, limit = np.float32(math.tan(max_slope)), np.float32(min_height)
    result = np.empty_like(height)
    loop = _loop()
    if loop is not None:
        loop(np.ascontiguousarray(height), np.ascontiguousarray(away), slope, limit, result)
        return result
    _follow_rows(height, away, slope, limit, result)
    return result


@functools.cache
def _loop() -> Callable[..., Any] | None:
    image, result = ('float32', 2, True), ('float32', 2, False)
    return compile_loop(_follow, 'int64', image, image, 'float32', 'float32', result)


def _follow(
    height: FloatImage, away: FloatImage, slope: Any, limit: Any, result: FloatImage
) -> int:
    """
    Write heights above the ground of each column, from the bottom row up.

    The slope is judged from an anchor on the ground. Once something stands in the way, what is
    behind it must be as high as the ground before it: the top of a step is no slope.
    """
    rows, columns = height.shape
    ground_height, ground_away = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
    last, blocked = np.zeros(columns, np.float32), np.zeros(columns, np.bool_)
    for row in range(rows):
        v = rows - 1 - row
        for u in range(columns):
            rise = height[v, u] - ground_height[u]
            if np.isnan(rise):
                result[v, u] = rise
                continue
            distance = away[v, u] - ground_away[u]
            judged = last[u] - ground_away[u] if blocked[u] else distance
            climb = slope * min(max(judged, np.float32(0)), _REACH)
            if abs(rise) > climb + limit:
                result[v, u] = rise
                blocked[u] = True
                continue
            result[v, u] = max(abs(rise) - climb, np.float32(0))
            last[u], blocked[u] = away[v, u], False
            if distance >= _SPACING and abs(rise) <= climb + _STEP:
                ground_height[u], ground_away[u] = height[v, u], away[v, u]
    return rows


def _follow_rows(
    height: FloatImage, away: FloatImage, slope: Any, limit: Any, result: FloatImage
) -> None:
    """Do what _follow does, a row at a time."""
    ground_height, ground_away, last = np.zeros((3, height.shape[1]), np.float32)
    blocked = np.zeros(height.shape[1], np.bool_)
    with np.errstate(invalid='ignore'):
        for v in range(len(height) - 1, -1, -1):
            rise, distance = height[v] - ground_height, away[v] - ground_away
            judged = np.where(blocked, last - ground_away, distance)
            climb = slope * np.clip(judged, np.float32(0), _REACH)
            size = np.abs(rise)
            near = size <= climb + limit
            result[v] = np.where(near, np.maximum(size - climb, np.float32(0)), rise)
            blocked = np.where(np.isnan(rise), blocked, ~near)
            np.copyto(last, away[v], where=near)
            further = near & (distance >= _SPACING) & (size <= climb + _STEP)
            np.copyto(ground_height, height[v], where=further)
            np.copyto(ground_away, away[v], where=further)
