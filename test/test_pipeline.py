# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The line from images to metres, without ROS."""

import dataclasses
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from depth_ros.geometry.camera import crop_camera, resize_camera
from depth_ros.metric.adjusting import Adjusted
from depth_ros.models.protocol import ModelBase, ModelInfo
from depth_ros.models.registry import create_model
from depth_ros.pipeline import Options, Pipeline
from depth_ros.types import Camera, DepthError, DepthKind, Distortion, Known, Prediction, View

SIZE = (96, 128)
CAMERA = Camera.pinhole(128, 96, 80.0)
IMAGE = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
BARREL = Camera(
    128, 96, CAMERA.K, np.array([-0.2, 0.05, 0.001, -0.001, 0.0]), Distortion.PLUMB_BOB
)


def pair(left, right, left_camera, right_camera):
    return [View(left, left_camera), View(right, right_camera)]


class Fixed(ModelBase):
    """Answers with the values it was given, and remembers what it was asked."""

    def __init__(self, values, kind=DepthKind.METRIC, views=1, **more):
        self.values, self.more, self.asked, self.warmed, self.previous = values, more, [], [], []
        self.info = ModelInfo('fixed', kind, views)

    def warm_up(self, cameras):
        self.warmed.append(list(cameras))

    def predict(self, views, previous=None):
        self.asked.append(views)
        self.previous.append(previous)
        return Prediction(self.info.kind, self.values, views[0].camera, 'fixed', **self.more)


def filled(value):
    return np.full(SIZE, value, np.float32)


@pytest.mark.parametrize('mode', ['auto', 'never'])
def test_an_undistorted_image_reaches_the_model_untouched(mode):
    model = Fixed(filled(2))
    frame = Pipeline(model, Options(rectify=mode))([View(IMAGE, CAMERA)])
    assert model.asked[0][0].image is IMAGE
    assert frame.camera == CAMERA
    np.testing.assert_array_equal(frame.depth, 2)


def test_a_distorted_image_is_rectified_and_its_camera_says_so():
    model = Fixed(filled(2))
    frame = Pipeline(model)([View(IMAGE, BARREL)])
    seen = model.asked[0][0]
    assert not seen.camera.is_distorted
    assert not np.array_equal(seen.image, IMAGE)
    assert frame.camera == seen.camera
    assert frame.image is seen.image


def wide(camera):
    """Return the camera rectified to half its focal length: the image gets a black border."""
    return Camera(128, 96, camera.K, camera.D, camera.distortion, P=Camera.pinhole(128, 96, 40).P)


