# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros doctor` beside real nodes in processes of their own."""

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import REPOSITORY, CameraSide, header, new_stamp
from test_enable import switch
from test_transport import CAMERA, NO_PROFILE

from depth_ros.files.share import ros_environment
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.image import array_to_image
from depth_ros.types import Camera

pytestmark = pytest.mark.ros
MONO = 'depth_ros.nodes.mono_depth'
SMALL_MEMORY = 'mount -t tmpfs -o size=1m none /dev/shm'


def start_doctor(graph, *arguments, before=()):
    command = [*before, sys.executable, '-m', 'depth_ros', 'doctor', *arguments]
    environment = ros_environment(
        ROS_DOMAIN_ID=str(graph.domain), PYTHONPATH=str(REPOSITORY), OMP_NUM_THREADS='1'
    )
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def answer(graph, process):
    """Return the exit code and what was printed; the test's own node goes on meanwhile."""
    graph.spin_until(lambda: process.poll() is not None, 'the doctor', 60)
    out, err = process.communicate()
    assert 'Traceback' not in err, err
    assert out, err or f'nothing was printed, exit code {process.returncode}'
    return process.returncode, out


def texts(printed, code):
    return [f['text'] for f in json.loads(printed)['findings'] if f['code'] == code]


def test_a_node_that_could_not_be_configured_is_named_with_its_reason(graph):
    process = graph.start(MONO, {'model': 'no_such_model'}, remaps={'__ns': '/wrong'})
    graph.spin_until(lambda: process.said('no_such_model'), 'the refusal')
    code, printed = answer(graph, start_doctor(graph, '--json', '--seconds', '2'))
    process.stop()
    assert code == 1
    [text] = texts(printed, 'not_active')
    assert text.startswith('/wrong/mono_depth could not be configured: ')
    assert 'no_such_model' in text
    assert '`ros2 lifecycle set /wrong/mono_depth configure`' in text


def test_a_node_that_waits_for_its_manager_is_named(graph):
    process = graph.start(MONO, {'model': 'plane', 'autostart': False})
    graph.spin_until(lambda: process.said('libraries'), 'the node')
    code, printed = answer(graph, start_doctor(graph, '--seconds', '1'))
    process.stop()
    assert code == 1
    assert '/mono_depth is unconfigured' in printed
    assert 'could not be configured' not in printed
    assert '`ros2 lifecycle set /mono_depth configure`' in printed


def test_a_node_that_was_turned_off_is_named_with_the_call_that_turns_it_on(graph):
    process = graph.start(MONO, {'model': 'plane'}, remaps={'__ns': '/off'})
    switch(graph, '/off/mono_depth/enable', False)
    code, printed = answer(graph, start_doctor(graph, '--json', '--seconds', '2'))
    process.stop()
    assert code == 1
    [text] = texts(printed, 'turned_off')
    assert text.startswith('/off/mono_depth is turned off')
    assert 'ros2 service call /off/mono_depth/enable std_srvs/srv/SetBool "{data: true}"' in text


def test_what_a_node_states_is_passed_on(graph):
    """No check of the doctor knows encodings; the node does."""
    process = graph.start(MONO, {'model': 'plane'}, remaps={'__ns': '/odd'})
    camera = CameraSide(graph, '/odd/image', '/odd/camera_info')
    lens = Camera.pinhole(32, 24, 30.0)

    def send():
        head = header(new_stamp())
        image = array_to_image(np.zeros((24, 32), np.uint8), 'mono8', head)
        image.encoding = 'secret8'
        camera.send(image, camera_to_camera_info(lens, head))

    timer = graph.node.create_timer(0.1, send)
    code, printed = answer(graph, start_doctor(graph, '--json', '--seconds', '4'))
    graph.node.destroy_timer(timer)
    camera.close()
    process.stop()
    assert code == 1
    [text] = texts(printed, 'node_problem')
    assert text.startswith('/odd/mono_depth states: ')
    assert 'secret8' in text
    [seen] = json.loads(printed)['cameras']
    assert seen['image'] == '/odd/image'
    assert seen['node'] == '/odd/mono_depth'


@pytest.mark.parametrize('small', [False, True], ids=['default', 'small_shared_memory'])
def test_a_transport_that_loses_images_is_named(graph, small):
    before = []
    if small:
        before = ['unshare', '-m', 'sh', '-c', f'{SMALL_MEMORY} && exec "$@"', 'sh']
        allowed = shutil.which('unshare') and subprocess.run([*before, 'true'], check=False)
        if not allowed or allowed.returncode:
            pytest.skip('mounting is not allowed here')
    size = ('2048', '1536', '1000')  # more images than the test waits for
    camera = graph.start_script(CAMERA, *size, ns='/lossy', environment=NO_PROFILE)
    wanted = 'shared_memory' if small else 'transport'
    for _ in range(5):  # a camera that is short of processor time may not lose enough at once
        doctor = start_doctor(graph, '--json', '--seconds', '3', before=before)
        code, printed = answer(graph, doctor)
        if texts(printed, wanted):
            break
    camera.stop()
    assert code == 1
    memory = texts(printed, 'shared_memory')
    if not small:
        [text] = texts(printed, 'transport')
        assert 'the transport loses large best-effort messages' in text
    else:  # what is lost then depends on the release
        assert '/dev/shm has 1 MB' in memory[0]
        assert json.loads(printed)['findings'][0]['code'] == 'shared_memory'


def test_swapped_eyes_of_a_stereo_node_are_named(graph):
    process = graph.start('depth_ros.nodes.stereo_depth', {'model': 'sgbm'}, remaps={'__ns': '/s'})
    noise = np.random.default_rng(3).integers(0, 255, (60, 85), np.uint8)
    scene = cv2.resize(noise, (340, 240), interpolation=cv2.INTER_CUBIC)
    lenses = Camera.pinhole(320, 240, 300.0), Camera.pinhole(320, 240, 300.0, baseline=0.1)
    eyes = [CameraSide(graph, f'/s/{e}/image', f'/s/{e}/camera_info') for e in ('left', 'right')]

    def send():
        head = header(new_stamp())
        for eye, lens, start in zip(eyes, lenses, (12, 0)):  # the right one sees from farther left
            pixels = np.ascontiguousarray(scene[:, start : start + 320])
            image = array_to_image(pixels, 'mono8', head)
            eye.send(image, camera_to_camera_info(lens, head))

    timer = graph.node.create_timer(0.2, send)
    code, printed = answer(graph, start_doctor(graph, '--json', '--seconds', '2'))
    graph.node.destroy_timer(timer)
    for eye in eyes:
        eye.close()
    process.stop()
    assert code == 1
    [text] = texts(printed, 'swapped_images')
    assert text.startswith('/s/left/image and /s/right/image: ')
    cameras = json.loads(printed)['cameras']
    assert [(c['side'], c['node']) for c in cameras] == [
        ('left', '/s/stereo_depth'),
        ('right', '/s/stereo_depth'),
    ]
    assert not texts(printed, 'pair_stamps')


def test_a_wrong_duration_is_refused():
    from depth_ros.cli.main import main

    assert main(['doctor', '--seconds', '0']) == 2
