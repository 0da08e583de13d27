# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Block matching against exact geometry: slanted planes, rendered rooms, and its own checks."""

import math

import cv2
import numpy as np
import pytest

from depth_ros.geometry.disparity import prediction_to_depth
from depth_ros.geometry.planes import plane_depth
from depth_ros.lab.synthetic import make_scene, render_stereo, stereo_cameras
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.models.stereo.sgbm import SgbmOptions, match_confidence
from depth_ros.types import Camera, DepthKind, Prediction, View

WIDTH, HEIGHT, FOCAL, BASELINE = 320, 240, 280.0, 0.12
SMALL = {'disparity_range': 64}


class TexturedPlane:
    """A plane normal . X = distance painted with waves, exact in every eye that looks at it."""

    def __init__(self, normal: tuple[float, float, float], distance: float) -> None:
        self.normal = np.array(normal) / np.linalg.norm(normal)
        self.distance = distance
        # Wavelengths of 4 px and more at the working distance: no eye sees aliasing.
        rng = np.random.default_rng(7)
        cycles = rng.uniform(0.5, FOCAL / distance / 4, 60)
        turn = rng.uniform(0, 2 * math.pi, 60)
        self.waves = 2 * math.pi * cycles * np.stack([np.cos(turn), np.sin(turn)])
        self.phase = rng.uniform(0, 2 * math.pi, 60)

    def depth(self, camera: Camera) -> np.ndarray:
        return plane_depth(camera, tuple(self.normal.tolist()), self.distance)

    def image(self, camera: Camera) -> np.ndarray:
        """Sample the paint where the rays of this eye, at (baseline, 0, 0), meet the plane."""
        u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
        x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
        nearer = self.distance - self.normal[0] * camera.baseline
        z = nearer / (self.normal[0] * x + self.normal[1] * y + self.normal[2])
        where = np.stack([x * z + camera.baseline, y * z], axis=-1)
        paint = np.cos(where @ self.waves + self.phase).sum(-1)
        return np.clip(127.5 + 14 * paint, 0, 255).astype(np.uint8)


def eyes(doffs: float = 0.0) -> tuple[Camera, Camera]:
    left = Camera.pinhole(WIDTH, HEIGHT, FOCAL)
    right = Camera.pinhole(WIDTH, HEIGHT, FOCAL, cx=left.cx + doffs, baseline=BASELINE)
    return left, right


def look(plane: TexturedPlane, cameras: tuple[Camera, Camera], **options) -> Prediction:
    views = [View(plane.image(camera), camera) for camera in cameras]
    return create_model('sgbm', {**SMALL, **options}).predict(views)


FRONTAL = TexturedPlane((0, 0, 1), 1.5)
SLANTS = [(0, 0, 1), (0.5, 0, 1), (-0.4, 0.1, 1), (0.0, 0.8, 1)]


Pair = tuple[list[View], np.ndarray]


@pytest.fixture(scope='module')
def rendered() -> list[Pair]:
    """Rendered pairs with edges, occlusion and plain walls, and their exact disparity."""
    cameras = stereo_cameras(WIDTH, HEIGHT, FOCAL, BASELINE / 2)
    pairs = []
    for kind in ('corridor', 'room', 'warehouse'):
        scene = make_scene(kind, seed=3)
        eyes = render_stereo(scene, *cameras, scene.start)
        views = [View(eye.image, camera) for eye, camera in zip(eyes, cameras)]
        pairs.append((views, FOCAL * BASELINE / 2 / eyes[0].depth))
    return pairs


@pytest.fixture(scope='module')
def pair(rendered) -> list[View]:
    return rendered[0][0]


@pytest.mark.parametrize('mode', [0, 1, 2, 3])
@pytest.mark.parametrize('normal', SLANTS, ids=str)
def test_a_slanted_plane_is_matched_within_a_pixel(normal, mode):
    plane, cameras = TexturedPlane(normal, 1.4), eyes()
    prediction = look(plane, cameras, sgbm_mode=mode)
    truth = FOCAL * BASELINE / plane.depth(cameras[0])
    found = np.isfinite(prediction.values)
    error = np.abs(prediction.values - truth)[found]
    assert found[:, 63:].mean() > 0.8
    assert (error < 1).mean() >= 0.95
    assert np.median(error) < 0.2  # whole pixels alone would give 0.25


