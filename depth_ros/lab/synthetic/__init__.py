# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Worlds with exact depth: a scene from a kind and a seed, seen through any camera from any pose.

    scene = make_scene('room', seed=1)
    view = render(scene, Camera.pinhole(640, 480, 500.0), scene.start)
    view.image, view.depth  # what a robot would see, and the truth

Everything is closed-form geometry and procedural texture, in NumPy.
"""

from depth_ros.lab.synthetic.render.stereo import points_of, render_stereo
from depth_ros.lab.synthetic.render.view import Rendered, Renderer, render
from depth_ros.lab.synthetic.scene.cameras import camera_pose, right_pose, stereo_cameras
from depth_ros.lab.synthetic.scene.tables import Scene
from depth_ros.lab.synthetic.scene.views import (
    odometry,
    sample_camera,
    sample_glance,
    sample_mount,
    sample_pose,
    trajectory,
)
from depth_ros.lab.synthetic.scene.worlds import kinds, make_scene, plane_scene
from depth_ros.lab.synthetic.sensors.camera import Sensor, sample_sensor
from depth_ros.lab.synthetic.sensors.lidar import Sweep, body_pose, cast_rays, laser_scan, lidar

__all__ = [
    'Rendered',
    'Renderer',
    'Scene',
    'Sensor',
    'Sweep',
    'body_pose',
    'camera_pose',
    'cast_rays',
    'kinds',
    'laser_scan',
    'lidar',
    'make_scene',
    'plane_scene',
    'points_of',
    'render',
    'render_stereo',
    'odometry',
    'right_pose',
    'sample_camera',
    'sample_mount',
    'sample_glance',
    'sample_pose',
    'sample_sensor',
    'stereo_cameras',
    'trajectory',
]
