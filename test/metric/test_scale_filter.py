# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scale over time: drift is followed, noise averaged, a jump flagged and never smeared."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.metric.filter import FilterOptions, ScaleFilter, depth_change
from depth_ros.metric.fit import Fit, FitError
from depth_ros.types import DepthError, DepthKind

FACTOR, INVERSE = DepthKind.SCALE_INVARIANT, DepthKind.AFFINE_INVERSE
SPAN = (0.2, 0.5, 1.0)


def fit(scale, shift=0.0, noise=0.02, kind=FACTOR):
    """Return a fit whose scale has a relative standard deviation `noise`."""
    covariance = np.diag([(noise * scale) ** 2, 0.0])
    if kind is INVERSE:
        at = scale * SPAN[1] + shift
        turn = np.array([[1.0, 0.0], [-SPAN[1], 1.0]])
        covariance = turn @ np.diag([(2 * noise * scale) ** 2, (noise * at) ** 2]) @ turn.T
    return Fit(scale, shift, covariance, kind=kind, span=SPAN)


@pytest.mark.parametrize('kind', [FACTOR, INVERSE], ids=lambda k: k.value)
def test_equal_fits_change_nothing_and_make_it_certain(kind):
    scales = ScaleFilter()
    deviations = []
    for index in range(10):
        state = scales.update(fit(2.0, 0.1 * (kind is INVERSE), kind=kind), 0.1 * index)
        deviations.append(state.deviation)
    assert state.fit.scale == pytest.approx(2.0)
    assert state.fit.shift == pytest.approx(0.1 * (kind is INVERSE))
    assert deviations[-1] < 0.7 * deviations[0]
    assert state.fits == 10
    assert not state.suspect
    assert not state.jumped


@pytest.mark.parametrize('kind', [FACTOR, INVERSE], ids=lambda k: k.value)
def test_noise_is_averaged(kind):
    rng = np.random.default_rng(0)
    scales = ScaleFilter()
    given_, kept = [], []
    for index in range(200):
        wobble = np.exp(rng.normal(0, 0.02))
        given_.append(2 * wobble)
        made = fit(2 * wobble, 0.1 * (kind is INVERSE), kind=kind)
        state = scales.update(made, 0.1 * index)
        kept.append(state.fit.scale)
        assert not state.jumped
    assert np.std(np.diff(kept[20:])) < 0.5 * np.std(np.diff(given_[20:]))
    assert np.mean(kept[20:]) == pytest.approx(2.0, rel=0.01)
    assert np.linalg.eigvalsh(state.fit.covariance).min() >= -1e-12


def test_a_drift_is_followed():
    scales = ScaleFilter(FilterOptions(drift=0.05))
    for index in range(100):
        true = 2.0 * 1.002**index
        state = scales.update(fit(true), 0.1 * index)
    assert state.fit.scale == pytest.approx(true, rel=0.02)


@given(st.floats(0.2, 5.0).filter(lambda f: abs(np.log(f)) > 0.2))
def test_a_jump_is_flagged_and_never_smeared(factor):
    """Every value that comes out is close to the old scale or to the new one."""
    scales = ScaleFilter(FilterOptions(confirm=3))
    for index in range(10):
        scales.update(fit(2.0), 0.1 * index)
    seen = []
    for index in range(10, 16):
        state = scales.update(fit(2.0 * factor), 0.1 * index)
        seen.append((state.fit.scale, state.suspect, state.jumped))
    assert [s[1] for s in seen] == [True, True, False, False, False, False]
    assert [s[2] for s in seen] == [False, False, True, False, False, False]
    for scale, suspect, _ in seen:
        assert scale == pytest.approx(2.0 if suspect else 2.0 * factor, rel=0.02)


def test_one_wild_fit_is_not_followed():
    scales = ScaleFilter()
    for index in range(10):
        scales.update(fit(2.0), 0.1 * index)
    assert scales.update(fit(5.0), 1.0).suspect
    state = scales.update(fit(2.0), 1.1)
    assert not state.suspect
    assert state.fit.scale == pytest.approx(2.0)


def test_wild_fits_that_disagree_with_each_other_are_never_followed():
    scales = ScaleFilter()
    for index in range(10):
        scales.update(fit(2.0), 0.1 * index)
    for index, wild in enumerate((5.0, 0.5, 8.0, 1.0, 5.0, 0.3)):
        state = scales.update(fit(wild), 1.0 + 0.1 * index)
        assert state.suspect
        assert state.fit.scale == pytest.approx(2.0)
    assert state.age == pytest.approx(0.6)


