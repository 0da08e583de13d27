# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure a node with one model; run by `depth_ros bench --node`, prints one line of JSON."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from depth_ros.cli.bench_machine import cpu_seconds, peak_megabytes
from depth_ros.cli.bench_model import views_for
from depth_ros.cli.model_options import parse_options
from depth_ros.files.share import ros_environment
from depth_ros.models.registry import family_of
from depth_ros.types import DepthError

PATIENCE = 300.0  # seconds until the first depth
SETTLE = 3  # frames after the first that do not count


def measure(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of mono_depth or stereo_depth."""
    views = family_of(asked['model']).names.get(asked['model'])
    pair = views is not None and views.views == 2
    node = 'stereo_depth' if pair else 'mono_depth'
    parameters = [f'model:={asked["model"]}']
    for name, value in parse_options(asked['model'], asked['option']).items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        parameters.append(f'{name}:={text}')
    os.environ['ROS_DOMAIN_ID'] = str(random.SystemRandom().randint(1, 101))
    environment = ros_environment()
    os.environ |= {k: v for k, v in environment.items() if k.endswith('PROFILES_FILE')}
    command = [sys.executable, '-m', f'depth_ros.nodes.{node}', '--ros-args']
    command += [word for item in parameters for word in ('-p', item)]
    started = time.monotonic()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        return {'runs': node, **_played(process, started, node, pair, asked)}
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _played(
    process: subprocess.Popen[str],
    started: float,
    node: str,
    pair: bool,
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    import rclpy
    from rclpy.qos import QoSProfile, qos_profile_sensor_data
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Header

    from depth_ros.messages.camera_info import camera_to_camera_info
    from depth_ros.messages.image import array_to_image
    from depth_ros.shots import stamp_ns

    width, height = asked['size']
    views = views_for(2 if pair else 1, width, height)
    prefixes = ('left/', 'right/') if pair else ('',)
    rclpy.init()
    side = rclpy.create_node('bench')
    qos = qos_profile_sensor_data
    eyes = [
        [
            side.create_publisher(kind, f'{prefix}{name}', qos)
            for kind, name in ((Image, 'image'), (CameraInfo, 'camera_info'))
        ]
        for prefix in prefixes
    ]
    ages: list[float] = []

    def receive(message: Image) -> None:
        now = side.get_clock().now().nanoseconds
        ages.append((now - stamp_ns(message.header)) * 1e-9)

    side.create_subscription(Image, f'{node}/depth/image', receive, QoSProfile(depth=5))

    def play(seconds: float, done: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not done():
            if process.poll() is not None:
                lines = (process.stdout.read() if process.stdout else '').strip().splitlines()
                raise DepthError(f'{node} ended: {(lines or ["without a word"])[-1]}')
            header = Header(stamp=side.get_clock().now().to_msg(), frame_id='camera')
            for (images, infos), view in zip(eyes, views):
                infos.publish(camera_to_camera_info(view.camera, header))
                images.publish(array_to_image(view.image, 'rgb8', header))
            until = time.monotonic() + 1 / asked['rate']
            while (left := until - time.monotonic()) > 0:
                rclpy.spin_once(side, timeout_sec=left)

    try:
        play(PATIENCE, lambda: bool(ages))
        if not ages:
            raise DepthError(f'{node} published no depth within {PATIENCE:.0f} s')
        first = time.monotonic() - started
        count = len(ages) + SETTLE
        play(PATIENCE, lambda: len(ages) >= count)
        before, began = cpu_seconds(process.pid), time.monotonic()
        ages.clear()
        play(PATIENCE, lambda: len(ages) >= asked['frames'])
        spent, seconds = cpu_seconds(process.pid) - before, time.monotonic() - began
        if not ages:
            raise DepthError(f'{node} stopped publishing')
        return {
            'start_s': first,
            'median_ms': 1e3 * float(np.median(ages)),
            'p99_ms': 1e3 * float(np.percentile(ages, 99)),
            'fps': len(ages) / seconds,
            'cpu_ms': 1e3 * spent / len(ages),
            'peak_mb': peak_megabytes(process.pid),
        }
    finally:
        side.destroy_node()
        rclpy.try_shutdown()


def main() -> int:
    """Measure what the first argument asks for."""
    try:
        print(json.dumps(measure(json.loads(sys.argv[1]))))
    except (DepthError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
