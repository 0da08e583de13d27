# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The level frame below a camera: x forward, y left, z up (REP-103), origin in the camera.

Forward is where the optical axis points, laid level, so the frame turns with the camera but
neither pitches nor rolls with it.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from depth_ros.geometry.camera import is_plain
from depth_ros.geometry.distortion import ray_axes, ray_grid
from depth_ros.types import Camera, FloatImage, Ground, Matrix

_STEEP = 0.05  # sine of the angle to straight down from which image up is forward


def level_rotation(down: Matrix) -> Matrix:
    """
    Return the 3x3 rotation that takes optical coordinates to level ones.

    `down` is a unit vector in the optical frame. A camera that looks straight down has no forward
    direction of its own; then the top of its image is forward.
    """
    down = np.asarray(down, np.float64)
    axis = np.array([0.0, 0.0, 1.0])
    if math.hypot(down[0], down[1]) < _STEEP:
        axis = np.array([0.0, -math.copysign(1.0, down[2]), 0.0])
    forward = axis - (axis @ down) * down
    forward /= np.linalg.norm(forward)
    return np.stack([forward, np.cross(-down, forward), -down])


def level_quaternion(down: Matrix) -> tuple[float, float, float, float]:
    """Return x, y, z, w of the level frame's orientation in the optical frame, for TF."""
    # The columns of the transposed rotation are the level axes in optical coordinates.
    m = level_rotation(down).T
    # The largest of the four squares decides the formula, so that nothing is divided by little.
    squares = (
        1 + m[0, 0] - m[1, 1] - m[2, 2],
        1 - m[0, 0] + m[1, 1] - m[2, 2],
        1 - m[0, 0] - m[1, 1] + m[2, 2],
        1 + m[0, 0] + m[1, 1] + m[2, 2],
    )
    best = int(np.argmax(squares))
    rows = (
        (squares[0], m[1, 0] + m[0, 1], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]),
        (m[1, 0] + m[0, 1], squares[1], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]),
        (m[0, 2] + m[2, 0], m[2, 1] + m[1, 2], squares[2], m[1, 0] - m[0, 1]),
        (m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]),
    )
    x, y, z, w = (0.5 * float(value) / math.sqrt(squares[best]) for value in rows[best])
    return x, y, z, w


def descent(camera: Camera, ground: Ground) -> FloatImage:
    """
    Return how far each pixel's ray goes down per metre of depth, float32 HxW, read-only.

    Negative above the horizon; NaN where the lens model has no ray.
    """
    x, y, z = ground.down.tolist()
    return _along(camera, (x, y, z))


@functools.lru_cache(maxsize=4)
def level_reach(camera: Camera, down: tuple[float, float, float]) -> tuple[FloatImage, FloatImage]:
    """
    Return for each pixel's ray, per metre of depth: how far forward and how far left it goes.

    float32 HxW in the level frame, read-only.
    """
    rotation = level_rotation(np.array(down))
    forward, left = (_along(camera, tuple(row)) for row in rotation[:2].tolist())
    return forward, left


@functools.lru_cache(maxsize=8)
def _along(camera: Camera, direction: tuple[float, ...]) -> FloatImage:
    """Return direction . (x / z, y / z, 1) for every pixel."""
    dx, dy, dz = (np.float32(value) for value in direction)
    result: FloatImage
    if is_plain(camera):
        x, y = ray_axes(camera)
        result = np.add.outer(dy * y + dz, dx * x)
    else:
        grid = ray_grid(camera)
        result = dx * grid[..., 0] + dy * grid[..., 1] + dz
    result.flags.writeable = False
    return result


def heights(depth: FloatImage, camera: Camera, ground: Ground) -> FloatImage:
    """Return metres above the ground plane, float32 HxW; not finite where depth is not finite."""
    with np.errstate(invalid='ignore', over='ignore'):
        result: FloatImage = depth * descent(camera, ground)
        np.subtract(np.float32(ground.height), result, out=result)
    return result
