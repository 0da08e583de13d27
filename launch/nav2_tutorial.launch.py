# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The depth node of Nav2's tutorial for depth models, without TensorRT.

    ros2 launch depth_ros nav2_tutorial.launch.py params_file:=nav2_depth_ai_params.yaml

It takes the place of the node depth_anything_v3: its topics, its launch arguments, and the
parameters of its file. docs/nav2.md explains what differs.
"""

from collections.abc import Mapping
from typing import Any

import yaml

from depth_ros.files.nav2_tutorial import (
    NODE,
    read_tutorial_parameters,
    split_transport,
    translated,
)
from depth_ros.nodes.launching import describe, given_parameters

INPUTS = {
    'input_image_topic': (
        '/resize/image_raw/compressed',
        'image topic; compressed where its name ends so',
    ),
    'input_camera_info_topic': ('/resize/camera_info', 'its calibration'),
}
OUTPUTS = {
    'output_depth_topic': ('depth_image', 'depth in metres, 32FC1'),
    'output_depth_camera_info_topic': ('depth_camera_info', 'its calibration'),
    'output_point_cloud_topic': ('/pipeline/points', 'point cloud, that the costmap reads'),
    'output_depth_debug_topic': (
        '/depth_anything_v3/output/depth_image_debug',
        'depth in colours, for looking at',
    ),
    'obstacles': ('obstacles', 'points that stand on the ground, for costmaps to mark'),
    'free_points': ('free_points', 'ends of free rays, for costmaps to clear'),
}
REMAPS = {
    'image': 'input_image_topic',
    'camera_info': 'input_camera_info_topic',
    '~/depth/image': 'output_depth_topic',
    '~/depth/camera_info': 'output_depth_camera_info_topic',
    '~/points': 'output_point_cloud_topic',
    '~/depth/color': 'output_depth_debug_topic',
    '~/obstacles': 'obstacles',
    '~/free_points': 'free_points',
}


def adapt(values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the launch arguments as mono_depth takes them, and what has no effect."""
    file = values['params_file']
    given, notes = translated(read_tutorial_parameters(file) if file else {})
    image, transport = split_transport(values['input_image_topic'])
    given |= {'image_transport': transport} | given_parameters(values['parameters'])
    changed = {
        'input_image_topic': image,
        'params_file': '',
        'parameters': yaml.safe_dump(given),
    }
    return {**values, **changed}, list(notes)


def generate_launch_description() -> Any:
    """Describe the node `mono_depth` under the name of the tutorial's node."""
    return describe('mono_depth', INPUTS, OUTPUTS, REMAPS, name=NODE, adapt=adapt)
