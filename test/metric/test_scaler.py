# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scale over time: pairing, ages, several sources, and readings that cannot be used."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_ros.metric.filter import FilterOptions
from depth_ros.metric.fit import FitOptions
from depth_ros.metric.scaler import Reading, Scaler, ScalerOptions
from depth_ros.metric.source import Points
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

CAMERA = Camera.pinhole(64, 48, 50.0)
ROWS, COLUMNS = (a.ravel().astype(np.float64) for a in np.mgrid[2:48:6, 2:64:6])
TRUTH = np.linspace(1.5, 12, 48)[::-1, None].repeat(64, 1)
A, B = 7.5, 0.25


def prediction(kind=DepthKind.AFFINE_INVERSE, factor=1.0):
    values = A / TRUTH + B if kind is DepthKind.AFFINE_INVERSE else TRUTH * factor
    return Prediction(kind, values.astype(np.float32), CAMERA, 'test')


class Measured:
    """A source whose reading is the factor by which it is wrong; NaN: it measured nothing."""

    def __init__(self, noise=0.01):
        self.fit_options = FitOptions(shared_error=noise)
        self.seen = []

    def measure(self, reading, prediction):
        self.seen.append(reading)
        if math.isnan(reading):
            raise DepthError('it measured nothing')
        metres = TRUTH[ROWS.astype(int), COLUMNS.astype(int)] * reading
        return Points(ROWS, COLUMNS, metres, np.ones(ROWS.size))


def reading(stamp, value=1.0):
    return Reading(stamp, lambda: value)


def error(state, made):
    return float(np.median(state.apply(made).values / TRUTH)) - 1


def test_before_the_first_fit_a_relative_prediction_stays_relative_and_a_metric_one_metric():
    for made in (prediction(), prediction(DepthKind.SCALE_INVARIANT)):
        state = Scaler({'one': Measured()}).step(made, 0.0, {})
        assert state.estimate is None
        assert state.apply(made) is None
    made = prediction(DepthKind.METRIC, 1.3)
    assert Scaler({'one': Measured()}).step(made, 0.0, {}).apply(made) is made


@pytest.mark.parametrize(
    'kind', [DepthKind.AFFINE_INVERSE, DepthKind.SCALE_INVARIANT, DepthKind.METRIC]
)
def test_a_reading_makes_metres(kind):
    made = prediction(kind, 1.4)
    state = Scaler({'one': Measured()}).step(made, 5.0, {'one': [reading(5.0)]})
    assert state.apply(made).kind is DepthKind.METRIC
    assert abs(error(state, made)) < 1e-3
    assert (state.inliers, state.points) == (ROWS.size, ROWS.size)


def test_a_scale_ages_and_ends_for_relative_predictions_only():
    options = ScalerOptions(filter=FilterOptions(max_age=1.0))
    for kind in (DepthKind.AFFINE_INVERSE, DepthKind.METRIC):
        made, scaler = prediction(kind, 1.4), Scaler({'one': Measured()}, options)
        scaler.step(made, 0.0, {'one': [reading(0.0)]})
        state = scaler.step(made, 0.9, {'one': [reading(0.0)]})
        assert state.estimate.age == pytest.approx(0.9)
        assert state.fresh
        late = scaler.step(made, 1.5, {'one': DepthError('nothing came')})
        assert 'is 1.5 s old, expected at most 1 s' in late.problem
        assert 'nothing came' in late.problem
        if kind is DepthKind.METRIC:  # its own scale is wrong by more than the old factor
            assert not late.fresh
            assert abs(error(late, made)) < 1e-3
        else:
            assert late.apply(made) is None
        back = scaler.step(made, 2.0, {'one': [reading(2.0)]})
        assert abs(error(back, made)) < 1e-3


def test_a_reading_belongs_to_the_nearest_prediction_within_the_tolerance():
    source = Measured()
    scaler = Scaler({'one': source}, ScalerOptions(tolerance=0.03))
    for index in range(4):
        scaler.step(prediction(), index * 0.1, {})
    state = scaler.step(prediction(), 0.4, {'one': [reading(0.12)]})  # late
    assert state.estimate.stamp == pytest.approx(0.1)
    state = scaler.step(prediction(), 0.5, {'one': [reading(0.12), reading(0.45)]})
    assert len(source.seen) == 1
    state = scaler.step(prediction(), 0.6, {'one': [reading(0.45), reading(0.61)]})  # early
    assert state.estimate.stamp == pytest.approx(0.6)


