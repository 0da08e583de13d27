# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Poses as matrices and quaternions."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.geometry.poses import (
    check_poses,
    inverse_pose,
    pose_of,
    quaternion_of,
    transformed,
)
from depth_ros.types import DepthError

numbers = st.floats(-10, 10)
vectors = st.tuples(numbers, numbers, numbers)
angles = st.floats(0.001, np.pi)


def rotation(axis, angle):
    axis = np.array(axis) if np.linalg.norm(axis) > 1e-6 else np.array([0.0, 0.0, 1.0])
    return cv2.Rodrigues(angle * axis / np.linalg.norm(axis))[0]


@given(vectors, angles, vectors)
def test_quaternions_come_back(axis, angle, position):
    expected = np.eye(4)
    expected[:3, :3], expected[:3, 3] = rotation(axis, angle), position
    quaternion = quaternion_of(expected)
    assert quaternion[3] >= 0
    assert np.linalg.norm(quaternion) == pytest.approx(1)
    np.testing.assert_allclose(pose_of(position, 3 * quaternion), expected, atol=1e-9)


@pytest.mark.parametrize('axis', np.eye(3))
def test_half_turns_are_exact(axis):
    turned = rotation(axis, np.pi)
    np.testing.assert_allclose(
        pose_of((0, 0, 0), quaternion_of(turned))[:3, :3], turned, atol=1e-9
    )


def test_a_quarter_turn_about_z_has_its_known_quaternion():
    pose = pose_of((1, 2, 3), (0, 0, np.sqrt(0.5), np.sqrt(0.5)))
    np.testing.assert_allclose(pose[:3, :3] @ (1, 0, 0), (0, 1, 0), atol=1e-12)
    np.testing.assert_array_equal(pose[:3, 3], (1, 2, 3))


@given(vectors, angles, vectors)
def test_the_inverse_undoes_a_pose(axis, angle, position):
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation(axis, angle), position
    points = np.random.default_rng(0).normal(size=(5, 7, 3))
    back = transformed(inverse_pose(pose), transformed(pose, points))
    np.testing.assert_allclose(back, points, atol=1e-8)
    both = inverse_pose(np.stack([pose, np.eye(4)]))
    np.testing.assert_allclose(both[0] @ pose, np.eye(4), atol=1e-9)


def test_what_is_no_pose_is_an_error():
    with pytest.raises(DepthError, match='expected a length of 1'):
        pose_of((0, 0, 0), (0, 0, 0, 0))
    with pytest.raises(DepthError, match=r'shape \(4, 4\), expected'):
        check_poses(np.eye(4), 'the poses')
    scaled = np.stack([np.eye(4), np.diag([2.0, 2.0, 2.0, 1.0])])
    with pytest.raises(DepthError, match='number 1 is no rigid motion'):
        check_poses(scaled, 'the poses')
    mirrored = np.diag([1.0, 1.0, -1.0, 1.0])[None]
    with pytest.raises(DepthError, match='mirroring'):
        check_poses(mirrored, 'the poses')
    with pytest.raises(DepthError, match='NaN'):
        check_poses(np.full((1, 4, 4), np.nan), 'the poses')
