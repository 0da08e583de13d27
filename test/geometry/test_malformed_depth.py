# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Values that are no depth never become metres, and one place says which those are."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import depth_ros
from depth_ros.geometry.depth_values import (
    LARGEST,
    SMALLEST,
    clip_range,
    from_inverse,
    in_range,
    is_valid,
    to_inverse,
    valid_or_nan,
)
from depth_ros.geometry.disparity import depth_to_disparity, disparity_to_depth
from depth_ros.geometry.distortion import rays_to_pixels, unproject
from depth_ros.geometry.edges import inverse_depth
from depth_ros.geometry.rectify import Rectifier, seen_from_left, stereo_baseline
from depth_ros.geometry.resize import resize_depth
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.metric.alignment import apply_scale_shift
from depth_ros.models.protocol import ModelBase, ModelInfo
from depth_ros.models.stereo.sgbm import SGBM, SgbmModel, SgbmOptions
from depth_ros.pipeline import Options, Pipeline
from depth_ros.types import Camera, DepthError, DepthKind, Distortion, Prediction, View

NAN, INF, SUBNORMAL = np.nan, np.inf, 1e-45
INVALID = [NAN, INF, -INF, 0.0, -0.0, -1.0, SUBNORMAL]
VALID = [SMALLEST, 1e-3, 1.0, 1e6, LARGEST]


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_what_is_valid(dtype):
    assert not is_valid(np.array(INVALID, dtype)).any()
    assert is_valid(np.array(VALID, dtype)).all()
    assert np.isnan(valid_or_nan(np.array(INVALID, dtype))).all()
    assert valid_or_nan(np.array(VALID, dtype)).dtype == dtype
    assert not in_range(np.array([0.05, 80.0, *INVALID], dtype), 0.05, 80.0).any()
    assert in_range(np.array([0.051, 79.0], dtype), 0.05, 80.0).all()


def test_tensors_are_judged_by_the_same_rule():
    torch = pytest.importorskip('torch')
    assert not is_valid(torch.tensor(INVALID)).any()
    assert is_valid(torch.tensor(VALID)).all()
    assert in_range(torch.tensor([0.01, 1.0, NAN]), 0.05, 80.0).tolist() == [False, True, False]


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_inverse_depth_and_back(dtype):
    depth = np.array([2.0, INF, NAN, -INF, 0.0, -1.0, SUBNORMAL], dtype)
    np.testing.assert_array_equal(to_inverse(depth), [0.5, 0.0, *[NAN] * 5])
    inverse = np.array([0.5, 0.0, -0.0, -1.0, NAN, INF, -INF, 3e38], dtype)
    np.testing.assert_array_equal(from_inverse(inverse), [2.0, INF, INF, INF, NAN, NAN, INF, NAN])


def image(*values):
    return np.array([values], np.float32)


def of_disparity(value):
    return disparity_to_depth(image(value), 500.0, 0.1)


def of_affine(value):
    kind = DepthKind.AFFINE_INVERSE
    prediction = Prediction(kind, image(value), Camera.pinhole(1, 1, 1.0))
    return apply_scale_shift(prediction, 1.0, 0.0).values


def of_scale_invariant(value):
    kind = DepthKind.SCALE_INVARIANT
    prediction = Prediction(kind, image(value), Camera.pinhole(1, 1, 1.0))
    return apply_scale_shift(prediction, 1.0, 0.0).values


def of_points(value):
    return depth_to_points(image(value), Camera.pinhole(1, 1, 1.0))[..., 2]


def of_resize(value):
    return resize_depth(np.full((2, 2), value, np.float32), 3, 3)


# function, value, what comes out; 0 m and negative metres are never among it
CONVERSIONS = {
    'disparity +Inf': (of_disparity, INF, NAN),
    'disparity overflows': (of_disparity, SUBNORMAL, INF),
    'affine +Inf': (of_affine, INF, NAN),
    'affine so large that depth is no normal number': (of_affine, 3.4e38, NAN),
    'scale-invariant 0': (of_scale_invariant, 0.0, NAN),
    'scale-invariant subnormal': (of_scale_invariant, SUBNORMAL, NAN),
    'scale-invariant +Inf': (of_scale_invariant, INF, INF),
    'point of depth 0': (of_points, 0.0, NAN),
    'point behind the camera': (of_points, -2.0, NAN),
    'point of subnormal depth': (of_points, SUBNORMAL, NAN),
    'point at infinity': (of_points, INF, NAN),
    'point too close': (of_points, -INF, NAN),
}


@pytest.mark.parametrize(
    ('convert', 'value', 'expected'), CONVERSIONS.values(), ids=list(CONVERSIONS)
)
def test_no_conversion_makes_a_distance_of_what_is_none(convert, value, expected):
    np.testing.assert_array_equal(convert(value), np.full_like(convert(value), expected))


@pytest.mark.parametrize('value', INVALID)
def test_nothing_invalid_becomes_valid(value):
    depth = image(value)
    assert not is_valid(clip_range(depth, 0.1, 10.0)).any()
    assert not is_valid(of_resize(value)).any()
    assert not np.isfinite(of_points(value)).any()
    assert not is_valid(inverse_depth(depth)).any()
    assert not is_valid(depth_to_disparity(depth, 500.0, 0.1)).any() or value == SUBNORMAL


