# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a batch holds depends on its number alone, and is what the configuration asks for."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from tiny_run import configuration  # noqa: E402

from depth_ros.lab.train.data import (  # noqa: E402
    Batches,
    chances,
    depth_spread,
    find_frames,
    read_frame,
)
from depth_ros.types import DepthError  # noqa: E402


def test_frames_are_found_and_read(dataset):
    frames = find_frames(dataset)
    assert len(frames) == 8
    sample = read_frame(frames[0])
    assert sample.image.shape == (64, 80, 3)
    assert 0.5 <= np.nanmin(sample.depth) <= np.nanmax(sample.depth) <= 9


def test_an_empty_folder_says_what_was_expected(tmp_path):
    with pytest.raises(DepthError, match='image_left'):
        find_frames(tmp_path)


def test_a_batch_depends_on_its_number_alone(dataset):
    config = configuration(dataset)
    frames = find_frames(dataset)
    stream = iter(Batches(frames, config, first=3))
    assert torch.equal(next(stream).image, Batches(frames, config).batch(3).image)
    assert not torch.equal(next(stream).image, Batches(frames, config).batch(3).image)


def test_it_does_not_matter_who_makes_a_batch(dataset):
    frames = find_frames(dataset)
    made = []
    for workers, threads in ((0, 1), (0, 4), (1, 1)):
        batches = Batches(frames, configuration(dataset, workers=workers, batch=8))
        batches.threads = threads
        made.append(batches.batch(5))
    for other in made[1:]:
        assert torch.equal(made[0].image, other.image)
        assert torch.equal(made[0].depth.nan_to_num(), other.depth.nan_to_num())


def test_batches_take_the_shapes_that_are_asked_for(dataset):
    config = configuration(dataset, width=128, height=96, aspects=[1.33, 3.3, 1.0])
    batches = Batches(find_frames(dataset), config)
    shapes = {tuple(batches.batch(number).image.shape[2:]) for number in range(24)}
    assert shapes == {(96, 128), (64, 192), (96, 96)}
    assert batches.batch(3).image.shape == batches.batch(3).image.shape


def test_frames_are_drawn_to_have_the_spread_that_is_asked_for():
    rng = np.random.default_rng(0)
    spreads = np.exp(rng.normal(np.log(0.8), 0.5, 20000))
    drawn = rng.choice(spreads, 20000, p=chances(spreads, 0.4))
    assert np.median(drawn) == pytest.approx(0.4, rel=0.05)
    assert np.log(drawn).std() == pytest.approx(0.4, rel=0.1)
    assert chances(spreads, 0.4).max() < 0.002  # no frame alone


def test_batches_hold_the_frames_that_the_chances_say(dataset):
    frames = find_frames(dataset)
    batches = Batches(frames, configuration(dataset, data={'folders': [str(dataset)]}))

    def nearest():  # the square's depth tells which frame it is
        depths = [d for number in range(9) for d in batches.batch(number).depth]
        return {round(float(d[d.isfinite()].min()), 3) for d in depths}

    assert len(nearest()) > 3
    batches.chances = np.eye(len(frames))[3]
    expected = float(np.nanmin(read_frame(frames[3]).depth))
    assert nearest() == {round(expected, 3)}


@pytest.mark.parametrize('workers', [0, 1])
def test_frames_are_kept_by_the_process_that_makes_batches(workers, dataset):
    data = {'folders': [str(dataset)], 'keep': True, 'spread': 0.4}
    batches = Batches(find_frames(dataset), configuration(dataset, workers=workers, data=data))
    assert batches.chances.sum() == pytest.approx(1)
    assert len(batches.kept) == (0 if workers else 8)


def test_frames_that_are_kept_are_all_but_the_same(dataset):
    frames = find_frames(dataset)
    kept, read = (
        Batches(frames, configuration(dataset, data={'folders': [str(dataset)], 'keep': keep}))
        for keep in (True, False)
    )
    for number in (0, 1, 0):
        ours, theirs = kept.batch(number), read.batch(number)
        assert torch.equal(ours.image, theirs.image)
        assert ours.depth.dtype is torch.float32
        torch.testing.assert_close(ours.depth, theirs.depth, rtol=5e-4, atol=0, equal_nan=True)


@pytest.mark.parametrize(('name', 'value'), [('spread', -1), ('glances', 1.5), ('handheld', -0.1)])
def test_shares_and_spreads_that_cannot_be_are_named(name, value, dataset):
    with pytest.raises(DepthError, match=f'data.{name} is {value}'):
        configuration(dataset, data={'folders': [str(dataset)], name: value})


def test_features_cannot_vary_by_less_than_nothing(dataset):
    with pytest.raises(DepthError, match=r'augment.features is -0.5, expected 0'):
        configuration(dataset, augment={'features': -0.5})


def test_the_spread_of_a_plain_wall_is_nothing_and_of_a_step_its_half():
    depth = np.full((40, 40), 2.0, np.float32)
    assert depth_spread(depth, 80) == pytest.approx(0, abs=1e-6)
    depth[:, 20:] *= np.e
    assert depth_spread(depth, 80) == pytest.approx(0.5, rel=1e-5)
    assert depth_spread(np.full((40, 40), np.nan, np.float32), 80) == 0
