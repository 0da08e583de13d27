# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a robot measures beside the demo's images: a LiDAR and odometry."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import PointCloud2

from depth_ros.geometry.poses import between, quaternion_of
from depth_ros.messages.classes import make_header
from depth_ros.messages.cloud_points import points_to_cloud
from depth_ros.types import Matrix

STEPS = 4  # odometry messages from one image to the next


class DemoSensors:
    """
    Publish the clouds and poses of sensors.npz with the stamps of the images.

    Odometry of the optical frame comes a little after each image, as on a robot.
    """

    def __init__(self, node: Node, folder: Path, rate: float) -> None:
        with np.load(folder / 'sensors.npz') as stored:
            self._poses = stored['poses']
            self._clouds = np.split(stored['points'], np.cumsum(stored['sizes'])[:-1])
        self._period = round(1e9 / rate)
        self._cloud = node.create_publisher(PointCloud2, 'scale/cloud', qos_profile_sensor_data)
        self._odometry: Any = None
        if importlib.util.find_spec('nav_msgs') is not None:
            self._kind = importlib.import_module('nav_msgs.msg').Odometry
            self._odometry = node.create_publisher(self._kind, 'odometry', qos_profile_sensor_data)
        self._last: tuple[int, Matrix] | None = None

    def publish(self, index: int, stamp: int) -> None:
        """Publish what belongs to the image of an index, at a stamp in nanoseconds."""
        self._cloud.publish(points_to_cloud(self._clouds[index], make_header(stamp, 'lidar')))
        if self._odometry is None:
            return
        pose = self._poses[index]
        before, self._last = self._last, (stamp, pose)
        if before is None:
            self._send(stamp, pose)
            return
        for step in range(1, STEPS + 1):
            share = step / STEPS
            at = before[0] + round(share * (stamp - before[0]))
            self._send(at, between(before[1], pose, share))

    def _send(self, stamp: int, pose: Matrix) -> None:
        message = self._kind(header=make_header(stamp, 'odom'), child_frame_id='camera')
        at = message.pose.pose
        at.position.x, at.position.y, at.position.z = (float(v) for v in pose[:3, 3])
        turn = at.orientation
        turn.x, turn.y, turn.z, turn.w = (float(v) for v in quaternion_of(pose))
        self._odometry.publish(message)
