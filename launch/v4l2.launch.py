# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth from a Video4Linux camera: v4l2_camera.

    ros2 run v4l2_camera v4l2_camera_node
    ros2 launch depth_ros v4l2.launch.py

Topics are image_raw and camera_info: src/v4l2_camera.cpp of 1029edd.
"""

from typing import Any

from depth_ros.nodes.camera_drivers import Driver, describe_camera

DRIVER = Driver(
    camera='/',
    topics={'mono': {'image': 'image_raw'}},
    encodings={'mono': ('rgb8', 'yuv422_yuy2', 'mono8')},
)


def generate_launch_description() -> Any:
    """Describe the node for this camera."""
    return describe_camera(DRIVER)
