# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One line of progress: share, rate and time left, for one recording or for many."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TextIO

from depth_ros.reprocess.job import Progress

WIDTH = 24
WINDOW = 10.0  # seconds over which the rate is counted
PLAIN = 30.0  # seconds between lines where the output is no terminal


class ProgressLine:
    """
    Show how far the work is.

    :param weights: how many images each (recording, part) has.
    """

    def __init__(self, weights: dict[tuple[str, int], int], stream: TextIO = sys.stderr) -> None:
        self._weights, self._stream = weights, stream
        self._state: dict[tuple[str, int], Progress] = {}
        self._begun = time.monotonic()
        self._shown = 0.0
        self._recent: deque[tuple[float, int]] = deque([(self._begun, 0)])
        self._first_share: float | None = None

    def __call__(self, progress: Progress) -> None:
        """Take the state of one part."""
        self._state[progress.source, progress.part] = progress
        now = time.monotonic()
        if now - self._shown > (0.1 if self._stream.isatty() else PLAIN):
            self._shown = now
            self._show(now)

    @property
    def frames(self) -> int:
        """How many frames were computed."""
        return sum(progress.frames for progress in self._state.values())

    def text(self, now: float) -> str:
        """Return the line."""
        total = sum(self._weights.values()) or 1
        share = sum(
            self._weights.get(key, 0) * progress.share for key, progress in self._state.items()
        )
        share = min(share / total, 1.0)
        self._recent.append((now, self.frames))
        while len(self._recent) > 2 and self._recent[1][0] < now - WINDOW:
            self._recent.popleft()
        span = now - self._recent[0][0]
        rate = (self.frames - self._recent[0][1]) / span if span > 0 else 0.0
        # What an earlier run did is not counted as done in no time.
        if self._first_share is None:
            self._first_share = share
        gained = share - self._first_share
        left = (1 - share) * (now - self._begun) / gained if gained > 0 else None
        bar = '#' * round(share * WIDTH)
        when = f', {_clock(left)} left' if left is not None else ''
        return f'[{bar:<{WIDTH}}] {share:4.0%}  {self.frames} frames, {rate:.1f}/s{when}'

    def close(self) -> None:
        """End the line."""
        if self._state:
            self._show(time.monotonic())
            if self._stream.isatty():
                self._stream.write('\n')

    def _show(self, now: float) -> None:
        line = self.text(now)
        self._stream.write(f'\r\033[K{line}' if self._stream.isatty() else f'{line}\n')
        self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{seconds:02d}' if hours else f'{minutes}:{seconds:02d}'
