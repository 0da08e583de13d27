# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth that comes late, and a machine without processors to spare, on real graphs."""

import os
import subprocess
import sys
import time

import pytest

pytest.importorskip('rclpy')

from scene import CAMERA, DEPTH_NODE, RELIABLE, Diagnosis, header
from sensor_msgs.msg import CameraInfo

from depth_ros.messages.camera_info import camera_to_camera_info

pytestmark = pytest.mark.ros


def test_depth_that_is_old_when_it_is_published_is_named():
    def slow(robot):
        node = robot.node('slow_depth', **DEPTH_NODE)
        robot.camera('front', node=node)
        output = node.create_publisher(CameraInfo, '/slow_depth/depth/camera_info', RELIABLE)

        def send():
            stamp = time.time_ns() - 3_000_000_000
            output.publish(camera_to_camera_info(CAMERA, header(stamp)))

        robot.every(send)

    diagnosis = Diagnosis(slow)
    diagnosis.expect('age', 'depth of /slow_depth is 3', 's of them since its image arrived')
    assert diagnosis.seen.cameras[0].image == '/front/image'


@pytest.mark.skipif(not os.path.exists('/proc/pressure/cpu'), reason='needs /proc/pressure')
def test_a_machine_without_spare_processors_is_named():
    cores = len(os.sched_getaffinity(0))
    busy = [
        subprocess.Popen(
            [sys.executable, '-c', 'while True: pass'], preexec_fn=lambda: os.nice(19)
        )
        for _ in range(3 * cores)
    ]
    try:
        diagnosis = Diagnosis(lambda robot: robot.camera('front'))
    finally:
        for process in busy:
            process.kill()
        for process in busy:
            process.wait()
    diagnosis.expect('processor', f'threads share {cores} processors', 'stop other programs')
    assert diagnosis.seen.machine.runnable >= 2 * cores
