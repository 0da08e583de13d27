# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Poses as matrices and quaternions. A pose is 4x4 camera-to-world unless its name says else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, Matrix, quoted

_RIGID = 1e-2  # how far R^T R may be from the identity: files hold rounded numbers


def pose_of(position: npt.ArrayLike, quaternion: npt.ArrayLike) -> Matrix:
    """Return the 4x4 matrix of a position and a quaternion x, y, z, w of any length but 0."""
    x, y, z, w = np.asarray(quaternion, np.float64)
    length = float(np.sqrt(x * x + y * y + z * z + w * w))
    if not 1e-9 < length < np.inf:
        raise DepthError(
            f'the quaternion is ({x:g}, {y:g}, {z:g}, {w:g}), expected a length of 1; '
            'give x, y, z, w of a rotation'
        )
    x, y, z, w = x / length, y / length, z / length, w / length
    pose = np.eye(4)
    pose[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    pose[:3, 3] = position
    return pose


def quaternion_of(rotation: npt.ArrayLike) -> Matrix:
    """Return the unit quaternion x, y, z, w with w >= 0 of a rotation (3 or 4, 3 or 4)."""
    r = np.asarray(rotation, np.float64)[:3, :3]
    # Each row is the quaternion times four times one of its components; the longest is exact.
    rows = np.array(
        [
            [1 + r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], 0],
            [r[0, 1] + r[1, 0], 1 - r[0, 0] + r[1, 1] - r[2, 2], r[1, 2] + r[2, 1], 0],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], 1 - r[0, 0] - r[1, 1] + r[2, 2], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], 1 + np.trace(r)],
        ]
    )
    rows[:3, 3] = rows[3, :3]
    row = rows[int(np.argmax(np.diagonal(rows)))]
    row = row / np.linalg.norm(row)
    return -row if row[3] < 0 else row


def inverse_pose(pose: npt.ArrayLike) -> Matrix:
    """Return the inverse (..., 4, 4) of rigid motions (..., 4, 4)."""
    motion = np.asarray(pose, np.float64)
    rotation = np.swapaxes(motion[..., :3, :3], -1, -2)
    result = np.zeros_like(motion)
    result[..., :3, :3] = rotation
    result[..., :3, 3] = -(rotation @ motion[..., :3, 3:])[..., 0]
    result[..., 3, 3] = 1
    return result


def transformed(pose: npt.ArrayLike, points: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return points (..., 3), moved by a pose, in their own number format."""
    motion = np.asarray(pose, points.dtype)
    return points @ motion[:3, :3].T + motion[:3, 3]


def check_poses(poses: npt.ArrayLike, what: str) -> Matrix:
    """Return (N, 4, 4) poses, having checked that each of them is rigid."""
    array = np.asarray(poses, np.float64)
    if array.ndim != 3 or array.shape[1:] != (4, 4):
        raise DepthError(f'{what} have shape {array.shape}, expected (N, 4, 4)')
    if not np.isfinite(array).all():
        raise DepthError(f'{what} hold NaN or infinity, expected numbers; leave such poses out')
    rotation = array[:, :3, :3]
    error = np.abs(np.swapaxes(rotation, 1, 2) @ rotation - np.eye(3)).max(axis=(1, 2))
    wrong = (error > _RIGID) | (np.linalg.det(rotation) < 0)
    if wrong.any():
        raise DepthError(
            f'{what}: number {int(np.argmax(wrong))} is no rigid motion, expected a rotation '
            'without scale or mirroring; check the order of the numbers'
        )
    return array


def pose_from_text(text: str, what: str) -> Matrix:
    """Return the pose that `x y z qx qy qz qw` states."""
    try:
        numbers = [float(word) for word in text.replace(',', ' ').split()]
    except ValueError:
        numbers = []
    if len(numbers) != 7 or not np.isfinite(numbers).all():
        raise DepthError(
            f'{what} is {quoted(text)}, expected seven numbers: x y z in metres and the '
            'quaternion qx qy qz qw'
        )
    return pose_of(numbers[:3], numbers[3:])


def between(first: Matrix, second: Matrix, share: float) -> Matrix:
    """Return the pose a share of the way from the first to the second, turning evenly."""
    a, b = quaternion_of(first), quaternion_of(second)
    if a @ b < 0:
        b = -b
    angle = np.arccos(np.clip(a @ b, -1, 1))
    if angle < 1e-6:
        mixed = (1 - share) * a + share * b
    else:
        mixed = (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)
    return pose_of((1 - share) * first[:3, 3] + share * second[:3, 3], mixed)


def angle_between(first: Matrix, second: Matrix) -> float:
    """Return the angle of the rotation between two poses, in radians."""
    chord = np.linalg.norm(first[:3, :3] - second[:3, :3]) / np.sqrt(8)
    return float(2 * np.arcsin(min(chord, 1.0)))
