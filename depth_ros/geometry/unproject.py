# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth images to points in the camera's optical frame."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from depth_ros.geometry.distortion import ray_grid
from depth_ros.types import Camera, DepthError, FloatImage


def depth_to_points(
    depth: FloatImage, camera: Camera, out: FloatImage | None = None
) -> FloatImage:
    """
    Return points (H, W, 3) in metres, x right, y down, z = depth; NaN where depth is not finite.

    The camera describes the pixels of the depth image as they are: for a distorted camera the
    points lie on the curved rays of its lens. `out` (C-contiguous float32) is filled if given.
    """
    expected = (camera.height, camera.width)
    if depth.shape != expected:
        raise DepthError(
            f'depth is {depth.shape[::-1]} but its camera is {camera.size_wh} (width, height); '
            'resize the camera with the image'
        )
    if out is None:
        out = np.empty((*expected, 3), np.float32)
    z = np.asarray(depth, np.float32)
    z = z + (z - z)
    x, y = ray_planes(camera)
    cv2.merge([z * x, z * y, z], out)
    return out


@functools.lru_cache(maxsize=8)
def ray_planes(camera: Camera) -> tuple[FloatImage, FloatImage]:
    """Return x / z and y / z as two contiguous planes."""
    grid = ray_grid(camera)
    return np.ascontiguousarray(grid[..., 0]), np.ascontiguousarray(grid[..., 1])
