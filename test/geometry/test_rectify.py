# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rectification: the same scene through a simpler camera, and pairs that share their rows."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lens_table import HEIGHT, LENSES, WIDTH, K, cameras, lens_camera

from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.disparity import disparity_to_depth
from depth_ros.geometry.distortion import pixel_grid, project, unproject
from depth_ros.geometry.rectify import (
    Rectifier,
    arriving_camera,
    check_rectified,
    needs_rectification,
    raw_pixels,
    rectified_pixels,
    seen_from_left,
    stereo_baseline,
    stereo_targets,
)
from depth_ros.types import Camera, DepthError, Distortion

every_lens = pytest.mark.parametrize('name', LENSES)
small = st.floats(-0.05, 0.05)


def turned(x: float, y: float, z: float) -> np.ndarray:
    return cv2.Rodrigues(np.array([x, y, z], np.float64))[0]


def smooth_image(rays: np.ndarray) -> np.ndarray:
    """Return what a camera sees of a pattern at infinity, float32."""
    x, y = rays[..., 0], rays[..., 1]
    return (100 + 40 * np.sin(3 * x + 1) + 30 * np.cos(4 * y - x)).astype(np.float32)


@every_lens
def test_the_rectified_image_shows_the_same_scene(name):
    lens = lens_camera(name)
    R = turned(0.02, -0.03, 0.01)
    target = Camera.pinhole(500, 400, 400.0, cx=255, cy=190)
    camera = Camera(WIDTH, HEIGHT, lens.K, lens.D, lens.distortion, R)
    raw = smooth_image(unproject(camera, pixel_grid(WIDTH, HEIGHT)))
    rectifier = Rectifier(camera, target)
    rectified = rectifier(raw)
    rays = unproject(target, pixel_grid(500, 400))
    vectors = (
        np.concatenate([rays, np.ones((400, 500, 1))], -1) @ R
    )  # R^T v: back to the raw frame
    expected = smooth_image(vectors[..., :2] / vectors[..., 2:])
    assert rectifier.camera == target
    assert rectifier.valid.mean() > 0.9
    # Interpolation works in 1/32 px; the pattern has at most 0.6 of grey per pixel.
    assert np.abs(rectified - expected)[rectifier.valid].max() < 0.05


@every_lens
def test_raw_and_rectified_pixels_are_inverse(name):
    lens = lens_camera(name)
    camera = Camera(WIDTH, HEIGHT, lens.K, lens.D, lens.distortion, turned(0.05, 0.02, -0.03))
    pixels = pixel_grid(WIDTH, HEIGHT)[::16, ::16]
    there = rectified_pixels(camera, pixels)
    known = np.isfinite(there).all(-1)
    assert known.mean() > 0.9
    back = raw_pixels(camera, there)
    np.testing.assert_allclose(back[known], pixels[known], rtol=0, atol=1e-7)


@pytest.mark.parametrize('name', ['plumb_bob_4', 'plumb_bob_5', 'rational_8', 'rational_14'])
def test_maps_are_those_of_opencv(name):
    lens = lens_camera(name)
    R = turned(0.03, -0.02, 0.01)
    camera = Camera(WIDTH, HEIGHT, lens.K, lens.D, lens.distortion, R)
    x, y = cv2.initUndistortRectifyMap(K, lens.D, R, K, (WIDTH, HEIGHT), cv2.CV_32FC1)
    ours = raw_pixels(camera, pixel_grid(WIDTH, HEIGHT))
    known = np.isfinite(ours).all(-1)
    assert known.mean() > 0.9
    np.testing.assert_allclose(ours[known], np.stack([x, y], -1)[known], rtol=0, atol=1e-3)


@pytest.mark.parametrize('shape', [(48, 64), (48, 64, 3), (48, 64, 4)], ids=str)
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.float32])
def test_an_undistorted_image_passes_unchanged(shape, dtype):
    image = np.random.default_rng(3).integers(0, 255, shape).astype(dtype)
    rectifier = Rectifier(Camera.pinhole(64, 48, 50.0))
    assert rectifier.valid.all()
    np.testing.assert_array_equal(rectifier(image), image)


def test_a_mirrored_view_of_an_image_is_accepted():
    bgr = np.random.default_rng(4).integers(0, 255, (48, 64, 3), np.uint8)
    rectifier = Rectifier(Camera.pinhole(64, 48, 50.0))
    np.testing.assert_array_equal(rectifier(bgr[..., ::-1]), bgr[..., ::-1])


