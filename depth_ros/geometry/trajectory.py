# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stamped poses of something that moves, and where it was at other stamps."""

from __future__ import annotations

import bisect
import threading

from depth_ros.geometry.poses import between
from depth_ros.types import Matrix

REMEMBERED = 2000


class PoseTrack:
    """
    The last poses by their stamps in nanoseconds, from any thread.

    A stamp that jumps back (a bag that loops) starts afresh.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._stamps: list[int] = []
        self._poses: list[Matrix] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def newest(self) -> int | None:
        """The last stamp; None while there is none."""
        with self._lock:
            return self._stamps[-1] if self._stamps else None

    def add(self, stamp: int, pose: Matrix) -> None:
        """Take a pose."""
        with self._lock:
            if self._stamps and stamp <= self._stamps[-1]:
                if stamp == self._stamps[-1]:
                    return
                self._stamps.clear()
                self._poses.clear()
            self._stamps.append(stamp)
            self._poses.append(pose)
            if len(self._stamps) > 2 * self._remembered:  # now and then, not at every pose
                del self._stamps[: self._remembered], self._poses[: self._remembered]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._stamps.clear()
            self._poses.clear()

    def at(self, stamp: int, tolerance: float, surrounded: bool = False) -> Matrix | None:
        """
        Return the pose at a stamp; None where no pose is near enough in time.

        Between two poses that are both within the tolerance (seconds) it is interpolated;
        beyond the last one the last counts. `surrounded` takes only a pose of this very stamp,
        or two to interpolate between.
        """
        with self._lock:
            index = bisect.bisect_left(self._stamps, stamp)
            after = slice(max(index - 1, 0), index + 1)
            stamps, poses = self._stamps[after], self._poses[after]
        near = [(s, p) for s, p in zip(stamps, poses) if abs(s - stamp) * 1e-9 <= tolerance]
        if len(near) == 2:
            (first, a), (second, b) = near
            return between(a, b, (stamp - first) / (second - first))
        if surrounded:
            near = [(s, p) for s, p in near if s == stamp]
        return near[0][1] if near else None
