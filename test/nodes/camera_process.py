# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A camera driver of its own: COUNT colour images at 10 Hz, best effort, with their calibration.

Started by tests as `python camera_process.py WIDTH HEIGHT COUNT`; waits for its subscribers.
"""

import sys
import time

import numpy as np
import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.image import array_to_image
from depth_ros.types import Camera


def main() -> None:
    width, height, count = map(int, sys.argv[1:4])
    rclpy.init()
    node = rclpy.create_node('camera')
    images = node.create_publisher(Image, 'image', qos_profile_sensor_data)
    infos = node.create_publisher(CameraInfo, 'camera_info', qos_profile_sensor_data)
    while not (images.get_subscription_count() and infos.get_subscription_count()):
        time.sleep(0.02)
    time.sleep(1.0)  # the other side learns of the match a moment later
    camera = Camera.pinhole(width, height, 0.8 * width)
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    next_time = time.monotonic()
    for _ in range(count):
        head = Header(frame_id='camera_optical', stamp=node.get_clock().now().to_msg())
        infos.publish(camera_to_camera_info(camera, head))
        images.publish(array_to_image(image, 'bgr8', head))
        next_time += 0.1
        time.sleep(max(0.0, next_time - time.monotonic()))
    print('sent', flush=True)
    time.sleep(1.0)  # what was sent last is still on its way
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
