# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Disparity, depth and points from a calibrated pair.

    ros2 launch depth_ros stereo.launch.py namespace:=/stereo
    ros2 launch depth_ros stereo.launch.py left_image:=/cam/left/image_rect \
        right_image:=/cam/right/image_rect parameters:='{approximate_sync: true}'

`ros2 launch depth_ros stereo.launch.py --show-args` lists everything; docs/stereo_depth.md
explains.
"""

from typing import Any

from depth_ros.nodes.launching import NAVIGATION, describe

INPUTS = {
    'left_image': ('left/image_raw', 'left image, raw or rectified'),
    'left_camera_info': ('', 'its calibration; empty: camera_info beside it'),
    'right_image': ('right/image_raw', 'right image, raw or rectified'),
    'right_camera_info': ('', 'its calibration; empty: camera_info beside it'),
}
OUTPUTS = {
    'depth_image': ('depth/image_rect', 'depth in metres'),
    'depth_camera_info': ('', 'its calibration; empty: camera_info beside it'),
    'disparity': ('disparity', 'stereo_msgs/DisparityImage'),
    'depth_color': ('depth/color', 'depth in colours, for looking at'),
    'points': ('points2', 'point cloud, named as stereo_image_proc does'),
    **NAVIGATION,
}
REMAPS = {
    'left/image': 'left_image',
    'left/camera_info': 'left_camera_info',
    'right/image': 'right_image',
    'right/camera_info': 'right_camera_info',
    '~/depth/image': 'depth_image',
    '~/depth/camera_info': 'depth_camera_info',
    '~/disparity': 'disparity',
    '~/depth/color': 'depth_color',
    '~/points': 'points',
    **{f'~/{name}': name for name in NAVIGATION},
}


def generate_launch_description() -> Any:
    """Describe the node `stereo_depth`."""
    return describe('stereo_depth', INPUTS, OUTPUTS, REMAPS)