def test_outside_the_source_is_black_and_not_valid():
    camera = Camera.pinhole(64, 48, 50.0)
    wide = Camera.pinhole(64, 48, 25.0)
    rectifier = Rectifier(camera, wide)
    rectified = rectifier(np.full((48, 64), 200, np.uint8))
    assert 0.2 < rectifier.valid.mean() < 0.3
    assert (rectified[rectifier.valid] == 200).all()
    assert rectified[0, 0] == 0
    assert not rectifier.valid[0, 0]


def test_maps_are_made_once_for_equal_cameras():
    first, second = (Rectifier(lens_camera('plumb_bob_5')) for _ in range(2))
    assert first.valid is second.valid


def test_an_image_of_another_size_is_refused():
    with pytest.raises(DepthError, match='image is 64x40 but its camera is 64x48'):
        Rectifier(Camera.pinhole(64, 48, 50.0))(np.zeros((40, 64), np.uint8))


def _raw(D=(), distortion=Distortion.NONE, R=None, P=None, width=640):
    R = np.eye(3) if R is None else R
    return Camera(width, 480, K, np.array(D, np.float64), distortion, R, P)


_HALF = np.hstack([K, np.zeros((3, 1))]) * [[0.5], [0.5], [1]]


@pytest.mark.parametrize(
    ('camera', 'expected'),
    [
        (_raw(), False),
        (_raw([0] * 5, Distortion.PLUMB_BOB), False),
        (_raw([0.1, 0, 0, 0], Distortion.PLUMB_BOB), True),
        (_raw([0] * 4, Distortion.EQUIDISTANT), True),
        (_raw(R=turned(0.01, 0, 0)), True),
        (_raw(R=turned(0, np.pi, 0)), True),
        (_raw(R=turned(1e-9, 0, 0)), False),
        (_raw(P=_HALF), True),
        (_raw(P=np.hstack([K, [[-50.0], [0], [0]]])), False),
    ],
    ids=[
        'K only',
        'zero coefficients',
        'distorted',
        'fisheye',
        'turned',
        'turned around',
        'turned by rounding',
        'P is another pinhole',
        'P adds a baseline only',
    ],
)
def test_auto_rectifies_where_pixels_would_move(camera, expected):
    assert needs_rectification(camera) is expected
    assert needs_rectification(camera, 'always') is True
    assert needs_rectification(camera, 'never') is False
    arriving = camera if expected else rectified_camera(camera)
    assert arriving_camera(camera) == arriving
    assert arriving_camera(camera, 'never') == rectified_camera(camera)


def test_an_unknown_mode_is_refused():
    with pytest.raises(DepthError, match='auto, always or never'):
        needs_rectification(Camera.pinhole(4, 4, 5.0), 'sometimes')


@settings(max_examples=40)
@given(
    cameras(),
    st.sampled_from(sorted(LENSES)),
    small,
    small,
    small,
    st.floats(0.05, 0.5),
    small,
    small,
)
def test_rectified_pairs_have_row_aligned_projections(
    left_lens, right_name, rx, ry, rz, baseline, ty, tz
):
    """A point seen by two raw, distorted, tilted eyes lands in one row, at its disparity."""
    right_lens = lens_camera(right_name)
    R, T = turned(rx, ry, rz), np.array([-baseline, ty * baseline, tz * baseline])
    # The rectified x axis is the baseline; y and z are as near as can be to the left eye's.
    across = -R.T @ T
    R1 = np.linalg.qr(np.stack([across, [0, 1, 0], [0, 0, 1]], 1))[0].T
    R1 *= np.sign(np.diag(R1))[:, None]
    R2 = R1 @ R.T
    P1, P2 = (np.hstack([K, np.zeros((3, 1))]) for _ in range(2))
    P2[:, 3] = -K[0, 0] * np.linalg.norm(across), 0, 0
    left = Camera(WIDTH, HEIGHT, K, left_lens.D, left_lens.distortion, R1, P1)
    right = Camera(WIDTH, HEIGHT, right_lens.K, right_lens.D, right_lens.distortion, R2, P2)
    check_rectified(left, right)
    x, y, z = np.meshgrid(np.linspace(-0.2, 0.2, 5), np.linspace(-0.15, 0.15, 5), [2.0, 5, 20])
    points = np.stack([x * z, y * z, z], -1)
    seen_left = rectified_pixels(left, project(left, points))
    seen_right = rectified_pixels(right, project(right, points @ R.T + T))
    known = np.isfinite(seen_left).all(-1) & np.isfinite(seen_right).all(-1)
    assert known.any()
    np.testing.assert_allclose(seen_left[known, 1], seen_right[known, 1], rtol=0, atol=1e-6)
    disparity = seen_left[..., 0] - seen_right[..., 0] - (P1[0, 2] - P2[0, 2])
    depth = disparity_to_depth(disparity[known], P1[0, 0], stereo_baseline(left, right))
    np.testing.assert_allclose(depth, (points @ R1.T)[known, 2], rtol=1e-5)


