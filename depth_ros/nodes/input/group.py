# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of several cameras that belong to one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar('Item')


class GroupSynchroniser(Generic[Item]):
    """
    Call back with one item of each camera, whose stamps differ by at most the tolerance.

    What is older than a group is dropped with it, and a stamp that jumps back starts afresh.
    """

    def __init__(
        self,
        count: int,
        tolerance: float,
        queue_size: int,
        callback: Callable[[tuple[Item, ...]], None],
    ) -> None:
        self.tolerance_ns = round(tolerance * 1e9)
        self.queue_size = queue_size
        self.callback = callback
        self.dropped = [0] * count
        self._waiting: list[dict[int, Item]] = [{} for _ in range(count)]
        self._newest = [0] * count
        self._lock = threading.Lock()

    def add(self, camera: int, stamp: int, item: Item) -> None:
        """Take one item; the callback runs in this thread when the others are here."""
        with self._lock:
            group = self._match(camera, stamp, item)
        if group is not None:
            self.callback(group)

    def reset(self) -> None:
        """Forget what waits; the counters stay."""
        with self._lock:
            self._forget()

    def _match(self, camera: int, stamp: int, item: Item) -> tuple[Item, ...] | None:
        if stamp < self._newest[camera]:
            self._forget()
        self._newest[camera] = stamp
        mine = self._waiting[camera]
        self.dropped[camera] += stamp in mine
        mine[stamp] = item
        chosen = []
        for waiting in self._waiting:
            nearest = min(waiting, key=lambda other: abs(other - stamp), default=None)
            if nearest is None or abs(nearest - stamp) > self.tolerance_ns:
                self._shorten(camera)
                return None
            chosen.append(nearest)
        group = tuple(waiting[at] for waiting, at in zip(self._waiting, chosen))
        for index, (waiting, at) in enumerate(zip(self._waiting, chosen)):
            for old in [s for s in waiting if s <= at]:
                del waiting[old]
                self.dropped[index] += old < at
        return group

    def _shorten(self, camera: int) -> None:
        mine = self._waiting[camera]
        if len(mine) > self.queue_size:
            del mine[min(mine)]
            self.dropped[camera] += 1

    def _forget(self) -> None:
        for index, waiting in enumerate(self._waiting):
            self.dropped[index] += len(waiting)
            waiting.clear()
            self._newest[index] = 0
