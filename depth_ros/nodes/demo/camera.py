# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plays a rendered scene as the topics of a calibrated stereo camera, for demos and tests."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from depth_ros.files.calibration import read_camera
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.image import array_to_image
from depth_ros.nodes.demo.sensors import DemoSensors

FRAME_ID = 'camera_left_optical_frame'


class DemoCamera(Node):
    """
    Publishes the frames of a folder in turn, best-effort as cameras do.

    The folder holds left.npy and right.npy (frames x H x W x 3, RGB) with left.yaml and
    right.yaml; played.csv is written there: the stamp of every message and its frame.
    """

    def __init__(self, folder: Path, rate: float, sensors: bool = False) -> None:
        super().__init__('demo_camera')
        self._sensors = DemoSensors(self, folder, rate) if sensors else None
        self._count = 0
        self._log = (folder / 'played.csv').open('w', buffering=1)
        self._eyes = []
        for eye in ('left', 'right'):
            frames = np.load(folder / f'{eye}.npy', mmap_mode='r')
            info = camera_to_camera_info(
                read_camera(folder / f'{eye}.yaml'), Header(frame_id=FRAME_ID)
            )
            topic = f'camera/{eye}'
            self._eyes.append(
                (
                    frames,
                    info,
                    self.create_publisher(Image, f'{topic}/image', qos_profile_sensor_data),
                    self.create_publisher(
                        CameraInfo, f'{topic}/camera_info', qos_profile_sensor_data
                    ),
                )
            )
        self.create_timer(1.0 / rate, self._tick)

    def _tick(self) -> None:
        index = self._count % len(self._eyes[0][0])
        self._count += 1
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=FRAME_ID)
        stamp = header.stamp.sec * 10**9 + header.stamp.nanosec
        self._log.write(f'{stamp},{index}\n')
        if self._sensors is not None:
            self._sensors.publish(index, stamp)
        for frames, info, image_publisher, info_publisher in self._eyes:
            info.header = header
            info_publisher.publish(info)
            image_publisher.publish(array_to_image(np.asarray(frames[index]), 'rgb8', header))


def main() -> None:
    """Play until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--rate', type=float, default=10.0)
    parser.add_argument('--sensors', action='store_true', help='LiDAR and odometry as well')
    rclpy.init(args=sys.argv)
    arguments = parser.parse_args(rclpy.utilities.remove_ros_args(sys.argv)[1:])
    node = DemoCamera(arguments.folder, arguments.rate, arguments.sensors)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
