# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cameras and where they stand: stereo pairs, robots' mounts, poses, trajectories."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.scene.tables import Floats, rotation_z
from depth_ros.types import Camera, DepthError

# Columns: a level optical frame (x right, y down, z forward) that looks along the world's x.
LEVEL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def stereo_cameras(
    width: int, height: int, focal: float, baseline: float
) -> tuple[Camera, Camera]:
    """Return the two cameras of a rectified pair; focal in pixels, baseline in metres."""
    if not baseline > 0:
        raise DepthError(f'baseline is {baseline:g} m, expected more than 0; give it in metres')
    left = Camera.pinhole(width, height, focal)
    return left, Camera.pinhole(width, height, focal, baseline=baseline)


def camera_pose(
    position: npt.ArrayLike, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0
) -> Floats:
    """
    Return the 4x4 camera-to-world pose of an optical frame at a position; radians.

    yaw 0 looks along the world's x and grows to the left, pitch grows downwards, roll clockwise
    as the camera sees it turn.
    """
    cp, sp, cr, sr = math.cos(pitch), math.sin(pitch), math.cos(roll), math.sin(roll)
    # In the optical frame: pitch down turns about -x, roll turns about z.
    tilt = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    lean = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3] = rotation_z(yaw) @ LEVEL @ tilt @ lean
    pose[:3, 3] = position
    return pose


def right_pose(pose: Floats, right_camera: Camera) -> Floats:
    """Return the pose of the right eye of a rectified pair, given the left one's."""
    moved = np.array(pose, np.float64)
    moved[:3, 3] = moved[:3, 3] + moved[:3, 0] * right_camera.baseline
    return moved
