# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Resized depth: planes stay planes, edges stay edges, and invalid values stay where they are."""

import numpy as np
import pytest
from exact_planes import plane_depth
from hypothesis import assume, given
from hypothesis import strategies as st

from depth_ros.geometry.camera import resize_camera
from depth_ros.geometry.resize import resize_depth
from depth_ros.types import Camera, DepthError

sizes = st.integers(2, 90)


@given(st.integers(3, 90), st.integers(3, 90), sizes, sizes, st.floats(0, 80), st.floats(0, 360))
def test_planes_are_exact(width, height, new_width, new_height, tilt, turn):
    """Resizing the image of a plane is the image of the plane by the resized camera.

    Two pixels alone may be a slope or a step: three are needed.
    """
    camera = Camera.pinhole(width, height, 3.0 * max(width, height))
    resized = resize_camera(camera, new_width, new_height)
    depth, expected = plane_depth(camera, tilt, turn), plane_depth(resized, tilt, turn)
    assume(np.isfinite(depth).all() and np.isfinite(expected).all())
    result = resize_depth(depth, new_width, new_height)
    # One rounding of each of four neighbours, grown by how much farther a pixel is than they are.
    growth = max(1.0, float(expected.max() / depth.min()))
    np.testing.assert_allclose(result, expected, rtol=1e-6 * growth)


@given(sizes, sizes, st.integers(1, 89), st.floats(0.5, 30), st.floats(1.1, 5))
def test_nothing_appears_between_two_surfaces(width, height, at, near, ratio):
    depth = np.full((50, 90), near * ratio, np.float32)
    depth[:, :at] = near
    result = resize_depth(depth, width, height)
    surfaces = np.array([near, near * ratio], np.float32)
    nearest = surfaces[np.argmin(np.abs(result[..., None] - surfaces), -1)]
    np.testing.assert_allclose(result, nearest, rtol=1e-6)


@pytest.mark.parametrize('invalid', [np.nan, np.inf, -np.inf, 0.0])
def test_invalid_values_do_not_spread(invalid):
    depth = np.full((40, 40), 2.0, np.float32)
    depth[10:20, 10:20] = invalid
    for size in (20, 40, 80, 57, 23):
        result = resize_depth(depth, size, size)
        held = (result == invalid) | (np.isnan(result) & np.isnan(invalid))
        assert (held | np.isclose(result, 2.0, rtol=1e-6)).all()
        assert held.mean() == pytest.approx(1 / 16, abs=0.02)


def test_a_single_hole_and_a_single_pixel_survive_doubling():
    depth = np.full((8, 8), 2.0, np.float32)
    depth[3, 3], depth[6, 6] = np.nan, 1.0
    result = resize_depth(depth, 16, 16)
    assert np.isnan(result).sum() == 4
    np.testing.assert_array_equal(result[12:14, 12:14], 1.0)


def test_the_sky_stays_sky_and_the_floor_floor():
    camera = Camera.pinhole(64, 48, 50.0)
    depth = plane_depth(camera, 88, 90)
    assert np.isinf(depth).any()
    result = resize_depth(depth, 128, 96)
    assert np.isinf(result).mean() == pytest.approx(np.isinf(depth).mean(), abs=0.02)
    assert (result > 0).all()
    assert not np.isnan(result).any()


def test_the_same_size_is_a_copy():
    depth = np.array([[1, np.nan], [np.inf, 2]], np.float32)
    result = resize_depth(depth, 2, 2)
    np.testing.assert_array_equal(result, depth)
    result[0, 0] = 7
    assert depth[0, 0] == 1


@pytest.mark.parametrize('shape', [(1, 1), (1, 7), (7, 1)], ids=str)
def test_images_one_pixel_wide_are_repeated(shape):
    depth = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    result = resize_depth(depth, shape[1] * 2, shape[0] * 2)
    np.testing.assert_array_equal(result, depth.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize(
    ('shape', 'size', 'says'),
    [
        ((4, 4), (0, 4), 'leaves no pixel'),
        ((4, 4), (4, -1), 'leaves no pixel'),
        ((0, 4), (4, 4), 'not empty'),
        ((4, 4, 1), (4, 4), 'expected .height, width.'),
    ],
)
def test_what_is_no_image_is_refused(shape, size, says):
    with pytest.raises(DepthError, match=says):
        resize_depth(np.ones(shape, np.float32), *size)
