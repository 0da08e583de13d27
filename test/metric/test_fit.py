# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Fits to measured points: exact without noise, equivariant, robust, and refused where wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relative_maps import abs_rel, relative, sampled

from depth_ros.metric.fit import (
    Fit,
    FitError,
    FitOptions,
    apply_fit,
    apply_to,
    fit_affine,
    relative_deviation,
)
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

KINDS = (DepthKind.AFFINE_INVERSE, DepthKind.SCALE_INVARIANT, DepthKind.METRIC)
INVERSE, FACTOR, METRIC = KINDS


def scene(rng, height=40, width=60):
    """Return smooth depth with one step, 1 to 8 m."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    depth = 1.5 + 4 * y + np.sin(5 * x + rng.uniform(0, 6))
    depth[height // 4 : height // 2, width // 3 : width // 2] = 1.0
    return depth.astype(np.float32)


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
@given(seed=st.integers(0, 1000))
@settings(max_examples=25)
def test_without_noise_the_map_is_found(kind, seed):
    rng = np.random.default_rng(seed)
    depth = scene(rng)
    values, (scale, shift) = relative(depth, rng, kind)
    rows, columns, metres = sampled(depth, 40, rng)
    fit = fit_affine(values, kind, rows, columns, metres)
    assert fit.scale == pytest.approx(scale, rel=1e-4)
    assert fit.shift == pytest.approx(shift, abs=1e-4)
    np.testing.assert_allclose(apply_fit(fit, values), depth, rtol=1e-3)
    assert fit.inliers.all()
    assert fit.residual < 1e-5
    assert not fit.scale_only


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
@given(seed=st.integers(0, 1000), factor=st.floats(0.05, 20))
@settings(max_examples=25)
def test_metres_scaled_scale_the_result(kind, seed, factor):
    rng = np.random.default_rng(seed)
    depth = scene(rng)
    values, _ = relative(depth, rng, kind, noise=0.01)
    rows, columns, metres = sampled(depth, 60, rng, outliers=0.2)
    one = fit_affine(values, kind, rows, columns, metres)
    other = fit_affine(values, kind, rows, columns, metres * factor)
    expected = 1 / factor if kind is INVERSE else factor
    assert other.scale == pytest.approx(one.scale * expected, rel=1e-4)
    assert other.shift == pytest.approx(one.shift * expected, rel=1e-3, abs=1e-4 * expected)
    np.testing.assert_array_equal(one.inliers, other.inliers)
    assert other.residual == pytest.approx(one.residual, rel=1e-3, abs=1e-9)
    assert other.uncertainty == pytest.approx(one.uncertainty, rel=1e-2)


@given(seed=st.integers(0, 1000), gain=st.floats(0.05, 20), offset=st.floats(-3, 3))
@settings(max_examples=25)
def test_an_affine_change_of_the_values_changes_the_fit_and_not_the_metres(seed, gain, offset):
    rng = np.random.default_rng(seed)
    depth = scene(rng)
    values, _ = relative(depth, rng, noise=0.01)
    rows, columns, metres = sampled(depth, 60, rng, outliers=0.2)
    spread = float(np.ptp(values))
    changed = (values.astype(np.float64) * gain + offset * gain * spread).astype(np.float32)
    one = apply_fit(fit_affine(values, INVERSE, rows, columns, metres), values)
    other = apply_fit(fit_affine(changed, INVERSE, rows, columns, metres), changed)
    np.testing.assert_allclose(one, other, rtol=2e-3)


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
@given(seed=st.integers(0, 10000))
@settings(max_examples=40)
def test_forty_percent_of_outliers_change_little(kind, seed):
    rng = np.random.default_rng(seed)
    depth = scene(rng)
    values, _ = relative(depth, rng, kind, noise=0.01)
    rows, columns, metres = sampled(depth, 200, rng)
    wrong = rng.permutation(200)[:80]
    metres[wrong] = np.exp(rng.uniform(np.log(0.2), np.log(30), 80))
    fit = fit_affine(values, kind, rows, columns, metres)
    assert abs_rel(apply_fit(fit, values), depth) < 0.05
    far_off = np.abs(np.log(metres / depth[rows, columns])) > 0.5
    assert not fit.inliers[far_off].any()


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
def test_outliers_that_agree_with_each_other_lose_against_more_that_are_right(kind):
    rng = np.random.default_rng(2)
    depth = scene(rng)
    values, _ = relative(depth, rng, kind, noise=0.005)
    rows, columns, metres = sampled(depth, 200, rng)
    metres[:80] *= 2.5
    fit = fit_affine(values, kind, rows, columns, metres)
    assert abs_rel(apply_fit(fit, values), depth) < 0.05
    assert not fit.inliers[:80].any()


def test_the_covariance_says_how_far_fits_of_other_points_scatter():
    rng = np.random.default_rng(0)
    depth = scene(rng)
    values, _ = relative(depth, rng, noise=0.03)
    errors, stated = [], []
    for _ in range(150):
        rows, columns, metres = sampled(depth, 80, rng)
        fit = fit_affine(values, INVERSE, rows, columns, metres)
        errors.append((fit.scale, fit.shift))
        stated.append(fit.covariance)
    seen = np.cov(np.array(errors).T)
    mean = np.mean(stated, axis=0)
    for i in range(2):
        assert 0.4 < seen[i, i] / mean[i, i] < 2.0
    assert seen[0, 1] * mean[0, 1] > 0


def test_more_points_are_more_certain():
    rng = np.random.default_rng(0)
    depth = scene(rng)
    values, _ = relative(depth, rng, noise=0.02)
    certain = [
        fit_affine(values, INVERSE, *sampled(depth, count, rng)).uncertainty
        for count in (30, 300, 3000)
    ]
    assert certain[0] > certain[1] > certain[2] > 0


def test_weights_decide_between_two_sets():
    rng = np.random.default_rng(0)
    depth = scene(rng)
    values, (scale, _) = relative(depth, rng, FACTOR, noise=0.02)
    rows, columns, metres = sampled(depth, 200, rng)
    metres[::2] *= 1.08
    low = np.ones(200)
    low[::2] = 1e-3
    fit = fit_affine(values, FACTOR, rows, columns, metres, low)
    assert fit.scale == pytest.approx(scale, rel=0.015)
    both = fit_affine(values, FACTOR, rows, columns, metres)
    assert both.scale > 1.02 * scale


def test_points_at_one_depth_fix_the_scale_and_leave_the_shift_open():
    rng = np.random.default_rng(0)
    values = np.full((20, 20), 3.0, np.float32) + rng.normal(0, 0.01, (20, 20)).astype(np.float32)
    rows, columns = rng.integers(0, 20, (2, 50))
    fit = fit_affine(values, INVERSE, rows, columns, np.full(50, 2.0))
    assert fit.scale_only
    assert fit.shift == 0
    assert fit.scale * 3.0 == pytest.approx(0.5, rel=0.01)
    # The depth of the points is certain, another is not.
    assert relative_deviation(fit, 3.0) < 0.05
    assert relative_deviation(fit, 6.0) > 0.3
    assert np.linalg.eigvalsh(fit.covariance).min() >= -1e-12


def test_a_known_shift_completes_points_at_one_depth():
    values = np.full((20, 20), 3.0, np.float32)
    fit = fit_affine(
        values, INVERSE, [3, 4, 5, 6, 7], [3, 4, 5, 6, 7], [2.0] * 5,
        options=FitOptions(known_shift=0.2),
    )  # fmt: skip
    assert (fit.scale, fit.shift) == (pytest.approx(0.1), 0.2)
    assert not fit.scale_only


def test_one_point_is_enough_where_it_is_allowed():
    values = np.full((20, 20), 3.0, np.float32)
    fit = fit_affine(values, FACTOR, [3], [3], [6.0], options=FitOptions(min_points=1))
    assert fit.scale == pytest.approx(2.0)
    assert 0.01 < fit.uncertainty < 0.2  # what a single point cannot say is assumed


def test_depth_with_an_offset_is_fitted_where_it_is_asked_for():
    rng = np.random.default_rng(0)
    depth = scene(rng)
    values = ((depth - 0.4) / 3).astype(np.float32)
    rows, columns, metres = sampled(depth, 60, rng, outliers=0.2)
    fit = fit_affine(values, FACTOR, rows, columns, metres, options=FitOptions(with_shift=True))
    assert (fit.scale, fit.shift) == (pytest.approx(3, rel=1e-3), pytest.approx(0.4, abs=2e-3))
    np.testing.assert_allclose(apply_fit(fit, values), depth, rtol=1e-3)


def test_bad_points_are_ignored():
    rng = np.random.default_rng(0)
    depth = scene(rng)
    values, (scale, _) = relative(depth, rng)
    values[5, 5] = np.nan
    rows, columns, metres = sampled(depth, 30, rng)
    bad_rows = [5, -7, 3, 3, 3, 3, np.nan, 1e9]
    bad_columns = [5, 3, 400, 3, 3, 3, 3, 3]
    bad_metres = [2.0, 2.0, 2.0, np.nan, 0.0, -1.0, 2.0, np.inf]
    fit = fit_affine(
        values, INVERSE, [*rows, *bad_rows], [*columns, *bad_columns], [*metres, *bad_metres]
    )
    assert fit.scale == pytest.approx(scale, rel=1e-4)
    assert not fit.inliers[30:].any()
    assert fit.inliers.size == 38


@pytest.mark.parametrize('count', [0, 1, 4])
def test_too_few_points_are_refused(count):
    values = np.ones((20, 20), np.float32)
    with pytest.raises(FitError, match=f'{count} of {count} points can be used'):
        fit_affine(values, INVERSE, [1] * count, [1] * count, [2.0] * count)


@pytest.mark.parametrize('metres', [np.nan, 0.0, -2.0, np.inf])
def test_points_without_a_measurement_are_refused(metres):
    values = np.ones((20, 20), np.float32)
    with pytest.raises(FitError, match='0 of 30 points'):
        fit_affine(values, INVERSE, np.arange(30) % 20, np.arange(30) % 20, [metres] * 30)


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
def test_points_that_have_nothing_to_do_with_the_image_are_refused(kind):
    refused = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        depth = scene(rng)
        values, _ = relative(depth, rng, kind, noise=0.01)
        rows, columns, _ = sampled(depth, 100, rng)
        metres = np.exp(rng.uniform(np.log(0.5), np.log(20), 100))
        try:
            fit_affine(values, kind, rows, columns, metres)
        except FitError:
            refused += 1
    assert refused >= 59


@pytest.mark.parametrize('kind', [INVERSE, FACTOR], ids=lambda k: k.value)
def test_values_that_run_the_wrong_way_are_refused(kind):
    """Depth taken for inverse depth, or the reverse: no positive scale fits."""
    rng = np.random.default_rng(0)
    depth = scene(rng)
    values = depth if kind is INVERSE else 1 / depth
    with pytest.raises(FitError):
        fit_affine(values, kind, *sampled(depth, 100, rng))


def test_metres_that_do_not_change_with_the_values_are_refused():
    """A sensor that reports one number whatever it sees."""
    rng = np.random.default_rng(0)
    depth = scene(rng)
    values, _ = relative(depth, rng)
    rows, columns, _ = sampled(depth, 100, rng)
    with pytest.raises(FitError):
        fit_affine(values, INVERSE, rows, columns, np.full(100, 0.3))


def test_residuals_that_are_too_large_are_refused():
    rng = np.random.default_rng(0)
    depth = scene(rng)
    values, _ = relative(depth, rng, FACTOR)
    rows, columns, metres = sampled(depth, 200, rng)
    metres *= np.exp(rng.normal(0, 0.12, 200))
    fit = fit_affine(values, FACTOR, rows, columns, metres)
    assert fit.residual == pytest.approx(0.12, rel=0.25)
    with pytest.raises(FitError, match='disagree with the prediction by'):
        fit_affine(values, FACTOR, rows, columns, metres, options=FitOptions(max_residual=0.05))


def test_unequal_lengths_are_refused():
    with pytest.raises(DepthError, match='as many of each'):
        fit_affine(np.ones((9, 9), np.float32), INVERSE, [1, 2], [1], [1.0, 2.0])


@pytest.mark.parametrize(
    ('scale', 'shift'), [(0.0, 0.0), (-1.0, 0.0), (np.nan, 0.0), (np.inf, 0.0), (1.0, np.nan)]
)
def test_a_fit_that_cannot_be_is_never_made(scale, shift):
    with pytest.raises(FitError, match='cannot make metres'):
        Fit(scale, shift)


@pytest.mark.parametrize(
    ('kind', 'value', 'shift', 'expected'),
    [
        (INVERSE, 0.5, 0.0, 1.0),
        (INVERSE, 0.0, 0.0, np.inf),
        (INVERSE, -0.0, 0.0, np.inf),
        (INVERSE, -1.0, 0.0, np.inf),
        (INVERSE, 0.5, -2.0, np.inf),
        (INVERSE, np.nan, 0.1, np.nan),
        (FACTOR, 3.0, 0.0, 6.0),
        (FACTOR, 0.0, 0.0, np.nan),
        (FACTOR, -1.0, 0.0, np.nan),
        (FACTOR, -1.0, 9.0, np.nan),
        (FACTOR, np.inf, 0.0, np.inf),
        (METRIC, 3.0, 0.0, 6.0),
        (METRIC, np.nan, 0.0, np.nan),
        (METRIC, -np.inf, 0.0, -np.inf),
    ],
)
def test_validity_is_that_of_depth_values(kind, value, shift, expected):
    made = apply_fit(Fit(2.0, shift, kind=kind), np.full((1, 1), value, np.float32))[0, 0]
    np.testing.assert_array_equal(made, np.float32(expected))
    assert np.isnan(made) or np.signbit(made) == (expected < 0)


def test_depth_beyond_the_range_is_infinite():
    fit = Fit(1.0, 0.0)
    made = apply_fit(fit, np.float32([[10.0, 1.0, 0.01]]), min_depth=0.5, max_depth=50.0)
    np.testing.assert_array_equal(made, np.float32([[-np.inf, 1.0, np.inf]]))


def test_a_fit_applies_to_its_kind_only():
    camera = Camera.pinhole(2, 1, 10.0)
    prediction = Prediction(INVERSE, np.float32([[0.5, 0.25]]), camera)
    made = apply_to(Fit(1.0, 0.0), prediction)
    assert made.kind is METRIC
    np.testing.assert_array_equal(made.values, np.float32([[2, 4]]))
    with pytest.raises(DepthError, match='fit again'):
        apply_to(Fit(1.0, 0.0, kind=FACTOR), prediction)
