# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth from a GStreamer pipeline: gscam (2).

    ros2 run gscam gscam_node
    ros2 launch depth_ros gscam.launch.py

Topics are camera/image_raw and camera/camera_info: src/gscam.cpp of ca3da37. With its
image_encoding jpeg add parameters:='{image_transport: compressed}'.
"""

from typing import Any

from depth_ros.nodes.camera_drivers import Driver, describe_camera

DRIVER = Driver(
    camera='/camera',
    topics={'mono': {'image': 'image_raw'}},
    encodings={'mono': ('rgb8', 'mono8', 'yuv422')},
)


def generate_launch_description() -> Any:
    """Describe the node for this camera."""
    return describe_camera(DRIVER)
