# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Median, speckles and holes: what they change, and what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.metric.image_filters import fill_holes, median_filter, remove_speckles
from depth_ros.types import DepthError

FILTERS = (median_filter, remove_speckles, fill_holes)


def two_surfaces():
    depth = np.full((40, 60), 4.0, np.float32)
    depth[:, 30:] = 2.0
    return depth


@pytest.mark.parametrize('function', FILTERS, ids=lambda f: f.__name__)
def test_clean_surfaces_stay(function):
    depth = two_surfaces()
    np.testing.assert_array_equal(function(depth), depth)


@pytest.mark.parametrize('function', FILTERS, ids=lambda f: f.__name__)
def test_off_is_a_copy(function):
    depth = two_surfaces()
    depth[3, 3] = np.nan
    made = function(depth, 0)
    np.testing.assert_array_equal(made, depth)
    assert made is not depth


@pytest.mark.parametrize('function', FILTERS, ids=lambda f: f.__name__)
def test_infinities_keep_their_meaning_and_the_input_is_left_alone(function):
    depth = two_surfaces()
    depth[5:9, 5:9] = np.inf
    depth[20, 20] = -np.inf
    depth[30, 40] = 2.5
    before = depth.copy()
    made = function(depth)
    np.testing.assert_array_equal(depth, before)
    np.testing.assert_array_equal(np.isposinf(made), np.isposinf(depth))
    np.testing.assert_array_equal(np.isneginf(made), np.isneginf(depth))


@pytest.mark.parametrize('size', [3, 5])
def test_the_median_removes_single_pixels_and_keeps_the_step(size):
    depth = two_surfaces()
    depth[10, 10] = 9.0
    depth[20, 45] = 0.1
    np.testing.assert_array_equal(median_filter(depth, size), two_surfaces())


def test_the_median_fills_no_hole_and_is_not_spoiled_by_one():
    depth = two_surfaces()
    depth[8:15, 8:15] = np.nan
    made = median_filter(depth, 5)
    np.testing.assert_array_equal(np.isnan(made), np.isnan(depth))
    assert (made[~np.isnan(made)] == two_surfaces()[~np.isnan(made)]).all()


def test_an_image_without_depth_stays_empty():
    for function in FILTERS:
        assert np.isnan(function(np.full((20, 20), np.nan, np.float32), 3)).all()


@given(st.integers(1, 200))
def test_speckles_go_by_their_size(size):
    depth = two_surfaces()
    depth[5:8, 5:9] = 1.0  # 12 pixels
    depth[20:30, 5:15] = 1.0  # 100 pixels
    made = remove_speckles(depth, size)
    assert np.isnan(made[5:8, 5:9]).all() == (size >= 12)
    assert np.isnan(made[20:30, 5:15]).all() == (size >= 100)
    assert not np.isnan(made[:, 30:]).any()


def test_a_slope_is_one_surface_for_the_speckle_filter():
    depth = np.geomspace(1, 20, 60, dtype=np.float32)[None].repeat(40, 0)
    step = depth[0, 1] / depth[0, 0] - 1
    assert not np.isnan(remove_speckles(depth, 500, 1.2 * step)).any()
    assert np.isnan(remove_speckles(depth, 500, 0.5 * step)).all()


def test_small_holes_are_filled_and_large_ones_are_not():
    depth = two_surfaces()
    depth[5:8, 5:9] = np.nan
    depth[20:32, 5:17] = np.nan
    made = fill_holes(depth, 100)
    np.testing.assert_allclose(made[5:8, 5:9], 4.0)
    assert np.isnan(made[20:32, 5:17]).all()


def test_a_hole_in_a_slanted_plane_gets_the_plane():
    y, x = np.mgrid[0:40, 0:60]
    plane = (1 / (0.2 + 0.004 * x + 0.003 * y)).astype(np.float32)
    depth = plane.copy()
    depth[15:20, 20:26] = np.nan
    made = fill_holes(depth)
    np.testing.assert_allclose(made[15:20, 20:26], plane[15:20, 20:26], rtol=0.02)


def test_a_hole_on_an_edge_takes_the_far_side():
    depth = two_surfaces()
    depth[10:14, 28:33] = np.nan
    made = fill_holes(depth)
    np.testing.assert_allclose(made[10:14, 28:33], 4.0)


def test_a_hole_at_the_border_is_filled():
    depth = two_surfaces()
    depth[:3, :3] = np.nan
    np.testing.assert_allclose(fill_holes(depth)[:3, :3], 4.0)


@pytest.mark.parametrize(
    ('function', 'arguments'),
    [
        (median_filter, (4,)),
        (median_filter, (7,)),
        (remove_speckles, (-1,)),
        (remove_speckles, (10, 0.0)),
        (fill_holes, (-1,)),
        (fill_holes, (10, -1.0)),
    ],
)
def test_parameters_that_cannot_be_are_refused(function, arguments):
    with pytest.raises(DepthError, match='expected'):
        function(two_surfaces(), *arguments)


@pytest.mark.parametrize('function', FILTERS, ids=lambda f: f.__name__)
def test_an_empty_image_is_refused(function):
    with pytest.raises(DepthError, match='not empty'):
        function(np.zeros((0, 5), np.float32), 3)