def test_the_prediction_knows_what_it_is():
    cameras = eyes()
    prediction = look(FRONTAL, cameras)
    assert prediction.kind is DepthKind.DISPARITY
    assert prediction.is_metric
    assert (prediction.focal, prediction.baseline) == pytest.approx((FOCAL, BASELINE))
    assert prediction.camera == cameras[0]
    assert set(prediction.timings) == {'match', 'confidence'}


def test_the_plane_comes_out_in_metres():
    plane, cameras = TexturedPlane((0.3, 0.2, 1), 1.4), eyes()
    depth = prediction_to_depth(look(plane, cameras))
    relative = np.abs(depth / plane.depth(cameras[0]) - 1)
    assert np.nanmedian(relative) < 0.01


@pytest.mark.parametrize('doffs', [-12.0, 7.5, 31.086])
def test_eyes_with_different_principal_points_give_the_same_metres(doffs):
    plane, cameras = TexturedPlane((0.2, 0.1, 1), 1.4), eyes(doffs)
    # x_left - x_right grows by cx_left - cx_right, and so must the search.
    low = 16 * math.floor(min(0.0, -doffs) / 16)
    prediction = look(plane, cameras, min_disparity=low, disparity_range=80)
    error = np.abs(prediction.values - FOCAL * BASELINE / plane.depth(cameras[0]))
    assert (error[np.isfinite(error)] < 1).mean() >= 0.95
    assert prediction.disparity_range == pytest.approx((low + doffs, low + 79 + doffs))


def test_the_search_bounds_hold(pair):
    prediction = create_model('sgbm', {**SMALL, 'min_disparity': 4}).predict(pair)
    assert prediction.disparity_range == (4, 67)
    values = prediction.values[np.isfinite(prediction.values)]
    assert values.size
    assert ((values > 4) & (values < 67)).all()


def test_what_is_infinitely_far_is_said_only_where_the_search_reaches_beyond_it():
    image = FRONTAL.image(eyes()[0])
    views = [View(image, camera) for camera in eyes()]  # both eyes see the same: disparity 0
    beyond = create_model('sgbm', {'min_disparity': -16, 'disparity_range': 64}).predict(views)
    assert np.nanmedian(beyond.values) == 0
    assert np.isposinf(prediction_to_depth(beyond)).mean() > 0.5
    assert np.isfinite(create_model('sgbm', SMALL).predict(views).values).mean() < 0.01


def test_the_border_stays_empty_unless_it_is_searched():
    normal = look(FRONTAL, eyes())
    full = look(FRONTAL, eyes(), full_width=True)
    true = FOCAL * BASELINE / 1.5
    assert np.isnan(normal.values[:, :63]).all()
    # Nothing left of the true disparity is in the right eye's view; from there on most is found.
    assert np.isfinite(full.values[:, math.ceil(true) + 4 : 63]).mean() > 0.8
    columns = np.arange(WIDTH)
    found = np.isfinite(full.values)
    assert (columns - full.values >= 0)[found].all()
    assert (np.abs(full.values - true)[found] < 1).mean() >= 0.95


def test_a_negative_search_reaches_the_right_border():
    left, right = (View(FRONTAL.image(c), c) for c in eyes())
    swapped = [View(right.image, left.camera), View(left.image, right.camera)]
    options = {'min_disparity': -48, 'disparity_range': 64, 'full_width': True}
    prediction = create_model('sgbm', options).predict(swapped)
    found = np.isfinite(prediction.values)
    assert found.mean() > 0.8
    assert (np.arange(WIDTH) - prediction.values <= WIDTH - 1)[found].all()
    assert np.nanmedian(prediction.values) == pytest.approx(-FOCAL * BASELINE / 1.5, abs=0.3)


