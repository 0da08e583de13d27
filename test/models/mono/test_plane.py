# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plane: every finite pixel lies on it, every other pixel cannot."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.geometry.disparity import prediction_to_depth
from depth_ros.geometry.distortion import pixel_grid, unproject
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, DepthError, DepthKind, Distortion, View

PINHOLE = Camera.pinhole(48, 36, 40.0, 42.0, 20.3, 17.9)
BROWN = Camera(48, 36, PINHOLE.K, np.array([-0.28, 0.07, 1e-3, -5e-4, 0.0]), Distortion.PLUMB_BOB)
FISHEYE = Camera(48, 36, PINHOLE.K, np.array([0.02, -0.01, 2e-3, 0.0]), Distortion.EQUIDISTANT)
CAMERAS = pytest.mark.parametrize(
    'camera', [PINHOLE, BROWN, FISHEYE], ids=['pinhole', 'plumb_bob', 'fisheye']
)


def view(camera: Camera) -> View:
    return View(np.zeros((camera.height, camera.width), np.uint8), camera)


def rays(camera: Camera) -> np.ndarray:
    """(H, W, 3) with z = 1, float64."""
    xy = unproject(camera, pixel_grid(*camera.size_wh))
    return np.concatenate([xy, np.ones_like(xy[..., :1])], axis=-1)


def predict(camera: Camera, name: str = 'plane', **options: float) -> np.ndarray:
    return create_model(name, options).predict([view(camera)]).values


components = st.floats(-1, 1).filter(lambda x: x == 0 or abs(x) > 1e-3)


@CAMERAS
@settings(max_examples=25, deadline=None)
@given(normal=st.tuples(components, components, components), distance=st.floats(0.05, 50))
def test_points_lie_on_the_plane(camera, normal, distance):
    if not any(normal):
        return
    depth = predict(
        camera, normal_x=normal[0], normal_y=normal[1], normal_z=normal[2], distance=distance
    )
    unit = np.array(normal) / np.linalg.norm(normal)
    slope = rays(camera) @ unit
    met = np.isfinite(depth)
    np.testing.assert_allclose((depth * slope)[met], distance, rtol=2e-7)
    assert (depth[met] > 0).all()
    # A ray that meets nothing runs away from the plane or along it.
    assert (slope[np.isposinf(depth)] <= 1e-9).all()
    assert (met | np.isposinf(depth)).all()


def test_a_wall_straight_ahead_has_its_distance_everywhere():
    assert (predict(PINHOLE, distance=3.25) == np.float32(3.25)).all()


def test_a_plane_behind_the_camera_is_never_met():
    assert np.isposinf(predict(PINHOLE, normal_z=-1.0)).all()


def test_a_plane_along_the_axis_is_met_on_its_own_side_only():
    depth = predict(PINHOLE, normal_x=1.0, normal_z=0.0, distance=0.5)
    columns = np.arange(PINHOLE.width)
    assert np.isposinf(depth[:, columns <= PINHOLE.cx]).all()
    right = columns[columns > PINHOLE.cx]
    expected = 0.5 * PINHOLE.fx / (right - PINHOLE.cx)
    np.testing.assert_allclose(depth[0, right], expected, rtol=1e-6)


def test_the_length_of_the_normal_says_nothing():
    short = predict(PINHOLE, normal_x=0.01, normal_y=0.02, normal_z=0.03)
    long = predict(PINHOLE, normal_x=1.0, normal_y=2.0, normal_z=3.0)
    np.testing.assert_allclose(short, long, rtol=1e-6)


def test_pixels_without_a_ray_are_nan():
    # Strong barrel distortion folds the image back before its corners.
    lens = Camera(
        200,
        200,
        Camera.pinhole(200, 200, 60.0).K,
        np.array([-0.35, 0, 0, 0, 0]),
        Distortion.PLUMB_BOB,
    )
    blind = np.isnan(unproject(lens, pixel_grid(200, 200))[..., 0])
    assert blind.any()
    assert (np.isnan(predict(lens)) == blind).all()


def test_the_receiver_may_write_into_the_values():
    model = create_model('plane')
    first = model.predict([view(PINHOLE)]).values
    kept = first.copy()
    first[:] = -1
    assert (model.predict([view(PINHOLE)]).values == kept).all()


@pytest.mark.parametrize(
    'options',
    [
        {'normal_z': 0.0},  # no direction at all
        {'normal_x': math.inf},
        {'normal_x': math.nan},
        {'distance': 0.0},
        {'distance': -1.0},
        {'distance': math.nan},
    ],
    ids=str,
)
def test_planes_that_are_none_are_refused(options):
    with pytest.raises(ModelError, match='expected'):
        create_model('plane', options)


def test_inverse_plane_is_the_plane_up_to_scale_and_shift():
    tilt = {'normal_x': 0.3, 'normal_y': 0.9, 'normal_z': 0.2, 'distance': 1.3}
    depth = predict(PINHOLE, **tilt)
    model = create_model('inverse_plane', {**tilt, 'inverse_scale': 3.0, 'inverse_shift': -0.5})
    prediction = model.predict([view(PINHOLE)])
    np.testing.assert_allclose(prediction.values, 3.0 / depth - 0.5, rtol=1e-5, atol=1e-6)
    assert np.isposinf(depth).any()
    assert (prediction.values[np.isposinf(depth)] == np.float32(-0.5)).all()


def test_inverse_plane_never_becomes_metres_unaligned():
    prediction = create_model('inverse_plane').predict([view(PINHOLE)])
    assert prediction.kind is DepthKind.AFFINE_INVERSE
    assert not prediction.is_metric
    with pytest.raises(DepthError):
        prediction_to_depth(prediction)
