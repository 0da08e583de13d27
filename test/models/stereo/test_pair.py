# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What surrounds a stereo network keeps disparity exact, shown with a network that is."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('safetensors')

from exact_matcher import NAME, frontal_pair, matcher_family, write_weights  # noqa: E402

from depth_ros.geometry.disparity import prediction_to_depth  # noqa: E402
from depth_ros.models.protocol import ModelError  # noqa: E402
from depth_ros.models.stereo.preparation import Preparation  # noqa: E402
from depth_ros.types import Camera, View  # noqa: E402

PREPARATION = Preparation('bytes', multiple=16)


@pytest.fixture
def make(tmp_path):
    """Return a function that makes the matcher with a preparation and options."""

    def made(preparation=PREPARATION, gain=1.0, **options):
        family = matcher_family(preparation)
        folder = write_weights(tmp_path / 'w', NAME, {'gain': torch.tensor([gain])})
        given = {'weights': str(folder), 'precision': 'float32', **options}
        return family.create(NAME, family.config(**given))

    return made


def inner(values, margin=26):
    """Return the part of an image that the other eye and a whole window see."""
    return values[3:-3, margin:-margin]


@pytest.mark.parametrize('place', ['centre', 'bottom left', 'bottom right'])
@pytest.mark.parametrize('normalisation', ['imagenet', 'bytes', 'standardised'])
@pytest.mark.parametrize('size', [(64, 80), (65, 97), (50, 131)])
def test_every_size_place_and_normalisation(make, place, normalisation, size):
    model = make(Preparation(normalisation, multiple=16, place=place, replicate=True))
    prediction = model.predict(frontal_pair(*size, 7))
    assert prediction.values.shape == size
    assert (inner(prediction.values) == 7).all()
    assert prediction.disparity_range == (0, 23)
    assert prediction.confidence is None


def test_the_image_lies_where_the_preparation_says(make):
    views = frontal_pair(30, 70, 5)
    for place, corner in (('bottom left', (2, 0)), ('bottom right', (2, 10)), ('centre', (1, 5))):
        model = make(Preparation('bytes', multiple=16, place=place))
        model.predict(views)
        seen = model._runtime.network.network.seen
        for view, image in zip(views, seen, strict=True):
            assert image.shape == (1, 3, 32, 80)
            top, left = corner
            part = image[0, :, top : top + 30, left : left + 70].permute(1, 2, 0)
            assert np.array_equal(part.numpy(), view.image)
            assert image.sum() == part.sum()  # zeros around it


def test_a_small_image_gets_the_smallest_input(make):
    model = make(Preparation('bytes', multiple=16, smallest=256))
    assert (inner(model.predict(frontal_pair(64, 80, 7)).values) == 7).all()
    assert model._runtime.network.network.seen[0].shape == (1, 3, 256, 256)


