# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Epipolar geometry: exact matches satisfy it, wrong ones do not decide it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.geometry.epipolar import (
    essential_matrix,
    essential_of,
    fundamental_matrix,
    motion_from_matches,
    refine_motion,
    rotation_of,
    sampson_distance,
    skew,
    turn_between,
)
from depth_ros.types import DepthError

FOCAL = 500.0
K = np.array([[FOCAL, 0, 320], [0, FOCAL, 240], [0, 0, 1]])


def two_views(rng, count=150, turn=0.1, way=(0.3, 0.1, 0.2), noise=0.0, outliers=0.0):
    """Return matched rays, rotation and translation of two views of points 2 to 10 m away."""
    z = rng.uniform(2, 10, count)
    points = np.stack([rng.uniform(-0.5, 0.5, count) * z, rng.uniform(-0.4, 0.4, count) * z, z], 1)
    axis = rng.normal(size=3)
    rotation = rotation_of(turn * axis / np.linalg.norm(axis))
    translation = np.asarray(way, float)
    moved = points @ rotation.T + translation
    first, second = points[:, :2] / points[:, 2:], moved[:, :2] / moved[:, 2:]
    second = second + rng.normal(0, noise / FOCAL, second.shape)
    wrong = rng.random(count) < outliers
    second[wrong] = rng.uniform(-0.5, 0.5, (np.count_nonzero(wrong), 2))
    return first, second, rotation, translation, wrong


def angle(a, b):
    """Return degrees between two rotations or two vectors."""
    if np.ndim(a) == 2:
        return float(np.degrees(np.arccos(np.clip((np.trace(a @ b.T) - 1) / 2, -1, 1))))
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def pixels(rays):
    return rays * FOCAL + (320, 240)


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6))
def test_skew_is_the_cross_product(numbers):
    a, b = np.array(numbers[:3]), np.array(numbers[3:])
    np.testing.assert_allclose(skew(a) @ b, np.cross(a, b), atol=1e-12)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_exact_matches_lie_on_their_epipolar_lines(seed):
    first, second, rotation, translation, _ = two_views(np.random.default_rng(seed))
    error = sampson_distance(essential_of(rotation, translation), first, second)
    assert np.abs(error).max() < 1e-12


def test_the_distance_is_how_far_a_point_was_moved():
    """Across its line, to first order, shared between both views: by 1 / sqrt(2)."""
    first, second, rotation, translation, _ = two_views(np.random.default_rng(0), way=(0.4, 0, 0),
                                                        turn=0.0)  # fmt: skip
    moved = second + np.array([0.0, 1e-3])  # lines are level for a sideways motion
    error = sampson_distance(essential_of(rotation, translation), first, moved)
    np.testing.assert_allclose(np.abs(error), 1e-3 / np.sqrt(2), rtol=1e-3)


@given(seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_the_matrices_are_found_among_outliers(seed):
    rng = np.random.default_rng(seed)
    first, second, rotation, translation, wrong = two_views(rng, noise=0.3, outliers=0.3)
    found = fundamental_matrix(pixels(first), pixels(second), tolerance=1.5)
    truth = np.linalg.inv(K).T @ essential_of(rotation, translation) @ np.linalg.inv(K)
    clean = sampson_distance(found.matrix, pixels(first), pixels(second))[~wrong]
    assert np.median(np.abs(clean)) < 0.5
    line = np.abs(sampson_distance(truth, pixels(first), pixels(second))) > 5
    assert not found.inliers[wrong & line].any() or found.inliers[wrong & line].mean() < 0.05
    found = essential_matrix(first, second, tolerance=1.5 / FOCAL)
    clean = sampson_distance(found.matrix, first, second)[~wrong] * FOCAL
    assert np.median(np.abs(clean)) < 0.5


@given(seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_images_alone_give_rotation_and_direction(seed):
    rng = np.random.default_rng(seed)
    first, second, rotation, translation, _ = two_views(rng, noise=0.2, outliers=0.25)
    motion = motion_from_matches(first, second, 1 / FOCAL)
    assert angle(motion.rotation, rotation) < 0.4
    assert angle(motion.translation, translation) < 4
    assert np.linalg.norm(motion.translation) == pytest.approx(1)


def test_a_rotation_alone_has_no_direction():
    rng = np.random.default_rng(0)
    first, second, *_ = two_views(rng, way=(0, 0, 0), noise=0.2)
    with pytest.raises(DepthError, match='rotation only'):
        motion_from_matches(first, second, 1 / FOCAL)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_images_correct_the_odometry_and_keep_its_length(seed):
    rng = np.random.default_rng(seed)
    first, second, rotation, translation, wrong = two_views(rng, noise=0.3, outliers=0.2)
    off = rotation_of(np.radians(1.0) * np.array([0.6, -0.8, 0])) @ rotation
    tilt = rotation_of(np.radians(2.0) * np.array([0, 0, 1.0])) @ translation
    motion = refine_motion(first, second, off, tilt, 1 / FOCAL)
    assert angle(motion.rotation, rotation) < 0.5 * angle(off, rotation)
    assert np.linalg.norm(motion.translation) == pytest.approx(np.linalg.norm(translation))
    assert motion.inliers[~wrong].mean() > 0.9


def test_an_exact_guess_stays():
    first, second, rotation, translation, _ = two_views(np.random.default_rng(0))
    motion = refine_motion(first, second, rotation, translation, 1 / FOCAL)
    assert angle(motion.rotation, rotation) < 1e-3
    assert angle(motion.translation, translation) < 1e-2
    assert motion.inliers.all()


def test_the_rotation_between_bundles_of_rays():
    rng = np.random.default_rng(0)
    first, second, rotation, _, _ = two_views(rng, way=(0, 0, 0), turn=0.3, outliers=0.2)
    assert angle(turn_between(first, second), rotation) < 0.1


@pytest.mark.parametrize(
    ('first', 'second', 'message'),
    [
        (np.zeros((3, 2)), np.zeros((3, 2)), 'needs 5 or more'),
        (np.zeros((9, 2)), np.zeros((8, 2)), 'as many of each'),
        (np.full((9, 2), np.nan), np.zeros((9, 2)), 'NaN'),
    ],
)
def test_bad_matches_are_refused(first, second, message):
    with pytest.raises(DepthError, match=message):
        essential_matrix(first, second, 1e-3)


def test_matches_at_one_place_are_refused():
    with pytest.raises(DepthError):
        fundamental_matrix(np.ones((20, 2)), np.ones((20, 2)))


def test_no_translation_is_refused():
    first, second, rotation, *_ = two_views(np.random.default_rng(0))
    with pytest.raises(DepthError, match='translation is zero'):
        refine_motion(first, second, rotation, np.zeros(3), 1e-3)
