# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One thing that is wrong, and the order in which to look at several of them."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Severity(enum.IntEnum):
    """How bad a finding is: an error stops the data, a warning makes them worse."""

    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class Finding:
    """One sentence; `code` is one of ORDER and stays the same while the numbers change."""

    severity: Severity
    code: str
    text: str


# Causes before their consequences: where several hold, the first is the one to repair first.
ORDER = (
    'empty_graph',
    'no_clock',
    'same_name',
    'no_answer',
    'not_active',
    'turned_off',
    'no_publisher',
    'wrong_type',
    'qos',
    'shared_memory',
    'transport',
    'silent',
    'info_missing',
    'calibration',
    'swapped_topics',
    'no_baseline',
    'negative_baseline',
    'swapped_images',
    'rows',
    'pair_stamps',
    'info_stamps',
    'zero_stamps',
    'sim_time_off',
    'sim_time_mixed',
    'backward_stamps',
    'old_stamps',
    'future_stamps',
    'no_frame',
    'frame_differs',
    'no_transform',
    'rotation',
    'costmap_sources',
    'costmap_disabled',
    'costmap_topic',
    'costmap_type',
    'costmap_frame',
    'costmap_heights',
    'costmap_ranges',
    'costmap_points',
    'costmap_clearing',
    'costmap_threshold',
    'monitor_topic',
    'monitor_heights',
    'monitor_field',
    'monitor_timeout',
    'node_problem',
    'rate',
    'age',
    'processor',
)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the gravest first and, of equal ones, causes before consequences."""
    return sorted(findings, key=lambda f: (-f.severity, ORDER.index(f.code), f.text))


def error(code: str, text: str) -> Finding:
    """Return a finding that stops the data."""
    return Finding(Severity.ERROR, code, text)


def warning(code: str, text: str) -> Finding:
    """Return a finding that makes the data worse or late."""
    return Finding(Severity.WARNING, code, text)
