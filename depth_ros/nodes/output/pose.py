# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/pose`: where the camera was when it took the newest image."""

from __future__ import annotations

from typing import Any

from depth_ros.geometry.poses import quaternion_of
from depth_ros.messages.classes import PoseStamped, make_header
from depth_ros.nodes.output.output import Output
from depth_ros.pipeline import DepthFrame, StampedPose


def build(frame: DepthFrame, header: Any, settings: Any) -> Any:
    """Return the pose; None without a scale."""
    scene = frame.scene
    if scene is None:
        return None
    stamp = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
    return pose_message(StampedPose(stamp, scene.pose), scene.world or header.frame_id)


def pose_message(placed: StampedPose, world: str) -> Any:
    """Return a pose in metres as a message."""
    message = PoseStamped(header=make_header(placed.stamp, world))
    place, turn = message.pose.position, message.pose.orientation
    place.x, place.y, place.z = (float(value) for value in placed.pose[:3, 3])
    turn.x, turn.y, turn.z, turn.w = (float(value) for value in quaternion_of(placed.pose))
    return message


OUTPUT = Output(
    'pose',
    PoseStamped,
    build,
    'the optical frame of the newest image in the world of the poses; only with a scale',
    views=(0,),
)
