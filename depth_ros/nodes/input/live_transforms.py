# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where frames are now: TF that is asked anew each time, because heads pan and legs walk."""

from __future__ import annotations

from depth_ros.geometry.poses import pose_of
from depth_ros.nodes.input.transforms import Mounts
from depth_ros.types import Matrix


class LiveTransforms(Mounts):
    """Find the newest pose of one frame in another."""

    def pose(self, frame: str, parent: str, remedy: str) -> Matrix:
        """Return the pose of `frame` in `parent`; `remedy` ends the error where it is absent."""
        if frame == parent:
            return pose_of((0, 0, 0), (0, 0, 0, 1))
        return self._ask(frame, parent, remedy)
