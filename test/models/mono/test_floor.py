# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The floor: its points lie one camera height below, whatever the attitude and the lens."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.geometry.distortion import pixel_grid, project, unproject
from depth_ros.lab.synthetic import camera_pose
from depth_ros.models.mono.floor import FloorOptions
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, DepthKind, Distortion, View

PINHOLE = Camera.pinhole(64, 48, 50.0, cy=20.25)
FISHEYE = Camera(64, 48, PINHOLE.K, np.array([0.02, -0.01, 0.0, 0.0]), Distortion.EQUIDISTANT)
RATIONAL = Camera(
    64, 48, PINHOLE.K, np.array([0.1, -0.02, 1e-3, 1e-3, 0, 0.15, 0, 0]), Distortion.RATIONAL
)


def predict(camera: Camera, **options: float):
    image = np.zeros((camera.height, camera.width), np.uint8)
    return create_model('floor', options).predict([View(image, camera)])


def points(camera: Camera, depth: np.ndarray) -> np.ndarray:
    xy = unproject(camera, pixel_grid(*camera.size_wh))
    return np.concatenate([xy, np.ones_like(xy[..., :1])], axis=-1) * depth[..., None]


@pytest.mark.parametrize('camera', [PINHOLE, FISHEYE, RATIONAL], ids=lambda c: c.distortion.name)
@settings(max_examples=20, deadline=None)
@given(
    height=st.floats(0.05, 20),
    pitch=st.floats(-math.pi / 2, math.pi / 2),
    roll=st.floats(-math.pi, math.pi),
)
def test_points_lie_one_height_below_the_camera(camera, height, pitch, roll):
    depth = predict(camera, camera_height=height, camera_pitch=pitch, camera_roll=roll).values
    # The renderer's own poses say where the world's down is.
    world_from_camera = camera_pose((0, 0, height), pitch=pitch, roll=roll)[:3, :3]
    seen = np.isfinite(depth)
    z = points(camera, depth)[seen] @ world_from_camera[2] + height
    # Rounding of depth to float32 is all that is allowed, and it grows with the distance.
    reach = np.linalg.norm(points(camera, depth)[seen], axis=-1)
    assert (np.abs(z) <= 1e-7 * reach + 1e-9).all()
    rising = points(camera, np.ones_like(depth))[~seen] @ world_from_camera[2]
    assert (rising >= -1e-9).all()


def test_a_level_camera_sees_the_textbook_formula():
    prediction = predict(PINHOLE, camera_height=1.5)
    assert prediction.kind is DepthKind.METRIC
    rows = np.arange(PINHOLE.height)
    below = rows > PINHOLE.cy
    expected = 1.5 * PINHOLE.fy / (rows[below] - PINHOLE.cy)
    np.testing.assert_allclose(
        prediction.values[below], np.repeat(expected[:, None], 64, 1), rtol=1e-6
    )
    assert np.isposinf(prediction.values[~below]).all()


def test_a_camera_that_looks_straight_down_sees_its_height():
    depth = predict(PINHOLE, camera_height=0.8, camera_pitch=math.pi / 2).values
    np.testing.assert_allclose(depth, 0.8, rtol=1e-6)


def test_a_camera_that_looks_straight_up_sees_no_floor():
    assert np.isposinf(predict(PINHOLE, camera_pitch=-math.pi / 2).values).all()


def test_a_camera_on_its_head_sees_the_floor_above():
    centred = Camera.pinhole(64, 48, 50.0)
    upright = predict(centred, camera_pitch=0.2).values
    turned = predict(centred, camera_pitch=0.2, camera_roll=math.pi).values
    np.testing.assert_allclose(turned, upright[::-1, ::-1], rtol=1e-5)


def test_where_the_right_side_hangs_down_the_floor_is_nearer_on_the_right():
    depth = predict(PINHOLE, camera_pitch=0.5, camera_roll=0.2).values
    assert (depth[-1, 1:] < depth[-1, :-1]).all()


def test_a_known_point_is_where_the_floor_says():
    # A mark on the floor 2 m ahead and 0.3 m to the right of a camera 1 m up, pitched by 0.4.
    pose = camera_pose((0, 0, 1), pitch=0.4)
    mark = pose[:3, :3].T @ (np.array([2.0, -0.3, 0.0]) - pose[:3, 3])
    camera = Camera.pinhole(640, 480, 400.0)
    u, v = project(camera, mark)
    # Move the principal point so that the mark falls on a pixel's centre.
    column, row = round(u), round(v)
    camera = Camera.pinhole(640, 480, 400.0, cx=camera.cx + column - u, cy=camera.cy + row - v)
    depth = predict(camera, camera_height=1.0, camera_pitch=0.4).values
    assert depth[row, column] == pytest.approx(mark[2], rel=1e-6)


def test_beyond_max_range_nothing_is_claimed():
    free = predict(PINHOLE).values
    capped = predict(PINHOLE, max_range=4.0).values
    near = free <= 4.0
    assert near.any()
    assert not near.all()
    assert (capped[near] == free[near]).all()
    assert np.isposinf(capped[~near]).all()


def test_down_is_a_unit_vector_that_agrees_with_the_pose():
    options = FloorOptions(camera_pitch=0.3, camera_roll=-0.7)
    rotation = camera_pose((0, 0, 1), pitch=0.3, roll=-0.7)[:3, :3]
    np.testing.assert_allclose(options.ground.down, -rotation[2], atol=1e-12)


def test_what_depends_on_the_camera_alone_is_computed_once():
    model = create_model('floor')
    model.warm_up([PINHOLE])
    again = Camera.pinhole(64, 48, 50.0, cy=20.25)  # equal, not the same
    floor = FloorOptions().ground
    assert model.depth(PINHOLE, floor) is model.depth(again, floor)


@pytest.mark.parametrize(
    'options',
    [
        {'camera_height': 0.0},
        {'camera_height': -1.0},  # under the floor
        {'camera_height': math.nan},
        {'camera_pitch': 90.0},  # degrees
        {'camera_roll': 180.0},
        {'max_range': 0.0},
        {'max_range': math.nan},
        {'camera_height': '1.0'},
    ],
    ids=str,
)
def test_mounts_that_cannot_be_are_refused(options):
    with pytest.raises(ModelError, match='expected'):
        create_model('floor', options)


def test_a_mount_that_was_not_given_is_warned_of():
    for options in ({}, {'max_range': 9.0}):
        assert 'camera_height' in create_model('floor', options).info.caution
    for options in ({'camera_height': 0.4}, {'camera_pitch': 0.1}):
        assert not create_model('floor', options).info.caution
