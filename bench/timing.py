# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Time jobs against each other in one run: in turn, frame by frame, and quote medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def interleaved(
    jobs: Mapping[str, Callable[[], Any]],
    frames: int = 30,
    warm_up: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median seconds of each job; whatever else the machine does slows all alike."""
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    for frame in range(-warm_up, frames):
        for name, job in jobs.items():
            start = clock()
            job()
            if frame >= 0:
                spent[name].append(clock() - start)
    return {name: statistics.median(times) for name, times in spent.items()}


def ratio_line(name: str, ratio: float, bar: float, *, at_most: bool = False) -> str:
    """Return a line that says a ratio, its bar, and whether it holds."""
    holds = ratio <= bar if at_most else ratio >= bar
    word = 'at most' if at_most else 'at least'
    return f'{name}: {ratio:.2f} (bar: {word} {bar:g}) {"holds" if holds else "DOES NOT HOLD"}'
