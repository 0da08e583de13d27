# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth images to points in the camera's optical frame, a few times the cost of copying them."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from depth_ros.geometry.camera import is_plain
from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.distortion import ray_axes, ray_grid
from depth_ros.types import Camera, DepthError, FloatImage

_BLOCK = 30_000  # pixels worked on at a time: what is computed must still be in the cache
Planes = tuple[FloatImage, FloatImage, FloatImage | None]


def depth_to_points(
    depth: FloatImage, camera: Camera, out: FloatImage | None = None
) -> FloatImage:
    """
    Return points (H, W, 3) in metres, x right, y down, z = depth; NaN where depth is not valid.

    The camera describes the pixels of the depth image as they are: for a distorted camera the
    points lie on the curved rays of its lens. `out` is filled where it is given: float32 of that
    shape, also as a view such as `cloud[..., :3]`.
    """
    shape = (camera.height, camera.width)
    if depth.shape != shape:
        raise DepthError(
            f'depth is {depth.shape[::-1]} but its camera is {camera.size_wh} (width, height); '
            'resize the camera with the image'
        )
    if out is None:
        out = np.empty((*shape, 3), np.float32)
    elif out.shape != (*shape, 3) or out.dtype != np.float32:
        raise DepthError(
            f'out is {out.dtype} {out.shape}, expected float32 {(*shape, 3)}; allocate it so'
        )
    depth = np.asarray(depth, np.float32)
    ray_x, ray_y, holes = _planes(camera)
    step = max(1, _BLOCK // camera.width)
    packed = out.flags.c_contiguous  # then cv2 interleaves faster than NumPy strides
    scratch = np.empty((2, step, camera.width), np.float32)
    for top in range(0, camera.height, step):
        rows = slice(top, top + step)
        z, target = depth[rows], out[rows]
        valid = is_valid(z)
        if not valid.all():
            z = np.where(valid, z, np.float32(np.nan))
        if holes is not None:
            z = z + holes[rows]
        x, y = scratch[:, : len(z)] if packed else (target[..., 0], target[..., 1])
        np.multiply(z, ray_x if len(ray_x) == 1 else ray_x[rows], out=x)
        np.multiply(z, ray_y[rows], out=y)
        if packed:
            cv2.merge([x, y, z], target)
        else:
            target[..., 2] = z
    return out


@functools.lru_cache(maxsize=8)
def _planes(camera: Camera) -> Planes:
    """Return x / z and y / z, broadcastable over the image, and NaN where there is no ray."""
    if is_plain(camera):
        x, y = ray_axes(camera)
        return x[None], y[:, None], None
    grid = ray_grid(camera)
    x, y = (np.ascontiguousarray(grid[..., axis]) for axis in (0, 1))
    holes = np.where(np.isnan(x), x, np.float32(0))
    return x, y, holes if np.isnan(holes).any() else None
