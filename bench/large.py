# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Memory and time of a 4K and an 8K frame, by image_decimation: message to depth and cloud.

    python bench/large.py

Each row is a process of its own with the analytic plane, so the figures are those around a model.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.memory import forget_peak, peak_bytes

SIZES = {'4K': (3840, 2160), '8K': (7680, 4320)}


def work(name: str, kind: str, decimation: int, frames: int) -> None:
    """Print megabytes above the message and the process, and milliseconds per frame."""
    from std_msgs.msg import Header

    from depth_ros.messages.camera_info import camera_to_camera_info
    from depth_ros.messages.cloud import CloudBuilder
    from depth_ros.models.registry import create_model
    from depth_ros.pipeline import Pipeline
    from depth_ros.shots import Resolver
    from depth_ros.types import Camera, View

    width, height = SIZES[name]
    info = camera_to_camera_info(Camera.pinhole(width, height, 0.8 * width), Header())
    if kind in ('jpeg', 'png'):
        small = np.random.default_rng(0).integers(0, 255, (height // 40, width // 40, 3), np.uint8)
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        msg = SimpleNamespace(format=kind, data=cv2.imencode(f'.{kind}', image)[1].tobytes())
        del image
    else:
        msg = SimpleNamespace(
            encoding='bgr8', width=width, height=height, step=3 * width, is_bigendian=0,
            data=np.zeros(3 * width * height, np.uint8),
        )  # fmt: skip
    resolve, pipeline, cloud = Resolver(), Pipeline(create_model('plane', {})), CloudBuilder()
    before = forget_peak()  # the largest so far may be that of the preparation
    spent = []
    for _ in range(frames):
        start = time.perf_counter()
        frame = pipeline([View(*resolve(msg, info, decimation))])
        assert frame.depth is not None
        cloud(frame.depth, frame.camera, Header(), frame.image)
        spent.append(time.perf_counter() - start)
    print(f'{(peak_bytes() - before) / 1e6:.0f} {1e3 * statistics.median(spent):.0f}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else '')
    parser.add_argument('--frames', type=int, default=5)
    parser.add_argument('--work', nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        name, kind, decimation = arguments.work
        work(name, kind, int(decimation), arguments.frames)
        return
    print('| image | decimation | MB | ms per frame |\n|---|---|---|---|')
    for name in SIZES:
        for kind in ('jpeg', 'png', 'bgr8'):
            for decimation in (1, 2, 4, 8):
                command = [sys.executable, __file__, '--frames', str(arguments.frames)]
                command += ['--work', name, kind, str(decimation)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                memory, spent = done.stdout.split()
                print(f'| {name} {kind} | {decimation} | {memory} | {spent} |', flush=True)


if __name__ == '__main__':
    main()
