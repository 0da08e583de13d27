# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From start to end: life cycle, models that do not load, frames that fail, clocks that jump."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import RELIABLE, CameraSide, Graph, Listener, header, new_stamp
from node_scene import DISTANCE, NORMAL, encoded, plane_depth
from rosgraph_msgs.msg import Clock

from depth_ros.files.share import ros_environment
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

MONO, STEREO = 'depth_ros.nodes.mono_depth', 'depth_ros.nodes.stereo_depth'
NORMALS = dict(zip(('normal_x', 'normal_y', 'normal_z'), NORMAL))
PLANE = {'model': 'plane', 'distance': DISTANCE, **NORMALS}
CAMERA = Camera.pinhole(64, 48, 50.0)
IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


def send(side, stamp=None, camera=CAMERA, image=IMAGE):
    side.wait()
    stamp = new_stamp() if stamp is None else stamp
    head = header(stamp)
    side.send(encoded('rgb8', image, head), camera_to_camera_info(camera, head))
    return stamp


@pytest.fixture
def fresh():
    """A graph of its own: what these tests do to a node must not meet another."""
    graph = Graph()
    yield graph
    graph.close()


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
@pytest.mark.parametrize('module', [MONO, STEREO])
def test_ends_cleanly(fresh, module, how):
    process = fresh.start(module, {'model': 'plane'} if module == MONO else {})
    fresh.spin_until(lambda: process.said('loaded in'), 'the model')
    assert process.stop(how) == 0
    assert 'Traceback' not in process.log


def test_an_end_while_the_model_is_being_loaded_is_no_error(fresh):
    pytest.importorskip('torch')  # takes a second or more to import
    process = fresh.start(MONO, {'model': 'builtin'})
    fresh.spin_until(lambda: process.said('libraries'), 'the node')
    assert process.stop(signal.SIGINT) == 0
    for word in ('Traceback', 'ERROR', 'cannot be loaded', 'Failed'):
        assert word not in process.log


