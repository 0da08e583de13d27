# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth and points from one camera.

    ros2 launch depth_ros mono.launch.py image:=/camera/image_raw
    ros2 launch depth_ros mono.launch.py namespace:=/front parameters:='{camera_height: 0.4}'

`ros2 launch depth_ros mono.launch.py --show-args` lists everything; docs/mono_depth.md explains.
"""

from typing import Any

from depth_ros.nodes.launching import NAVIGATION, describe

INPUTS = {
    'image': ('image_raw', 'image topic; with image_transport compressed, its raw name'),
    'camera_info': ('', 'calibration topic; empty: camera_info beside the image'),
    'prompt': ('prompt', 'depth image of another sensor, for models that take one'),
}
OUTPUTS = {
    'depth_image': ('depth/image_rect', 'depth in metres; only while a scale is known'),
    'depth_camera_info': ('', 'its calibration; empty: camera_info beside it'),
    'depth_color': ('depth/color', 'depth in colours, for looking at'),
    'points': ('points', 'point cloud'),
    **NAVIGATION,
}
REMAPS = {
    'image': 'image',
    'camera_info': 'camera_info',
    'prompt': 'prompt',
    '~/depth/image': 'depth_image',
    '~/depth/camera_info': 'depth_camera_info',
    '~/depth/color': 'depth_color',
    '~/points': 'points',
    **{f'~/{name}': name for name in NAVIGATION},
}


def generate_launch_description() -> Any:
    """Describe the node `mono_depth`."""
    return describe('mono_depth', INPUTS, OUTPUTS, REMAPS)
