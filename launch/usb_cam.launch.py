# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth from a webcam: usb_cam (0.8).

    ros2 launch usb_cam camera.launch.py
    ros2 launch depth_ros usb_cam.launch.py

    ros2 run usb_cam usb_cam_node_exe
    ros2 launch depth_ros usb_cam.launch.py camera:=/

Topics are image_raw and camera_info, which its launch file puts below the camera's name:
launch/camera_config.py and src/usb_cam_node.cpp of 772b25f.
"""

from typing import Any

from depth_ros.nodes.camera_drivers import Driver, describe_camera

DRIVER = Driver(
    camera='/camera1',
    topics={'mono': {'image': 'image_raw'}},
    encodings={'mono': ('rgb8', 'yuv422_yuy2', 'yuv422', 'mono8')},
)


def generate_launch_description() -> Any:
    """Describe the node for this camera."""
    return describe_camera(DRIVER)