def test_normalisations(make):
    views = frontal_pair(32, 64, 5)
    left = views[0].image.astype(np.float64)
    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    expected = {
        'bytes': left,
        'imagenet': (left / 255 - mean) / deviation,
        'standardised': (left - left.mean((0, 1))) / left.std((0, 1)),
    }
    for name, wanted in expected.items():
        model = make(Preparation(name, multiple=16))
        model.predict(views)
        got = model._runtime.network.network.seen[0][0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(got, wanted, atol=1e-4)


@pytest.mark.parametrize('normalisation', ['imagenet', 'standardised'])
def test_an_image_of_one_colour_gives_finite_numbers(make, normalisation):
    model = make(Preparation(normalisation, multiple=16))
    camera = Camera.pinhole(64, 48, 50.0)
    right = Camera.pinhole(64, 48, 50.0, baseline=0.1)
    blank = np.full((48, 64, 3), 77, np.uint8)
    assert np.isfinite(model.predict([View(blank, camera), View(blank, right)]).values).all()
    assert torch.isfinite(model._runtime.network.network.seen[0]).all()


def test_grey_images_are_three_equal_channels(make):
    views = frontal_pair(64, 80, 7, grey=True)
    model = make()
    assert (inner(model.predict(views).values) == 7).all()
    seen = model._runtime.network.network.seen[0]
    assert torch.equal(seen[:, 0], seen[:, 1])
    assert torch.equal(seen[:, 0], seen[:, 2])


@pytest.mark.parametrize('offset', [-31.0, -1.5, -0.25, 0.0, 0.5, 1.0, 12.75])
@pytest.mark.parametrize('place', ['centre', 'bottom left', 'bottom right'])
def test_principal_points_that_differ(make, offset, place):
    # x_left - x_right = disparity + offset, a whole number here.
    raw = 9 + int(np.floor(offset))
    model = make(Preparation('bytes', multiple=16, place=place))
    views = frontal_pair(64, 120, raw, offset=offset)
    prediction = model.predict(views)
    np.testing.assert_allclose(inner(prediction.values, 45), raw - offset, atol=1e-5)
    low, high = prediction.disparity_range
    assert -1 < low <= 0 or abs(offset) < 1
    assert high - low == 23
    depth = prediction_to_depth(prediction)
    np.testing.assert_allclose(inner(depth, 45), 96 * 0.1 / (raw - offset), rtol=1e-5)


def test_a_smaller_input_gives_disparity_of_the_image(make):
    views = frontal_pair(96, 160, 8)
    model = make(input_size=80)
    prediction = model.predict(views)
    assert model._runtime.network.network.seen[0].shape == (1, 3, 48, 80)
    assert prediction.values.shape == (96, 160)
    np.testing.assert_allclose(inner(prediction.values), 8, atol=1e-4)
    assert prediction.disparity_range == (0, 46)


def test_a_larger_input(make):
    prediction = make(input_size=160).predict(frontal_pair(48, 80, 6))
    assert np.median(inner(prediction.values)) == pytest.approx(6)


def test_an_input_size_with_an_offset(make):
    views = frontal_pair(96, 160, 2, offset=-6.0)
    prediction = make(input_size=80).predict(views)
    np.testing.assert_allclose(inner(prediction.values, 40), 8, atol=1e-4)


def test_left_and_right_are_compared(make):
    views = frontal_pair(64, 120, 8)
    right = views[1].image.copy()
    right[20:40, 30:60] = np.random.default_rng(9).integers(0, 256, (20, 30, 3), np.uint8)
    prediction = make(left_right_check=1.0).predict([views[0], View(right, views[1].camera)])
    confidence = prediction.confidence
    # What the right eye does not see: a strip at the left border, and what is covered.
    assert np.isnan(prediction.values[:, :4]).mean() > 0.9
    assert (confidence[:, :8] < 0.5).mean() > 0.9
    covered = prediction.values[24:36, 44:62]
    assert np.isnan(covered).mean() > 0.5
    good = prediction.values[45:60, 30:110]
    assert (good == 8).all()
    assert (confidence[45:60, 30:110] == 1).all()
    assert (confidence[np.isnan(prediction.values)] < 0.5).all()
    assert np.isfinite(make().predict(views).values).all()  # without the check all is kept


@pytest.mark.parametrize('offset', [-20.0, 10.0])
def test_left_and_right_are_compared_where_principal_points_differ(make, offset):
    views = frontal_pair(64, 140, 8 + int(offset), offset=offset)
    prediction = make(left_right_check=0.5).predict(views)
    assert (inner(prediction.values, 40) == 8).all()
    assert (inner(prediction.confidence, 40) == 1).all()


def test_a_batch_gives_what_its_pairs_give_alone(make):
    pairs = [
        frontal_pair(64, 80, 3, seed=1),
        frontal_pair(48, 80, 4, seed=2),
        frontal_pair(64, 80, 5, seed=3),
        frontal_pair(64, 80, 6 + 4, offset=4.0, seed=4),
    ]
    for options in ({}, {'left_right_check': 1.0}):
        model = make(**options)
        together = model.predict_batch(pairs)
        alone = [model.predict(pair) for pair in pairs]
        for one, other, disparity in zip(together, alone, (3, 4, 5, 6), strict=True):
            np.testing.assert_array_equal(one.values, other.values)
            assert np.nanmedian(one.values) == disparity
            if options:
                np.testing.assert_array_equal(one.confidence, other.confidence)


def test_a_warm_start_gets_what_the_frame_before_left(make):
    model = make(warm_start=True, left_right_check=1.0)
    views = frontal_pair(64, 80, 8)
    first = model.predict(views)
    started = model._runtime.network.network.started
    assert torch.isnan(started[0]).all()
    second = model.predict(views, first)
    assert torch.equal(started[1], first.carry.coarse)
    assert float(started[1][0, 0, 8, 12]) == pytest.approx(2)  # 8 px at 1/4
    np.testing.assert_array_equal(second.values, first.values)
    # A frame of another size cannot start from it.
    model.predict(frontal_pair(48, 80, 8), first)
    assert torch.isnan(started[2]).all()


def test_without_a_warm_start_nothing_is_carried(make):
    assert make().predict(frontal_pair(64, 80, 8)).carry is None


def test_warm_up_runs_the_sizes_of_the_cameras(make):
    views = frontal_pair(64, 80, 8)
    for options in ({}, {'warm_start': True}, {'left_right_check': 1.0}):
        model = make(**options)
        model.warm_up([view.camera for view in views])
        assert model._runtime.path is not None
        assert model._runtime.network.network.seen[0].shape[2:] == (64, 80)


def views_of(width, height, other=None, baseline=0.1):
    other = other or (width, height)
    cameras = (
        Camera.pinhole(width, height, 50.0),
        Camera.pinhole(*other, 50.0, baseline=baseline),
    )
    return [View(np.zeros((c.height, c.width), np.uint8), c) for c in cameras]


@pytest.mark.parametrize(
    ('views', 'says'),
    [
        (views_of(64, 48)[:1], 'expected left and right'),
        (views_of(64, 48, (64, 32)), 'equal sizes'),
        (views_of(64, 48, baseline=-0.1), 'swap left and right'),
    ],
    ids=['one eye', 'sizes', 'baseline'],
)
def test_what_is_no_pair_is_refused_and_the_next_is_served(make, views, says):
    model = make()
    with pytest.raises(ModelError, match=says):
        model.predict(views)
    assert model.predict(frontal_pair(64, 80, 8)).values.shape == (64, 80)


def test_the_facts_of_the_catalogue_are_kept(make):
    info = make().info
    assert (info.name, info.views, info.family, info.precision) == (NAME, 2, 'matcher', 'float32')
    assert info.facts['licence'] == 'Apache-2.0'


def test_weights_that_lack_or_add_keys_are_named(make, tmp_path):
    family = matcher_family(PREPARATION)
    folder = write_weights(tmp_path / 'bad', NAME, {'other': torch.ones(1)})
    options = family.config(weights=str(folder))
    with pytest.raises(ModelError, match=r'lacks gain and has unexpected other'):
        family.create(NAME, options)


def test_weights_that_are_absent_name_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    family = matcher_family(PREPARATION)
    with pytest.raises(ModelError, match=f'depth_ros convert {NAME} FILE'):
        family.create(NAME, family.config())
