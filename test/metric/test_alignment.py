# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Scale and shift make metres of relative predictions, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.geometry.disparity import prediction_to_depth
from depth_ros.metric.alignment import apply_scale_shift
from depth_ros.types import Camera, DepthError, DepthKind, Prediction


def relative(values, kind=DepthKind.AFFINE_INVERSE) -> Prediction:
    values = np.atleast_2d(np.asarray(values, np.float32))
    camera = Camera.pinhole(values.shape[1], values.shape[0], 100.0)
    return Prediction(kind, values, camera, model='test')


@given(
    st.lists(st.floats(0.1, 100), min_size=1, max_size=20),
    st.floats(1e-3, 1e3),
    st.floats(-5, 5),
)
def test_an_affine_view_of_inverse_depth_is_undone(depths, scale, shift):
    """A model that says (1/Z - shift) / scale gets its metres back."""
    truth = np.array(depths)
    seen = (1 / truth - shift) / scale
    made = apply_scale_shift(relative(seen), scale, shift)
    assert made.kind is DepthKind.METRIC
    # float32 keeps 1/Z to about 1e-7 of the larger of 1/Z and the shift that was taken off
    tolerance = 1e-6 * (1 + abs(shift) * truth) * truth
    assert (np.abs(made.values[0] - truth) <= tolerance).all()


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=20), st.floats(0.01, 100))
def test_a_scale_invariant_depth_is_divided_by_the_scale(depths, scale):
    prediction = relative(depths, DepthKind.SCALE_INVARIANT)
    made = apply_scale_shift(prediction, scale, 0.0)
    np.testing.assert_allclose(made.values, prediction.values / scale, rtol=1e-5)


@pytest.mark.parametrize(
    ('value', 'shift', 'expected'),
    [
        (0.5, 0.0, 2.0),
        (0.0, 0.0, np.inf),  # infinitely far
        (-0.0, 0.0, np.inf),  # not -Inf, which would say too close
        (-1.0, 0.0, np.inf),  # beyond infinity: nothing within range
        (0.5, -1.0, np.inf),
        (np.nan, 0.0, np.nan),
        (np.inf, 0.0, np.nan),  # no surface is in the lens
    ],
)
def test_what_lies_beyond_range_is_infinite(value, shift, expected):
    made = apply_scale_shift(relative(value), 1.0, shift).values[0, 0]
    np.testing.assert_array_equal(made, np.float32(expected))
    assert not np.signbit(made)


@pytest.mark.parametrize('value', [0.0, -1.0, np.nan], ids=str)
def test_a_depth_that_is_not_positive_is_no_depth(value):
    made = apply_scale_shift(relative(value, DepthKind.SCALE_INVARIANT), 2.0, 0.1)
    assert np.isnan(made.values[0, 0])


def test_larger_relative_values_are_nearer():
    made = apply_scale_shift(relative([0.1, 0.2, 0.4, 0.8]), 0.7, 0.05)
    assert (np.diff(made.values[0]) < 0).all()


def test_the_prediction_given_is_left_alone():
    prediction = relative([1.0, 2.0])
    apply_scale_shift(prediction, 2.0, 1.0)
    np.testing.assert_array_equal(prediction.values, np.float32([[1, 2]]))


@pytest.mark.parametrize(
    ('scale', 'shift'),
    [(0.0, 0.0), (-1.0, 0.0), (np.nan, 0.0), (np.inf, 0.0), (1.0, np.nan), (1.0, np.inf)],
)
def test_a_scale_that_cannot_be_is_refused(scale, shift):
    with pytest.raises(DepthError, match='scale > 0'):
        apply_scale_shift(relative(1.0), scale, shift)


@pytest.mark.parametrize('kind', [DepthKind.METRIC, DepthKind.DISPARITY])
def test_what_is_metric_already_is_refused(kind):
    with pytest.raises(DepthError, match='needs no scale'):
        apply_scale_shift(relative(1.0, kind), 1.0, 0.0)


@pytest.mark.parametrize('kind', [DepthKind.AFFINE_INVERSE, DepthKind.SCALE_INVARIANT])
def test_relative_numbers_are_never_metres_before_and_are_after(kind):
    prediction = relative([0.5, 1.0], kind)
    with pytest.raises(DepthError):
        prediction_to_depth(prediction)
    made = apply_scale_shift(prediction, 1.0, 0.0)
    np.testing.assert_array_equal(prediction_to_depth(made), made.values)
