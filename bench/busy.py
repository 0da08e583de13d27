# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Rate and age of a node beside other processes: camera, node, consumer and load are processes.

    python bench/busy.py [--model builtin] [--stereo] [--busy 0 1 2] [--nodes 1] [--rate 30]

The consumer counts the clouds of every node and how old each is when it arrives. `alone` is the
run without load; the shares are of its rate.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from depth_ros.files.share import ros_environment

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 640, 480
LOAD = 'import numpy as np\na = np.ones(4096)\nwhile True: a = a * 1.0000001'


def camera(rate: float, stereo: bool) -> None:
    """Publish a moving image with its calibration, as a driver does, until stopped."""
    import rclpy
    from rclpy.node import Node
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Header

    from depth_ros.messages.camera_info import camera_to_camera_info
    from depth_ros.messages.image import array_to_image
    from depth_ros.types import Camera

    rclpy.init()
    node = Node('camera')
    wide = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH + 64, 3), np.uint8)
    eyes = []
    for index, side in enumerate(('left', 'right') if stereo else ('',)):
        prefix = f'camera/{side}'.rstrip('/')
        eyes.append(
            (
                np.ascontiguousarray(wide[:, 16 * index :][:, :WIDTH]),
                Camera.pinhole(WIDTH, HEIGHT, 500.0, baseline=0.1 * index),
                node.create_publisher(Image, f'{prefix}/image', qos_profile_sensor_data),
                node.create_publisher(
                    CameraInfo, f'{prefix}/camera_info', qos_profile_sensor_data
                ),
            )
        )

    def tick() -> None:
        header = Header(stamp=node.get_clock().now().to_msg(), frame_id='camera')
        for image, model, images, infos in eyes:
            infos.publish(camera_to_camera_info(model, header))
            images.publish(array_to_image(image, 'bgr8', header))

    node.create_timer(1 / rate, tick)
    rclpy.spin(node)


def consumer(nodes: int, seconds: float, warm: float) -> None:
    """Listen to the clouds of every node, and print one JSON line per node."""
    import rclpy
    from rclpy.node import Node
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import PointCloud2

    rclpy.init()
    node = Node('consumer')
    ages: dict[int, list[float]] = {number: [] for number in range(nodes)}

    def receive(number: int, cloud: Any) -> None:
        stamp = cloud.header.stamp.sec + 1e-9 * cloud.header.stamp.nanosec
        ages[number].append(node.get_clock().now().nanoseconds * 1e-9 - stamp)

    for number in ages:
        node.create_subscription(
            PointCloud2,
            f'depth_{number}/points',
            lambda cloud, number=number: receive(number, cloud),  # type: ignore[misc]
            QoSProfile(depth=5),
        )
    end = time.monotonic() + 60
    while time.monotonic() < end and not all(len(seen) > 3 for seen in ages.values()):
        rclpy.spin_once(node, timeout_sec=0.1)
    end = time.monotonic() + warm
    while time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.1)
    for seen in ages.values():
        seen.clear()
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        rclpy.spin_once(node, timeout_sec=0.1)
    elapsed = time.monotonic() - start
    for seen in ages.values():
        p50, p99 = np.percentile(seen, [50, 99]) * 1e3 if seen else (float('nan'), float('nan'))
        print(json.dumps({'hertz': len(seen) / elapsed, 'p50': p50, 'p99': p99}), flush=True)


def measure(arguments: argparse.Namespace, busy: int) -> list[dict[str, float]]:
    """Run everything with some busy processes beside it; return the figures of each node."""
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    environment = ros_environment(PYTHONPATH=path, ROS_DOMAIN_ID=str(random.randint(1, 101)))
    me = [sys.executable, str(Path(__file__).resolve())]
    sides = ('left/', 'right/') if arguments.stereo else ('',)
    remaps = [
        item
        for side in sides
        for topic in ('image', 'camera_info')
        for item in ('-r', f'{side}{topic}:=camera/{side}{topic}')
    ]
    kind = 'stereo_depth' if arguments.stereo else 'mono_depth'
    model = arguments.model or ('sgbm' if arguments.stereo else 'builtin')
    quiet: dict[str, Any] = {'env': environment, 'stdout': subprocess.DEVNULL}
    if not arguments.verbose:
        quiet['stderr'] = subprocess.DEVNULL
    processes = [
        subprocess.Popen([sys.executable, '-c', LOAD], env=environment) for _ in range(busy)
    ]
    try:
        eyes = ['--stereo'] if arguments.stereo else []
        rate = ['--rate', str(arguments.rate)]
        processes.append(subprocess.Popen([*me, '--role', 'camera', *rate, *eyes], **quiet))
        for number in range(arguments.nodes):
            options = ['-p', f'model:={model}', '-r', f'__node:=depth_{number}']
            options += [item for p in arguments.parameter for item in ('-p', p)]
            command = [sys.executable, '-m', f'depth_ros.nodes.{kind}', '--ros-args']
            processes.append(subprocess.Popen([*command, *options, *remaps], **quiet))
        listen = [*me, '--role', 'consumer', '--nodes', str(arguments.nodes)]
        listen += ['--seconds', str(arguments.seconds)]
        done = subprocess.run(
            listen,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200 + arguments.seconds,
        )
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else '')
    parser.add_argument('--model', default='')
    parser.add_argument('--stereo', action='store_true')
    parser.add_argument('--busy', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--nodes', type=int, default=1)
    parser.add_argument('--rate', type=float, default=30.0)
    parser.add_argument('--seconds', type=float, default=15.0)
    parser.add_argument('--parameter', action='append', default=[], help='NAME:=VALUE')
    parser.add_argument('--verbose', action='store_true', help='show what the nodes log')
    parser.add_argument('--role', choices=('camera', 'consumer'), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role == 'camera':
        try:
            camera(arguments.rate, arguments.stereo)
        except KeyboardInterrupt:
            pass
        return
    if arguments.role == 'consumer':
        consumer(arguments.nodes, arguments.seconds, warm=3.0)
        return
    alone = 0.0
    for busy in arguments.busy:
        figures = measure(arguments, busy)
        hertz = sum(f['hertz'] for f in figures) / max(len(figures), 1)
        alone = alone or hertz
        p50, p99 = (max((f[k] for f in figures), default=float('nan')) for k in ('p50', 'p99'))
        print(
            f'{busy} busy: {hertz:.1f} Hz per node ({hertz / alone:.2f} of the first row), '
            f'age p50 {p50:.0f} ms, p99 {p99:.0f} ms ({p99 / p50:.1f} times)',
            flush=True,
        )


if __name__ == '__main__':
    main()
