# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One prediction against one truth, for every kind of prediction and of truth."""

import numpy as np
import pytest

from depth_ros.lab.eval.frames import Frame
from depth_ros.lab.eval.measure import measure
from depth_ros.lab.eval.protocol import Protocol
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

WIDTH, HEIGHT, FOCAL, BASELINE, DOFFS = 40, 30, 50.0, 0.2, 4.0
CAMERA = Camera.pinhole(WIDTH, HEIGHT, FOCAL)
RIGHT = Camera.pinhole(WIDTH, HEIGHT, FOCAL, cx=CAMERA.cx + DOFFS, cy=CAMERA.cy, baseline=BASELINE)
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
NAN = np.float32(np.nan)


@pytest.fixture
def depth():
    rng = np.random.default_rng(0)
    return rng.uniform(1, 8, (HEIGHT, WIDTH)).astype(np.float32)


def raw_disparity(depth):
    """x_left - x_right, as the files of a pair with cx_right - cx_left = DOFFS say it."""
    return (FOCAL * BASELINE / depth - DOFFS).astype(np.float32)


def depth_frame(depth):
    return Frame('a', IMAGE, CAMERA, depth)


def pair_frame(depth, metric=True):
    return Frame(
        'a',
        IMAGE,
        CAMERA,
        right=IMAGE,
        right_camera=RIGHT,
        disparity=raw_disparity(depth),
        metric=metric,
    )


def metric_prediction(values, camera=CAMERA):
    return Prediction(DepthKind.METRIC, values.astype(np.float32), camera)


def disparity_prediction(values):
    return Prediction(
        DepthKind.DISPARITY, values.astype(np.float32), CAMERA, focal=FOCAL, baseline=BASELINE
    )


def test_depth_of_a_pair_follows_from_both_principal_points(depth):
    np.testing.assert_allclose(pair_frame(depth).depth, depth, rtol=1e-4)


def test_metres_are_judged_as_they_are(depth):
    seen = measure(metric_prediction(1.1 * depth), depth_frame(depth), Protocol())
    assert seen.alignment == 'none'
    assert seen.metrics['abs_rel'] == pytest.approx(0.1, rel=1e-4)
    assert seen.metrics['silog'] == pytest.approx(0, abs=1e-3)
    assert seen.coverage == 1
    assert 'epe' not in seen.metrics


def test_disparity_is_judged_by_pixels_and_by_metres(depth):
    prediction = disparity_prediction(FOCAL * BASELINE / depth + 0.75)
    seen = measure(prediction, pair_frame(depth), Protocol())
    assert seen.metrics['epe'] == pytest.approx(0.75, rel=1e-4)
    assert seen.metrics['bad0.5'] == 100
    assert seen.metrics['bad1'] == 0
    expected = FOCAL * BASELINE / (FOCAL * BASELINE / depth + 0.75)
    assert seen.metrics['abs_rel'] == pytest.approx(np.mean(np.abs(expected - depth) / depth))


def test_metres_are_judged_by_pixels_too(depth):
    seen = measure(metric_prediction(depth), pair_frame(depth), Protocol())
    assert seen.metrics['epe'] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize('alignment', ['inverse', 'inverse_ransac'])
def test_relative_inverse_depth_becomes_exact(depth, alignment):
    values = (3 / depth - 0.7).astype(np.float32)
    prediction = Prediction(DepthKind.AFFINE_INVERSE, values, CAMERA)
    seen = measure(prediction, depth_frame(depth), Protocol(alignment=alignment))
    assert seen.alignment == alignment
    assert seen.metrics['abs_rel'] == pytest.approx(0, abs=1e-4)
    assert seen.fits['depth'].scale == pytest.approx(1 / 3, rel=1e-4)


def test_relative_inverse_depth_reaches_an_uncalibrated_pair(depth):
    values = (3 / depth - 0.7).astype(np.float32)
    prediction = Prediction(DepthKind.AFFINE_INVERSE, values, CAMERA)
    seen = measure(prediction, pair_frame(depth, metric=False), Protocol())
    assert seen.metrics['epe'] == pytest.approx(0, abs=1e-3)
    assert 'abs_rel' not in seen.metrics
    assert seen.fits['disparity'].scale == pytest.approx(FOCAL * BASELINE / 3, rel=1e-4)


