# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From the start of a node to its first depth image, and the memory that it then holds.

    python bench/start.py [--model builtin] [--stereo] [--rounds 5] [--cold] [--against FOLDER]

A camera is there before the node. `--against` takes turns with another checkout. Each start is
warm: the files are in the page cache after the first round, which is not counted. With `--cold`
(as root) the page cache is dropped before each start, but for what this process itself has mapped.
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

from bench.memory import resident_bytes
from depth_ros.files.share import ros_environment

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 640, 480


def measure(root: Path, arguments: argparse.Namespace, domain: int) -> tuple[float, float]:
    """Return the seconds to the first depth image and the megabytes of the node after it."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Header

    from depth_ros.messages.camera_info import camera_to_camera_info
    from depth_ros.messages.image import array_to_image
    from depth_ros.types import Camera

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node('camera', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    kind = 'stereo_depth' if arguments.stereo else 'mono_depth'
    received: list[Image] = []
    node.create_subscription(Image, f'/{kind}/depth/image', received.append, 5)
    wide = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH + 16, 3), np.uint8)
    eyes = []
    for index, prefix in enumerate(('left/', 'right/') if arguments.stereo else ('',)):
        eyes.append(
            (
                np.ascontiguousarray(wide[:, 8 * index :][:, :WIDTH]),
                Camera.pinhole(WIDTH, HEIGHT, 500.0, baseline=0.1 * index),
                node.create_publisher(Image, f'{prefix}image', qos_profile_sensor_data),
                node.create_publisher(CameraInfo, f'{prefix}camera_info', qos_profile_sensor_data),
            )
        )
    model = arguments.model or ('sgbm' if arguments.stereo else 'builtin')
    command = [sys.executable, '-m', f'depth_ros.nodes.{kind}', '--ros-args']
    if arguments.cold:
        os.sync()
        Path('/proc/sys/vm/drop_caches').write_text('3', 'ascii')
    start = time.monotonic()
    process = subprocess.Popen(
        [*command, '-p', f'model:={model}'],
        env=ros_environment(PYTHONPATH=str(root), ROS_DOMAIN_ID=str(domain)),
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        due = start
        while not received and time.monotonic() < start + 120 and process.poll() is None:
            if time.monotonic() >= due:
                due += 0.1
                header = Header(stamp=node.get_clock().now().to_msg(), frame_id='camera')
                for image, camera, images, infos in eyes:
                    infos.publish(camera_to_camera_info(camera, header))
                    images.publish(array_to_image(image, 'bgr8', header))
            executor.spin_once(timeout_sec=0.01)
        seconds = time.monotonic() - start if received else float('nan')
        return seconds, resident_bytes(process.pid) / 1e6
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown(context=context)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else '')
    parser.add_argument('--model', default='')
    parser.add_argument('--stereo', action='store_true')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--cold', action='store_true', help='drop the page cache; needs root')
    parser.add_argument('--against', type=Path, help='another checkout of this repository')
    arguments = parser.parse_args()
    os.environ.update(ros_environment())
    roots = [ROOT] + ([arguments.against.resolve()] if arguments.against else [])
    found: dict[Path, list[tuple[float, float]]] = {root: [] for root in roots}
    for number in range(arguments.rounds + 1):
        for root in roots:
            figures = measure(root, arguments, random.randint(102, 230))
            if number:
                found[root].append(figures)
    for root, rows in found.items():
        seconds, memory = (statistics.median(column) for column in zip(*rows))
        print(f'{root}: {seconds:.2f} s to the first depth, then {memory:.0f} MB', flush=True)


if __name__ == '__main__':
    main()