@pytest.mark.parametrize(
    'make',
    [
        pytest.param(lambda rng: np.full((2, HEIGHT, WIDTH), 90), id='blank'),
        pytest.param(lambda rng: rng.integers(0, 256, (2, HEIGHT, WIDTH)), id='unrelated noise'),
    ],
)
def test_what_cannot_be_matched_is_not(make):
    images = make(np.random.default_rng(0)).astype(np.uint8)
    prediction = create_model('sgbm', SMALL).predict([View(i, c) for i, c in zip(images, eyes())])
    assert np.isfinite(prediction.values).mean() < 0.05


def test_grey_and_colour_agree():
    views = [View(FRONTAL.image(c), c) for c in eyes()]
    colour = [View(v.rgb, v.camera) for v in views]
    model = create_model('sgbm', SMALL)
    np.testing.assert_array_equal(model.predict(views).values, model.predict(colour).values)


def test_the_values_are_those_of_opencv(pair):
    views = pair
    left, right = (cv2.cvtColor(v.image, cv2.COLOR_RGB2GRAY) for v in views)
    options = SgbmOptions(disparity_range=64)
    raw = cv2.StereoSGBM.create(
        0, 64, 5, 8 * 25, 32 * 25, 1, options.prefilter_cap, 12, 100, 2, options.sgbm_mode
    ).compute(left, right)
    values = create_model('sgbm', SMALL).predict(views).values
    found = np.isfinite(values)
    np.testing.assert_array_equal(values[found], raw[found] / np.float32(16))
    assert (raw[~found] <= 0).mean() > 0.99  # the rest are matches at the far end of the search


def test_neither_threads_nor_repetition_change_the_result(pair):
    model = create_model('sgbm', SMALL)
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        model.warm_up([view.camera for view in pair])
        alone = model.predict(pair)
        cv2.setNumThreads(4)
        together = model.predict(pair)
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(alone.values, together.values)
    np.testing.assert_array_equal(alone.confidence, together.confidence)


def test_confidence_is_a_probability_that_is_zero_without_a_match(pair):
    prediction = create_model('sgbm', SMALL).predict(pair)
    confidence, found = prediction.confidence, np.isfinite(prediction.values)
    assert confidence.dtype == np.float32
    assert (confidence[~found] == 0).all()
    assert ((confidence[found] > 0) & (confidence[found] <= 1)).all()


def test_confidence_ranks_errors_and_means_what_it_says(rendered):
    errors, confidences = [], []
    for views, truth in rendered:
        prediction = create_model('sgbm', SMALL).predict(views)
        found = np.isfinite(prediction.values)
        errors.append(np.abs(prediction.values - truth)[found])
        confidences.append(prediction.confidence[found])
    error, confidence = np.concatenate(errors), np.concatenate(confidences)
    order = np.argsort(-confidence, kind='stable')
    half = len(order) // 2
    assert error[order[:half]].mean() < 0.7 * error[order[half:]].mean()
    fifths = [error[part].mean() for part in np.array_split(order, 5)]
    assert max(fifths) == fifths[4]
    # The mean probability of being within 1 px is the share that is.
    assert confidence.mean() == pytest.approx((error < 1).mean(), abs=0.08)


def test_confidence_falls_with_roughness_and_with_holes():
    rng = np.random.default_rng(0)
    flat = np.full((60, 60), 20, np.float32)
    everywhere = np.ones((60, 60), bool)
    smooth = match_confidence(flat, everywhere)[30, 30]
    rough = match_confidence(flat + rng.normal(0, 3, flat.shape).astype(np.float32), everywhere)
    holes = match_confidence(flat, rng.random(flat.shape) < 0.4)
    assert smooth > 0.95
    assert rough[30, 30] < smooth
    assert 0 < holes[holes > 0].max() < smooth


def test_a_ramp_is_as_sure_as_a_wall():
    ramp = np.repeat(np.linspace(5, 60, 60, dtype=np.float32)[None], 60, 0)
    everywhere = np.ones((60, 60), bool)
    wall = match_confidence(np.full_like(ramp, 20), everywhere)
    np.testing.assert_allclose(
        match_confidence(ramp, everywhere)[10:-10, 10:-10], wall[10:-10, 10:-10], atol=1e-3
    )


