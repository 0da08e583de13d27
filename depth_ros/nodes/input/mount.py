# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How the camera sits above the floor at this moment: by parameters, TF or an IMU."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Imu

from depth_ros.geometry.poses import pose_of
from depth_ros.metric.sources.ground import Mount
from depth_ros.nodes.input.live_transforms import LiveTransforms
from depth_ros.nodes.parameters.scaling import MountSettings
from depth_ros.nodes.qos import sensor_qos, with_overrides
from depth_ros.shots import stamp_ns
from depth_ros.types import DepthError, Ground, Matrix

NS = 1e-9
REMEMBERED = 400  # a second of a fast IMU, several of a slow one
APART = 0.1  # seconds between an image and the attitude that counts for it
GRAVITY = (5.0, 15.0)  # m/s^2, of accelerations that show where up is
SETTLING = 0.5  # seconds over which accelerations are averaged


class MountInput:
    """Ask for the mount of the camera at the stamp of an image."""

    def __init__(
        self, node: Node, transforms: LiveTransforms, complain: Callable[[str], None]
    ) -> None:
        self._node, self._transforms, self._complain = node, transforms, complain
        self.topic = node.resolve_topic_name('imu')
        self._subscription: Any = None
        self._downs: deque[tuple[int, str, Matrix]] = deque(maxlen=REMEMBERED)
        self._mean: Matrix | None = None

    def listen(self, imu: bool) -> None:
        """Subscribe to `imu`, or forget and leave."""
        if imu and self._subscription is None:
            create = partial(self._node.create_subscription, Imu, self.topic, self._receive)
            self._subscription = with_overrides(create, sensor_qos, self.topic, self._complain)
        elif not imu and self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
            self.reset()

    def reset(self) -> None:
        """Forget the attitudes: time jumped."""
        self._downs.clear()
        self._mean = None

    def at(self, stamp: int, camera_frame: str, settings: MountSettings) -> Mount:
        """
        Return the mount at a stamp (nanoseconds); DepthError says what is not known.

        What was asked of TF or an IMU is not replaced by parameters where it is absent: the
        camera may have turned.
        """
        height, pitch, roll = settings.height, settings.pitch, settings.roll
        if settings.frame:
            pose = self._transforms.pose(
                camera_frame, settings.frame, 'set mount_height and mount_pitch'
            )
            ground = Ground.below_pose(pose)
            if ground is None:
                raise DepthError(
                    f'the camera is {pose[2, 3]:g} m above the frame {settings.frame!r}, expected '
                    'more than 0; name a frame on the floor in mount_frame'
                )
            height, (pitch, roll) = ground.height, angles_of(ground.down)
        if settings.imu:
            pitch, roll = angles_of(self._down(stamp, camera_frame, settings))
        return Mount(height, pitch, roll)

    def _down(self, stamp: int, camera_frame: str, settings: MountSettings) -> Matrix:
        """Return where down is in the optical frame, by the IMU."""
        downs = list(self._downs)
        if not downs:
            raise DepthError(
                f'no attitude came on {self.topic}; start the IMU, remap imu, or set mount_imu '
                'to false'
            )
        at, frame, down = min(downs, key=lambda item: abs(item[0] - stamp))
        if abs(at - stamp) * NS > APART:
            raise DepthError(
                f'the nearest attitude on {self.topic} is {abs(at - stamp) * NS:.3g} s from the '
                f'image, expected at most {APART:g} s; check the IMU and the clocks'
            )
        if settings.imu_pose is not None:
            pose = np.array(settings.imu_pose).reshape(4, 4)
        else:
            pose = self._transforms.pose(frame, camera_frame, 'set mount_imu_pose')
        return pose[:3, :3] @ down

    def _receive(self, message: Imu) -> None:
        stamp = stamp_ns(message.header)
        if self._downs and stamp <= self._downs[-1][0]:
            if stamp == self._downs[-1][0]:
                return
            self.reset()  # time went back
        down = self._down_of(message, stamp)
        if down is not None:
            self._downs.append((stamp, message.header.frame_id, down))

    def _down_of(self, message: Imu, stamp: int) -> Matrix | None:
        """Return where down is in the frame of the IMU; None where this message does not show."""
        turn = message.orientation
        quaternion = (turn.x, turn.y, turn.z, turn.w)
        if message.orientation_covariance[0] != -1 and np.isfinite(quaternion).all():
            try:
                return -pose_of((0, 0, 0), quaternion)[2, :3]
            except DepthError:
                pass  # all zeros: it has no orientation and does not say so
        force = message.linear_acceleration
        up = np.array([force.x, force.y, force.z])
        size = float(np.linalg.norm(up))
        if message.linear_acceleration_covariance[0] == -1 or not (
            GRAVITY[0] <= size <= GRAVITY[1]
        ):
            return None
        up = up / size
        if self._mean is not None and self._downs:
            share = -math.expm1(-(stamp - self._downs[-1][0]) * NS / SETTLING)
            up = self._mean + share * (up - self._mean)
            up = up / np.linalg.norm(up)
        self._mean = up
        return -up


def angles_of(down: Matrix) -> tuple[float, float]:
    """Return pitch and roll (REP-103, radians) of a camera that sees down there."""
    x, y, z = (down / np.linalg.norm(down)).tolist()
    return math.asin(min(max(z, -1.0), 1.0)), math.atan2(x, y)
