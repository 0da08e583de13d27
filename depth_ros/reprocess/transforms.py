# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the sensors of a robot are, from the transforms that were recorded."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from depth_ros.files.bags.content import BagError
from depth_ros.files.bags.reader import Bag
from depth_ros.files.bags.serialise import Types
from depth_ros.geometry.poses import pose_of
from depth_ros.types import Matrix

STATIC, MOVING = '/tf_static', '/tf'
_SOME = 200  # messages of /tf that are looked at for joints that do not move


class Transforms:
    """The frames of a recording; a joint that moves has the place it had first."""

    def __init__(self, bag: Bag) -> None:
        self._edges: dict[str, dict[str, Matrix]] = {}
        types = Types(bag.topics)
        for topic, limit in ((STATIC, None), (MOVING, _SOME)):
            if topic not in bag.topics:
                continue
            for count, message in enumerate(bag.messages({topic})):
                if limit is not None and count >= limit:
                    break
                for transform in types.read(topic, message.data).transforms:
                    self._add(transform)

    def _add(self, transform: Any) -> None:
        parent = transform.header.frame_id.lstrip('/')
        child = transform.child_frame_id.lstrip('/')
        if child not in self._edges.get(parent, {}):
            move, turn = transform.transform.translation, transform.transform.rotation
            pose = pose_of((move.x, move.y, move.z), (turn.x, turn.y, turn.z, turn.w))
            self._edges.setdefault(parent, {})[child] = pose
            back = np.linalg.inv(pose).astype(np.float64)
            self._edges.setdefault(child, {})[parent] = back

    def between(self, target: str, source: str) -> Matrix:
        """Return the 4x4 matrix that takes points of the source frame to the target frame."""
        target, source = target.lstrip('/'), source.lstrip('/')
        poses = {target: np.eye(4)}
        waiting = deque([target])
        while waiting and source not in poses:
            frame = waiting.popleft()
            for other, pose in self._edges.get(frame, {}).items():
                if other not in poses:
                    poses[other] = poses[frame] @ pose
                    waiting.append(other)
        if source not in poses:
            raise BagError(
                f'no transform from {source!r} to {target!r} was recorded; record /tf_static too'
            )
        return poses[source]
