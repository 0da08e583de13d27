# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Exact depth of boxes, a floor and a ceiling, seen by a camera mounted at some height."""

import numpy as np

from depth_ros.geometry.distortion import ray_grid
from depth_ros.geometry.level_frame import level_rotation
from depth_ros.types import Camera, FloatImage, Ground


def level_rays(camera: Camera, ground: Ground) -> np.ndarray:
    """Return (H, W, 3) rays with z = 1 in the camera, in the level frame: forward, left, up."""
    grid = ray_grid(camera).astype(np.float64)
    optical = np.dstack([grid, np.ones(grid.shape[:2])])
    return optical @ level_rotation(ground.down).T


def box_depth(
    camera: Camera,
    ground: Ground,
    boxes: list[tuple[tuple[float, float], tuple[float, float], tuple[float, float]]],
    floor: bool = True,
    slope: float = 0.0,
    slope_from: float = 0.0,
) -> FloatImage:
    """
    Return depth of boxes ((x0, x1), (y0, y1), (z0, z1)) in the level frame, z from the ground.

    The floor rises by `slope` (a tangent) from x = slope_from on. +Inf where nothing is met.
    """
    rays = level_rays(camera, ground)
    origin = np.array([0.0, 0.0, ground.height])
    depth = np.full(rays.shape[:2], np.inf)
    with np.errstate(divide='ignore', invalid='ignore'):
        if floor:
            t = -origin[2] / rays[..., 2]
            x = t * rays[..., 0]
            t = np.where((t > 0) & ((slope == 0) | (x < slope_from)), t, np.inf)
            if slope:
                # z = slope * (x - slope_from)
                ramp = (-slope * slope_from - origin[2]) / (rays[..., 2] - slope * rays[..., 0])
                ramp = np.where((ramp > 0) & (ramp * rays[..., 0] >= slope_from), ramp, np.inf)
                t = np.minimum(t, ramp)
            depth = np.minimum(depth, t)
        for box in boxes:
            low, high = np.array(box).T
            first, second = (low - origin) / rays, (high - origin) / rays
            enter = np.minimum(first, second).max(axis=-1)
            leave = np.maximum(first, second).min(axis=-1)
            depth = np.where((enter > 0) & (enter <= leave), np.minimum(depth, enter), depth)
    return depth.astype(np.float32)
