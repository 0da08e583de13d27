# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Find out by how much the stamps of two eyes differ, for either synchroniser."""

from __future__ import annotations

from collections import deque

REMEMBERED = 30


class StampWatch:
    """Keep the last stamps (nanoseconds) of both eyes."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._stamps = {side: deque[int](maxlen=REMEMBERED) for side in ('left', 'right')}

    def saw(self, side: str, stamp: int) -> None:
        self._stamps[side].append(stamp)

    def paired(self) -> None:
        """Forget what came before a pair: its partners are not to be expected any more."""
        self.reset()

    def report(self) -> float | None:
        """
        Return the smallest difference in seconds between eyes that found no partner.

        None while pairs are found, and while not both eyes see; each stamp counts once.
        """
        left, right = self._stamps['left'], self._stamps['right']
        if not left or not right:
            return None
        self.reset()
        return min(abs(a - b) for a in left for b in right) * 1e-9
