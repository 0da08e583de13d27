# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the robot was when an image was taken: nav_msgs/Odometry, interpolated."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rclpy.node import Node

from depth_ros.geometry.poses import pose_of
from depth_ros.geometry.trajectory import PoseTrack
from depth_ros.nodes.input.camera import stamp_ns
from depth_ros.nodes.qos import sensor_qos, with_overrides
from depth_ros.types import DepthError, Matrix

TOPIC = 'odometry'


class OdometryInput:
    """Subscribe to `odometry` while it is wanted."""

    def __init__(self, node: Node, complain: Callable[[str], None]) -> None:
        self._node, self._complain = node, complain
        self.topic = node.resolve_topic_name(TOPIC)
        self._subscription: Any = None
        self._track = PoseTrack()
        self.world = ''  # frame that the poses are in
        self.body = ''  # frame that they are of

    @staticmethod
    def message() -> Any:
        """Return nav_msgs/Odometry; a DepthError says that it is not installed."""
        try:
            return importlib.import_module('nav_msgs.msg').Odometry
        except (ImportError, AttributeError) as error:
            raise DepthError(
                f'odometry needs the package nav_msgs, which cannot be imported ({error}); '
                'install ros-$ROS_DISTRO-nav-msgs (pip: ros-nav-msgs), or set poses to none'
            ) from error

    def listen(self, wanted: bool) -> None:
        """Subscribe, or forget and leave."""
        if wanted and self._subscription is None:
            create = partial(
                self._node.create_subscription, self.message(), self.topic, self._receive
            )
            self._subscription = with_overrides(create, sensor_qos, self.topic, self._complain)
        elif not wanted and self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
            self.reset()

    def reset(self) -> None:
        """Forget the poses: time jumped."""
        self._track.clear()

    def _receive(self, msg: Any) -> None:
        place, turn = msg.pose.pose.position, msg.pose.pose.orientation
        numbers = (place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w)
        try:
            if not np.isfinite(numbers).all():
                raise DepthError('its pose holds NaN or infinity')
            pose = pose_of(numbers[:3], numbers[3:])
        except DepthError as error:
            self._complain(f'odometry on {self.topic} cannot be used: {error}; correct its source')
            return
        self.world, self.body = msg.header.frame_id, msg.child_frame_id
        self._track.add(stamp_ns(msg.header), pose)

    @property
    def newest(self) -> int | None:
        """The stamp of the last pose in nanoseconds; None before the first."""
        return self._track.newest

    def at(self, stamp: int, tolerance: float, surrounded: bool = False) -> Matrix:
        """
        Return the body's pose in the world at a stamp (nanoseconds).

        `surrounded` refuses a stamp before the first pose or after the last one.
        """
        if not len(self._track):
            raise DepthError(
                f'no odometry came on {self.topic}, so the scale is not known; '
                'publish or remap it, or set poses to none'
            )
        pose = self._track.at(stamp, tolerance, surrounded)
        if pose is None:
            raise DepthError(
                f'no odometry on {self.topic} is within {tolerance:g} s of the image, so the '
                'scale is not known; check the clocks, or raise odometry_tolerance'
            )
        return pose
