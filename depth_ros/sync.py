# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Pair two streams of stamped things: what message_filters does, where it is not installed.

Exact pairing waits for equal stamps. Approximate pairing gives what just arrived the nearest
waiting partner within the tolerance, as message_filters' ApproximateTimeSynchronizer does.
Unlike there, the callback runs outside the lock, what is older than a pair is dropped with it,
and a stamp that jumps back (a bag that loops) starts afresh.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

from depth_ros.types import DepthError

Side = Literal['left', 'right']
_OTHER: dict[Side, Side] = {'left': 'right', 'right': 'left'}


class PairSynchroniser:
    """
    Call back with (left, right) for stamps that differ by at most the tolerance.

    :param tolerance: seconds; 0 pairs equal stamps only.
    :param queue_size: how many items wait on each side; the oldest goes first.
    """

    def __init__(
        self, tolerance: float, queue_size: int, callback: Callable[[Any, Any], None]
    ) -> None:
        if not 0 <= tolerance < float('inf'):
            raise DepthError(
                f'synchronisation tolerance is {tolerance:g} s, expected 0 (exact) or more'
            )
        if queue_size < 1:
            raise DepthError(f'queue_size is {queue_size}, expected at least 1')
        self.tolerance_ns = round(tolerance * 1e9)
        self.queue_size = int(queue_size)
        self.callback = callback
        self.matched = 0
        self.resets = 0
        self.dropped: dict[Side, int] = {'left': 0, 'right': 0}
        self.last_difference: float | None = None
        """Seconds between the stamp that came last and the nearest on the other side."""
        self._waiting: dict[Side, dict[int, Any]] = {'left': {}, 'right': {}}
        self._newest: dict[Side, int] = {}
        self._lock = threading.Lock()

    def add(self, side: Side, stamp_ns: int, item: Any) -> None:
        """Take one item; the callback runs in this thread when its partner is here."""
        with self._lock:
            partner = self._match(side, stamp_ns, item)
        if partner is not None:
            left, right = (item, partner[0]) if side == 'left' else (partner[0], item)
            self.callback(left, right)

    def reset(self) -> None:
        """Forget what waits; the counters stay."""
        with self._lock:
            self._forget()

    def pending(self) -> dict[Side, int]:
        """Return how many items wait on each side."""
        with self._lock:
            return {side: len(queue) for side, queue in self._waiting.items()}

    def _match(self, side: Side, stamp: int, item: Any) -> tuple[Any] | None:
        if stamp < self._newest.get(side, stamp):
            self._forget()
            self.resets += 1
        self._newest[side] = stamp
        mine, others = self._waiting[side], self._waiting[_OTHER[side]]
        if others:
            nearest = min(others, key=lambda other: abs(other - stamp))
            self.last_difference = abs(nearest - stamp) * 1e-9
            if abs(nearest - stamp) <= self.tolerance_ns:
                self.matched += 1
                partner = others.pop(nearest)
                # An item that came before its partner will not be met by a better one.
                self._drop_older(_OTHER[side], nearest)
                self._drop_older(side, stamp + 1)
                return (partner,)
        self.dropped[side] += stamp in mine
        mine[stamp] = item
        if len(mine) > self.queue_size:
            del mine[min(mine)]
            self.dropped[side] += 1
        return None

    def _drop_older(self, side: Side, stamp: int) -> None:
        queue = self._waiting[side]
        for old in [s for s in queue if s < stamp]:
            del queue[old]
            self.dropped[side] += 1

    def _forget(self) -> None:
        for side, queue in self._waiting.items():
            self.dropped[side] += len(queue)
            queue.clear()
        self._newest.clear()
        self.last_difference = None
