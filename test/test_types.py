# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The nouns: what they refuse, what they promise."""

import dataclasses

import numpy as np
import pytest

from depth_ros.lab.synthetic import camera_pose
from depth_ros.types import Camera, DepthError, DepthKind, Distortion, Ground, Prediction, View

K = np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]])
CAMERA = Camera.pinhole(4, 3, 5.0)
VALUES = np.ones((3, 4), np.float32)


def test_a_camera_without_P_is_its_raw_pinhole():
    camera = Camera(640, 480, K)
    np.testing.assert_array_equal(camera.projection, np.hstack([K, np.zeros((3, 1))]))
    np.testing.assert_array_equal(camera.R, np.eye(3))
    assert camera.D.size == 0
    assert camera.baseline == 0
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (500, 510, 320, 240)
    assert camera.size_wh == (640, 480)


def test_flat_lists_as_messages_have_them_are_accepted():
    camera = Camera(640, 480, K.ravel().tolist(), [0.1, 0, 0, 0], P=[*K[0], 0, *K[1], 0, *K[2], 0])
    np.testing.assert_array_equal(camera.K, K)
    assert camera.projection.shape == (3, 4)


def test_a_pinhole_looks_through_the_middle_of_its_pixels():
    """The centre of two pixels, 0 and 1, is between them."""
    assert (Camera.pinhole(2, 1, 5.0).cx, Camera.pinhole(2, 1, 5.0).cy) == (0.5, 0)


def test_the_baseline_of_a_right_camera_is_positive():
    camera = Camera.pinhole(640, 480, 500.0, baseline=0.12)
    assert camera.projection[0, 3] == -60
    assert camera.baseline == pytest.approx(0.12)


@pytest.mark.parametrize(
    ('distortion', 'D', 'distorted'),
    [
        (Distortion.NONE, [], False),
        (Distortion.PLUMB_BOB, [0.0] * 5, False),
        (Distortion.PLUMB_BOB, [0, 0, 0, 1e-9], True),
        (Distortion.RATIONAL, [0.0] * 8, False),
        (Distortion.EQUIDISTANT, [0.0] * 4, True),
        (Distortion.EQUIDISTANT, [], True),
    ],
)
def test_a_fisheye_is_distorted_even_with_zero_coefficients(distortion, D, distorted):
    assert Camera(640, 480, K, D, distortion).is_distorted is distorted


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        ({'width': 0}, 'camera size is 0x480'),
        ({'height': -1}, 'camera size is 640x-1'),
        ({'K': np.zeros((3, 3))}, 'the camera is not calibrated'),
        ({'K': np.diag([-5.0, 5, 1])}, 'must be positive'),
        ({'K': np.diag([5.0, 0, 1])}, 'must be positive'),
        ({'K': np.ones(8)}, 'K has 8 numbers, 9 were expected'),
        ({'K': np.diag([np.nan, 5, 1])}, 'K holds NaN'),
        ({'D': [np.inf, 0, 0, 0]}, 'D holds NaN or infinity'),
        ({'R': np.eye(4)}, 'R has 16 numbers, 9 were expected'),
        ({'R': np.full((3, 3), np.nan)}, 'R holds NaN'),
        ({'P': np.eye(3)}, 'P has 9 numbers, 12 were expected'),
        ({'P': np.zeros((3, 4))}, 'P has focal length'),
        ({'P': np.full((3, 4), np.inf)}, 'P holds NaN or infinity'),
        ({'K': np.diag([5.0, 5, 0])}, 'K ends with the row 0 0 0, expected 0 0 1; correct'),
        ({'K': np.diag([5.0, 5, 2])}, 'K ends with the row 0 0 2, expected 0 0 1'),
        ({'P': np.eye(3, 4) * [[5], [5], [0]]}, 'P ends with the row 0 0 0, expected 0 0 1'),
    ],
    ids=lambda v: v if isinstance(v, str) else '',
)
def test_calibrations_that_cannot_be_are_refused(change, says):
    with pytest.raises(DepthError, match=says):
        Camera(**{'width': 640, 'height': 480, 'K': K, **change})


def test_equal_cameras_are_one_key_and_every_number_counts():
    def make(**change):
        fields = {
            'D': [0.1, 0, 0, 0],
            'distortion': Distortion.PLUMB_BOB,
            'R': np.eye(3),
            **change,
        }
        return Camera(**{'width': 640, 'height': 480, 'K': K, **fields})

    camera = make()
    assert make() == camera
    assert hash(make()) == hash(camera)
    turned = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    others = [
        make(width=641),
        make(height=481),
        make(K=K + np.diag([1e-9, 0, 0])),
        make(D=[0.1, 0, 0, 1e-12]),
        make(D=[0.1, 0, 0, 0, 0]),
        make(distortion=Distortion.RATIONAL),
        make(R=turned),
        make(P=np.hstack([K, [[-1.0], [0], [0]]])),
    ]
    assert len({camera, *others}) == 1 + len(others)
    assert camera != 'a camera'


def test_cameras_do_not_change():
    source = K.copy()
    camera = Camera(640, 480, source)
    source[0, 0] = 1
    assert camera.fx == 500
    for matrix in (camera.K, camera.D, camera.R, camera.projection):
        with pytest.raises(ValueError, match='read-only'):
            matrix[...] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        camera.width = 5


