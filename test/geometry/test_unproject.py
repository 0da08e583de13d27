# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points are where the camera saw them."""

import numpy as np
import pytest
from exact_planes import plane_depth
from lens_table import HEIGHT, LENSES, WIDTH, lens_camera

from depth_ros.geometry.distortion import pixel_grid, project
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.types import Camera, DepthError, Distortion


def some_depth(camera: Camera) -> np.ndarray:
    return np.random.default_rng(5).uniform(0.2, 60, camera.size_wh[::-1]).astype(np.float32)


@pytest.mark.parametrize('name', LENSES)
def test_points_project_to_their_pixels(name):
    camera = lens_camera(name)
    depth = some_depth(camera)
    points = depth_to_points(depth, camera)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points[..., 2], depth)
    # float32 rays end within a part in 1e7 of their pixel, seen over some hundred pixels.
    pixels = project(camera, points)
    np.testing.assert_allclose(pixels, pixel_grid(WIDTH, HEIGHT), rtol=0, atol=1e-3)


def test_a_tilted_plane_becomes_a_plane():
    camera = Camera.pinhole(320, 240, 250.0, cx=100.0)
    points = depth_to_points(plane_depth(camera, 50, 30), camera).astype(np.float64)
    normal = np.array(
        [
            np.sin(np.deg2rad(50)) * np.cos(np.deg2rad(30)),
            np.sin(np.deg2rad(50)) * np.sin(np.deg2rad(30)),
            np.cos(np.deg2rad(50)),
        ]
    )
    finite = np.isfinite(points).all(-1)
    off = (points[finite] @ normal - 2 * normal[2]) / points[finite, 2]
    assert finite.mean() > 0.5
    assert np.abs(off).max() < 1e-6


@pytest.mark.parametrize('size', [(1, 1), (7, 1), (1, 9), (640, 480), (1000, 61), (40_001, 2)])
def test_every_size_is_covered(size):
    camera = Camera.pinhole(*size, 300.0)
    depth = some_depth(camera)
    u, v = np.moveaxis(pixel_grid(*size), -1, 0)
    expected = [(u - camera.cx) / 300 * depth, (v - camera.cy) / 300 * depth, depth]
    np.testing.assert_allclose(depth_to_points(depth, camera), np.stack(expected, -1), rtol=1e-6)


@pytest.mark.parametrize('invalid', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('packed', [True, False], ids=['packed', 'strided'])
def test_what_is_not_finite_is_nan_in_all_three(invalid, packed):
    camera = Camera.pinhole(9, 7, 10.0)  # its middle pixel looks along the axis: 0 * inf
    depth = np.ones((7, 9), np.float32)
    depth[3, 4] = depth[0, 0] = invalid
    cloud = np.zeros((7, 9, 4), np.float32)
    points = depth_to_points(depth, camera, None if packed else cloud[..., :3])
    assert np.isnan(points[3, 4]).all()
    assert np.isnan(points[0, 0]).all()
    assert np.isfinite(points).all(-1).sum() == 61


def test_where_the_lens_has_no_ray_there_is_no_point():
    camera = Camera(
        200, 200, [[50, 0, 99.5], [0, 50, 99.5], [0, 0, 1]], np.zeros(4), Distortion.EQUIDISTANT
    )
    points = depth_to_points(np.ones((200, 200), np.float32), camera)
    u, v = np.moveaxis(pixel_grid(200, 200), -1, 0)
    seen = np.hypot(u - 99.5, v - 99.5) / 50 < np.deg2rad(89.9)
    np.testing.assert_array_equal(np.isfinite(points).all(-1), seen)
    np.testing.assert_array_equal(np.isnan(points).all(-1), ~seen)


@pytest.mark.parametrize('channels', [3, 4])
def test_out_is_filled_and_returned(channels):
    camera = Camera.pinhole(40, 30, 35.0)
    depth = some_depth(camera)
    cloud = np.full((30, 40, channels), -5, np.float32)
    view = cloud[..., :3]
    assert depth_to_points(depth, camera, view) is view
    np.testing.assert_array_equal(cloud[..., :3], depth_to_points(depth, camera))
    assert (cloud[..., 3:] == -5).all()


def test_depth_with_any_strides_is_read():
    camera = Camera.pinhole(40, 30, 35.0)
    depth = some_depth(camera)
    expected = depth_to_points(depth, camera)
    np.testing.assert_array_equal(depth_to_points(np.asfortranarray(depth), camera), expected)
    wide = np.repeat(depth, 2, 1)
    np.testing.assert_array_equal(depth_to_points(wide[:, ::2], camera), expected)


def test_the_input_is_not_changed():
    depth = np.array([[np.inf, 1]], np.float32)
    depth_to_points(depth, Camera.pinhole(2, 1, 1.0))
    np.testing.assert_array_equal(depth, [[np.inf, 1]])


@pytest.mark.parametrize(
    ('shape', 'out', 'says'),
    [
        ((30, 41), None, 'resize the camera'),
        ((40, 30), None, 'resize the camera'),
        ((30, 40), np.zeros((30, 40, 4), np.float32), 'out is'),
        ((30, 40), np.zeros((30, 40, 3), np.float64), 'out is'),
    ],
)
def test_shapes_that_disagree_are_refused(shape, out, says):
    with pytest.raises(DepthError, match=says):
        depth_to_points(np.ones(shape, np.float32), Camera.pinhole(40, 30, 35.0), out)
