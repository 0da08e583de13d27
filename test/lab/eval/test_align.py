# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Alignments recover what was done to the truth, and refuse what makes no sense."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from depth_ros.lab.eval.align import (
    ALIGNMENTS,
    choose_alignment,
    fit,
    fit_least_squares,
    fit_median,
    fit_ransac,
)
from depth_ros.types import DepthError, DepthKind

POSITIVE = hnp.arrays(np.float64, st.integers(2, 40), elements=st.floats(0.5, 50))


@given(POSITIVE, st.floats(0.01, 100))
def test_median_finds_the_factor(truth, factor):
    assert fit_median(factor * truth, truth).scale == pytest.approx(1 / factor)


@given(POSITIVE, st.integers(0, 1000))
def test_median_alignment_is_idempotent(truth, seed):
    prediction = truth * np.random.default_rng(seed).lognormal(0, 1, truth.size)
    once = fit_median(prediction, truth)(prediction)
    assert fit_median(once, truth).scale == pytest.approx(1)


@given(POSITIVE, st.floats(0.01, 100), st.floats(-10, 10))
def test_least_squares_finds_scale_and_shift(truth, scale, shift):
    if np.ptp(truth) < 1e-3:
        return
    found = fit_least_squares((truth - shift) / scale, truth)
    assert found.scale == pytest.approx(scale, rel=1e-6)
    assert found.shift == pytest.approx(shift, abs=1e-5)


def test_least_squares_equals_the_normal_equations():
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, 200), rng.normal(5, 3, 200)
    expected = np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1), y, rcond=None)[0]
    found = fit_least_squares(x, y)
    assert (found.scale, found.shift) == pytest.approx(tuple(expected))


def test_least_squares_is_idempotent():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(1, 2, 100), rng.uniform(1, 9, 100)
    again = fit_least_squares(fit_least_squares(x, y)(x), y)
    assert (again.scale, again.shift) == pytest.approx((1, 0), abs=1e-9)


def test_a_constant_prediction_gets_the_mean():
    found = fit_least_squares(np.full(5, 2.0), np.array([1.0, 2, 3, 4, 5]))
    assert found(np.full(5, 2.0)) == pytest.approx(np.full(5, 3.0))


@pytest.mark.parametrize('seed', range(5))
def test_ransac_does_not_see_outliers_that_ruin_least_squares(seed):
    rng = np.random.default_rng(seed)
    inverse = rng.uniform(0.05, 1, 3000)
    value = (inverse - 0.03) / 0.25
    value[:900] = rng.uniform(0, 40, 900)
    found = fit_ransac(value, inverse)
    assert found.scale == pytest.approx(0.25, rel=0.02)
    assert found.shift == pytest.approx(0.03, abs=0.01)
    assert abs(fit_least_squares(value, inverse).scale - 0.25) > 0.1


def test_ransac_without_outliers_is_least_squares():
    rng = np.random.default_rng(2)
    inverse = rng.uniform(0.2, 1, 500)
    value = 3 * inverse + 1 + rng.normal(0, 0.01, 500)
    a, b = fit_ransac(value, inverse), fit_least_squares(value, inverse)
    assert (a.scale, a.shift) == pytest.approx((b.scale, b.shift))


def test_ransac_gives_the_same_fit_every_time():
    rng = np.random.default_rng(3)
    value, inverse = rng.uniform(0, 1, (2, 5000))
    assert fit_ransac(value, inverse) == fit_ransac(value, inverse)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.01, 100), st.integers(0, 1000))
def test_ransac_does_not_see_the_unit(factor, seed):
    rng = np.random.default_rng(seed)
    inverse = rng.uniform(0.1, 1, 300)
    value = 2 * inverse + 1 + rng.normal(0, 0.2, 300)
    a, b = fit_ransac(value, inverse), fit_ransac(value, factor * inverse)
    assert b.scale == pytest.approx(factor * a.scale, rel=1e-6)


def test_no_alignment_changes_nothing():
    assert fit('none', np.ones(3), np.full(3, 9.0))(np.arange(3)) == pytest.approx([0, 1, 2])


@pytest.mark.parametrize('name', [a for a in ALIGNMENTS if a != 'none'])
def test_one_pixel_or_none_is_refused_where_it_is_not_enough(name):
    with pytest.raises(DepthError):
        fit(name, np.zeros(0), np.zeros(0))


REFUSED = [
    (DepthKind.AFFINE_INVERSE, 'none'),
    (DepthKind.AFFINE_INVERSE, 'median'),
    (DepthKind.AFFINE_INVERSE, 'depth'),
    (DepthKind.SCALE_INVARIANT, 'none'),
    (DepthKind.METRIC, 'magic'),
]


@pytest.mark.parametrize(('kind', 'asked'), REFUSED, ids=lambda v: getattr(v, 'value', v))
def test_alignment_that_a_kind_cannot_have(kind, asked):
    with pytest.raises(DepthError):
        choose_alignment(asked, kind)


AUTO = {
    DepthKind.METRIC: 'none',
    DepthKind.DISPARITY: 'none',
    DepthKind.SCALE_INVARIANT: 'median',
    DepthKind.AFFINE_INVERSE: 'inverse',
}


@pytest.mark.parametrize(('kind', 'expected'), AUTO.items(), ids=lambda v: getattr(v, 'value', v))
def test_auto_is_the_least_that_is_needed(kind, expected):
    assert choose_alignment('auto', kind) == expected
