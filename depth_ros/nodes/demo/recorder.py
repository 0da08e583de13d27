# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Subscribes to what the depth nodes publish and writes down when and what arrived."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from stereo_msgs.msg import DisparityImage

from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.depth_image import image_to_depth

KEPT_DEPTHS = 32  # per topic: enough for the error, and a few tens of megabytes


class DemoRecorder(Node):
    """Counts and times every message of the given depth nodes; keeps depths and one cloud."""

    def __init__(self, folder: Path, sources: list[str]) -> None:
        super().__init__('demo_recorder')
        self.folder = folder
        self.arrivals: dict[str, list[tuple[int, int]]] = {}  # topic -> (stamp, age), in ns
        self.depths: dict[str, dict[int, np.ndarray]] = {name: {} for name in sources}
        self.clouds: dict[str, PointCloud2] = {}
        for name in sources:
            self._listen(f'{name}/depth/image', Image, self._keep_depth)
            self._listen(f'{name}/depth/camera_info', CameraInfo)
            self._listen(f'{name}/points', PointCloud2, self._keep_cloud)
            if name == 'stereo_depth':
                self._listen(f'{name}/disparity', DisparityImage)

    def _listen(self, topic: str, kind: type, keep: Any = None) -> None:
        self.arrivals[topic] = []

        def receive(message: Any) -> None:
            now = self.get_clock().now().nanoseconds
            stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
            self.arrivals[topic].append((stamp, now - stamp))
            if keep is not None:
                keep(topic.split('/')[0], stamp, message)

        self.create_subscription(kind, topic, receive, QoSProfile(depth=5))

    def _keep_depth(self, source: str, stamp: int, message: Image) -> None:
        if len(self.depths[source]) < KEPT_DEPTHS:
            self.depths[source][stamp] = image_to_depth(message).copy()

    def _keep_cloud(self, source: str, stamp: int, message: PointCloud2) -> None:
        self.clouds[source] = message

    def all_heard(self) -> bool:
        """Return whether a depth image of every node has arrived."""
        return all(self.depths.values())

    def forget(self) -> None:
        """Start anew: what came while some were still loading says nothing of a robot at work."""
        for arrived in self.arrivals.values():
            arrived.clear()
        for depths in self.depths.values():
            depths.clear()

    def write(self) -> None:
        """Leave everything in the folder for the report."""
        for source, depths in self.depths.items():
            stamps = np.array(list(depths), np.int64)
            np.savez(self.folder / f'{source}.npz', stamps=stamps, depths=list(depths.values()))
        for source, cloud in self.clouds.items():
            arrays: dict[str, Any] = _coloured_points(cloud)
            np.savez(self.folder / f'{source}_points.npz', **arrays)
        (self.folder / 'arrivals.json').write_text(json.dumps(self.arrivals))


def _coloured_points(cloud: PointCloud2) -> dict[str, np.ndarray]:
    points = cloud_to_points(cloud)
    arrays = {'xyz': np.stack([points[axis] for axis in 'xyz'], axis=-1)}
    if 'rgb' in (points.dtype.names or ()):
        packed = np.ascontiguousarray(points['rgb']).view(np.uint32)
        arrays['rgb'] = np.stack([packed >> 16, packed >> 8, packed], -1).astype(np.uint8)
    return arrays


def main() -> None:
    """Record for the given time, counted from when every node has published."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('sources', nargs='+')
    parser.add_argument('--seconds', type=float, default=8.0)
    parser.add_argument(
        '--patience', type=float, default=60.0, help='seconds until the slowest has to publish'
    )
    rclpy.init(args=sys.argv)
    arguments = parser.parse_args(rclpy.utilities.remove_ros_args(sys.argv)[1:])
    node = DemoRecorder(arguments.folder, arguments.sources)
    recording = False
    end = time.monotonic() + arguments.patience
    try:
        while rclpy.ok() and time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.2)
            if not recording and node.all_heard():
                recording = True
                node.forget()
                end = time.monotonic() + arguments.seconds
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.write()
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
