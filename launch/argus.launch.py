# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth from a Jetson camera: isaac_ros_argus_camera (3.2).

    ros2 launch isaac_ros_argus_camera isaac_ros_argus_camera_mono.launch.py
    ros2 launch depth_ros argus.launch.py

    ros2 launch isaac_ros_argus_camera isaac_ros_argus_camera_stereo.launch.py
    ros2 launch depth_ros argus.launch.py views:=stereo

Topics are left/image_raw and right/image_raw, and image_raw of one camera:
src/argus_camera_stereo_node.cpp and launch/isaac_ros_argus_camera_mono_core.launch.py of ec75c57.
"""

from typing import Any

from depth_ros.nodes.camera_drivers import Driver, describe_camera

DRIVER = Driver(
    camera='/',
    topics={
        'mono': {'image': 'image_raw'},
        'stereo': {'left_image': 'left/image_raw', 'right_image': 'right/image_raw'},
    },
    encodings={'mono': ('rgb8', 'nv12'), 'stereo': ('rgb8', 'nv12')},
)


def generate_launch_description() -> Any:
    """Describe the node for this camera."""
    return describe_camera(DRIVER)
