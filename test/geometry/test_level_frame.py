# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The level frame: forward, left and up, whatever way the camera hangs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.geometry.level_frame import (
    descent,
    heights,
    level_quaternion,
    level_reach,
    level_rotation,
)
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.types import Camera, Distortion, Ground

CAMERA = Camera.pinhole(64, 48, 50.0, 55.0, 30.0, 25.0)
FISHEYE = Camera(64, 48, CAMERA.K, np.array([0.02, 0.0, 0.0, 0.0]), Distortion.EQUIDISTANT)
ANGLES = st.floats(-math.pi, math.pi)


@given(ANGLES, ANGLES)
def test_it_is_a_rotation_with_up_against_down_and_forward_along_the_axis(pitch, roll):
    down = Ground.below_mount(1.0, pitch, roll).down
    rotation = level_rotation(down)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation @ down, (0, 0, -1), atol=1e-12)
    axis = rotation @ (0, 0, 1)
    assert axis[0] >= -0.05
    assert abs(axis[1]) < 0.051


def test_a_level_camera_sees_forward_left_and_up_where_they_are():
    rotation = level_rotation(np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(rotation @ (0, 0, 1), (1, 0, 0), atol=1e-15)
    np.testing.assert_allclose(rotation @ (-1, 0, 0), (0, 1, 0), atol=1e-15)
    np.testing.assert_allclose(rotation @ (0, -1, 0), (0, 0, 1), atol=1e-15)


@pytest.mark.parametrize('sign', [1, -1])
def test_straight_down_the_top_of_the_image_is_forward(sign):
    rotation = level_rotation(np.array([0.0, 0.0, float(sign)]))
    np.testing.assert_allclose(rotation @ (0, -sign, 0), (1, 0, 0), atol=1e-12)


@given(ANGLES, ANGLES)
def test_the_quaternion_turns_level_axes_to_optical_ones(pitch, roll):
    down = Ground.below_mount(1.0, pitch, roll).down
    x, y, z, w = level_quaternion(down)
    matrix = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    np.testing.assert_allclose(matrix, level_rotation(down).T, atol=1e-9)


@pytest.mark.parametrize('camera', [CAMERA, FISHEYE], ids=['pinhole', 'fisheye'])
def test_heights_and_reach_are_the_level_coordinates_of_the_points(camera):
    ground = Ground.below_mount(0.7, 0.3, -0.2)
    depth = np.random.default_rng(0).uniform(0.5, 5, (48, 64)).astype(np.float32)
    level = depth_to_points(depth, camera) @ level_rotation(ground.down).T
    forward, left = level_reach(camera, tuple(ground.down.tolist()))
    np.testing.assert_allclose(forward * depth, level[..., 0], atol=1e-5)
    np.testing.assert_allclose(left * depth, level[..., 1], atol=1e-5)
    np.testing.assert_allclose(heights(depth, camera, ground), level[..., 2] + 0.7, atol=1e-5)
    np.testing.assert_allclose(-descent(camera, ground) * depth, level[..., 2], atol=1e-5)
