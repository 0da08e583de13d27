# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a depth image proves to be free: everything between the camera and what it sees.

Costmaps clear along rays that end in a finite point. The sky has no such point and invalid pixels
must not have one, so a plain cloud clears neither; these end points do what it cannot.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np

from depth_ros.geometry.distortion import ray_grid
from depth_ros.types import Camera, DepthError, FloatImage


def free_depth(
    depth: FloatImage,
    camera: Camera,
    clearing_range: float,
    *,
    window: int = 1,
    margin: float = 0.0,
    sigma: FloatImage | None = None,
) -> FloatImage:
    """
    Return the depth image of the ends of free rays: finite where a ray is known to be free.

    A ray ends at its surface, or `clearing_range` metres from the camera where the surface is
    farther or there is only sky (+Inf). It is NaN where the pixel is unknown or too close.

    :param window: odd number of pixels; a ray is as free as the least free ray known in this
        window around it, so that what decimation leaves out blocks it as well. It is NaN where
        one of them is too close.
    :param margin: metres by which a ray ends before its surface.
    :param sigma: standard deviation of the depth, metres; a ray ends that much earlier as well.
    """
    if not 0 < clearing_range < math.inf:
        raise DepthError(
            f'clearing_range is {clearing_range:g} m, expected a positive finite number: how far '
            'a ray without a surface clears'
        )
    if window < 1 or window % 2 == 0 or not 0 <= margin < math.inf:
        raise DepthError(
            f'window is {window} pixels and margin {margin:g} m, expected an odd window from 1 '
            'and a margin from 0'
        )
    per_metre = _depth_per_metre(camera)
    end = np.array(depth, np.float32)
    with np.errstate(invalid='ignore'):
        if sigma is not None:
            np.subtract(end, sigma, out=end, where=np.isfinite(end))
        if margin:
            end -= np.float32(margin) * per_metre
        # NaN where the lens has no ray, whatever the depth.
        end = np.minimum(end, np.float32(clearing_range) * per_metre)
        unknown = ~((end > 0) & (depth > 0))
        if window > 1:
            np.copyto(end, np.float32(np.inf), where=~(depth > 0) | np.isnan(end))
            np.copyto(end, np.float32(0), where=depth == -np.inf)
            kernel = np.ones((window, window), np.uint8)
            end = np.asarray(cv2.erode(end, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
            unknown |= ~(end > 0)
        np.copyto(end, np.float32(np.nan), where=unknown)
    return end


def free_points(
    depth: FloatImage,
    camera: Camera,
    clearing_range: float,
    *,
    step: int = 1,
    margin: float = 0.0,
    sigma: FloatImage | None = None,
) -> FloatImage:
    """
    Return one end point (N, 3) per ray known to be free, float32 metres in the optical frame.

    Every `step`-th pixel of every `step`-th row has a ray, as free as the least free one known
    around it. No point lies behind a surface, none on a ray through an invalid pixel.
    """
    if step < 1:
        raise DepthError(f'step is {step}, expected a whole number from 1')
    window = step | 1
    end = free_depth(depth, camera, clearing_range, window=window, margin=margin, sigma=sigma)
    z = np.ascontiguousarray(end[::step, ::step]).ravel()
    here = np.flatnonzero(np.isfinite(z))
    z = z[here]
    points = np.empty((len(z), 3), np.float32)
    for axis, rays in enumerate(_rays(camera, step)):
        np.multiply(rays[here], z, out=points[:, axis])
    points[:, 2] = z
    return points


@functools.lru_cache(maxsize=4)
def _rays(camera: Camera, step: int) -> tuple[FloatImage, FloatImage]:
    """Return x / z and y / z of every n-th pixel, flat."""
    grid = ray_grid(camera)[::step, ::step]
    return grid[..., 0].ravel(), grid[..., 1].ravel()


@functools.lru_cache(maxsize=8)
def _depth_per_metre(camera: Camera) -> FloatImage:
    """Return depth Z per metre along each pixel's ray, float32 HxW; NaN where there is no ray."""
    grid = ray_grid(camera)
    result: FloatImage = 1 / np.sqrt(1 + grid[..., 0] ** 2 + grid[..., 1] ** 2)
    result.flags.writeable = False
    return result
