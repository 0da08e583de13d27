# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth of planes, exact in float64 before it is rounded once."""

import numpy as np

from depth_ros.geometry.distortion import pixel_grid
from depth_ros.types import Camera, FloatImage


def plane_depth(
    camera: Camera, tilt: float = 0.0, turn: float = 0.0, distance: float = 2.0
) -> FloatImage:
    """
    Return depth of a plane through (0, 0, distance), tilted in degrees away from facing us.

    turn is the direction of the slope in the image, in degrees from the x axis; +Inf where the
    plane is never met.
    """
    tilt, turn = np.deg2rad(tilt), np.deg2rad(turn)
    normal = np.array([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)])
    u, v = np.moveaxis(pixel_grid(*camera.size_wh), -1, 0)
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    inverse = (normal[0] * x + normal[1] * y + normal[2]) / (normal[2] * distance)
    with np.errstate(divide='ignore'):
        return np.where(inverse > 0, 1 / inverse, np.inf).astype(np.float32)
