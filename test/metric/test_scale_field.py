# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A smooth correction of metric depth: it takes out local bias and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from relative_maps import abs_rel, sampled

from depth_ros.metric.scale_field import FieldOptions, ScaleField, apply_field, fit_field

SHAPE = (60, 80)


def scene():
    y, x = np.mgrid[0 : 1 : SHAPE[0] * 1j, 0 : 1 : SHAPE[1] * 1j]
    depth = (2 + 3 * y + np.sin(4 * x)).astype(np.float32)
    depth[20:50, 30:45] = 1.2
    return depth, x, y


@pytest.mark.parametrize('layers', [1, 5])
def test_a_smooth_bias_is_taken_out(layers):
    truth, x, y = scene()
    biased = (truth * np.exp(0.2 * x - 0.15 * y * x)).astype(np.float32)
    points = sampled(truth, 600, np.random.default_rng(0))
    field = fit_field(biased, *points, options=FieldOptions(layers=layers))
    made = apply_field(field, biased)
    assert abs_rel(made, truth) < 0.25 * abs_rel(biased, truth)
    assert field.after < field.before


def test_layers_correct_one_thing_and_not_what_is_behind_it():
    truth, _, _ = scene()
    biased = truth.copy()
    biased[20:50, 30:45] *= 1.15
    points = sampled(truth, 1500, np.random.default_rng(0))
    flat = apply_field(fit_field(biased, *points), biased)
    layered = apply_field(fit_field(biased, *points, options=FieldOptions(layers=8)), biased)
    assert abs_rel(layered, truth) < 0.6 * abs_rel(flat, truth)


def test_depth_that_is_right_is_left_alone():
    truth, _, _ = scene()
    rng = np.random.default_rng(0)
    noisy = (truth * np.exp(rng.normal(0, 0.02, SHAPE))).astype(np.float32)
    field = fit_field(noisy, *sampled(truth, 400, rng))
    assert field.is_zero
    made = apply_field(field, noisy)
    np.testing.assert_array_equal(made, noisy)
    assert made is not noisy


def test_outliers_have_no_influence():
    truth, x, _ = scene()
    biased = (truth * np.exp(0.2 * x)).astype(np.float32)
    points = sampled(truth, 800, np.random.default_rng(0), outliers=0.3)
    made = apply_field(fit_field(biased, *points), biased)
    assert abs_rel(made, truth) < 0.35 * abs_rel(biased, truth)


def test_points_on_one_side_correct_that_side():
    truth, _, _ = scene()
    biased = truth.copy()
    biased[:, :25] *= 1.2
    rows, columns, metres = sampled(truth, 1500, np.random.default_rng(0))
    left = columns < 60
    field = fit_field(biased, rows[left], columns[left], metres[left])
    made = apply_field(field, biased)
    assert np.abs(made[:, :15] / truth[:, :15] - 1).mean() < 0.05
    assert np.abs(made[:, 60:] / truth[:, 60:] - 1).max() < 0.05


def test_few_points_make_no_field():
    truth, _, _ = scene()
    assert fit_field(1.3 * truth, *sampled(truth, 30, np.random.default_rng(0))).is_zero
    assert fit_field(truth, [], [], []).is_zero


def test_the_factor_is_limited():
    truth, _, _ = scene()
    points = sampled(truth, 500, np.random.default_rng(0))
    field = fit_field(5 * truth, *points, options=FieldOptions(limit=0.3))
    assert np.abs(field.logs).max() <= np.float32(0.3)


def test_bad_points_are_ignored_and_invalid_depth_stays():
    truth, x, _ = scene()
    biased = (truth * np.exp(0.2 * x)).astype(np.float32)
    biased[0, :3] = (np.nan, np.inf, -np.inf)
    rows, columns, metres = sampled(truth, 500, np.random.default_rng(0))
    bad = (
        np.array([0, 1, -5, 500, np.nan]),
        np.array([0, 1, 3, 3, 3]),
        np.array([1, np.nan, 1, 1, 1]),
    )
    field = fit_field(biased, *(np.append(a, b) for a, b in zip((rows, columns, metres), bad)))
    made = apply_field(field, biased)
    np.testing.assert_array_equal(made[0, :3], biased[0, :3])
    assert abs_rel(made[1:], truth[1:]) < 0.3 * abs_rel(biased[1:], truth[1:])


def test_corner_nodes_lie_on_corner_pixels():
    logs = np.zeros((1, 2, 3), np.float32)
    logs[0] = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    made = np.log(apply_field(ScaleField(logs), np.ones((11, 21), np.float32)))
    np.testing.assert_allclose(
        made[[0, 0, -1, -1], [0, -1, 0, -1]], [0.1, 0.3, 0.4, 0.6], rtol=1e-5
    )
    np.testing.assert_allclose(made[5, 10], 0.35, rtol=1e-5)
