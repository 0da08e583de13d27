# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth image of a plane."""

from __future__ import annotations

import functools
import math

import numpy as np

from depth_ros.geometry.distortion import pixel_grid, unproject
from depth_ros.types import Camera, FloatImage


@functools.lru_cache(maxsize=8)
def plane_depth(
    camera: Camera,
    normal: tuple[float, float, float],
    distance: float,
    max_depth: float = math.inf,
) -> FloatImage:
    """
    Return the depth Z of the plane normal . X = distance for every pixel of the raw image.

    float32 HxW metres, read-only: +Inf where the ray does not meet the plane in front of the
    camera or only beyond max_depth, NaN where the lens model gives no ray. Computed in float64,
    because near the horizon the result is the quotient of a small difference.
    """
    rays = unproject(camera, pixel_grid(*camera.size_wh))
    slope = rays @ np.array(normal[:2], np.float64) + normal[2]
    # What is parallel but for rounding is not seen at the end of the world.
    slope[np.abs(slope) < 1e-12] = 0
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        depth = distance / slope
        ahead = (depth > 0) & (depth <= max_depth)
        depth = np.where(np.isnan(slope), np.nan, np.where(ahead, depth, np.inf))
        result: FloatImage = depth.astype(np.float32)
    result.flags.writeable = False
    return result
