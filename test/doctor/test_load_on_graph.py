# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth that comes late, and a machine without processors to spare, on real graphs."""

import os
import re
import subprocess
import sys
import time

import pytest

pytest.importorskip('rclpy')

import yaml
from scene import CAMERA, DEPTH_NODE, RELIABLE, Diagnosis, Robot, header
from sensor_msgs.msg import CameraInfo

from depth_ros.cli.main import main
from depth_ros.doctor.rates import depth_rate
from depth_ros.doctor.seen import Seen
from depth_ros.files.calibration import write_camera
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.types import DepthError

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


def test_the_rate_of_navigation_files_is_measured_on_the_robot(tmp_path, monkeypatch, capsys):
    robot = Robot()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(robot.domain))
    camera = tmp_path / 'camera.yaml'
    write_camera(CAMERA, camera)
    arguments = ['--camera-info', str(camera), '--mount', '0.5', '--out', str(tmp_path / 'out')]
    node = robot.node('depth', **DEPTH_NODE)
    output = node.create_publisher(CameraInfo, '/depth/depth/camera_info', RELIABLE)

    def send():
        output.publish(camera_to_camera_info(CAMERA, header(time.time_ns())))

    robot.every(send, 0.3)
    robot.camera('front', node=node)
    robot.start()
    try:
        assert main(['nav2', *arguments, '--rate', 'measure']) == 0
    finally:
        robot.close()
    found = re.search(r'measured ([\d.]+) messages per second on (\S+)', capsys.readouterr().out)
    assert found[2] == '/depth/depth/camera_info'
    assert 0 < float(found[1]) < 4
    monitor = yaml.safe_load((tmp_path / 'out' / 'nav2_collision_monitor.yaml').read_text())
    timeout = monitor['collision_monitor']['ros__parameters']['source_timeout']
    assert timeout == pytest.approx(4 / float(found[1]), rel=0.02)


def test_without_a_depth_node_there_is_no_rate(tmp_path, capsys):
    with pytest.raises(DepthError, match='no depth node publishes in domain 0'):
        depth_rate(Seen())
    write_camera(CAMERA, tmp_path / 'camera.yaml')
    arguments = ['--camera-info', str(tmp_path / 'camera.yaml'), '--mount', '1']
    assert main(['nav2', *arguments, '--rate', 'often']) == 2
    assert "--rate is 'often', expected clouds per second or `measure`" in capsys.readouterr().err
