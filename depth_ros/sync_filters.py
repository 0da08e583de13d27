# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""message_filters behind the face of PairSynchroniser."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from depth_ros.sync import PairSynchroniser, Side


class FilterSynchroniser(PairSynchroniser):
    """
    Let message_filters pair the messages; count, reset and call back as ever.

    Its synchronisers call back inside their lock and keep it if the callback fails, so pairs are
    only collected there; and they compare with <, so the tolerance gets a nanosecond more.
    """

    def __init__(
        self, tolerance: float, queue_size: int, callback: Callable[[Any, Any], None]
    ) -> None:
        super().__init__(tolerance, queue_size, callback)
        self._filters = importlib.import_module('message_filters')
        self._time = importlib.import_module('builtin_interfaces.msg').Time
        self._found: tuple[Any, Any] | None = None
        self._connect()

    def _connect(self) -> None:
        self._inputs = {side: self._filters.SimpleFilter() for side in self._waiting}
        inputs = list(self._inputs.values())
        # Its queues are bounded here, so that what is dropped is counted.
        room = self.queue_size + 1
        if self.tolerance_ns == 0:
            self._synchroniser = self._filters.TimeSynchronizer(inputs, room)
        else:
            self._synchroniser = self._filters.ApproximateTimeSynchronizer(
                inputs, room, (self.tolerance_ns + 1) * 1e-9
            )
        self._synchroniser.registerCallback(self._collect)
        # Both sides see the same queues: theirs by stamp, in the order of the inputs.
        self._waiting = dict(zip(self._inputs, self._synchroniser.queues))

    def _collect(self, left: Any, right: Any) -> None:
        self._found = (left, right)

    def _match(self, side: Side, stamp: int, item: Any) -> tuple[Any] | None:
        other: Side = 'right' if side == 'left' else 'left'
        if stamp < self._newest.get(side, stamp):
            self._forget()
            self.resets += 1
        self._newest[side] = stamp
        if self._waiting[other]:
            nearest = min(abs(s - stamp) for s in self._waiting[other])
            self.last_difference = nearest * 1e-9
        self.dropped[side] += stamp in self._waiting[side]
        self._found = None
        time = self._time(sec=stamp // 10**9, nanosec=stamp % 10**9)
        self._inputs[side].signalMessage(_Stamped(time, stamp, item))
        if self._found is None:
            queue = self._waiting[side]
            if len(queue) > self.queue_size:
                del queue[min(queue)]
                self.dropped[side] += 1
            return None
        self.matched += 1
        mine, partner = self._found if side == 'left' else self._found[::-1]
        self._drop_older(side, mine.stamp_ns)
        self._drop_older(other, partner.stamp_ns)
        return (partner.item,)


class _Stamped:
    """What message_filters takes for a message."""

    def __init__(self, stamp: Any, stamp_ns: int, item: Any) -> None:
        self.header = SimpleNamespace(stamp=stamp)
        self.stamp_ns = stamp_ns
        self.item = item
