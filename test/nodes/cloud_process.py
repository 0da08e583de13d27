# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A LiDAR of its own: clouds of the tilted plane at 20 Hz, until it is told to end."""

import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from scale_side import FRAME, cloud, surface
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header


def main() -> None:
    rclpy.init()
    node = rclpy.create_node('lidar')
    clouds = node.create_publisher(PointCloud2, 'scale/cloud', qos_profile_sensor_data)
    seed = 0
    try:
        while rclpy.ok():
            head = Header(frame_id=FRAME, stamp=node.get_clock().now().to_msg())
            clouds.publish(cloud(head, surface(seed=seed)))
            seed += 1
            time.sleep(0.05)
    except KeyboardInterrupt:
        pass
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
