# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pose metrics on cases known exactly, and their laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.lab.eval.poses import (
    accuracy,
    area_under_curve,
    direction_angle,
    pose_metrics,
    relative_pose_errors,
    rotation_angle,
    trajectory_errors,
)
from depth_ros.types import DepthError

SEEDS = st.integers(0, 10**6)


def rotation(axis, degrees):
    """Return the rotation about an axis, after Rodrigues."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


def pose(R=None, t=(0, 0, 0)):
    T = np.eye(4)
    T[:3, :3] = np.eye(3) if R is None else R
    T[:3, 3] = t
    return T


def random_rotation(rng):
    return rotation(rng.normal(size=3), rng.uniform(0, 180))


def random_poses(rng, n=5):
    return np.stack([pose(random_rotation(rng), rng.normal(size=3)) for _ in range(n)])


@pytest.mark.parametrize('degrees', [0, 1e-6, 0.5, 3, 90, 179.9, 180])
def test_rotation_angle_is_exact(degrees):
    a, b = rotation([1, 2, 3], 20), rotation([1, 2, 3], 20 + degrees)
    # Near 180 degrees the chord is flat: half of the digits remain.
    assert rotation_angle(a, b) == pytest.approx(degrees, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(
    ('a', 'b', 'expected'),
    [
        ([1, 0, 0], [5, 0, 0], 0),
        ([1, 0, 0], [0, 2, 0], 90),
        ([1, 0, 0], [-3, 0, 0], 180),
        ([1, 0, 0], [1, 1e-8, 0], np.degrees(1e-8)),
        ([0, 0, 0], [0, 0, 0], 0),
        ([0, 0, 0], [1, 0, 0], 180),
    ],
    ids=['same', 'right angle', 'opposite', 'tiny', 'both still', 'one still'],
)
def test_direction_angle(a, b, expected):
    assert direction_angle(a, b) == pytest.approx(expected, rel=1e-6)


def test_one_camera_turned_by_ten_degrees():
    truth = np.stack([pose(t=(i, 0, 0)) for i in range(3)])
    predicted = truth.copy()
    predicted[2, :3, :3] = rotation([0, 1, 0], 10)
    rotations, translations = relative_pose_errors(predicted, truth)
    # Pairs 01, 02, 12; the direction is seen from the first of each pair, which is not turned.
    assert rotations == pytest.approx([0, 10, 10], abs=1e-9)
    assert translations == pytest.approx([0, 0, 0], abs=1e-9)
    found = pose_metrics(predicted, truth)
    assert found['rra3'] == pytest.approx(1 / 3)
    assert found['rra30'] == 1
    assert found['rta3'] == 1
    assert found['auc3'] == pytest.approx(1 / 3)
    assert found['auc30'] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)


def test_area_under_curve_is_the_integral_of_accuracy():
    errors = np.random.default_rng(0).uniform(0, 50, 200)
    thresholds = (np.arange(30000) + 0.5) / 1000
    expected = np.mean([accuracy(errors, t) for t in thresholds[::50]])
    assert area_under_curve(errors, 30) == pytest.approx(expected, abs=2e-3)
    assert area_under_curve([0, 15, 30, 45], 30) == pytest.approx((1 + 0.5) / 4)
    assert np.isnan(area_under_curve([], 30))
    assert np.isnan(accuracy([], 30))


@settings(deadline=None)
@given(SEEDS)
def test_relative_errors_do_not_see_the_world_or_the_scale(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = random_poses(rng), random_poses(rng)
    moved = pose(random_rotation(rng), rng.normal(size=3)) @ predicted
    moved[:, :3, 3] *= 3
    for a, b in zip(relative_pose_errors(predicted, truth), relative_pose_errors(moved, truth)):
        np.testing.assert_allclose(a, b, atol=1e-5)


@settings(deadline=None)
@given(SEEDS)
def test_relative_errors_are_symmetric(seed):
    rng = np.random.default_rng(seed)
    a, b = random_poses(rng), random_poses(rng)
    for x, y in zip(relative_pose_errors(a, b), relative_pose_errors(b, a)):
        np.testing.assert_allclose(x, y, atol=1e-9)


@settings(deadline=None)
@given(SEEDS, st.floats(0.1, 10))
def test_trajectory_error_does_not_see_a_similarity(seed, scale):
    rng = np.random.default_rng(seed)
    truth = np.cumsum(rng.normal(size=(20, 3)), axis=0)
    noisy = truth + rng.normal(0, 0.1, truth.shape)
    moved = scale * noisy @ random_rotation(rng).T + rng.normal(size=3)
    a, b = trajectory_errors(noisy, truth), trajectory_errors(moved, truth)
    assert a['rmse'] == pytest.approx(b['rmse'], rel=1e-6)
    assert a['rmse'] <= trajectory_errors(noisy, truth, 'se3')['rmse'] + 1e-12
    unaligned = trajectory_errors(noisy, truth, 'none')['rmse']
    assert trajectory_errors(noisy, truth, 'se3')['rmse'] <= unaligned + 1e-12


def test_trajectory_error_by_hand():
    truth = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0.0]])
    predicted = truth + np.array([[0, 0, 0], [0, 3, 0], [0, 4, 0]])
    found = trajectory_errors(predicted, truth, 'none')
    assert found['rmse'] == pytest.approx(np.sqrt(25 / 3))
    assert (found['mean'], found['median'], found['max']) == pytest.approx((7 / 3, 3, 4))
    assert trajectory_errors(2 * truth, truth)['scale'] == pytest.approx(0.5)
    # A straight line has no unique rotation about itself, and needs none.
    assert trajectory_errors(2 * truth, truth)['rmse'] == pytest.approx(0, abs=1e-12)


def test_poses_and_positions_give_the_same():
    rng = np.random.default_rng(4)
    a, b = random_poses(rng), random_poses(rng)
    assert trajectory_errors(a, b) == trajectory_errors(a[:, :3, 3], b[:, :3, 3])


BAD = {
    'numbers differ': (np.zeros((2, 4, 4)), np.zeros((3, 4, 4))),
    'no poses': (np.zeros((2, 3)), np.zeros((2, 3))),
    'nan': (np.full((2, 4, 4), np.nan), np.zeros((2, 4, 4))),
}


@pytest.mark.parametrize(('a', 'b'), BAD.values(), ids=BAD)
def test_what_are_no_poses_is_refused(a, b):
    with pytest.raises(DepthError):
        relative_pose_errors(a, b)


def test_a_camera_that_stands_still_has_no_scale():
    with pytest.raises(DepthError, match='same point'):
        trajectory_errors(np.ones((5, 3)), np.ones((5, 3)))
    with pytest.raises(DepthError):
        trajectory_errors(np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(DepthError):
        trajectory_errors(np.zeros((3, 3)), np.zeros((4, 3)), 'none')