@pytest.mark.parametrize('line', range(1, 7))
@pytest.mark.parametrize('how', ['SIGINT', 'SIGTERM'])
def test_ends_cleanly_at_any_line(how, line):
    """A signal while the node is still being made leaves no traceback either."""
    script = Path(__file__).with_name('ended_process.py')
    settings = ros_environment(PYTHONPATH=os.pathsep.join(sys.path))
    command = [sys.executable, str(script), how, str(line)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert 'Traceback' not in done.stderr
    assert done.stdout.startswith('ended at ')
    assert ('executor.spin()' in done.stdout) == (line == 6)


def cpu_seconds(process):
    with open(f'/proc/{process.process.pid}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


@pytest.mark.skipif(not os.path.exists('/proc/self/stat'), reason='reads /proc')
def test_ends_with_a_model_in_flight(fresh):
    """A frame that takes many seconds does not hold up the end."""
    process = fresh.start(STEREO, {'disparity_range': 1024, 'sgbm_mode': 0})
    listener = Listener(fresh, 'stereo_depth', 'disparity')
    size = (2600, 2000)
    left = Camera.pinhole(*size, 1000.0)
    right = Camera.pinhole(*size, 1000.0, baseline=0.1)
    eyes = [
        CameraSide(fresh, f'{s}/image', f'{s}/camera_info', RELIABLE) for s in ('left', 'right')
    ]
    image = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    for eye in eyes:
        eye.wait()
    before = cpu_seconds(process)
    head = header(new_stamp())
    for eye, camera in zip(eyes, (left, right)):
        eye.send(encoded('mono8', image, head), camera_to_camera_info(camera, head))
    fresh.spin_until(lambda: cpu_seconds(process) > before + 1.0, 'the model at work')
    assert process.stop(signal.SIGINT, timeout=5) == 0
    assert process.said('exiting without it')
    assert not listener.order['disparity']


def test_a_model_that_does_not_exist_can_be_replaced(fresh):
    process = fresh.start(MONO, {**PLANE, 'model': 'plain'})
    fresh.spin_until(lambda: process.said('not known'), 'the sentence')
    assert process.said("model 'plain' is not known: expected .*did you mean plane")
    assert fresh.state('mono_depth') == 'unconfigured'
    fresh.spin_for(1.5)  # the first report has been
    assert process.log.count('not known') == 1
    assert not fresh.transition('mono_depth', 'configure')
    assert fresh.set_parameter('mono_depth', 'model', 'plane') == (True, '')
    # its options are there at once, with the values that were given at start
    assert fresh.parameter('mono_depth', 'distance') == DISTANCE
    assert fresh.transition('mono_depth', 'configure')
    assert fresh.transition('mono_depth', 'activate')
    listener, side = Listener(fresh, 'mono_depth', 'depth/image'), CameraSide(fresh)
    (message,) = listener.wait(send(side), 'depth/image')
    np.testing.assert_allclose(image_to_depth(message), plane_depth(CAMERA), rtol=1e-4)


def test_fallback_is_used_and_said(fresh, tmp_path):
    folder = tmp_path / 'empty'
    folder.mkdir()
    of_its_own = {f'fallback.{k}': v for k, v in PLANE.items() if k not in ('model', 'autostart')}
    process = fresh.start(MONO, {**of_its_own, 'model': str(folder), 'fallback': 'plane'})
    listener, side = Listener(fresh, 'mono_depth', 'depth/image'), CameraSide(fresh)
    (message,) = listener.wait(send(side), 'depth/image')
    np.testing.assert_allclose(image_to_depth(message), plane_depth(CAMERA), rtol=1e-4)
    fresh.spin_until(lambda: process.said("'plane' is used instead of"), 'the sentence')


def test_the_options_of_a_fallback_are_its_own(fresh, tmp_path):
    """The floor takes 1 m where the model of another default takes its own."""
    process = fresh.start(MONO, {'model': 'builtin', 'device': 'cuda:99', 'fallback': 'floor'})
    fresh.spin_until(lambda: process.said("'floor' is used instead of 'builtin'"), 'the sentence')
    assert fresh.parameter('mono_depth', 'fallback.camera_height') == 1.0
    assert fresh.state('mono_depth') == 'active'


def test_where_the_fallback_fails_too_both_reasons_are_given(fresh, tmp_path):
    process = fresh.start(MONO, {'model': str(tmp_path), 'fallback': 'nosuch'})
    fresh.spin_until(lambda: process.said(f'{tmp_path.name}.*nosuch'), 'both reasons')
    assert fresh.state('mono_depth') == 'unconfigured'


def test_a_folder_without_weights_leaves_the_node_up(fresh, tmp_path):
    process = fresh.start(MONO, {'model': str(tmp_path)})
    fresh.spin_until(lambda: process.said(r'\[ERROR\].*' + tmp_path.name), 'the sentence')
    assert fresh.state('mono_depth') == 'unconfigured'
    assert process.stop() == 0


def test_life_cycle_by_hand(fresh):
    process = fresh.start(MONO, {**PLANE, 'autostart': False})
    listener, side = Listener(fresh, 'mono_depth', 'depth/image'), CameraSide(fresh)
    assert fresh.state('mono_depth') == 'unconfigured'
    assert not fresh.transition('mono_depth', 'activate')  # not yet possible, and it lives
    for _ in range(3):
        assert fresh.transition('mono_depth', 'configure')
        assert fresh.state('mono_depth') == 'inactive'
        assert side.images.get_subscription_count() == 0
        assert fresh.transition('mono_depth', 'activate')
        listener.wait(send(side), 'depth/image')
        assert fresh.transition('mono_depth', 'deactivate')
        fresh.spin_until(lambda: side.images.get_subscription_count() == 0, 'no subscription')
        assert fresh.transition('mono_depth', 'cleanup')
    assert fresh.transition('mono_depth', 'unconfigured_shutdown')
    assert fresh.state('mono_depth') == 'finalized'
    assert process.stop() == 0


def test_a_failing_frame_costs_only_itself(fresh):
    """OpenCV refuses an image narrower than the search; the next one is worked on."""
    process = fresh.start(STEREO, {'disparity_range': 64})
    listener = Listener(fresh, 'stereo_depth', 'disparity')
    eyes = [CameraSide(fresh, f'{s}/image', f'{s}/camera_info') for s in ('left', 'right')]
    for width in (8, 128, 8, 128):
        stamp = new_stamp()
        cameras = (
            Camera.pinhole(width, 48, 50.0),
            Camera.pinhole(width, 48, 50.0, baseline=0.1),
        )
        image = np.random.default_rng(0).integers(0, 255, (48, width, 3), np.uint8)
        since = len(process.lines)
        for eye, camera in zip(eyes, cameras):
            send(eye, stamp, camera, image)
        if width == 128:
            listener.wait(stamp, 'disparity')
        elif not since:
            fresh.spin_until(lambda s=since: process.said(r'\[ERROR\]', s), 'the sentence')
    assert len(listener.order['disparity']) == 2
    assert process.alive


def test_relative_depth_is_never_sold_as_metres(fresh):
    process = fresh.start(MONO, {'model': 'inverse_plane', 'distance': DISTANCE, **NORMALS})
    topics = ('depth/image', 'points', 'relative')
    listener, side = Listener(fresh, 'mono_depth', *topics), CameraSide(fresh)
    stamp = send(side)
    (relative,) = listener.wait(stamp, 'relative')
    values = image_to_depth(relative)
    a, b = 7.5, 0.25  # what the model does to inverse depth
    np.testing.assert_allclose(values, a / plane_depth(CAMERA) + b, rtol=1e-4)
    fresh.spin_until(lambda: process.said('set scale and shift'), 'the sentence')
    assert not listener.order['depth/image']
    assert not listener.order['points']
    assert fresh.set_parameter('mono_depth', 'shift', -b / a) == (True, '')
    assert fresh.set_parameter('mono_depth', 'scale', 1 / a) == (True, '')
    (depth,) = listener.wait(send(side), 'depth/image')
    np.testing.assert_allclose(image_to_depth(depth), plane_depth(CAMERA), rtol=1e-4)
    assert len(listener.order['relative']) == 1


def test_images_that_are_too_old_are_dropped_and_counted(fresh):
    process = fresh.start(MONO, {**PLANE, 'max_age': 5.0})
    listener, side = Listener(fresh, 'mono_depth', 'depth/image'), CameraSide(fresh)
    listener.wait(send(side), 'depth/image')
    old = send(side, time.time_ns() - 20_000_000_000)
    fresh.spin_until(lambda: process.said('max_age is 5 s; raise'), 'the sentence')
    listener.wait(send(side), 'depth/image')
    assert old not in listener.received['depth/image']


def test_stamps_of_the_future_are_named(fresh):
    process = fresh.start(MONO, PLANE)
    listener, side = Listener(fresh, 'mono_depth', 'depth/image'), CameraSide(fresh)
    listener.wait(send(side, time.time_ns() + 60_000_000_000), 'depth/image')
    fresh.spin_until(lambda: process.said('in the future; synchronise'), 'the sentence')


def test_simulated_time_that_jumps_back(fresh):
    """A bag that loops: everything starts afresh and goes on."""
    process = fresh.start(MONO, {**PLANE, 'use_sim_time': True, 'max_age': 1.0})
    listener, side = Listener(fresh, 'mono_depth', 'depth/image'), CameraSide(fresh)
    clock = fresh.node.create_publisher(Clock, '/clock', 10)
    fresh.spin_until(lambda: clock.get_subscription_count() == 1, 'the clock')
    fresh.spin_until(lambda: process.said('nothing comes on /clock'), 'the sentence')

    def at(seconds):
        tick = Clock()
        tick.clock.sec, tick.clock.nanosec = int(seconds), int(seconds % 1 * 1e9)
        clock.publish(tick)
        stamp = int(seconds * 1e9)
        # The tick and the image travel apart: an image before its tick is only younger.
        listener.received['depth/image'].pop(stamp, None)
        listener.wait(send(side, stamp), 'depth/image')

    for seconds in (100.0, 100.5, 101.0):
        at(seconds)
    tick = Clock()
    tick.clock.sec = 50
    clock.publish(tick)
    fresh.spin_until(lambda: process.said('the clock jumped: starting afresh'), 'the sentence')
    for seconds in (50.0, 50.5, 100.0):
        at(seconds)


def test_newest_image_wins(fresh):
    """A burst to a slow model: most are dropped, the last is worked on."""
    process = fresh.start(STEREO, {'disparity_range': 256, 'sgbm_mode': 1})
    listener = Listener(fresh, 'stereo_depth', 'disparity')
    cameras = [Camera.pinhole(640, 480, 500.0, baseline=b) for b in (0.0, 0.1)]
    eyes = [CameraSide(fresh, f'{s}/image', f'{s}/camera_info') for s in ('left', 'right')]
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    stamps = [new_stamp() + i * 1_000_000 for i in range(12)]
    for stamp in stamps:
        for eye, camera in zip(eyes, cameras):
            send(eye, stamp, camera, image)
        fresh.spin_for(0.01)
    listener.wait(stamps[-1], 'disparity')
    assert listener.order['disparity'] == sorted(listener.order['disparity'])
    assert len(listener.order['disparity']) < len(stamps)
    assert process.alive
