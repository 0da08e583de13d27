# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Z = f * B / d, and what may become metres."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.geometry.disparity import (
    depth_to_disparity,
    disparity_to_depth,
    prediction_to_depth,
)
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

NAN, INF = np.nan, np.inf
CAMERA = Camera.pinhole(3, 1, 100.0)
VALUES = np.array([[1.0, 2.0, NAN]], np.float32)
positive = st.floats(1e-3, 1e3)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter('error', RuntimeWarning)
        yield


def one(value: float) -> np.ndarray:
    return np.array([[value]], np.float32)


@pytest.mark.parametrize(
    ('disparity', 'depth'),
    [(10, 5.0), (0.0, INF), (-0.0, INF), (NAN, NAN), (-1, NAN), (-INF, NAN), (INF, NAN)],
)
def test_disparity_to_depth(disparity, depth):
    result = disparity_to_depth(one(disparity), 500.0, 0.1)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, one(depth))


@pytest.mark.parametrize(
    ('depth', 'disparity'),
    [(5.0, 10), (INF, 0.0), (NAN, NAN), (0.0, NAN), (-0.0, NAN), (-1, NAN), (-INF, NAN)],
)
def test_depth_to_disparity(depth, disparity):
    np.testing.assert_array_equal(depth_to_disparity(one(depth), 500.0, 0.1), one(disparity))


@given(positive, positive, positive)
def test_there_and_back_is_the_same(value, focal, baseline):
    back = depth_to_disparity(disparity_to_depth(one(value), focal, baseline), focal, baseline)
    np.testing.assert_allclose(back, one(value), rtol=3e-7)


def test_depth_is_where_the_two_rays_meet():
    left, right = Camera.pinhole(640, 480, 500.0, cx=320), Camera.pinhole(640, 480, 500.0, cx=300)
    point, baseline = np.array([0.4, 0.1, 3.0]), 0.12
    seen = [
        camera.fx * (point[0] - shift) / point[2] + camera.cx
        for camera, shift in ((left, 0), (right, baseline))
    ]
    disparity = seen[0] - seen[1] - (left.cx - right.cx)
    assert disparity_to_depth(one(disparity), 500.0, baseline).item() == pytest.approx(3.0)


@pytest.mark.parametrize('focal', [0, -1, NAN, INF])
@pytest.mark.parametrize('function', [disparity_to_depth, depth_to_disparity])
def test_a_focal_length_that_is_none_is_refused(function, focal):
    with pytest.raises(DepthError, match='focal length is'):
        function(VALUES, focal, 0.1)


@pytest.mark.parametrize('baseline', [0, -0.1, NAN, INF])
@pytest.mark.parametrize('function', [disparity_to_depth, depth_to_disparity])
def test_a_baseline_that_is_none_is_refused(function, baseline):
    with pytest.raises(DepthError, match='not swapped'):
        function(VALUES, 500.0, baseline)


def test_metric_predictions_are_metres_already():
    prediction = Prediction(DepthKind.METRIC, VALUES, CAMERA)
    np.testing.assert_array_equal(prediction_to_depth(prediction), VALUES)


def test_disparity_with_a_baseline_becomes_metres():
    prediction = Prediction(DepthKind.DISPARITY, VALUES, CAMERA, baseline=0.1, focal=100.0)
    np.testing.assert_allclose(prediction_to_depth(prediction), [[10, 5, NAN]])


@pytest.mark.parametrize('kind', [DepthKind.SCALE_INVARIANT, DepthKind.AFFINE_INVERSE])
def test_relative_predictions_are_refused(kind):
    with pytest.raises(DepthError, match=f"'dreamer' is {kind.value}, not metres; align it"):
        prediction_to_depth(Prediction(kind, VALUES, CAMERA, model='dreamer'))


def test_disparity_without_a_baseline_is_refused():
    with pytest.raises(DepthError, match='baseline'):
        prediction_to_depth(Prediction(DepthKind.DISPARITY, VALUES, CAMERA, focal=100.0))
