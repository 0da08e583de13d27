# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The tree of frames, as /tf and /tf_static state it."""

from __future__ import annotations

from collections import deque

import numpy as np

from depth_ros.geometry.poses import inverse_pose
from depth_ros.types import Matrix


class FrameTree:
    """Frames and the poses between them; a joint that moves has its newest pose."""

    def __init__(self) -> None:
        self._edges: dict[str, dict[str, Matrix]] = {}
        self._parents: dict[str, str] = {}

    def __contains__(self, frame: str) -> bool:
        return frame.lstrip('/') in self._edges

    def __bool__(self) -> bool:
        return bool(self._edges)

    def add(self, parent: str, child: str, pose: Matrix) -> None:
        """Add the pose of a frame in its parent."""
        parent, child = parent.lstrip('/'), child.lstrip('/')
        self._edges.setdefault(parent, {})[child] = pose
        self._edges.setdefault(child, {})[parent] = inverse_pose(pose)
        self._parents[child] = parent

    def pose(self, frame: str, target: str) -> Matrix | None:
        """Return the 4x4 pose of a frame in the target frame; None where they do not connect."""
        frame, target = frame.lstrip('/'), target.lstrip('/')
        if frame == target:
            return np.eye(4)
        if frame not in self._edges or target not in self._edges:
            return None
        poses, waiting = {target: np.eye(4)}, deque([target])
        while waiting:
            here = waiting.popleft()
            for other, pose in self._edges[here].items():
                if other not in poses:
                    poses[other] = poses[here] @ pose
                    waiting.append(other)
        return poses.get(frame)

    def root(self, frame: str) -> str:
        """Return the frame at the top of the tree that this frame belongs to."""
        frame, passed = frame.lstrip('/'), set[str]()
        while frame in self._parents and frame not in passed:
            passed.add(frame)
            frame = self._parents[frame]
        return frame

    def names(self) -> list[str]:
        """Return every frame."""
        return sorted(self._edges)
