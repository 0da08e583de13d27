# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The boundary score on maps whose edges can be counted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.lab.eval.boundary import THRESHOLDS, boundary_f1


def step(height=8, width=10, at=5, near=1.0, far=2.0):
    depth = np.full((height, width), far, np.float32)
    depth[:, :at] = near
    return depth


def slow(prediction, truth):
    """Return the score by looking at every neighbour of every pixel."""
    height, width = truth.shape
    total = weights = 0.0
    for limit in THRESHOLDS:
        hits = found = wanted = 0
        for y in range(height):
            for x in range(width):
                for v, u in ((y, x - 1), (y, x + 1), (y - 1, x), (y + 1, x)):
                    if not (0 <= v < height and 0 <= u < width):
                        continue
                    if not (np.isfinite(truth[y, x]) and np.isfinite(truth[v, u])):
                        continue
                    true = math.log(truth[v, u]) - math.log(truth[y, x]) > math.log(limit)
                    seen = np.isfinite(prediction[y, x]) and np.isfinite(prediction[v, u])
                    seen = seen and (
                        math.log(prediction[v, u]) - math.log(prediction[y, x]) > math.log(limit)
                    )
                    hits, found, wanted = hits + (true and seen), found + seen, wanted + true
        if found + wanted:
            total += limit * 2 * hits / (found + wanted)
            weights += limit
    return total / weights


def test_the_truth_has_all_its_boundaries():
    assert boundary_f1(step(), step()) == 1


def test_an_edge_one_pixel_away_is_no_hit():
    assert boundary_f1(step(at=6), step()) == 0


def test_the_wrong_side_in_front_is_no_hit():
    assert boundary_f1(step(near=2, far=1), step()) == 0


def test_half_of_the_edge_found_and_nothing_else():
    prediction = step()
    prediction[4:] = 2.0
    # Half of the 8 true edges are found (recall 1/2); of 4 + 5 found, 5 lie across: 4/9.
    assert boundary_f1(prediction, step()) == pytest.approx(2 * 4 / (8 + 9))


def test_an_empty_prediction_at_the_edge_is_a_miss():
    prediction = step()
    prediction[:, 4:6] = np.nan
    assert boundary_f1(prediction, step()) == 0


def test_truth_that_is_not_known_is_not_judged():
    truth = step()
    truth[4:] = np.nan
    wrong_below = step()
    wrong_below[5:] = 7.0
    assert boundary_f1(wrong_below, truth) == 1


@pytest.mark.parametrize(
    'truth',
    [np.full((8, 10), 2.0, np.float32), np.full((8, 10), np.nan, np.float32)],
    ids=['flat', 'unknown'],
)
def test_no_boundary_no_score(truth):
    assert math.isnan(boundary_f1(step(), truth))


def test_sparse_truth_has_no_score():
    truth = np.full((40, 40), np.nan, np.float32)
    truth[::3, ::3] = np.arange(14 * 14).reshape(14, 14) + 1
    truth[0, 1] = 50
    assert math.isnan(boundary_f1(np.nan_to_num(truth, nan=3.0), truth))


def test_a_small_step_counts_at_the_thresholds_below_it():
    # A step of 15 % lies above 5 of the 10 thresholds; at the others neither map has an edge.
    truth = step(near=1, far=1.15)
    assert boundary_f1(truth, truth) == 1
    # A prediction of 30 % has edges at all ten: half of the thresholds are false alarms.
    below = THRESHOLDS < 1.15
    expected = THRESHOLDS[below].sum() / THRESHOLDS.sum()
    assert boundary_f1(step(near=1, far=1.3), truth) == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 10))
def test_equals_the_slow_definition_and_does_not_see_scale(seed, factor):
    rng = np.random.default_rng(seed)
    truth = rng.choice([1.0, 1.13, 1.4, 2.0], (7, 9)).astype(np.float32)
    prediction = rng.choice([1.0, 1.13, 1.4, 2.0, np.nan], (7, 9)).astype(np.float32)
    truth[rng.random((7, 9)) < 0.1] = np.nan
    found = boundary_f1(prediction, truth)
    assert found == pytest.approx(slow(prediction, truth), abs=1e-9)
    scaled = boundary_f1((prediction * np.float32(factor)).astype(np.float32), truth)
    assert scaled == pytest.approx(found, abs=1e-9)
