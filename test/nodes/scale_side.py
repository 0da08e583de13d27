# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sensors that measure the tilted plane of the node tests, and messages of what they measure."""

from __future__ import annotations

import numpy as np
from node_scene import plane_depth
from sensor_msgs.msg import LaserScan, PointCloud2, Range

from depth_ros.geometry.distortion import unproject
from depth_ros.messages.cloud_points import points_to_cloud
from depth_ros.messages.depth_image import depth_to_image
from depth_ros.types import Camera

CAMERA = Camera.pinhole(96, 72, 80.0)
FRAME = 'camera_optical'
NORMAL, DISTANCE = (0.3, 0.9, 0.8), 2.0  # of any length; metres
TRUTH = plane_depth(CAMERA, NORMAL, DISTANCE)
# A LiDAR 0.2 m to the left, turned about the optical axis: the pose of the sensor in the camera.
TURNED = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
LIDAR_AT = np.array([-0.2, 0.05, 0.1])
LIDAR_POSE = '-0.2 0.05 0.1 0 0 0.70710678 0.70710678'
# A scanner whose x looks ahead and whose y looks to the left.
SCAN_POSE = '0 0 0 0.5 -0.5 0.5 0.5'


def surface(count=300, seed=0):
    """Return points (n, 3) of the plane that the camera sees, in the optical frame."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(0, 72, count), rng.integers(0, 96, count)
    rays = unproject(CAMERA, np.stack([columns, rows], -1).astype(np.float64))
    z = TRUTH[rows, columns]
    return np.stack([rays[:, 0] * z, rays[:, 1] * z, z], axis=1)


def cloud(head, points) -> PointCloud2:
    """Return the message of points (n, 3)."""
    return points_to_cloud(np.asarray(points, np.float32), head)


def as_lidar_sees(points):
    """Return points of the optical frame in the frame of the LiDAR."""
    return (points - LIDAR_AT) @ TURNED


def sparse_depth(head, scale=1.0):
    """Return a depth image with one pixel in seven."""
    depth = np.full(TRUTH.shape, np.nan, np.float32)
    depth.ravel()[::7] = (TRUTH * scale).ravel()[::7]
    return depth_to_image(depth, head, '32FC1')


def scan(head) -> LaserScan:
    """Return what a planar scanner at the camera measures of the plane, row 35.5."""
    columns = np.arange(0, 96)
    x = (columns - CAMERA.cx) / CAMERA.fx
    z = DISTANCE * np.linalg.norm(NORMAL) / (NORMAL[0] * x + NORMAL[2])
    angles = np.arctan2(-x, 1.0)
    grid = np.linspace(angles.min(), angles.max(), 120)
    ranges = np.interp(grid, angles[::-1], (z * np.hypot(x, 1))[::-1])
    return LaserScan(
        header=head,
        angle_min=float(grid[0]),
        angle_max=float(grid[-1]),
        angle_increment=float(grid[1] - grid[0]),
        range_min=0.1,
        range_max=30.0,
        ranges=ranges.astype(np.float32).tolist(),
    )


def beam(head, metres) -> Range:
    """Return the message of a laser range finder."""
    return Range(
        header=head, field_of_view=0.0, min_range=0.05, max_range=30.0, range=float(metres)
    )