def pair(baseline=0.1, **right):
    default = {'fx': 500.0, 'fy': 500.0, 'cx': 320.0, 'cy': 240.0, 'width': 640, 'height': 480}
    return Camera.pinhole(**default), Camera.pinhole(**{**default, **right}, baseline=baseline)


@pytest.mark.parametrize(
    ('eyes', 'says'),
    [
        (pair(baseline=-0.1), 'exchange the topics'),
        (pair()[::-1], 'exchange the topics'),
        (pair(width=320), 'must have one size'),
        (pair(fx=505.0), 'one focal length'),
        (pair(fy=505.0), 'calibrate the pair together'),
        (pair(cy=241.0), '1.00 px apart'),
    ],
    ids=['negative', 'swapped', 'size', 'fx', 'fy', 'cy'],
)
def test_what_is_no_pair_is_refused(eyes, says):
    with pytest.raises(DepthError, match=says):
        check_rectified(*eyes)


@pytest.mark.parametrize('origin', [0.0, 0.3])
@pytest.mark.parametrize('noise', [0.0, 1e-9, -1e-9])
def test_a_baseline_that_is_not_known_is_exactly_zero(origin, noise):
    left = Camera.pinhole(640, 480, 500.0, baseline=origin)
    right = Camera.pinhole(640, 480, 500.0, baseline=origin + noise)
    check_rectified(left, right)
    for eyes in (seen_from_left(left, right), seen_from_left(*stereo_targets(left, right))):
        assert [eye.baseline for eye in eyes] == [0, 0]


def test_eyes_above_each_other_are_refused():
    left, right = pair()
    P = np.array(right.projection)
    P[:2, 3] = 0, -50
    stacked = Camera(640, 480, right.K, P=P)
    for check in (check_rectified, stereo_targets):
        with pytest.raises(DepthError, match='stacked vertically'):
            check(left, stacked)


def test_a_baseline_in_millimetres_is_not_taken_for_metres():
    left, right = pair()
    P = np.array(right.projection)
    P[0, 3] *= 1000
    with pytest.raises(DepthError, match='not in metres'):
        check_rectified(left, Camera(640, 480, right.K, P=P))


@pytest.mark.parametrize(
    'eyes', [pair(), pair(cx=351.5), pair(cy=240.01)], ids=['equal', 'doffs', 'close']
)
def test_good_pairs_pass(eyes):
    check_rectified(*eyes)


def test_targets_of_a_good_pair_are_its_own_rectified_cameras():
    eyes = pair(cx=351.5)
    assert stereo_targets(*eyes) == eyes


@given(
    st.floats(200, 900),
    st.floats(200, 900),
    st.floats(250, 400),
    st.floats(200, 280),
    st.integers(100, 1500),
    st.integers(100, 1500),
    st.floats(0.01, 1),
)
def test_targets_make_a_pair_of_any_two_parallel_eyes(fx, fy, cx, cy, width, height, baseline):
    left, right = pair(baseline, fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height)
    targets = stereo_targets(left, right)
    check_rectified(*targets)
    assert targets[0] == left
    assert stereo_baseline(*targets) == pytest.approx(baseline, rel=1e-12)
    point = np.array([0.3, -0.2, 4.0])
    seen = [
        rectified_pixels(eye, project(eye, point - [shift, 0, 0]), target)
        for eye, target, shift in zip((left, right), targets, (0, baseline))
    ]
    assert seen[0][1] == pytest.approx(seen[1][1], abs=1e-9)
    doffs = targets[0].cx - targets[1].cx
    disparity = seen[0][0] - seen[1][0] - doffs
    assert targets[0].fx * baseline / disparity == pytest.approx(4.0, rel=1e-9)


def test_the_right_target_looks_where_the_right_eye_looked():
    left, right = pair(fx=1000.0, fy=1000.0, width=1280, height=960, cx=700.0, cy=480.0)
    _, target = stereo_targets(left, right)
    middle = unproject(right, [(1280 - 1) / 2, 480.0])
    assert unproject(target, [(640 - 1) / 2, 0])[0] == pytest.approx(middle[0])