def test_of_many_readings_the_newest_is_used_once_and_older_ones_never():
    source = Measured()
    scaler = Scaler({'one': source})
    given = [reading(0.03, 3.0), reading(0.0, 1.0), reading(0.02, 2.0)]  # out of order
    scaler.step(prediction(), 0.0, {'one': given})
    scaler.step(prediction(), 0.1, {'one': [*given, reading(0.01, 4.0)]})
    assert source.seen == [3.0]
    every = Measured()
    Scaler({'one': every}, every=('one',)).step(prediction(), 0.0, {'one': given})
    assert every.seen == [1.0, 2.0, 3.0]


def test_the_surest_source_wins():
    sources = {'poor': Measured(0.1), 'good': Measured(0.01)}
    made = prediction()
    given = {'poor': [reading(0.0, 1.1)], 'good': [reading(0.0, 1.0)]}
    state = Scaler(sources).step(made, 0.0, given)
    assert state.estimate.source == 'good'
    assert abs(error(state, made)) < 1e-3
    # Where the good one falls silent the other goes on, and does not pull the scale away at once.
    scaler = Scaler(sources)
    scaler.step(made, 0.0, given)
    state = scaler.step(made, 0.1, {'poor': [reading(0.1, 1.1)], 'good': DepthError('silent')})
    assert abs(error(state, made)) < 0.02
    assert state.problem == 'good: silent'


def test_an_uncertain_scale_makes_no_metres():
    made = prediction()
    options = ScalerOptions(max_uncertainty=0.05)
    given = {'one': [reading(0.0)]}
    state = Scaler({'one': Measured(0.2)}, options).step(made, 0.0, given)
    assert state.apply(made) is None
    assert 'uncertain by 20%' in state.problem
    assert Scaler({'one': Measured(0.01)}, options).step(made, 0.0, given).apply(made)


def test_what_fails_is_said_and_keeps_the_scale():
    made, scaler = prediction(), Scaler({'one': Measured()})
    state = scaler.step(made, 0.0, {'one': [reading(0.0, math.nan)]})
    assert state.apply(made) is None
    assert state.problem == 'no scale is known: one: it measured nothing'
    scaler.step(made, 0.1, {'one': [reading(0.1)]})
    state = scaler.step(made, 0.2, {'one': [reading(0.2, math.nan)]})
    assert abs(error(state, made)) < 1e-3
    assert state.problem == 'one: it measured nothing'
    assert scaler.step(made, 0.3, {'one': [reading(0.3)]}).problem == ''


def test_a_jump_is_flagged_and_never_smeared():
    made, scaler = prediction(), Scaler({'one': Measured()})
    seen, flags = [], []
    for index, factor in enumerate([1, 1, 1, 2, 1, 2, 2, 2, 2]):
        state = scaler.step(made, 0.1 * index, {'one': [reading(0.1 * index, factor)]})
        seen.append(1 + error(state, made))
        flags.append((state.estimate.suspect, state.estimate.jumped))
    np.testing.assert_allclose(seen, [1] * 7 + [2] * 2, rtol=0.02)
    assert flags[3] == (True, False)
    assert flags[7] == (False, True)


def test_another_kind_of_prediction_starts_afresh():
    scaler = Scaler({'one': Measured()})
    scaler.step(prediction(), 0.0, {'one': [reading(0.0)]})
    made = prediction(DepthKind.SCALE_INVARIANT)
    assert scaler.step(made, 0.1, {}).apply(made) is None


def test_forgetting_lets_time_go_back():
    scaler, made = Scaler({'one': Measured()}), prediction()
    scaler.step(made, 100.0, {'one': [reading(100.0)]})
    scaler.forget()
    assert scaler.step(made, 1.0, {}).apply(made) is None
    assert scaler.step(made, 1.1, {'one': [reading(1.1)]}).apply(made)


@pytest.mark.parametrize('options', [{'tolerance': -1.0}, {'max_uncertainty': math.nan}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(DepthError, match='expected 0 or more'):
        ScalerOptions(**options)
