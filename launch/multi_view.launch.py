# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth, camera poses and a local cloud from a camera that moves, or from several at once.

    ros2 launch depth_ros multi_view.launch.py image:=/camera/image_raw odometry:=/odom
    ros2 launch depth_ros multi_view.launch.py \
        parameters:='{camera_names: "front,left", poses: mounts}'

`ros2 launch depth_ros multi_view.launch.py --show-args` lists everything;
docs/multi_view_depth.md explains.
"""

from typing import Any

from depth_ros.nodes.launching import NAVIGATION, describe

INPUTS = {
    'image': ('image_raw', 'image topic; with image_transport compressed, its raw name'),
    'camera_info': ('', 'calibration topic; empty: camera_info beside the image'),
    'odometry': ('odom', 'nav_msgs/Odometry of the body that the camera is mounted on'),
}
OUTPUTS = {
    'depth_image': ('depth/image_rect', 'depth of the newest image; only while a scale is known'),
    'depth_camera_info': ('', 'its calibration; empty: camera_info beside it'),
    'depth_color': ('depth/color', 'depth in colours, for looking at'),
    'points': ('points', 'point cloud of the newest image'),
    'local_points': ('local_points', 'point cloud of all views of the window'),
    'pose': ('camera_pose', 'pose of the camera at the newest image'),
    'path': ('camera_path', 'poses of the camera at its keyframes'),
    **NAVIGATION,
}
REMAPS = {
    'image': 'image',
    'camera_info': 'camera_info',
    'odometry': 'odometry',
    '~/depth/image': 'depth_image',
    '~/depth/camera_info': 'depth_camera_info',
    '~/depth/color': 'depth_color',
    '~/points': 'points',
    '~/local_points': 'local_points',
    '~/pose': 'pose',
    '~/path': 'path',
    **{f'~/{name}': name for name in NAVIGATION},
}


def generate_launch_description() -> Any:
    """Describe the node `multi_view_depth`."""
    return describe('multi_view_depth', INPUTS, OUTPUTS, REMAPS)