@pytest.mark.parametrize('kind', [DepthKind.METRIC, DepthKind.AFFINE_INVERSE], ids=str)
@pytest.mark.parametrize('of_size', [1, 2], ids=['full size', 'half size'])
def test_nothing_is_said_of_what_rectification_leaves_black(kind, of_size):
    class Sized(Fixed):
        def predict(self, views, previous=None):
            camera = resize_camera(views[0].camera, 128 // of_size, 96 // of_size)
            shape = (camera.height, camera.width)
            ones = np.ones(shape, np.float32)
            return Prediction(kind, 2 * ones, camera, 'fixed', confidence=ones)

    frame = Pipeline(Sized(None, kind))([View(np.full_like(IMAGE, 255), wide(BARREL))])
    values, confidence = frame.prediction.values, frame.prediction.confidence
    black = frame.image.max(axis=-1) == 0
    assert black.any()
    assert np.isnan(values[black]).all()
    assert (confidence[black] == 0).all()
    # A hair outside of the raw image, rounding still finds its last pixel.
    white = cv2.erode(np.uint8(frame.image.min(axis=-1) == 255), np.ones((3, 3))) > 0
    assert white.any()
    assert (values[white] == 2).all()
    assert (confidence[white] == 1).all()
    if kind is DepthKind.METRIC:
        np.testing.assert_array_equal(frame.depth, values)


def test_never_takes_the_image_as_rectified_and_uses_p():
    raw = Camera(128, 96, BARREL.K, BARREL.D, BARREL.distortion, P=Camera.pinhole(128, 96, 70).P)
    model = Fixed(filled(2))
    frame = Pipeline(model, Options(rectify='never'))([View(IMAGE, raw)])
    assert model.asked[0][0].image is IMAGE
    assert frame.camera.fx == 70
    assert not frame.camera.is_distorted


def test_a_relative_prediction_has_no_depth_until_a_scale_is_given():
    values = np.linspace(0.1, 2, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
    model = Fixed(values, DepthKind.AFFINE_INVERSE)
    assert not Pipeline(model).makes_metres
    assert Pipeline(model)([View(IMAGE, CAMERA)]).depth is None
    scaled = Pipeline(model, Options(scale=0.5, shift=0.1))
    assert scaled.makes_metres
    frame = scaled([View(IMAGE, CAMERA)])
    assert frame.prediction.kind is DepthKind.METRIC
    np.testing.assert_allclose(frame.depth, 1 / (0.5 * values + 0.1), rtol=1e-6)


def test_range_edges_and_confidence_each_mark_what_they_drop():
    values = filled(2)
    values[:, :10], values[:, 10:20] = 0.1, 50
    confidence = filled(1)
    confidence[:20] = 0.1
    model = Fixed(values, confidence=confidence)
    options = Options(min_depth=0.5, max_depth=20, min_confidence=0.5)
    depth = Pipeline(model, options)([View(IMAGE, CAMERA)]).depth
    assert np.isnan(depth[:20]).all()
    assert np.isneginf(depth[20:, :10]).all()
    assert np.isposinf(depth[20:, 10:20]).all()
    assert (depth[20:, 20:] == 2).all()


def test_the_prediction_itself_is_not_changed_by_what_comes_after():
    values = filled(2)
    values[:, :10] = 100
    model = Fixed(values.copy())
    frame = Pipeline(model, Options(max_depth=5, edge_threshold=0.05))([View(IMAGE, CAMERA)])
    np.testing.assert_array_equal(frame.prediction.values, values)


def test_warm_up_happens_once_per_camera():
    model = Fixed(filled(2))
    pipeline = Pipeline(model)
    for camera in (BARREL, BARREL, CAMERA):
        pipeline.warm_up([camera])
    assert [c.is_distorted for (c,) in model.warmed] == [False, False]
    assert len(model.warmed) == 2


def test_a_image_that_is_not_its_cameras_is_refused_and_the_next_one_is_right():
    pipeline = Pipeline(Fixed(filled(2)))
    with pytest.raises(DepthError, match='64x48 but its camera is 128x96'):
        pipeline([View(IMAGE[::2, ::2], CAMERA)])
    assert (pipeline([View(IMAGE, CAMERA)]).depth == 2).all()


class Counting(Fixed):
    """A model that carries how many frames of one camera it has seen, and counts its passes."""

    passes = 0

    def predict_batch(self, batch, previous=None):
        self.passes += 1
        before = [0 if last is None else last.carry for last in previous]
        return [
            dataclasses.replace(Prediction(DepthKind.METRIC, filled(2 + n), v.camera), carry=n + 1)
            for (v,), n in zip(batch, before)
        ]

    def predict(self, views, previous=None):
        return self.predict_batch([views], [previous])[0]


def test_pipelines_of_one_model_share_a_pass_and_nothing_else():
    model = Counting(filled(1.0))
    left, right = Pipeline(model), Pipeline(model, Options(max_depth=3.5))
    views = [[View(IMAGE, CAMERA)], [View(255 - IMAGE, CAMERA)]]
    left(views[0])  # one frame ahead of the other
    frames = Pipeline.together([left, right], views)
    assert model.passes == 2
    assert [frame.depth[0, 0] for frame in frames] == [3.0, 2.0]
    np.testing.assert_array_equal(frames[1].image, 255 - IMAGE)
    right.forget()
    frames = Pipeline.together([left, right], views)
    assert [frame.depth[0, 0] for frame in frames] == [4.0, 2.0]
    frames = Pipeline.together([right], views[1:])
    assert frames[0].depth[0, 0] == 3.0
    assert Pipeline.together([right], views[1:])[0].depth[0, 0] == np.inf


def test_a_stereo_model_does_not_run_on_one_eye():
    with pytest.raises(DepthError, match='stereo_depth'):
        Pipeline(create_model('sgbm'))([View(IMAGE, CAMERA)])
    with pytest.raises(DepthError, match='mono_depth'):
        Pipeline(create_model('floor'))([View(IMAGE, CAMERA)] * 2)


@pytest.mark.parametrize(
    'options',
    [
        {'rectify': 'sometimes'},
        {'min_depth': -1},
        {'min_depth': 3, 'max_depth': 3},
        {'min_depth': math.nan},
        {'edge_threshold': -0.1},
        {'edge_threshold': math.nan},
        {'min_confidence': 1.5},
        {'scale': -1},
        {'scale': math.inf},
        {'shift': math.nan},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(DepthError, match='expected'):
        Options(**options)


# ---- two eyes -----------------------------------------------------------------------------


def textured_pair(disparity, width=256, height=128):
    rng = np.random.default_rng(5)
    wide = rng.integers(0, 255, (height, width + disparity), np.uint8)
    wide = cv2.normalize(cv2.GaussianBlur(wide, (0, 0), 1.2), None, 0, 255, cv2.NORM_MINMAX)
    return wide[:, :width].copy(), wide[:, disparity:].copy()


@pytest.mark.parametrize('shift', [0.0, 3.0], ids=['equal K', 'principal points differ'])
def test_depth_of_a_pair_is_f_b_over_d(shift):
    left, right = textured_pair(8)
    cameras = (
        Camera.pinhole(256, 128, 200.0, cx=127.5),
        Camera.pinhole(256, 128, 200.0, cx=127.5 + shift, baseline=0.1),
    )
    frame = Pipeline(create_model('sgbm', {'disparity_range': 32}))(pair(left, right, *cameras))
    assert frame.prediction.kind is DepthKind.DISPARITY
    valid = frame.depth[np.isfinite(frame.depth)]
    assert valid.size > 0.6 * frame.depth.size
    assert np.median(valid) == pytest.approx(200 * 0.1 / (8 + shift), rel=2e-3)


def test_eyes_of_different_focal_length_are_brought_to_one():
    """The right eye is a 2 % wider lens: depth must still be that of the scene."""
    left, right = textured_pair(8)
    f, baseline = 200.0, 0.1
    wide = Camera.pinhole(256, 128, f * 0.98, baseline=baseline)
    squeeze = np.array([[0.98, 0, 127.5 * 0.02], [0, 0.98, 63.5 * 0.02]])
    right = cv2.warpAffine(right, squeeze, (256, 128), borderMode=cv2.BORDER_REPLICATE)
    pipeline = Pipeline(create_model('sgbm', {'disparity_range': 32}))
    frame = pipeline(pair(left, right, Camera.pinhole(256, 128, f), wide))
    valid = frame.depth[np.isfinite(frame.depth)]
    assert valid.size > 0.5 * frame.depth.size
    assert np.median(valid) == pytest.approx(f * baseline / 8, rel=0.02)


def test_options_may_change_between_frames_of_the_same_cameras():
    left, right = textured_pair(8)
    P = Camera.pinhole(256, 128, 180.0).P
    lens = np.array([-0.2, 0.05, 0, 0, 0])
    raw = Camera.pinhole(256, 128, 200.0)
    shifted = np.array(P)
    shifted[0, 3] = -18.0
    cameras = (
        Camera(256, 128, raw.K, lens, Distortion.PLUMB_BOB, P=P),
        Camera(256, 128, raw.K, lens, Distortion.PLUMB_BOB, P=shifted),
    )
    pipeline = Pipeline(create_model('sgbm', {'disparity_range': 32}))
    rectified = pipeline(pair(left, right, *cameras))
    pipeline.options = Options(rectify='never')
    untouched = pipeline(pair(left, right, *cameras))
    assert untouched.image is left
    assert rectified.image is not left


def test_a_pair_with_its_eyes_swapped_is_refused_with_the_reason():
    left, other = textured_pair(8)
    pipeline = Pipeline(create_model('sgbm', {'disparity_range': 32}))
    right = Camera.pinhole(256, 128, 200.0, baseline=-0.1)
    with pytest.raises(DepthError, match='swap'):
        pipeline(pair(left, other, Camera.pinhole(256, 128, 200.0), right))


class Doubled:
    """An adjuster that makes twice the depth of what it is given."""

    def __init__(self):
        self.seen, self.forgotten, self.closed = [], 0, 0

    def adjust(self, prediction, view, stamp):
        self.seen.append((prediction, view, stamp))
        values = 2 * prediction.values
        return Adjusted(replace(prediction, kind=DepthKind.METRIC, values=values))

    def forget(self):
        self.forgotten += 1

    def close(self):
        self.closed += 1


def test_an_adjuster_gives_the_metres_and_the_raw_prediction_stays():
    adjuster = Doubled()
    model = Fixed(filled(2), DepthKind.SCALE_INVARIANT)
    pipeline = Pipeline(model, Options(scale=9.0), adjuster)
    assert pipeline.makes_metres
    frame = pipeline([View(IMAGE, BARREL)], 12.5)
    np.testing.assert_array_equal(frame.depth, 4)
    assert frame.raw.kind is DepthKind.SCALE_INVARIANT
    prediction, view, stamp = adjuster.seen[0]
    assert prediction is frame.raw
    assert (view.image is frame.image, view.camera == frame.camera, stamp) == (True, True, 12.5)
    pipeline.forget()
    pipeline.close()
    assert (adjuster.forgotten, adjuster.closed) == (1, 1)


class Noisy(Fixed):
    """A model whose depth of a standing scene trembles."""

    def __init__(self):
        super().__init__(filled(2))
        self.rng = np.random.default_rng(0)

    def predict(self, views, previous=None):
        noise = self.rng.normal(0, 0.02, SIZE).astype(np.float32)
        return replace(super().predict(views), values=filled(2) * (1 + noise))


def trembling(options, pose=None, forget=False):
    """Return the median change between the last two of some frames."""
    pipeline, depths = Pipeline(Noisy(), options), []
    for index in range(12):
        if forget:
            pipeline.forget()
        view = View(IMAGE, CAMERA, Known(pose=pose))
        depths.append(pipeline([view], 0.1 * index).depth)
    return float(np.median(np.abs(depths[-1] - depths[-2])))


def test_depth_of_a_standing_scene_stands_still_where_it_is_averaged():
    moving = trembling(Options())
    assert trembling(Options(temporal='still')) < moving / 4
    assert trembling(Options(temporal='pose'), np.eye(4)) < moving / 4
    # Without memory, without a pose, or after a jump in time, frames are taken as they come.
    assert trembling(Options(temporal='still', temporal_memory=0.0)) == moving
    assert trembling(Options(temporal='pose')) == moving
    assert trembling(Options(temporal='still'), forget=True) == moving


def test_filters_of_the_image_are_options():
    values = filled(2)
    values[40, 40] = 3.0
    values[10:13, 10:13] = np.nan
    values[70:74, 70:74] = 9.0

    def depth(**options):
        model = Fixed(values)
        return Pipeline(model, Options(edge_threshold=0.0, **options))([View(IMAGE, CAMERA)]).depth

    assert depth()[40, 40] == 3
    assert depth(median_size=3)[40, 40] == 2
    assert np.isnan(depth()[11, 11])
    assert depth(max_hole=9)[11, 11] == 2
    assert np.isnan(depth(max_hole=8)[11, 11])
    assert np.isnan(depth(max_speckle=16)[70:74, 70:74]).all()
    assert (depth(max_speckle=15)[70:74, 70:74] == 9).all()
    for options, sentence in (
        ({'median_size': 4}, 'expected 0 .off., 3 or 5'),
        ({'max_hole': -1}, 'max_hole is -1'),
        ({'temporal': 'often'}, 'expected one of off, pose'),
        ({'temporal_memory': -1.0}, 'memory is -1'),
    ):
        with pytest.raises(DepthError, match=sentence):
            Options(**options)


def test_what_is_outside_of_the_region_is_not_known_in_any_output():
    confidence = np.ones(SIZE, np.float32)
    model = Fixed(filled(2.0), confidence=confidence)
    frame = Pipeline(model, Options(region='10,20,30,40'))([View(IMAGE, CAMERA)])
    inside = np.zeros(SIZE, bool)
    inside[20:60, 10:40] = True
    for values in (frame.depth, frame.prediction.values):
        np.testing.assert_array_equal(np.isfinite(values), inside)
    np.testing.assert_array_equal(frame.prediction.confidence > 0, inside)


def test_a_region_is_drawn_in_the_image_as_it_arrives():
    """A dot that the camera sees is where its mask is, after rectification too."""
    raw = np.zeros((*SIZE, 3), np.uint8)
    raw[20:34, 90:112] = 255
    pipeline = Pipeline(Fixed(filled(2.0)), Options(region='90,20,22,14'))
    frame = pipeline([View(raw, BARREL)])
    known = np.isfinite(frame.depth)
    bright = frame.image[..., 0] == 255
    assert known.any()
    assert not (known & (frame.image[..., 0] < 250)).any()
    assert (known & bright).sum() > 0.9 * bright.sum()


def test_a_region_may_change_between_frames():
    pipeline = Pipeline(Fixed(filled(2.0)), Options())
    views = [View(IMAGE, CAMERA)]
    assert np.isfinite(pipeline(views).depth).all()
    for width in (5, 9):
        pipeline.options = Options(region=f'0,0,{width},96')
        assert np.isfinite(pipeline(views).depth).sum() == width * 96
    pipeline.options = Options()
    assert np.isfinite(pipeline(views).depth).all()


def test_a_region_of_a_model_that_answers_for_a_part_of_the_image():
    part = crop_camera(CAMERA, 40, 30, 64, 48)

    class Part(Fixed):
        def predict(self, views, previous=None):
            small = resize_camera(part, 32, 24)
            image = np.zeros((24, 32, 3), np.uint8)
            values = np.full((24, 32), 2.0, np.float32)
            return Prediction(DepthKind.METRIC, values, small, image=image)

    # The region begins in the middle of the part.
    frame = Pipeline(Part(None), Options(region='72,54,100,100'))([View(IMAGE, CAMERA)])
    expected = np.zeros((24, 32), bool)
    expected[12:, 16:] = True
    np.testing.assert_array_equal(np.isfinite(frame.depth), expected)


def test_a_pair_without_a_baseline_has_a_disparity_and_no_metres():
    left, other = textured_pair(8)
    pipeline = Pipeline(create_model('sgbm', {'disparity_range': 32}))
    camera = Camera.pinhole(256, 128, 200.0)
    known = pipeline(pair(left, other, camera, Camera.pinhole(256, 128, 200.0, baseline=0.1)))
    unknown = pipeline(pair(left, other, camera, camera))
    assert known.depth is not None
    assert unknown.depth is None
    np.testing.assert_array_equal(unknown.prediction.values, known.prediction.values)
