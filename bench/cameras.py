# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Four cameras on one mono_depth against four of them: processor time, memory and age.

This process publishes the cameras and listens to ~/depth/image of each. Processor time is counted
per frame received: once all have published, and over the whole life of the processes, in which
four of them load the model four times. Memory is the proportional set size, in which pages that
processes share are divided among them.

    python bench/cameras.py [--rate 5] [--seconds 20] [--rounds 2] [--model builtin]
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
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from bench.timing import ratio_line
from depth_ros.cli.bench_machine import cpu_seconds
from depth_ros.files.share import ros_environment
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.image import array_to_image
from depth_ros.shots import stamp_ns
from depth_ros.types import Camera

ROOT = Path(__file__).resolve().parents[1]
NAMES = ('front', 'left', 'right', 'rear')
PATIENCE = 120.0
QUIET = subprocess.DEVNULL


class Cameras(Node):
    """Publishes the cameras and takes the depth of each."""

    def __init__(self, width: int, height: int, below: str) -> None:
        super().__init__('bench')
        coarse = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
        self._image = coarse.repeat(8, 0).repeat(8, 1)
        self._camera = Camera.pinhole(8 * (width // 8), 8 * (height // 8), 0.8 * width)
        qos = qos_profile_sensor_data
        self._senders: dict[str, list[Any]] = {
            name: [
                self.create_publisher(Image, f'/{name}/image', qos),
                self.create_publisher(CameraInfo, f'/{name}/camera_info', qos),
            ]
            for name in NAMES
        }
        self.ages: dict[str, list[float]] = defaultdict(list)
        for name in NAMES:
            topic = below.format(name=name) + '/depth/image'
            self.create_subscription(
                Image, topic, lambda m, n=name: self._receive(n, m), QoSProfile(depth=5)
            )

    def _receive(self, name: str, message: Image) -> None:
        now = self.get_clock().now().nanoseconds
        self.ages[name].append((now - stamp_ns(message.header)) * 1e-9)

    def play(self, rate: float, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        """Publish each camera at this rate, one after the other within a period."""
        end = time.monotonic() + seconds
        order = 0
        while time.monotonic() < end and not done():
            name = NAMES[order % len(NAMES)]
            order += 1
            header = Header(stamp=self.get_clock().now().to_msg(), frame_id=name)
            images, infos = self._senders[name]
            infos.publish(camera_to_camera_info(self._camera, header))
            images.publish(array_to_image(self._image, 'bgr8', header))
            until = time.monotonic() + 1 / (rate * len(NAMES))
            while (left := until - time.monotonic()) > 0:
                rclpy.spin_once(self, timeout_sec=left)


def proportional_bytes(pid: int) -> int:
    """Return the proportional set size of a process."""
    for line in Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) * 1024
    return 0


def measure(together: bool, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one node with all cameras, or of a node for each."""
    environment = ros_environment(
        PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    )
    environment['ROS_DOMAIN_ID'] = os.environ['ROS_DOMAIN_ID']
    model = ['-p', f'model:={arguments.model}']
    command = [sys.executable, '-m', 'depth_ros.nodes.mono_depth', '--ros-args', *model]
    commands = [[*command, '-p', f'cameras:={",".join(NAMES)}']]
    if not together:
        commands = [[*command, '-r', f'__ns:=/{name}'] for name in NAMES]
    processes = [
        subprocess.Popen(c, env=environment, stdout=QUIET, stderr=QUIET) for c in commands
    ]
    node = Cameras(
        arguments.width,
        arguments.height,
        '/mono_depth/{name}' if together else '/{name}/mono_depth',
    )
    try:
        # A node that is loading holds one image only, so playing meanwhile costs the same.
        node.play(arguments.rate, PATIENCE, lambda: all(node.ages[name] for name in NAMES))
        assert all(node.ages[name] for name in NAMES), dict(node.ages)
        loading = sum(cpu_seconds(p.pid) for p in processes)
        node.ages.clear()
        node.play(arguments.rate, arguments.seconds)
        spent = sum(cpu_seconds(p.pid) for p in processes)
        memory = sum(proportional_bytes(p.pid) for p in processes)
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        node.destroy_node()
    ages = {name: node.ages[name] for name in NAMES}
    every = [age for some in ages.values() for age in some]
    mean = statistics.fmean(every)
    return {
        'frames': len(every),
        'steady': (spent - loading) / len(every),
        'whole': spent / len(every),
        'loading': loading,
        'megabytes': memory / 1e6,
        'age': mean,
        'worst camera': max(statistics.fmean(some) for some in ages.values()) / mean,
        'fewest': min(len(some) for some in ages.values()) / (len(every) / len(NAMES)),
    }


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else '')
    parser.add_argument('--rate', type=float, default=5.0, help='Hz of each camera')
    parser.add_argument('--seconds', type=float, default=20.0)
    parser.add_argument('--rounds', type=int, default=2)
    parser.add_argument('--model', default='builtin')
    parser.add_argument('--width', type=int, default=640)
    parser.add_argument('--height', type=int, default=480)
    arguments = parser.parse_args()
    os.environ['ROS_DOMAIN_ID'] = str(random.randint(1, 100))
    environment = ros_environment()
    os.environ |= {k: v for k, v in environment.items() if k.endswith('PROFILES_FILE')}
    rclpy.init()
    found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for _ in range(arguments.rounds):
        for together in (True, False):
            found[together].append(measure(together, arguments))
    rclpy.try_shutdown()
    middle = {
        together: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for together, runs in found.items()
    }
    one, four = middle[True], middle[False]
    for name, run in (('one process', one), ('four processes', four)):
        print(
            f'{name}: {run["frames"]:.0f} frames, {1e3 * run["steady"]:.1f} ms of a processor '
            f'each ({1e3 * run["whole"]:.1f} with loading), loading {run["loading"]:.1f} s, '
            f'{run["megabytes"]:.0f} MB, age {1e3 * run["age"]:.0f} ms, worst camera '
            f'{run["worst camera"]:.2f} times that, fewest frames {run["fewest"]:.2f} of the mean'
        )
    for key, title, bar in (
        ('steady', 'processor time, once all publish', 0.6),
        ('whole', 'processor time, with loading', 0.6),
        ('megabytes', 'memory', 0.35),
    ):
        print(ratio_line(f'{title}, one / four', one[key] / four[key], bar, at_most=True))
    print(ratio_line('age of the worst camera / mean', one['worst camera'], 2, at_most=True))


if __name__ == '__main__':
    main()
