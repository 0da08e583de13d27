# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth of the newest view of a moving camera, and where its cameras are: no ROS.

Keyframes are kept from call to call. Poses are published with metres only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from depth_ros.geometry.fusion import PosedDepth
from depth_ros.geometry.poses import inverse_pose
from depth_ros.nodes.work.keyframes import Keyframes, Shown, Spacing
from depth_ros.pipeline import DepthFrame, Pipeline, Scene, StampedPose
from depth_ros.types import Matrix, View


class SceneMaker:
    """
    Call a pipeline with the newest view and the keyframes before it.

    :param window: views at most, with the newest. :param longest_path: poses that are remembered.
    """

    def __init__(self, window: int, spacing: Spacing, longest_path: int) -> None:
        self._spacing = spacing
        self._keyframes = Keyframes(window, spacing)
        self._path: deque[StampedPose] = deque(maxlen=longest_path)
        self._places: dict[int, Matrix] = {}  # of the keyframes, by stamp, in the world
        self._world = ''
        self._last = 0

    def __len__(self) -> int:
        """Return the number of keyframes."""
        return len(self._keyframes)

    def clear(self) -> None:
        """Start afresh."""
        self._keyframes.clear()
        self._path.clear()
        self._places.clear()

    def __call__(
        self, pipeline: Pipeline, newest: Shown, world: str, beside: Sequence[View] = ()
    ) -> DepthFrame:
        """
        Return the frame of the newest view, with its scene where that is in metres.

        :param world: frame of known poses, or of those that are estimated. :param beside: views
            of other cameras at the same moment.
        """
        if newest.stamp <= self._last or world != self._world:
            self.clear()
        self._last, self._world = newest.stamp, world
        window = [newest] if beside else self._keyframes.window(newest)
        frames = pipeline.scene([shown.view for shown in window] + list(beside))
        poses = [_pose_of(frame) for frame in frames]
        if any(frame.depth is None for frame in frames):
            self._keyframes.keep(newest)
            return frames[0]
        pose = newest.pose
        if pose is None:
            pose = self._chained(window, poses)
        # From the world of the prediction into that of the newest view's pose.
        move = pose @ inverse_pose(poses[0])
        views = [_posed(frame, move @ own) for frame, own in zip(frames, poses)]
        if self._keyframes.keep(newest):
            self._remember(newest.stamp, pose)
        path = self._follow(StampedPose(newest.stamp, pose))
        return replace(frames[0], scene=Scene(world, pose, tuple(views), path))

    def _chained(self, window: Sequence[Shown], poses: Sequence[Matrix]) -> Matrix:
        """Return the newest pose from the last keyframe whose place in the world is known."""
        for shown, own in zip(window[1:], poses[1:]):
            if shown.stamp in self._places:
                return self._places[shown.stamp] @ inverse_pose(own) @ poses[0]
        return np.eye(4)

    def _remember(self, stamp: int, pose: Matrix) -> None:
        self._places[stamp] = pose
        while len(self._places) > len(self._keyframes):
            del self._places[min(self._places)]

    def _follow(self, newest: StampedPose) -> tuple[StampedPose, ...]:
        """Return the path up to the newest pose, which stays where it is a step further."""
        if not self._path or self._spacing.apart(self._path[-1], newest):
            self._path.append(newest)
            return tuple(self._path)
        return (*self._path, newest)


def _pose_of(frame: DepthFrame) -> Matrix:
    """Return the pose in the world of the prediction, which a single view is the origin of."""
    pose = frame.prediction.pose
    return np.eye(4) if pose is None else pose


def _posed(frame: DepthFrame, pose: Matrix) -> PosedDepth:
    assert frame.depth is not None
    confidence = frame.prediction.confidence
    return PosedDepth(frame.depth, frame.camera, pose, frame.image, confidence)
