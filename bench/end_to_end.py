# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From an image published to a cloud received, over DDS between processes: mono_depth and a relay.

The relay only copies messages of the same sizes, so it is what the transport itself costs.
Both run all the time and both are lazy; this process publishes 640x480 colour frames and listens
to one and the other in turns. mono_depth runs an analytic model, so the model costs nothing.

    python bench/end_to_end.py [--frames 40] [--rounds 3]

Also measured: the CPU of mono_depth with a camera at 30 Hz and no subscriber.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from bench.timing import ratio_line
from depth_ros.cli.bench_machine import cpu_seconds
from depth_ros.files.share import ros_environment
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.image import array_to_image
from depth_ros.types import Camera

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 640, 480
RATE = 10.0
TOPICS = {'relay': 'relay/points', 'mono_depth': 'mono_depth/points'}


class Bench(Node):
    """Publishes a camera and times the clouds that come back."""

    def __init__(self) -> None:
        super().__init__('bench')
        self._images = self.create_publisher(Image, 'camera/image', qos_profile_sensor_data)
        self._infos = self.create_publisher(
            CameraInfo, 'camera/camera_info', qos_profile_sensor_data
        )
        self._image_of = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        self._camera = Camera.pinhole(WIDTH, HEIGHT, 500.0)
        self._sent: dict[int, float] = {}
        self.spent: list[float] = []
        self.size = 0

    def send(self) -> None:
        stamp = self.get_clock().now().to_msg()
        header = Header(stamp=stamp, frame_id='camera')
        message = array_to_image(self._image_of, 'bgr8', header)
        self._infos.publish(camera_to_camera_info(self._camera, header))
        self._sent[stamp.sec * 10**9 + stamp.nanosec] = time.perf_counter()
        self._images.publish(message)

    def receive(self, cloud: PointCloud2) -> None:
        now = time.perf_counter()
        stamp = cloud.header.stamp
        started = self._sent.pop(stamp.sec * 10**9 + stamp.nanosec, None)
        self.size = len(cloud.data)
        if started is not None:
            self.spent.append(now - started)

    def measure(self, topic: str, frames: int) -> list[float]:
        """Listen to one topic, send frames, and return the seconds of those that came back."""
        subscription = self.create_subscription(
            PointCloud2, topic, self.receive, QoSProfile(depth=5)
        )
        self._until(lambda: self.count_publishers(topic) > 0, 20)
        self._until(lambda: self._images.get_subscription_count() > 0, 20)
        self.spent, self._sent = [], {}
        for _ in range(frames + 5):
            self.send()
            self._until(lambda: False, 1 / RATE)
        spent = self.spent[5:]
        self.destroy_subscription(subscription)
        self._until(lambda: self._images.get_subscription_count() == 0, 20)
        return spent

    def _until(self, done: object, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not done():  # type: ignore[operator]
            rclpy.spin_once(self, timeout_sec=0.005)

    def idle(self, process: subprocess.Popen[bytes], seconds: float) -> float:
        """Play 30 Hz without subscribers and return the share of a core that the process used."""
        before = cpu_seconds(process.pid)
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            self.send()
            self._sent = {}
            self._until(lambda: False, 1 / 30)
        return (cpu_seconds(process.pid) - before) / (time.monotonic() - start)


def run(frames: int = 40, rounds: int = 3, idle_seconds: float = 10.0) -> dict[str, float]:
    """Return the median milliseconds of both, their ratio, and the idle share of a core."""
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    environment = ros_environment(PYTHONPATH=path)
    environment['ROS_DOMAIN_ID'] = str(random.randint(1, 100))
    os.environ |= {k: environment[k] for k in ('ROS_DOMAIN_ID', 'FASTDDS_DEFAULT_PROFILES_FILE')}
    remaps = ['-r', 'image:=camera/image', '-r', 'camera_info:=camera/camera_info']
    parameters = [item for p in ('model:=plane', 'distance:=3.0') for item in ('-p', p)]
    node = [sys.executable, '-m', 'depth_ros.nodes.mono_depth', '--ros-args']
    commands = {
        'relay': [sys.executable, str(Path(__file__).with_name('relay.py'))],
        'mono_depth': [*node, *remaps, *parameters],
    }
    quiet = subprocess.DEVNULL
    processes = {
        name: subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
        for name, command in commands.items()
    }
    try:
        rclpy.init()
        bench = Bench()
        spent: dict[str, list[float]] = {name: [] for name in TOPICS}
        sizes = {}
        for _ in range(rounds):
            for name, topic in TOPICS.items():
                spent[name] += bench.measure(topic, frames)
                sizes[name] = bench.size
        assert sizes['relay'] == sizes['mono_depth'], sizes
        idle = bench.idle(processes['mono_depth'], idle_seconds)
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGINT)
        for process in processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        rclpy.try_shutdown()
    medians = {name: statistics.median(times) * 1e3 for name, times in spent.items()}
    return {
        'relay_ms': medians['relay'],
        'mono_depth_ms': medians['mono_depth'],
        'relay_received': len(spent['relay']),
        'mono_depth_received': len(spent['mono_depth']),
        'sent': frames * rounds,
        'ratio': medians['mono_depth'] / medians['relay'],
        'idle_percent': idle * 100,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else '')
    parser.add_argument('--frames', type=int, default=40)
    parser.add_argument('--rounds', type=int, default=3)
    arguments = parser.parse_args()
    result = run(arguments.frames, arguments.rounds)
    for name in TOPICS:
        received, sent = result[f'{name}_received'], result['sent']
        print(f'{name}: {result[f"{name}_ms"]:.1f} ms, {received}/{sent} received')
    print(ratio_line('image to cloud, mono_depth / relay', result['ratio'], 3, at_most=True))
    idle = result['idle_percent']
    print(ratio_line('% of a core, 30 Hz camera, no listener', idle, 2, at_most=True))


if __name__ == '__main__':
    main()
