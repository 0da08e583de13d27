# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The least a node can do: receive an image, send a cloud of the right size that it copied."""

from __future__ import annotations

import array
import sys
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import Image, PointCloud2, PointField


class Relay(Node):
    """Copies; subscribes only while its output has subscribers, as the depth nodes do."""

    def __init__(self) -> None:
        super().__init__('relay')
        width, height = 640, 480
        self._subscription: Any = None
        self._publisher = self.create_publisher(PointCloud2, 'relay/points', QoSProfile(depth=5))
        names = ('x', 'y', 'z', 'rgb')
        fields = [
            PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1)
            for i, n in enumerate(names)
        ]
        self._source = bytes(width * height * 16)
        self._cloud = PointCloud2(
            height=height, width=width, fields=fields, point_step=16, row_step=16 * width
        )
        self.create_timer(0.2, self._follow_subscribers)

    def _follow_subscribers(self) -> None:
        wanted = self._publisher.get_subscription_count() > 0
        if wanted and self._subscription is None:
            self._subscription = self.create_subscription(
                Image, 'camera/image', self._copy, qos_profile_sensor_data
            )
        elif not wanted and self._subscription is not None:
            self.destroy_subscription(self._subscription)
            self._subscription = None

    def _copy(self, message: Image) -> None:
        self._cloud.header = message.header
        self._cloud.data = array.array('B', self._source)
        self._publisher.publish(self._cloud)


def main() -> None:
    """Relay until stopped."""
    rclpy.init(args=sys.argv)
    node = Relay()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
