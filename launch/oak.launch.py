# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth from an OAK camera: the depthai v3 driver (depthai_ros_driver; on Humble and Jazzy
depthai_ros_driver_v3).

    ros2 launch depthai_ros_driver driver.launch.py
    ros2 launch depth_ros oak.launch.py

The pair needs `stereo.i_left_rect_publish_topic` and `stereo.i_right_rect_publish_topic` of the
driver. Topics are ~/<socket>/image_raw, and image_rect for the rectified pair: img_pub.cpp and
stereo.cpp of depthai-ros-v3-release.
"""

from typing import Any

from depth_ros.nodes.camera_drivers import Driver, describe_camera

DRIVER = Driver(
    camera='/oak',
    topics={
        'mono': {'image': 'rgb/image_raw'},
        'stereo': {'left_image': 'left/image_rect', 'right_image': 'right/image_rect'},
    },
    encodings={'mono': ('bgr8', 'rgb8'), 'stereo': ('mono8',)},
)


def generate_launch_description() -> Any:
    """Describe the node for this camera."""
    return describe_camera(DRIVER)
