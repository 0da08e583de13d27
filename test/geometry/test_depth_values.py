# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a depth value means, as REP-117 and REP-118 have it."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from depth_ros.geometry.depth_values import (
    clip_range,
    is_valid,
    metres_to_millimetres,
    millimetres_to_metres,
)
from depth_ros.types import DepthError

NAN, INF = np.nan, np.inf
any_depth = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(width=32)
)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter('error', RuntimeWarning)
        yield


def floats(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_only_finite_positive_numbers_are_measurements():
    depth = floats(1e-6, 1, 1e6, 0, -0.0, -1, NAN, INF, -INF)
    np.testing.assert_array_equal(is_valid(depth), [[True] * 3 + [False] * 6])


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        (0.5, -INF),
        (1.0, 1.0),
        (2.0, 2.0),
        (5.0, 5.0),
        (5.1, INF),
        (NAN, NAN),
        (INF, INF),
        (-INF, -INF),
        (0.0, NAN),
        (-0.0, NAN),
        (-3.0, NAN),
    ],
)
def test_clip_range(value, expected):
    np.testing.assert_array_equal(clip_range(floats(value), 1.0, 5.0), floats(expected))


@pytest.mark.parametrize(
    ('value', 'expected'),
    [(1e-9, 1e-9), (1e9, 1e9), (NAN, NAN), (INF, INF), (-INF, -INF), (0.0, NAN), (-3.0, NAN)],
)
def test_without_limits_only_what_is_no_measurement_goes(value, expected):
    np.testing.assert_array_equal(clip_range(floats(value)), floats(expected))


@given(any_depth, st.floats(0, 10), st.floats(11, 1e3))
def test_clipping_twice_is_clipping_once(depth, low, high):
    once = clip_range(depth, low, high)
    np.testing.assert_array_equal(clip_range(once, low, high), once)
    kept = is_valid(once)
    np.testing.assert_array_equal(once[kept], depth[kept])
    assert (once[kept] <= np.float32(high)).all()
    assert (once[kept] >= np.float32(low)).all()


def test_the_limits_themselves_are_inside():
    """0.3 is not a float32: the limit is rounded as the depth is."""
    depth = floats(0.3, 0.7)
    np.testing.assert_array_equal(clip_range(depth, 0.3, 0.7), depth)


def test_clipping_leaves_its_input():
    depth = floats(1, 2, 3)
    clip_range(depth, 1.5, 2.5)
    np.testing.assert_array_equal(depth, floats(1, 2, 3))


@pytest.mark.parametrize('limits', [(-1, 5), (5, 5), (5, 1), (NAN, 5), (0, NAN)], ids=str)
def test_limits_that_leave_no_range_are_refused(limits):
    with pytest.raises(DepthError, match='0 <= min_depth < max_depth'):
        clip_range(floats(1), *limits)


@pytest.mark.parametrize(
    ('metres', 'millimetres'),
    [
        (1.0, 1000),
        (0.0014, 1),
        (0.0016, 2),
        (0.0004, 0),
        (65.535, 65535),
        (65.5351, 65535),
        (65.536, 0),
        (1e30, 0),
        (NAN, 0),
        (INF, 0),
        (-INF, 0),
        (0.0, 0),
        (-1.0, 0),
    ],
)
def test_metres_to_millimetres(metres, millimetres):
    result = metres_to_millimetres(floats(metres))
    assert result.dtype == np.uint16
    assert result.item() == millimetres


def test_every_millimetre_value_survives_the_way_through_metres():
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    metres = millimetres_to_metres(every)
    assert metres.dtype == np.float32
    assert np.isnan(metres[0, 0])
    assert np.isnan(metres).sum() == 1
    np.testing.assert_array_equal(metres_to_millimetres(metres), every)


@given(any_depth)
def test_millimetres_are_right_to_half_a_millimetre_or_absent(depth):
    millimetres = metres_to_millimetres(depth)
    known = millimetres > 0
    assert is_valid(depth[known]).all()
    np.testing.assert_allclose(millimetres[known] / 1000, depth[known], rtol=0, atol=0.000504)
    assert not (is_valid(depth[~known]) & (depth[~known] > 0.0006) & (depth[~known] < 65.53)).any()
