# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rates, percentiles and counters, with a clock that the test moves."""

import math

import numpy as np
import pytest

from depth_ros.nodes.health.health import SAMPLES, Health, Percentiles, Rate


@pytest.mark.parametrize('hertz', [0.5, 1.0, 10.0, 29.97, 200.0])
def test_a_steady_rate(hertz):
    rate = Rate()
    times = 1000 + np.arange(0, 20, 1 / hertz)
    for now in times:
        rate.tick(now)
    assert rate.hertz(times[-1]) == pytest.approx(hertz, rel=1e-6)
    assert rate.total == len(times)


def test_a_rate_falls_when_nothing_comes():
    rate = Rate(window=5.0)
    for i in range(50):
        rate.tick(i * 0.1)
    now = 4.9
    falling = [rate.hertz(now + wait) for wait in (0.0, 1.0, 2.0, 4.0, 6.0)]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] == pytest.approx(10.0)
    assert falling[-1] == 0.0


def test_silence_is_counted_from_the_start_and_from_the_last_event():
    rate = Rate()
    assert rate.silent(5.0) == 0.0  # not started
    rate.start(10.0)
    assert rate.silent(12.5) == 2.5
    rate.tick(13.0)
    assert rate.silent(14.0) == 1.0
    rate.start(20.0)
    assert (rate.silent(21.0), rate.total_since_start, rate.total) == (1.0, 0, 1)


def test_percentiles():
    assert Percentiles.of(range(101)) == Percentiles(50.0, 99.0)
    assert math.isnan(Percentiles.of([]).p50)
    assert Percentiles.of([3.0]) == Percentiles(3.0, 3.0)


def test_a_snapshot_tells_news_once():
    health = Health()
    for i in range(3 * SAMPLES):
        health.finished(0.1 * i, 0.02, {'model': 0.01})
    health.dropped('too old', 2)
    health.dropped('too old')
    health.failed('a sentence', 1.0)
    health.warn('code', 'one')
    health.warn('code', 'two')
    now = 0.1 * (3 * SAMPLES - 1)
    first, second = health.snapshot(now), health.snapshot(now)
    assert first.frames == 3 * SAMPLES
    assert first.rate == pytest.approx(10.0)
    assert first.age.p50 == pytest.approx(0.02)
    assert first.stages['model'].p99 == pytest.approx(0.01)
    assert first.drops == {'too old': 3}
    assert (first.failures, first.last_failure) == (1, 'a sentence')
    assert first.warnings == {'code': 'two'}
    assert (second.failures, second.last_failure, second.warnings) == (1, '', {})


def test_a_failure_is_told_until_a_frame_is_published():
    """Before, a camera of which every frame failed was reported as well every other second."""
    health = Health()
    health.finished(0.0, 0.02, {})
    health.failed('a sentence', 1.0)
    assert [health.snapshot(now).last_failure for now in (1.1, 2.1, 2.9)] == ['a sentence'] * 3
    health.finished(2.95, 0.02, {})
    assert [health.snapshot(now).last_failure for now in (3.0, 4.0)] == ['a sentence', '']
    health.failed('another', 5.0)  # reports after that name the silent camera instead
    assert [health.snapshot(now).last_failure for now in (5.1, 9.0, 9.1)] == [
        'another',
        'another',
        '',
    ]
