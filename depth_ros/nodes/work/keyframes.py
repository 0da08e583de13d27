# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Which views of a moving camera are looked at together: the newest, and keyframes before it.

Pure Python: no ROS, no model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from depth_ros.geometry.poses import angle_between
from depth_ros.types import Matrix, View


class Placed(Protocol):
    """What was somewhere at a stamp (nanoseconds); where, if that is known."""

    @property
    def stamp(self) -> int: ...

    @property
    def pose(self) -> Matrix | None: ...


@dataclass(frozen=True, eq=False)
class Shown:
    """A view and when it was taken, in nanoseconds; its known pose is in `view.known`."""

    stamp: int
    view: View

    @property
    def pose(self) -> Matrix | None:
        return self.view.known.pose


@dataclass(frozen=True)
class Spacing:
    """
    What makes a view a keyframe.

    :param seconds: since the last keyframe, while poses are not known. :param distance: metres
        from it, or :param angle: radians, while they are.
    """

    seconds: float = 0.5
    distance: float = 0.1
    angle: float = 0.15

    def apart(self, last: Placed, newest: Placed) -> bool:
        """Return whether the newest is far enough from the last in motion, or else in time."""
        if newest.pose is None or last.pose is None:
            return (newest.stamp - last.stamp) * 1e-9 >= self.seconds
        distance = float(np.linalg.norm(newest.pose[:3, 3] - last.pose[:3, 3]))
        return distance >= self.distance or angle_between(newest.pose, last.pose) >= self.angle


class Keyframes:
    """The keyframes of a sliding window, oldest first."""

    def __init__(self, window: int, spacing: Spacing) -> None:
        self.spacing = spacing
        self._kept: deque[Shown] = deque(maxlen=max(window - 1, 0))

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Start afresh."""
        self._kept.clear()

    def window(self, newest: Shown) -> list[Shown]:
        """
        Return the newest view and the keyframes before it, newest first.

        Keyframes from the future are dropped: time went back. Poses are known of all or of none.
        """
        if self._kept and self._kept[-1].stamp >= newest.stamp:
            self.clear()
        if newest.pose is not None and any(shown.pose is None for shown in self._kept):
            # Odometry has begun: what came before it has no place in its world.
            self.clear()
        views = [newest, *reversed(self._kept)]
        if newest.pose is None or not self._moves(views):
            views = [without_pose(shown) for shown in views]
        return views

    def _moves(self, views: Sequence[Shown]) -> bool:
        """Return whether the poses are far enough apart to give a scale."""
        places = np.array([shown.pose[:3, 3] for shown in views if shown.pose is not None])
        apart = np.linalg.norm(places - places[0], axis=1).max(initial=0.0)
        return bool(apart > 0 and apart >= self.spacing.distance)

    def keep(self, newest: Shown) -> bool:
        """Make the newest view a keyframe if it shows something new; return whether it is one."""
        if self._kept and not self.spacing.apart(self._kept[-1], newest):
            return False
        self._kept.append(newest)
        return True


def without_pose(shown: Shown) -> Shown:
    """Return a view whose pose is not known."""
    if shown.pose is None:
        return shown
    known = replace(shown.view.known, pose=None)
    return replace(shown, view=replace(shown.view, known=known))
