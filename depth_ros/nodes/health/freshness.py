# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Whether depth is fresh enough for a consumer that acts on it. Pure Python.

Old depth is never published again as new: a consumer decides by the stamp, and what is stated
here lets it, and a person, know why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from depth_ros.nodes.health.reasons import Level, Reason


@dataclass(frozen=True)
class Freshness:
    """How old the newest depth is, and what was asked for."""

    wanted: bool = True  # active, enabled, and an output has a subscriber
    age: float = math.nan  # seconds since the stamp of the newest depth; NaN without one
    waited: float = 0.0  # seconds for which depth has been wanted
    rate: float = 0.0  # Hz
    source_timeout: float = 0.0  # seconds; 0 is no limit
    min_rate: float = 0.0  # Hz; 0 is no limit

    @property
    def is_new(self) -> bool:
        """Whether depth came since it has been wanted."""
        return self.age < self.waited or self.age < self.source_timeout


def judge(fresh: Freshness) -> Reason:
    """Return the one sentence about the age and rate of depth."""
    if not fresh.wanted:
        return Reason(
            Level.STALE,
            'not_computed',
            'no depth is computed: the node is not active, ~/enable is false, or no output has a '
            'subscriber',
        )
    limit = fresh.source_timeout
    if not fresh.is_new:
        late = limit > 0 and fresh.waited > limit
        return Reason(
            Level.ERROR if late else Level.WARN,
            'no_depth',
            f'no depth was published in {fresh.waited:.2g} s'
            + (f', source_timeout is {limit:g} s' if limit > 0 else '')
            + '; /diagnostics has the cause',
        )
    if 0 < limit < fresh.age:
        return Reason(
            Level.ERROR,
            'stale',
            f'the newest depth is {fresh.age:.2g} s old, source_timeout is {limit:g} s: a '
            'consumer with this timeout stops the robot; use a faster model, or raise '
            'source_timeout here and there',
        )
    if 0 < fresh.rate < fresh.min_rate and fresh.waited > 2 / fresh.min_rate:
        return Reason(
            Level.WARN,
            'below_min_rate',
            f'depth comes at {fresh.rate:.1f} Hz, min_rate is {fresh.min_rate:g} Hz; use a faster '
            'model or a smaller input_size, or lower min_rate',
        )
    return Reason(Level.OK, 'fresh', f'the newest depth is {fresh.age:.2g} s old')


def worth_a_report(reason: Reason, fresh: Freshness) -> bool:
    """Return whether the diagnostics, which have causes of their own, repeat the sentence."""
    asked_for = fresh.source_timeout > 0 or fresh.min_rate > 0
    return asked_for and fresh.wanted and reason.level in (Level.WARN, Level.ERROR)