def test_penalties_follow_the_window():
    assert SgbmOptions(correlation_window_size=7).penalties == (8 * 49, 32 * 49)
    assert SgbmOptions(P1=100.0, P2=200.0).penalties == (100, 200)


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        ({'disparity_range': 100}, 'use 112'),
        ({'disparity_range': 0}, 'disparity_range'),
        ({'correlation_window_size': 4}, 'use 5'),
        ({'correlation_window_size': -1}, 'correlation_window_size'),
        ({'P1': 500.0, 'P2': 400.0}, '0 < P1 < P2'),
        ({'P1': 5000.0}, '0 < P1 < P2'),  # more than the derived P2
        ({'sgbm_mode': 4}, 'sgbm_mode'),
        ({'min_disparity': 1.5}, 'min_disparity'),
        ({'full_width': 1}, 'full_width'),
    ],
    ids=str,
)
def test_searches_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ModelError, match=says):
        create_model('sgbm', options)


def tiny(width: int, height: int, baseline: float = 0.1) -> list[View]:
    cameras = (
        Camera.pinhole(width, height, 50.0),
        Camera.pinhole(width, height, 50.0, baseline=baseline),
    )
    return [View(np.zeros((height, width), np.uint8), c) for c in cameras]


@pytest.mark.parametrize(
    ('views', 'options', 'says'),
    [
        (tiny(64, 3), {'disparity_range': 16}, 'smaller than the window'),
        (tiny(64, 48), {}, 'does not fit an image of 64 px'),  # the default of 128
        (tiny(64, 48), {'disparity_range': 64}, 'does not fit'),  # as wide as the image
        (tiny(64, 48), {'disparity_range': 16, 'min_disparity': -70}, 'does not fit'),
        (tiny(64, 48, -0.1), {'disparity_range': 16}, 'swap left and right'),
        (tiny(64, 48)[:1], {'disparity_range': 16}, 'expected left and right'),
        ([tiny(64, 48)[0], tiny(64, 32)[1]], {'disparity_range': 16}, 'equal sizes'),
    ],
    ids=['window', 'default range', 'range', 'minimum', 'baseline', 'one eye', 'sizes'],
)
def test_pairs_that_cannot_be_matched_are_refused_and_the_next_is_served(views, options, says):
    model = create_model('sgbm', options)
    with pytest.raises(ModelError, match=says):
        model.predict(views)
    good = model.predict([View(FRONTAL.image(c), c) for c in eyes()])
    assert good.values.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ('name', 'left', 'right', 'truth', 'unit', 'search'),
    [
        ('stereo_cones', 'im2.png', 'im6.png', 'disp2.png', 4, 64),
        ('stereo_cloth3', 'view1.png', 'view5.png', 'disp1.png', 2, 128),
        ('stereo_aloe', 'aloeL.jpg', 'aloeR.jpg', 'aloeGT.png', 1, 256),
    ],
)
def test_real_pairs_come_out_no_worse_than_plain_sgbm(
    real_data, name, left, right, truth, unit, search
):
    folder = real_data(name)
    images = [cv2.imread(str(folder / n), cv2.IMREAD_GRAYSCALE) for n in (left, right)]
    disparity = cv2.imread(str(folder / truth), cv2.IMREAD_GRAYSCALE).astype(np.float32) / unit
    disparity[disparity == 0] = np.nan
    height, width = disparity.shape
    views = [View(i, Camera.pinhole(width, height, 500.0)) for i in images]

    def bad(mode: int) -> tuple[float, float]:
        options = {'disparity_range': search, 'sgbm_mode': mode}
        values = create_model('sgbm', options).predict(views).values
        error = np.abs(values - disparity)
        seen = np.isfinite(error)
        return float((error[seen] > 2).mean()), float(seen.mean())

    (fast, fast_density), (plain, plain_density) = bad(2), bad(0)
    assert fast <= plain
    assert fast_density > 0.97 * plain_density
