# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/path`: where the camera was at its keyframes, up to the newest image."""

from __future__ import annotations

from typing import Any

from depth_ros.messages.classes import Path
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.output.pose import pose_message
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, settings: Any) -> Any:
    """Return the path; None without a scale."""
    scene = frame.scene
    if scene is None:
        return None
    message = Path(poses=[pose_message(p, scene.world or header.frame_id) for p in scene.path])
    message.header.stamp = header.stamp
    message.header.frame_id = scene.world or header.frame_id
    return message


OUTPUT = Output(
    'path',
    Path,
    build,
    'the poses of the keyframes and of the newest image, oldest first; only with a scale',
    views=(0,),
)