def test_a_jump_of_the_shift_alone_is_a_jump():
    scales = ScaleFilter(FilterOptions(confirm=2))
    for index in range(10):
        scales.update(fit(2.0, 0.0, kind=INVERSE), 0.1 * index)
    assert scales.update(fit(2.0, 0.3, kind=INVERSE), 1.0).suspect
    state = scales.update(fit(2.0, 0.3, kind=INVERSE), 1.1)
    assert state.jumped
    assert state.fit.shift == pytest.approx(0.3)


def test_the_surer_fit_counts_more():
    scales = ScaleFilter(FilterOptions(floor=0.0, drift=0.0))
    scales.update(fit(2.0, noise=0.01), 0.0)
    state = scales.update(fit(2.06, noise=0.03), 0.1)
    assert state.fit.scale == pytest.approx(2.006, abs=1e-3)


def test_points_at_one_depth_do_not_disturb_a_shift_that_is_known():
    """A fit with an open shift moves the state along what it does know."""
    scales = ScaleFilter()
    state = scales.update(fit(2.0, 0.4, noise=0.005, kind=INVERSE), 0.0)
    # A beam at value 0.5: 2 * 0.5 + 0.4 = 1.4 per metre, taken as scale 2.8 and no shift.
    scale, at = 2.8, 0.5
    free = scale * at * np.array([-1 / at, 1.0])
    covariance = np.diag([(0.02 * scale) ** 2, 0.0]) + np.outer(free, free)
    beam = dataclasses.replace(fit(scale, kind=INVERSE), covariance=covariance, scale_only=True)
    state = scales.update(beam, 0.1)
    assert not state.suspect
    assert state.fit.scale == pytest.approx(2.0, rel=0.02)
    assert state.fit.shift == pytest.approx(0.4, rel=0.05)


def test_stamps_out_of_order_are_ignored():
    scales = ScaleFilter()
    scales.update(fit(2.0), 1.0)
    before = scales.update(fit(2.1), 2.0)
    for stamp in (1.5, 2.0):
        assert scales.update(fit(9.0), stamp) is before
    assert scales.at(2.0).fit.scale == before.fit.scale
    assert not scales.at(2.0).suspect


def test_age_travels_along_and_an_old_scale_is_refused():
    scales = ScaleFilter(FilterOptions(max_age=1.0))
    with pytest.raises(FitError, match='no scale is known yet'):
        scales.at(0.0)
    scales.update(fit(2.0), 5.0, 'cloud')
    state = scales.at(5.5)
    assert (state.age, state.source) == (pytest.approx(0.5), 'cloud')
    with pytest.raises(FitError, match="'cloud'"):
        scales.at(6.5)
    scales.update(fit(2.0), 7.0, 'cloud')
    assert scales.at(7.0).age == 0
    assert scales.at(6.9).age == 0  # an image from just before the fit


def test_another_kind_of_prediction_begins_anew():
    scales = ScaleFilter()
    scales.update(fit(2.0), 0.0)
    state = scales.update(fit(0.1, 0.02, kind=INVERSE), 0.1)
    assert state.fits == 1
    assert state.fit.scale == pytest.approx(0.1)
    scales.reset()
    with pytest.raises(FitError):
        scales.at(0.1)


def test_depth_changes_as_the_fits_say():
    assert depth_change(fit(2.0), fit(2.0)) == 0
    assert depth_change(fit(2.0), fit(3.0)) == pytest.approx(0.5)
    assert depth_change(fit(3.0), fit(2.0)) == pytest.approx(0.5)
    assert depth_change(fit(1.0, 0.0, kind=INVERSE), fit(1.0, -0.3, kind=INVERSE)) == np.inf


@pytest.mark.parametrize('stamp', [np.nan, np.inf])
def test_a_stamp_that_is_none_is_refused(stamp):
    with pytest.raises(DepthError, match='check the clock'):
        ScaleFilter().update(fit(1.0), stamp)


@pytest.mark.parametrize('options', [{'drift': -1.0}, {'max_age': np.nan}, {'confirm': 0}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(DepthError, match='of the scale filter'):
        FilterOptions(**options)
