# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Resizing, cropping, padding, binning: each is a map of pixels that commutes with projection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lens_table import cameras

from depth_ros.geometry.camera import (
    bin_camera,
    crop_camera,
    is_plain,
    pad_camera,
    rectified_camera,
    resize_camera,
)
from depth_ros.geometry.distortion import project
from depth_ros.types import Camera, DepthError, Distortion

RAYS = np.stack(np.meshgrid(np.linspace(-0.3, 0.3, 7), np.linspace(-0.2, 0.2, 5)), -1)
POINTS = np.concatenate([RAYS, np.ones((*RAYS.shape[:-1], 1))], -1) * 2.5
sizes = st.integers(1, 3000)


@given(cameras(), sizes, sizes)
def test_scaling_commutes_with_projection(camera, width, height):
    """A point lands on the same place of the image, whether that is a pixel large or small."""
    scale = np.array([width / camera.width, height / camera.height])
    pixels = project(camera, POINTS)
    resized = project(resize_camera(camera, width, height), POINTS)
    np.testing.assert_allclose(resized + 0.5, (pixels + 0.5) * scale, rtol=1e-12, atol=1e-9)


@given(cameras(), sizes, sizes)
def test_resizing_there_and_back_is_nothing(camera, width, height):
    back = resize_camera(resize_camera(camera, width, height), *camera.size_wh)
    assert back.size_wh == camera.size_wh
    np.testing.assert_allclose(back.K, camera.K, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(back.projection, camera.projection, rtol=1e-12, atol=1e-9)


def test_resizing_to_the_same_size_is_exact():
    camera = Camera.pinhole(640, 480, 501.3, cx=311.7)
    assert resize_camera(camera, 640, 480) == camera


def test_the_middle_of_the_image_stays_in_the_middle():
    camera = Camera.pinhole(640, 480, 500.0)
    resized = resize_camera(camera, 100, 30)
    assert (resized.cx, resized.cy) == pytest.approx((49.5, 14.5))


@given(cameras(), st.data())
def test_cropping_shifts_pixels(camera, data):
    x = data.draw(st.integers(0, camera.width - 1))
    y = data.draw(st.integers(0, camera.height - 1))
    window = crop_camera(camera, x, y, camera.width - x, camera.height - y)
    shifted = np.add(project(window, POINTS), (x, y))
    np.testing.assert_allclose(shifted, project(camera, POINTS), rtol=1e-12, atol=1e-9)


@given(cameras(), st.integers(0, 50), st.integers(0, 50))
def test_cropping_undoes_padding(camera, left, top):
    canvas = pad_camera(camera, left, top, camera.width + left + 3, camera.height + top)
    back = crop_camera(canvas, left, top, *camera.size_wh)
    np.testing.assert_allclose(back.K, camera.K, rtol=1e-12)
    np.testing.assert_allclose(back.projection, camera.projection, rtol=1e-12)


@given(cameras(), st.integers(0, 4), st.integers(0, 4))
def test_binning_divides_pixel_coordinates(camera, bx, by):
    binned = bin_camera(camera, bx, by)
    bx, by = max(bx, 1), max(by, 1)
    assert binned.size_wh == (camera.width // bx, camera.height // by)
    divided = project(camera, POINTS) / (bx, by)
    np.testing.assert_allclose(project(binned, POINTS), divided, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(
    'change',
    [
        lambda c: resize_camera(c, 320, 120),
        lambda c: crop_camera(c, 10, 20, 300, 200),
        lambda c: pad_camera(c, 10, 20, 700, 600),
        lambda c: bin_camera(c, 2, 4),
    ],
    ids=['resize', 'crop', 'pad', 'bin'],
)
def test_every_change_keeps_the_baseline_the_lens_and_the_rotation(change):
    P = Camera.pinhole(640, 480, 480.0, baseline=0.12).projection
    R = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    K = np.array([[500, 0, 300], [0, 505, 250], [0, 0, 1]])
    camera = Camera(640, 480, K, np.array([-0.1, 0, 0, 0]), Distortion.PLUMB_BOB, R, P)
    changed = change(camera)
    assert changed.baseline == pytest.approx(0.12)
    assert changed.distortion is camera.distortion
    np.testing.assert_array_equal(changed.D, camera.D)
    np.testing.assert_array_equal(changed.R, camera.R)


def test_rectified_camera_is_the_pinhole_of_P():
    P = Camera.pinhole(640, 480, 480.0, cx=310, baseline=0.12).projection
    camera = Camera(
        640, 480, np.diag([500, 505, 1]), np.array([0.1] * 4), Distortion.PLUMB_BOB, P=P
    )
    rectified = rectified_camera(camera)
    np.testing.assert_array_equal(rectified.K, P[:, :3])
    assert not rectified.is_distorted
    assert rectified.baseline == pytest.approx(0.12)
    assert rectified_camera(rectified) == rectified


@pytest.mark.parametrize(
    ('camera', 'plain'),
    [
        (Camera.pinhole(4, 4, 5.0), True),
        (Camera(4, 4, np.eye(3), np.zeros(5), Distortion.PLUMB_BOB), True),
        (Camera(4, 4, np.eye(3), np.array([0, 0, 1e-3, 0]), Distortion.PLUMB_BOB), False),
        (Camera(4, 4, np.eye(3), np.zeros(4), Distortion.EQUIDISTANT), False),
        (Camera(4, 4, np.array([[1, 0.1, 0], [0, 1, 0], [0, 0, 1]])), False),
    ],
    ids=['pinhole', 'zero coefficients', 'tangential only', 'fisheye', 'skewed pixels'],
)
def test_plain_cameras(camera, plain):
    assert is_plain(camera) is plain


@pytest.mark.parametrize(
    ('wrong', 'says'),
    [
        (lambda c: resize_camera(c, 0, 480), 'leaves no pixel'),
        (lambda c: resize_camera(c, 640, -1), 'leaves no pixel'),
        (lambda c: crop_camera(c, 0, 0, 0, 1), 'leaves no pixel'),
        (lambda c: crop_camera(c, -1, 0, 10, 10), 'window inside'),
        (lambda c: crop_camera(c, 600, 0, 41, 10), 'window inside'),
        (lambda c: pad_camera(c, 0, 0, 639, 480), 'enlarge the canvas'),
        (lambda c: pad_camera(c, -1, 0, 700, 500), 'enlarge the canvas'),
        (lambda c: bin_camera(c, -1, 1), 'binning_x'),
        (lambda c: bin_camera(c, 641, 1), 'binning_x'),
    ],
)
def test_what_leaves_no_image_is_refused(wrong, says):
    with pytest.raises(DepthError, match=says):
        wrong(Camera.pinhole(640, 480, 500.0))