def test_metres_have_no_way_to_an_uncalibrated_pair_without_alignment(depth):
    with pytest.raises(DepthError, match='use inverse'):
        measure(metric_prediction(depth), pair_frame(depth, metric=False), Protocol())


def test_depth_up_to_a_factor_gets_the_median(depth):
    prediction = Prediction(DepthKind.SCALE_INVARIANT, depth / np.float32(7), CAMERA)
    seen = measure(prediction, depth_frame(depth), Protocol())
    assert seen.alignment == 'median'
    assert seen.metrics['rmse'] == pytest.approx(0, abs=1e-4)
    assert seen.fits['depth'].scale == pytest.approx(7, rel=1e-4)


@pytest.mark.parametrize('alignment', ['median', 'depth', 'inverse', 'inverse_ransac'])
def test_alignment_never_looks_at_pixels_that_are_not_judged(depth, alignment):
    truth = depth.copy()
    truth[:, :20] = NAN
    prediction = 2 * depth
    prediction[:, :20] = 1000
    seen = measure(
        metric_prediction(prediction), depth_frame(truth), Protocol(alignment=alignment)
    )
    assert seen.metrics['abs_rel'] == pytest.approx(0, abs=1e-4)


def test_what_is_missing_lowers_coverage_and_nothing_else(depth):
    prediction = 1.1 * depth
    prediction[:15] = NAN
    seen = measure(metric_prediction(prediction), depth_frame(depth), Protocol())
    assert seen.coverage == 0.5
    assert seen.pixels == HEIGHT * WIDTH // 2
    assert seen.metrics['abs_rel'] == pytest.approx(0.1, rel=1e-4)


def test_beyond_the_cap_counts_as_the_cap(depth):
    prediction = np.full_like(depth, np.inf)
    seen = measure(metric_prediction(prediction), depth_frame(depth), Protocol(max_depth=8.0))
    assert seen.coverage == 1
    assert seen.metrics['abs_rel'] == pytest.approx(np.mean((8 - depth) / depth), rel=1e-5)


def test_nothing_predicted_is_a_failure_that_says_so(depth):
    with pytest.raises(DepthError, match='no value at any of the 1200 pixels'):
        measure(metric_prediction(np.full_like(depth, NAN)), depth_frame(depth), Protocol())


def test_no_truth_within_the_caps_is_a_failure_that_says_so(depth):
    with pytest.raises(DepthError, match='no truth'):
        measure(metric_prediction(depth), depth_frame(depth), Protocol(min_depth=50.0))


KINDS = {
    'metric': (DepthKind.METRIC, lambda z: z),
    'scale_invariant': (DepthKind.SCALE_INVARIANT, lambda z: z / 3),
    'affine_inverse': (DepthKind.AFFINE_INVERSE, lambda z: 2 / z - 1),
    'disparity': (DepthKind.DISPARITY, lambda z: 10 / z),
}


@pytest.mark.parametrize(('kind', 'to_values'), KINDS.values(), ids=KINDS)
def test_a_smaller_prediction_is_brought_to_the_truth(kind, to_values):
    """A plane whose inverse depth is linear in x, seen at half the size."""
    big, small = Camera.pinhole(40, 30, 50.0), Camera.pinhole(20, 15, 25.0)

    def plane(width):
        x = (np.arange(width) + 0.5) / width
        return np.repeat(1 / (0.2 + 0.3 * x)[None], 30 * width // 40, axis=0).astype(np.float32)

    values = to_values(plane(20)).astype(np.float32)
    if kind is DepthKind.DISPARITY:
        values = values / 2  # pixels are twice as large
    prediction = Prediction(kind, values, small, focal=25.0, baseline=0.2)
    seen = measure(prediction, Frame('a', IMAGE, big, plane(40)), Protocol())
    assert seen.coverage == 1
    assert seen.metrics['abs_rel'] < 1e-3


def test_a_frame_refuses_files_that_do_not_belong_together(depth):
    with pytest.raises(DepthError, match='do not belong together'):
        Frame('a', IMAGE, CAMERA, depth[:10])
    with pytest.raises(DepthError, match='no truth'):
        Frame('a', IMAGE, CAMERA)