def test_a_view_gives_rgb_whatever_it_holds():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert View(grey, CAMERA).rgb.shape == (3, 4, 3)
    np.testing.assert_array_equal(View(grey, CAMERA).rgb[..., 2], grey)
    color = np.zeros((3, 4, 3), np.uint8)
    assert View(color, CAMERA).rgb is color


@pytest.mark.parametrize(
    ('image', 'says'),
    [
        (np.zeros((3, 4), np.float32), 'expected uint8'),
        (np.zeros((3, 4, 3, 1), np.uint8), 'expected uint8 HxW'),
        (np.zeros(12, np.uint8), 'expected uint8 HxW'),
        (np.zeros((3, 4, 4), np.uint8), 'has 4 channels'),
        (np.zeros((4, 3), np.uint8), 'image is 3x4 but its camera is 4x3'),
    ],
)
def test_views_that_do_not_fit_are_refused(image, says):
    with pytest.raises(DepthError, match=says):
        View(image, CAMERA)


@pytest.mark.parametrize(
    ('values', 'confidence', 'says'),
    [
        (VALUES.astype(np.float64), None, "'dreamer' broke its contract"),
        (VALUES.T, None, "'dreamer' broke its contract"),
        (VALUES[..., None], None, "'dreamer' broke its contract"),
        (VALUES, VALUES.T, 'confidence has shape'),
    ],
    ids=['type', 'size', 'channels', 'confidence'],
)
def test_predictions_of_another_shape_are_refused(values, confidence, says):
    with pytest.raises(DepthError, match=says):
        Prediction(DepthKind.METRIC, values, CAMERA, model='dreamer', confidence=confidence)


@pytest.mark.parametrize(
    ('kind', 'baseline', 'focal', 'metric'),
    [
        (DepthKind.METRIC, 0, 0, True),
        (DepthKind.DISPARITY, 0.1, 500, True),
        (DepthKind.DISPARITY, 0, 500, False),
        (DepthKind.DISPARITY, 0.1, 0, False),
        (DepthKind.SCALE_INVARIANT, 0.1, 500, False),
        (DepthKind.AFFINE_INVERSE, 0.1, 500, False),
    ],
)
def test_only_metric_depth_or_disparity_with_a_baseline_is_metres(kind, baseline, focal, metric):
    prediction = Prediction(kind, VALUES, CAMERA, baseline=baseline, focal=focal)
    assert prediction.is_metric is metric


def test_predictions_do_not_change():
    timings = {'model': 0.1}
    prediction = Prediction(DepthKind.METRIC, VALUES, CAMERA, timings=timings)
    timings['model'] = 9
    assert prediction.timings == {'model': 0.1}
    with pytest.raises(TypeError):
        prediction.timings['model'] = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        prediction.model = 'other'


@pytest.mark.parametrize(
    ('pitch', 'roll'), [(0, 0), (0.4, 0), (-0.2, 0.3), (1.57, 0), (0.1, -3)], ids=str
)
def test_a_mount_and_its_pose_have_the_same_ground(pitch, roll):
    mounted = Ground.below_mount(0.7, pitch, roll)
    posed = Ground.below_pose(camera_pose((3, -2, 0.7), yaw=1.1, pitch=pitch, roll=roll))
    np.testing.assert_allclose(mounted.down, posed.down, atol=1e-12)
    assert mounted.height == posed.height == 0.7


@pytest.mark.parametrize('height', [0.0, -0.5, np.nan, np.inf])
def test_nobody_stands_under_the_ground(height):
    assert Ground.below_pose(camera_pose((0, 0, height))) is None


def test_rounded_poses_have_a_ground_and_what_is_no_pose_has_none():
    pose = camera_pose((3, -2, 0.7), yaw=1.1, pitch=0.4)
    rounded = Ground.below_pose(pose.round(2))
    np.testing.assert_allclose(rounded.down, Ground.below_pose(pose).down, atol=0.01)
    pose[:3, :3] *= 2
    assert Ground.below_pose(pose) is None
    assert Ground.below_pose(np.full((4, 4), np.nan)) is None


@pytest.mark.parametrize(
    ('down', 'height', 'says'),
    [
        ((0, 1, 0), 0.0, 'above the ground, expected more than 0'),
        ((0, 1, 0), -1.0, 'above the ground'),
        ((0, 1, 0), np.inf, 'above the ground'),
        ((0, 1, 0), np.nan, 'above the ground'),
        ((0, 2, 0), 1.0, 'length 1'),
        ((0, 0, 0), 1.0, 'length 1'),
        ((0, np.nan, 0), 1.0, 'the direction down holds NaN'),
        ((0, 1), 1.0, 'the direction down has 2 numbers'),
    ],
    ids=str,
)
def test_what_cannot_be_a_ground_is_refused(down, height, says):
    with pytest.raises(DepthError, match=says):
        Ground(np.array(down, float), height)


def test_every_kind_has_a_unit():
    assert {kind: kind.unit for kind in DepthKind} == {
        DepthKind.METRIC: 'm',
        DepthKind.DISPARITY: 'px',
        DepthKind.SCALE_INVARIANT: 'relative',
        DepthKind.AFFINE_INVERSE: 'relative',
    }


def test_errors_are_value_errors():
    """Code that knows nothing of this package can catch them."""
    assert issubclass(DepthError, ValueError)
