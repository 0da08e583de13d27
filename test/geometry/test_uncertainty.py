# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The uncertainty of depth, and voxels that follow it."""

import numpy as np
import pytest

from depth_ros.geometry.uncertainty import (
    confidence_sigma,
    depth_sigma,
    keep_confident,
    stereo_sigma,
)
from depth_ros.geometry.voxels import voxel_downsample
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

CAMERA = Camera.pinhole(40, 30, 35.0)


def test_stereo_is_as_wrong_as_its_disparity():
    """The closed form against disparity with noise."""
    rng = np.random.default_rng(0)
    focal, baseline, sigma = 500.0, 0.12, 0.3
    depth = np.float32([1.0, 2.0, 4.0])
    disparity = focal * baseline / depth + sigma * rng.standard_normal((100_000, 3))
    measured = (focal * baseline / disparity).std(axis=0)
    np.testing.assert_allclose(stereo_sigma(depth, focal, baseline, sigma), measured, rtol=0.02)


def test_confidence_goes_from_worst_to_best():
    depth = np.float32([2.0, 2.0, 2.0, 4.0])
    confidence = np.float32([0.0, 0.5, 1.0, 1.0])
    sigma = confidence_sigma(depth, confidence, best=0.01, worst=0.25)
    np.testing.assert_allclose(sigma, [0.5, 2 * 0.05, 0.02, 0.04], rtol=1e-5)
    np.testing.assert_allclose(confidence_sigma(depth, None, usual=0.2), 0.2 * depth)


def test_the_prediction_decides_which():
    depth = np.full((30, 40), 2.0, np.float32)
    stereo = Prediction(DepthKind.DISPARITY, depth, CAMERA, baseline=0.1, focal=35.0)
    np.testing.assert_allclose(depth_sigma(depth, stereo), 4 / 3.5 * 0.5, rtol=1e-6)
    mono = Prediction(DepthKind.METRIC, depth, CAMERA, confidence=np.ones_like(depth))
    np.testing.assert_allclose(depth_sigma(depth, mono, best=0.03), 0.06, rtol=1e-5)


def test_invalid_depth_has_no_finite_deviation():
    depth = np.float32([np.nan, np.inf, 1.0])
    for sigma in (stereo_sigma(depth, 500, 0.1), confidence_sigma(depth, np.ones(3, np.float32))):
        np.testing.assert_array_equal(np.isfinite(sigma), [False, False, True])


def test_only_the_confident_is_kept():
    depth = np.float32([1, 2, 3, np.inf])
    confidence = np.float32([0.2, 0.6, np.nan, 0.9])
    kept = keep_confident(depth, confidence, 0.5)
    np.testing.assert_array_equal(kept, np.float32([np.nan, 2, np.nan, np.inf]))
    assert keep_confident(depth, None, 0.5) is depth
    assert keep_confident(depth, confidence, 0.0) is depth


@pytest.mark.parametrize(
    'call',
    [
        lambda: stereo_sigma(np.ones(1, np.float32), 500, 0.0),
        lambda: confidence_sigma(np.ones(1, np.float32), None, best=0.5, worst=0.1),
        lambda: voxel_downsample(np.ones((1, 3), np.float32), np.ones(1, np.float32), 0.0),
        lambda: voxel_downsample(np.ones((2, 3), np.float32), np.ones(1, np.float32), 0.1),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(DepthError, match='expected'):
        call()


def test_a_voxel_holds_one_point_and_larger_ones_hold_what_is_less_certain():
    rng = np.random.default_rng(1)
    points = rng.uniform(-3, 3, (4000, 3)).astype(np.float32)
    sigma = rng.choice(np.float32([0.01, 0.3, 0.9]), 4000)
    down = voxel_downsample(points, sigma, 0.25)
    expected = set()
    for point, s in zip(points.astype(np.float64), sigma):
        size = 0.25
        while size < s:
            size *= 2
        expected.add((size, *np.floor(point / size)))
    assert len(down.points) == len(expected)
    assert down.counts.sum() == 4000


def test_the_point_is_the_mean_that_the_certain_ones_pull():
    points = np.float32([[0.1, 0.1, 0.1], [0.2, 0.2, 0.2], [5.0, 5.0, 5.0]])
    down = voxel_downsample(points, np.float32([0.01, 0.02, 0.01]), 1.0, per_sigma=0)
    order = np.argsort(down.points[:, 0])
    np.testing.assert_allclose(down.points[order], [[0.12] * 3, [5.0] * 3], rtol=1e-5)
    np.testing.assert_allclose(down.sigma[order], [0.01, 0.01])
    np.testing.assert_array_equal(down.counts[order], [2, 1])


def test_no_points_give_none():
    down = voxel_downsample(np.zeros((0, 3), np.float32), np.zeros(0, np.float32), 0.1)
    assert down.points.shape == (0, 3)
