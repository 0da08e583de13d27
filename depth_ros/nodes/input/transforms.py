# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where cameras are mounted: as parameters state it, or as TF does where tf2_ros is installed."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.time import Time

from depth_ros import libraries
from depth_ros.geometry.poses import pose_of
from depth_ros.types import DepthError, Matrix


class Mounts:
    """
    Find the pose of one frame in another.

    TF is listened to from the first question on. What is found stays: mounts do not move.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._buffer: Any = None
        self._listener: Any = None
        self._known: dict[tuple[str, str], Matrix] = {}

    def pose(self, frame: str, parent: str, remedy: str) -> Matrix:
        """Return the pose of `frame` in `parent`; `remedy` ends the error where it is absent."""
        if frame == parent:
            return pose_of((0, 0, 0), (0, 0, 0, 1))
        if (frame, parent) not in self._known:
            self._known[frame, parent] = self._ask(frame, parent, remedy)
        return self._known[frame, parent]

    def _ask(self, frame: str, parent: str, remedy: str) -> Matrix:
        tf2 = libraries.module('tf2_ros')
        what = f'the pose of frame {frame!r} in {parent!r} is not known'
        if tf2 is None:
            raise DepthError(f'{what}: tf2_ros is not installed; {remedy}')
        if self._buffer is None:
            self._buffer = tf2.Buffer()
            self._listener = tf2.TransformListener(self._buffer, self._node, spin_thread=False)
        try:
            found = self._buffer.lookup_transform(parent, frame, Time()).transform
        except Exception as error:  # tf2 raises several kinds
            why = ' '.join(str(error).split())[:120]
            raise DepthError(f'{what} ({why}); publish it on /tf_static, or {remedy}') from error
        move, turn = found.translation, found.rotation
        return pose_of((move.x, move.y, move.z), (turn.x, turn.y, turn.z, turn.w))
