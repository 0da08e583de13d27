# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth from a ZED camera: zed_wrapper (zed-ros2-wrapper 5).

    ros2 launch zed_wrapper zed_camera.launch.py camera_model:=zed2i
    ros2 launch depth_ros zed.launch.py

Topics are ~/<eye>/<color>/<rect>/image: zed_camera_component_video_depth.cpp of 33dfefa. `rect` is
not in the last part of the name, so that rectify is set here. `publish_left_right` of the driver
must be true for views:=stereo.
"""

from typing import Any

from depth_ros.nodes.camera_drivers import Driver, describe_camera

DRIVER = Driver(
    camera='/zed/zed_node',
    topics={
        'stereo': {
            'left_image': 'left/color/rect/image',
            'right_image': 'right/color/rect/image',
        },
        'mono': {'image': 'rgb/color/rect/image'},
    },
    encodings={'stereo': ('bgra8', 'bgr8'), 'mono': ('bgra8', 'bgr8')},
    parameters={'rectify': 'never'},
)


def generate_launch_description() -> Any:
    """Describe the node for this camera."""
    return describe_camera(DRIVER)
