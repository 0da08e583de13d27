# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
r"""
Depth from a RealSense camera: realsense2_camera (realsense-ros 4.58).

    ros2 launch realsense2_camera rs_launch.py
    ros2 launch depth_ros realsense.launch.py

    ros2 launch realsense2_camera rs_launch.py enable_infra1:=true enable_infra2:=true \
        depth_module.emitter_enabled:=0
    ros2 launch depth_ros realsense.launch.py views:=stereo

Topics are ~/<stream>/image_raw, and image_rect_raw for Y8: rs_node_setup.cpp of 775b167c.
"""

from typing import Any

from depth_ros.nodes.camera_drivers import Driver, describe_camera

DRIVER = Driver(
    camera='/camera/camera',
    topics={
        'mono': {'image': 'color/image_raw'},
        'stereo': {
            'left_image': 'infra1/image_rect_raw',
            'right_image': 'infra2/image_rect_raw',
        },
    },
    encodings={'mono': ('rgb8', 'bgr8', 'yuv422_yuy2'), 'stereo': ('mono8',)},
)


def generate_launch_description() -> Any:
    """Describe the node for this camera."""
    return describe_camera(DRIVER)
