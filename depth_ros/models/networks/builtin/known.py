# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What is known of an image beside its colours: viewing rays, and the ground where it is known.

Rays tell a wide lens from a long one. Where the height of the camera and the direction of down
are known, the depth of the bare ground follows exactly; things stand on it, so this gives the
scale of all else.
"""

from __future__ import annotations

import math

import numpy as np

from depth_ros.models.networks.builtin.scale import LOG_DEPTH_BIAS, log_focal
from depth_ros.types import Camera, FloatImage, Ground

CHANNELS = 6
NEAREST, FARTHEST = -2.0, 4.5  # log metres for the canonical focal length


def rays(camera: Camera, width: int, height: int) -> tuple[FloatImage, FloatImage]:
    """Return x/z (1, width) and y/z (height, 1) of the pixels of an image of another size."""
    across, down = camera.width / width, camera.height / height
    x = ((np.arange(width) + 0.5) * across - 0.5 - camera.cx) / camera.fx
    y = ((np.arange(height) + 0.5) * down - 0.5 - camera.cy) / camera.fy
    return x.astype(np.float32)[None], y.astype(np.float32)[:, None]


def ground_log_depth(
    camera: Camera, ground: Ground, width: int, height: int
) -> tuple[FloatImage, FloatImage]:
    """
    Return the log metres of the bare ground (height, width), and how far down each ray goes.

    Above the horizon, where the second is not positive, the first means nothing.
    """
    x, y = rays(camera, width, height)
    right, down, ahead = np.float32(ground.down)
    slope = right * x + down * y + ahead
    return np.float32(math.log(ground.height)) - np.log(np.maximum(slope, 1e-6)), slope


def known_planes(camera: Camera, ground: Ground | None, width: int, height: int) -> FloatImage:
    """
    Return the second input of the network, (6, height, width), for the input of a camera's size.

    Rays x/z and y/z; one where the ground is known; how far down a ray goes on each metre of Z;
    the log depth of the ground as the network counts it, above the horizon that of the farthest;
    and the log of the camera's height, both for the canonical focal length. The last four are
    zero where the ground is unknown.
    """
    planes = np.zeros((CHANNELS, height, width), np.float32)
    planes[0], planes[1] = rays(camera, width, height)
    if ground is not None:
        depth, slope = ground_log_depth(camera, ground, width, height)
        focal = np.float32(log_focal(camera))
        planes[2] = 1
        planes[3] = slope
        planes[4] = np.clip(depth - focal, NEAREST, FARTHEST) - LOG_DEPTH_BIAS
        planes[5] = math.log(ground.height) - focal
    return planes
