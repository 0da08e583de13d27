# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a node counts about itself: rates, ages, drops, failures, seconds per stage.

Pure Python and thread safe; the caller gives the clock in seconds.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

WINDOW = 5.0  # seconds over which a rate is counted
SAMPLES = 120  # the last so many frames give the percentiles
NEWS = 2.0  # seconds for which a failure is reported while no frame is published after it


class Rate:
    """Events per second over the last few seconds."""

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._times: deque[float] = deque(maxlen=10000)
        self.total = 0
        self.last: float | None = None
        self.total_since_start = 0
        self._since: float | None = None

    def tick(self, now: float) -> None:
        if self._since is None:
            self._since = now
        self._times.append(now)
        self.last = now
        self.total += 1
        self.total_since_start += 1

    def start(self, now: float) -> None:
        """Count from now on: before, nothing could come."""
        self._times.clear()
        self._since, self.last, self.total_since_start = now, None, 0

    def silent(self, now: float) -> float:
        """Return the seconds since the last event, or since the start of counting."""
        reference = self._since if self.last is None else self.last
        return 0.0 if reference is None else now - reference

    def hertz(self, now: float) -> float:
        while self._times and self._times[0] <= now - self._window:
            self._times.popleft()
        if self._since is None:
            return 0.0
        if len(self._times) > 1 and now - self._times[-1] < 2 * self._interval():
            return 1.0 / self._interval()
        span = min(self._window, now - self._since)
        return len(self._times) / span if span > 0 else 0.0

    def _interval(self) -> float:
        return max(self._times[-1] - self._times[0], 1e-9) / (len(self._times) - 1)


@dataclass(frozen=True)
class Percentiles:
    """Median and 99th percentile, in the unit of the samples; NaN while there are none."""

    p50: float
    p99: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> Percentiles:
        values = np.fromiter(samples, np.float64)
        if not values.size:
            return cls(float('nan'), float('nan'))
        low, high = np.percentile(values, (50, 99))
        return cls(float(low), float(high))


@dataclass(frozen=True)
class Snapshot:
    """Health at one moment."""

    frames: int
    rate: float
    age: Percentiles  # seconds from the stamp of the image to the publication
    stages: Mapping[str, Percentiles]  # seconds
    drops: Mapping[str, int]  # since start, by cause
    failures: int  # since start
    last_failure: str  # the sentence, while it is news
    warnings: Mapping[str, str] = field(default_factory=dict)  # code -> sentence, while news


class Health:
    """The counters of one node."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._output = Rate()
        self._ages: deque[float] = deque(maxlen=SAMPLES)
        self._stages: dict[str, deque[float]] = {}
        self._drops: Counter[str] = Counter()
        self._failures = 0
        self._newest: tuple[float, float] | None = None  # when, and how old it was then
        self._last_failure = ''
        self._failed_at = float('-inf')
        self._recovered = True  # a frame was published since
        self._warnings: dict[str, str] = {}

    def finished(self, now: float, age: float, timings: Mapping[str, float]) -> None:
        """Count a frame that was published."""
        with self._lock:
            self._output.tick(now)
            self._newest = now, age
            self._recovered = True
            self._ages.append(age)
            for stage, seconds in timings.items():
                self._stages.setdefault(stage, deque(maxlen=SAMPLES)).append(seconds)

    def dropped(self, cause: str, count: int = 1) -> None:
        """Count frames that were not worked on."""
        with self._lock:
            self._drops[cause] += count

    def failed(self, sentence: str, now: float) -> None:
        """Count a frame that could not be worked on."""
        with self._lock:
            self._failures += 1
            self._last_failure = sentence
            self._failed_at, self._recovered = now, False

    def warn(self, code: str, sentence: str) -> None:
        """Note something about the input that does not stop the work."""
        with self._lock:
            self._warnings[code] = sentence

    def newest(self, now: float) -> tuple[float, float]:
        """Return the age of the newest published frame (NaN without one), and the rate."""
        with self._lock:
            if self._newest is None:
                return float('nan'), 0.0
            then, age = self._newest
            return age + now - then, self._output.hertz(now)

    def snapshot(self, now: float) -> Snapshot:
        """
        Return what is known, and forget what is news only once.

        A failure stays while nothing was published after it: of a camera of which every frame
        fails no report may say that all is well.
        """
        with self._lock:
            result = Snapshot(
                self._output.total,
                self._output.hertz(now),
                Percentiles.of(self._ages),
                {name: Percentiles.of(values) for name, values in self._stages.items()},
                dict(self._drops),
                self._failures,
                self._last_failure,
                dict(self._warnings),
            )
            if self._recovered or now - self._failed_at > NEWS:
                self._last_failure = ''
            self._warnings.clear()
        return result