class Constant(ModelBase):
    """Predict one depth with one confidence."""

    info = ModelInfo('constant', DepthKind.METRIC)

    def __init__(self, confidence):
        self.confidence = confidence

    def predict(self, views, previous=None):
        camera = views[0].camera
        shape = (camera.height, camera.width)
        one = np.ones(shape, np.float32)
        return Prediction(
            DepthKind.METRIC, one, camera, confidence=one * np.float32(self.confidence)
        )


@pytest.mark.parametrize(('confidence', 'kept'), [(NAN, 0), (0.1, 0), (0.5, 48), (1.0, 48)])
def test_an_unknown_confidence_is_none(confidence, kept):
    camera = Camera.pinhole(8, 6, 8.0)
    pipeline = Pipeline(Constant(confidence), Options(min_confidence=0.5, edge_threshold=0))
    frame = pipeline([View(np.zeros((6, 8), np.uint8), camera)])
    assert is_valid(frame.depth).sum() == kept


# The colour pair of KITTI counts both P[3] from the left grey camera.
def kitti_pair(left_shift=-2.5, right_shift=-8.5):
    eyes = []
    for shift in (left_shift, right_shift):
        eye = Camera.pinhole(160, 60, 50.0)
        P = eye.projection.copy()
        P[0, 3] = shift
        eyes.append(replace(eye, P=P))
    return eyes


def pair_of_images(disparity):
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 256, (60, 160 + disparity), np.uint8)
    return scene[:, :160], scene[:, disparity:]


@pytest.mark.parametrize('origin', [-2.5, 0.0, 4.0])
def test_the_baseline_is_the_difference_of_both_eyes(origin):
    left, right = kitti_pair(origin, origin - 6.0)
    images = pair_of_images(6)
    views = [View(np.ascontiguousarray(i), c) for i, c in zip(images, (left, right))]
    options = SgbmOptions(disparity_range=16)
    prediction = SgbmModel(SGBM, options).predict(views)
    assert prediction.baseline == pytest.approx(0.12)
    frame = Pipeline(SgbmModel(SGBM, options), Options(edge_threshold=0))(views)
    depth = frame.depth[is_valid(frame.depth)]
    assert np.median(depth) == pytest.approx(50 * 0.12 / 6)
    assert frame.camera.baseline == 0  # points and camera_info belong to the left eye


def test_a_pair_at_the_origin_stays_as_it_is():
    left, right = Camera.pinhole(8, 6, 8.0), Camera.pinhole(8, 6, 8.0, baseline=0.1)
    assert seen_from_left(left, right) == (left, right)
    moved = seen_from_left(*kitti_pair())
    assert stereo_baseline(*moved) == pytest.approx(0.12)
    assert moved[1].baseline == pytest.approx(0.12)


def test_a_rectified_image_without_a_pixel_is_refused():
    camera = Camera.pinhole(64, 48, 50.0)
    P = camera.projection.copy()
    P[0, 2] = 1e4
    with pytest.raises(DepthError, match=r'no pixel of the rectified .* check R and P'):
        Rectifier(replace(camera, P=P))


# Newton's method went from one end of its bracket to the other and back for this lens.
CYCLING = Camera(
    640,
    480,
    np.array([[150.0, 0, 320], [0, 150, 240], [0, 0, 1]]),
    np.array([0, 0.15, 0, -0.03]),
    Distortion.EQUIDISTANT,
)


def test_every_pixel_of_a_fisheye_has_the_ray_that_projects_to_it():
    rng = np.random.default_rng(3)
    lenses = [CYCLING.D, *rng.normal(0, 0.1, (200, 4))]
    v, u = np.mgrid[:480:7, :640:7]
    pixels = np.stack([u, v], -1).reshape(-1, 2).astype(float)
    pixels = np.vstack([pixels, [[311, 33]]])
    seen = 0
    for D in lenses:
        camera = replace(CYCLING, D=D)
        rays = unproject(camera, pixels)
        known = np.isfinite(rays).all(-1)
        back = rays_to_pixels(camera, rays[known])
        seen += known.sum()
        # At the widest angles a ray is x / z of thousands; there alone a pixel may be lost.
        good = np.abs(np.nan_to_num(back, nan=1e9) - pixels[known]).max(-1) < 1e-6
        far = np.hypot(*rays[known].T) > 500
        assert (good | far).all()
    assert seen > 100_000


NAMES = r'(?:depth|truth|exact|known|prompt|values|result|points|some)\b[^&|\n]*'
RULE = re.compile(
    rf'isfinite\({NAMES}\)\s*&\s*\({NAMES}>'  # np.isfinite(depth) & (depth > 0)
    r'|depth\.isfinite\(\)\s*&'  # the same of a tensor
    rf'|\(\s*{NAMES}>=?\s*0\.05\b'  # three places had a nearest depth of their own
)


def test_one_place_decides_what_is_valid():
    package = Path(depth_ros.__file__).parent
    own = []
    for path in sorted(package.rglob('*.py')):
        name = path.relative_to(package).as_posix()
        if name == 'geometry/depth_values.py' or name.startswith('models/networks/'):
            continue
        for number, line in enumerate(path.read_text('utf-8').splitlines(), 1):
            if RULE.search(line):
                own.append(f'{name}:{number}: {line.strip()}')
    assert own == [], 'ask geometry/depth_values.py'
