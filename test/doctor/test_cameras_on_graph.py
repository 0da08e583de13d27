# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Calibrations, pairs and stamps that are wrong, on real graphs."""

import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

import cv2
from scene import CAMERA, DEPTH_NODE, RELIABLE, Diagnosis
from sensor_msgs.msg import CameraInfo, Image

from depth_ros.types import Camera

pytestmark = pytest.mark.ros

RIGHT = Camera.pinhole(64, 48, 60.0, baseline=0.1)
LATE = 40_000_000  # ns


def textured(width, height):
    noise = np.random.default_rng(3).integers(0, 255, (height // 4, width // 4), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def calibrations(robot):
    def no_focal(info):
        info.k, info.p = np.zeros(9), np.zeros(12)

    def larger(info):
        info.width, info.height = 640, 480

    robot.camera('uncalibrated', change=no_focal)
    robot.camera('resized', change=larger)
    robot.camera('unnamed', frame='', info_frame='')
    robot.camera('two_frames', frame='optical', info_frame='camera_link')
    robot.camera('two_stamps', info_clock=lambda: time.time_ns() + LATE)


def pair(robot, name, first=CAMERA, second=RIGHT, images=None, **second_side):
    left, right = images or (None, None)
    given = {} if left is None else {'pixels': left}
    robot.camera(f'{name}/left', first, qos=RELIABLE, **given)
    given = {} if right is None else {'pixels': right}
    robot.camera(f'{name}/right', second, qos=RELIABLE, **given, **second_side)


def pairs(robot):
    def other_sign(info):
        info.p[3] = -info.p[3]

    pair(robot, 'mono', second=CAMERA)
    pair(robot, 'sign', change=other_sign)
    pair(robot, 'topics', RIGHT, CAMERA)
    scene = textured(340, 240)
    cameras = Camera.pinhole(320, 240, 300.0), Camera.pinhole(320, 240, 300.0, baseline=0.1)
    near, far = scene[:, 12:332], scene[:, :320]  # the right camera sees things farther left
    pair(robot, 'good', *cameras, (np.ascontiguousarray(far), np.ascontiguousarray(near)))
    pair(robot, 'images', *cameras, (np.ascontiguousarray(near), np.ascontiguousarray(far)))
    higher = np.ascontiguousarray(np.roll(near, 6, axis=0))
    pair(robot, 'rows', *cameras, (np.ascontiguousarray(far), higher))
    pair(robot, 'free', clock=lambda: time.time_ns() + LATE)
    node = robot.node(
        'loose', **DEPTH_NODE, approximate_sync=True, approximate_sync_tolerance_seconds=0.001
    )
    for side, camera in (('left', CAMERA), ('right', RIGHT)):
        late = LATE if side == 'right' else 0
        robot.camera(
            f'loose/{side}', camera, node=node, clock=lambda late=late: time.time_ns() + late
        )


def times(robot):
    robot.camera('zero', clock=lambda: 0)
    robot.camera('slow', clock=lambda: time.time_ns() - 3_000_000_000)
    robot.camera('bag', clock=lambda: time.time_ns() - 10**17)
    robot.camera('ahead', clock=lambda: time.time_ns() + 2_000_000_000)
    count = iter(range(10**9))
    robot.camera('loop', clock=lambda: time.time_ns() - (next(count) % 2) * 900_000_000)
    robot.node('waits_for_clock', use_sim_time=True)


CASES = [
    (calibrations, 'calibration', ('/uncalibrated/camera_info', 'K[0] = 0', 'not calibrated')),
    (calibrations, 'calibration', ('image is 64x48 but camera_info describes 640x480',)),
    (calibrations, 'no_frame', ('/unnamed/image has an empty frame_id',)),
    (calibrations, 'frame_differs', ("/two_frames/image is in frame 'optical'", "'camera_link'")),
    (
        calibrations,
        'info_stamps',
        ('/two_stamps/camera_info has the stamp of an image', 'ms apart'),
    ),
    (pairs, 'no_baseline', ('/mono/right/camera_info', 'the baseline is 0')),
    (pairs, 'negative_baseline', ('/sign/right/camera_info is -0.1 m',)),
    (pairs, 'swapped_topics', ('/topics/left/camera_info has P[3] = -6', 'exchange the remaps')),
    (pairs, 'swapped_images', ('/images/left/image and /images/right/image', 'are swapped')),
    (pairs, 'rows', ('/rows/left/image', 'not rectified')),
    (pairs, 'pair_stamps', ('/free/left/image', 'tolerance is 0 ms', 'set approximate_sync')),
    (pairs, 'pair_stamps', ('/loose/left/image', 'tolerance is 1 ms', 'raise approximate_sync_')),
    (times, 'zero_stamps', ('every stamp of /zero/image is 0',)),
    (times, 'old_stamps', ('/slow/image are 3 s old when they arrive',)),
    (times, 'old_stamps', ('/bag/image are 1e+08 s old and nothing comes on /clock',)),
    (times, 'future_stamps', ('/ahead/image lie 2 s in the future',)),
    (times, 'backward_stamps', ('/loop/image go backwards again and again',)),
    (times, 'no_clock', ('/waits_for_clock has use_sim_time and nothing comes on /clock',)),
]


@pytest.fixture(scope='module')
def diagnoses():
    return {}


@pytest.mark.parametrize(('build', 'code', 'parts'), CASES)
def test_a_fault_has_its_sentence(diagnoses, build, code, parts):
    if build not in diagnoses:
        diagnoses[build] = Diagnosis(build, 2.0)
    diagnoses[build].expect(code, *parts)


def test_a_sound_pair_is_not_blamed(diagnoses):
    if pairs not in diagnoses:
        diagnoses[pairs] = Diagnosis(pairs, 2.0)
    blamed = [f for f in diagnoses[pairs].findings if '/good/' in f.text]
    assert {f.code for f in blamed} <= {'pair_stamps'}


def test_simulated_time_must_be_used_by_all():
    def simulated(robot):
        from rosgraph_msgs.msg import Clock

        publisher = robot.driver.create_publisher(Clock, '/clock', 10)
        start = time.time_ns()

        def now():
            return 1_000_000_000_000 + time.time_ns() - start

        def tick():
            clock = Clock()
            clock.clock.sec, clock.clock.nanosec = divmod(now(), 1_000_000_000)
            publisher.publish(clock)

        robot.every(tick, 0.02)
        node = robot.node('wall_depth', **DEPTH_NODE, use_sim_time=False)
        robot.camera('recorded', clock=now, node=node)
        robot.node('simulated', use_sim_time=True)
        robot.node('forgotten', use_sim_time=False)
        robot.camera('live', clock=time.time_ns)
        robot.read('recorded/image', Image)
        robot.read('recorded/camera_info', CameraInfo)

    diagnosis = Diagnosis(simulated)
    diagnosis.expect('sim_time_off', '/clock runs and /wall_depth has use_sim_time false')
    diagnosis.expect('sim_time_mixed', '/forgotten', '/simulated has it true')
    diagnosis.expect('old_stamps', '/live/image are those of the machine while /clock runs')
    assert not [text for text in diagnosis.texts('old_stamps') if '/recorded' in text]
    assert 'no_clock' not in diagnosis.codes()
