# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/depth/camera_info`: the camera of the depth image."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import CameraInfo

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.nodes.output.output import Output
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, settings: Any) -> Any:
    """Return the camera of exactly the pixels that are published."""
    return camera_to_camera_info(frame.camera, header)


OUTPUT = Output('depth/camera_info', CameraInfo, build, 'the camera of ~/depth/image')
