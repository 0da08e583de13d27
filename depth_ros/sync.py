# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Pair two streams of stamped things: the stand-in for message_filters where it is not installed.

Exact pairing waits for equal stamps. Approximate pairing takes, for what just arrived, the
nearest waiting partner within the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Side = Literal['left', 'right']


class PairSynchroniser:
    """Call back with (left, right) for stamps that differ by at most the tolerance (seconds)."""

    def __init__(
        self, tolerance: float, queue_size: int, callback: Callable[[Any, Any], None]
    ) -> None:
        self.tolerance_ns = round(tolerance * 1e9)
        self.queue_size = queue_size
        self.callback = callback
        self._waiting: dict[str, dict[int, Any]] = {'left': {}, 'right': {}}
        self.matched = 0
        self.dropped = {'left': 0, 'right': 0}
        self.last_difference: float | None = None

    def add(self, side: Side, stamp_ns: int, item: Any) -> None:
        """Take one item; the callback runs at once when its partner is here."""
        mine, other = self._waiting[side], self._waiting['right' if side == 'left' else 'left']
        mine[stamp_ns] = item
        if other:
            nearest = min(other, key=lambda s: abs(s - stamp_ns))
            self.last_difference = abs(nearest - stamp_ns) * 1e-9
            if abs(nearest - stamp_ns) <= self.tolerance_ns:
                del mine[stamp_ns]
                partner = other.pop(nearest)
                self.matched += 1
                self.callback(*((item, partner) if side == 'left' else (partner, item)))
                return
        while len(mine) > self.queue_size:
            del mine[min(mine)]
            self.dropped[side] += 1
