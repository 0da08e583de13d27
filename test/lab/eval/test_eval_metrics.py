# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Metrics against cases computed by hand, against plain Python, and against their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from depth_ros.lab.eval import metrics
from depth_ros.lab.eval.metrics import DEPTH_METRICS, DISPARITY_METRICS, score

POSITIVE = st.floats(0.1, 100.0)


@st.composite
def pairs(draw):
    n = draw(st.integers(1, 30))
    vector = hnp.arrays(np.float64, n, elements=POSITIVE)
    return draw(vector), draw(vector)


# Truth 1, 2, 4 and prediction 1, 4, 3: differences 0, 2, -1.
BY_HAND = {
    'abs_rel': (0 + 2 / 2 + 1 / 4) / 3,
    'sq_rel': (0 + 4 / 2 + 1 / 4) / 3,
    'rmse': math.sqrt(5 / 3),
    'rmse_log': math.sqrt((math.log(2) ** 2 + math.log(0.75) ** 2) / 3),
    'silog': 100
    * math.sqrt(
        (math.log(2) ** 2 + math.log(0.75) ** 2) / 3 - ((math.log(2) + math.log(0.75)) / 3) ** 2
    ),
    'log10': (math.log10(2) + math.log10(4 / 3)) / 3,
    'delta1': 1 / 3,
    'delta2': 2 / 3,  # 4/3 < 1.5625
    'delta3': 2 / 3,  # 2 > 1.953125
    'irmse': 1000 * math.sqrt((0 + 0.25**2 + (1 / 12) ** 2) / 3),
}


@pytest.mark.parametrize(('name', 'expected'), BY_HAND.items(), ids=BY_HAND)
def test_depth_metric_by_hand(name, expected):
    assert score(DEPTH_METRICS, [1, 4, 3], [1, 2, 4])[name] == pytest.approx(expected, rel=1e-12)


def test_every_depth_metric_has_a_case_by_hand():
    assert set(BY_HAND) == {metric.name for metric in DEPTH_METRICS}


# Truth 10, 100, 20, 30 px; errors 0, 4, 2, 3.5: 4 of 100 px is below 5 %, exactly 2 is not bad.
DISPARITY_BY_HAND = {
    'epe': 9.5 / 4,
    'bad0.5': 75.0,
    'bad1': 75.0,
    'bad2': 50.0,
    'bad3': 50.0,
    'd1': 25.0,
}


@pytest.mark.parametrize(('name', 'expected'), DISPARITY_BY_HAND.items(), ids=DISPARITY_BY_HAND)
def test_disparity_metric_by_hand(name, expected):
    found = score(DISPARITY_METRICS, [10, 104, 22, 26.5], [10, 100, 20, 30])
    assert found[name] == pytest.approx(expected)


def plain_python(prediction, truth):
    """Return all metrics by loops over the definitions in the papers."""
    n = len(truth)
    logs = [math.log(p) - math.log(t) for p, t in zip(prediction, truth)]
    mean_log = math.fsum(logs) / n
    errors = [abs(p - t) for p, t in zip(prediction, truth)]
    ratios = [p / t if p > t else t / p for p, t in zip(prediction, truth)]
    return {
        'abs_rel': math.fsum(e / t for e, t in zip(errors, truth)) / n,
        'sq_rel': math.fsum(e * e / t for e, t in zip(errors, truth)) / n,
        'rmse': math.sqrt(math.fsum(e * e for e in errors) / n),
        'rmse_log': math.sqrt(math.fsum(d * d for d in logs) / n),
        'silog': 100 * math.sqrt(math.fsum((d - mean_log) ** 2 for d in logs) / n),
        'log10': math.fsum(abs(d) for d in logs) / n / math.log(10),
        'delta1': sum(r < 1.25 for r in ratios) / n,
        'delta2': sum(r < 1.5625 for r in ratios) / n,
        'delta3': sum(r < 1.953125 for r in ratios) / n,
        'irmse': math.sqrt(
            math.fsum((1e3 / p - 1e3 / t) ** 2 for p, t in zip(prediction, truth)) / n
        ),
        'epe': math.fsum(errors) / n,
        'bad0.5': 100 * sum(e > 0.5 for e in errors) / n,
        'bad1': 100 * sum(e > 1 for e in errors) / n,
        'bad2': 100 * sum(e > 2 for e in errors) / n,
        'bad3': 100 * sum(e > 3 for e in errors) / n,
        'd1': 100 * sum(e > 3 and e / t > 0.05 for e, t in zip(errors, truth)) / n,
    }


@pytest.mark.parametrize('seed', range(5))
def test_all_metrics_equal_plain_python(seed):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.5, 80, 500)
    prediction = truth * rng.lognormal(0, 0.3, 500)
    expected = plain_python(prediction.tolist(), truth.tolist())
    found = {
        **score(DEPTH_METRICS, prediction, truth),
        **score(DISPARITY_METRICS, prediction, truth),
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


@given(pairs())
def test_a_perfect_prediction_has_no_error(pair):
    truth, _ = pair
    for metric in (*DEPTH_METRICS, *DISPARITY_METRICS):
        assert metric.function(truth, truth) == (1 if metric.higher_is_better else 0), metric.name


@given(pairs(), st.floats(0.1, 10))
def test_silog_does_not_see_scale(pair, factor):
    prediction, truth = pair
    assert metrics.silog(factor * prediction, truth) == pytest.approx(
        metrics.silog(prediction, truth), abs=1e-6
    )


@given(pairs(), st.floats(0.1, 10))
def test_ratios_do_not_see_the_unit(pair, factor):
    prediction, truth = pair
    for function in (metrics.abs_rel, metrics.rmse_log, metrics.log10):
        assert function(factor * prediction, factor * truth) == pytest.approx(
            function(prediction, truth), rel=1e-9, abs=1e-12
        )
    for function in (metrics.rmse, metrics.sq_rel, metrics.mae):
        assert function(factor * prediction, factor * truth) == pytest.approx(
            factor * function(prediction, truth), rel=1e-9, abs=1e-12
        )


@given(pairs())
def test_order_of_the_metrics(pair):
    prediction, truth = pair
    found = {**score(DEPTH_METRICS, *pair), **score(DISPARITY_METRICS, *pair)}
    assert found['delta1'] <= found['delta2'] <= found['delta3'] <= 1
    assert found['bad0.5'] >= found['bad1'] >= found['bad2'] >= found['bad3'] >= found['d1']
    assert found['epe'] <= found['rmse'] * (1 + 1e-12)
    assert found['silog'] <= 100 * found['rmse_log'] * (1 + 1e-9) + 1e-9
    assert (prediction == truth).all() or found['rmse'] > 0


@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_of_pixels_does_not_matter(pair, random):
    order = list(range(len(pair[0])))
    random.shuffle(order)
    a, b = score(DEPTH_METRICS, *pair), score(DEPTH_METRICS, pair[0][order], pair[1][order])
    for name, value in a.items():
        assert b[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


def test_no_pixel_is_no_number():
    assert all(math.isnan(v) for v in score(DEPTH_METRICS, [], []).values())


def test_lengths_must_agree():
    with pytest.raises(ValueError, match='expected as many'):
        score(DEPTH_METRICS, [1, 2], [1])
