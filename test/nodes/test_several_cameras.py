# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Several cameras on one node: each has its own numbers, and none disturbs the others."""

import itertools

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import CameraSide, Graph, Listener, header, new_stamp
from node_scene import encoded
from test_diagnostics import Diagnostics

from depth_ros.geometry.planes import plane_depth
from depth_ros.messages.camera_info import camera_info_to_camera, camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera, Ground

pytestmark = pytest.mark.ros

MODULE = 'depth_ros.nodes.mono_depth'
HEIGHT, PITCH = 0.6, 0.4
CAMERAS = {
    'front': Camera.pinhole(96, 64, 80.0),
    'left': Camera.pinhole(64, 48, 60.0),
    'rear': Camera.pinhole(80, 64, 70.0),
}
# The mount of `left` is its own, and so are the range of `rear` and its clouds.
PARAMETERS = {
    'cameras': 'front, left, rear',
    'model': 'floor',
    'camera_height': HEIGHT,
    'camera_pitch': PITCH,
    'left.mount_height': 1.5,
    'left.mount_pitch': 0.5,
    'rear.max_depth': 2.0,
}
GROUNDS = {
    'front': Ground.below_mount(HEIGHT, PITCH),
    'left': Ground.below_mount(1.5, 0.5),
    'rear': Ground.below_mount(HEIGHT, PITCH),
}


class Side:
    """A camera of this process, and what its outputs bring."""

    def __init__(self, graph, name, *topics):
        self.name, self.camera = name, CAMERAS[name]
        self.publisher = CameraSide(graph, f'{name}/image', f'{name}/camera_info')
        self.listener = Listener(graph, f'mono_depth/{name}', *topics)
        self.image = np.full((self.camera.height, self.camera.width, 3), 90, np.uint8)

    def send(self, info=True, camera=None):
        self.publisher.wait()
        stamp = new_stamp()
        head = header(stamp, f'{self.name}_optical')
        message = camera_to_camera_info(camera or self.camera, head)
        self.publisher.send(encoded('rgb8', self.image, head), message if info else None)
        return stamp


@pytest.fixture(scope='module', params=[1, 3], ids=['each alone', 'in one pass'])
def graph(request):
    result = Graph()
    result.start(MODULE, {**PARAMETERS, 'max_batch': request.param})
    yield result
    result.close()


@pytest.fixture(scope='module')
def sides(graph):
    return {name: Side(graph, name, 'depth/image', 'depth/camera_info') for name in CAMERAS}


@pytest.mark.parametrize('order', itertools.permutations(CAMERAS))
def test_each_camera_has_its_own_stamp_frame_calibration_and_mount(sides, order):
    for side in sides.values():
        side.publisher.wait()
    stamps = {name: sides[name].send() for name in order}
    for name, stamp in stamps.items():
        message, info = sides[name].listener.wait(stamp, 'depth/image', 'depth/camera_info')
        assert message.header.frame_id == info.header.frame_id == f'{name}_optical'
        assert camera_info_to_camera(info) == CAMERAS[name]
        depth = image_to_depth(message)
        ground = GROUNDS[name]
        exact = plane_depth(CAMERAS[name], tuple(ground.down), ground.height, np.inf)
        near = exact < (2.0 if name == 'rear' else np.inf)
        np.testing.assert_allclose(depth[near], exact[near], rtol=1e-5)
        assert np.isposinf(depth[~near]).all()
        assert near.any()


def test_only_cameras_whose_outputs_have_subscribers_are_subscribed_to(graph, sides):
    sides['left'].publisher.wait()
    sides['left'].listener.close()
    images = sides['left'].publisher.images
    graph.spin_until(lambda: not images.get_subscription_count(), 'left to be left')
    stamp = sides['front'].send()
    sides['front'].listener.wait(stamp, 'depth/image')
    assert sides['rear'].publisher.images.get_subscription_count() == 1
    sides['left'].listener = Listener(graph, 'mono_depth/left', 'depth/image', 'depth/camera_info')
    sides['left'].publisher.matched = 0
    sides['left'].listener.wait(sides['left'].send(), 'depth/image')


def test_a_camera_that_is_broken_or_silent_costs_the_others_nothing(graph, sides):
    diagnostics = Diagnostics(graph)
    broken, wrong = sides['left'], Camera.pinhole(640, 480, 500.0)
    for _ in range(5):
        broken.send(camera=wrong)
        stamp = sides['front'].send()  # `rear` is silent
        sides['front'].listener.wait(stamp, 'depth/image')
    broken.send(camera=wrong)  # a failure is news in one report only
    diagnostics.wait(
        lambda message, level, values: level == 2 and message.startswith('left: image'),
        'mono_depth: left depth',
    )
    _, _, values = diagnostics.wait(
        lambda message, level, values: int(values['frames published']) >= 5,
        'mono_depth: front depth',
    )
    assert values['failed'] == '0'
    diagnostics.wait(lambda message, *_: 'rear image' in message, 'mono_depth: rear depth')
    broken.listener.wait(broken.send(), 'depth/image')  # and it comes back


def test_parameters_of_one_camera_are_its_own_and_checked(graph, sides):
    assert graph.parameter('mono_depth', 'left.mount_height') == 1.5
    assert graph.set_parameter('mono_depth', 'rear.max_depth', 1.0) == (True, '')
    stamps = {name: sides[name].send() for name in ('front', 'rear')}
    depths = {
        name: image_to_depth(sides[name].listener.wait(stamp, 'depth/image')[0])
        for name, stamp in stamps.items()
    }
    assert graph.set_parameter('mono_depth', 'rear.max_depth', 2.0) == (True, '')
    assert np.nanmax(depths['rear'][np.isfinite(depths['rear'])]) <= 1.0
    assert np.nanmax(depths['front'][np.isfinite(depths['front'])]) > 1.0
    successful, reason = graph.set_parameter('mono_depth', 'rear.max_depth', 0.0)
    assert not successful
    assert 'leave no range' in reason


def test_a_fast_camera_does_not_starve_a_slow_one(sides):
    """Each image of the slow one becomes depth, however many of the fast one come between."""
    fast, slow = sides['front'], sides['rear']
    for _ in range(8):
        for _ in range(6):
            fast.send()
        stamp = slow.send()
        for _ in range(6):
            last = fast.send()
        slow.listener.wait(stamp, 'depth/image')
        fast.listener.wait(last, 'depth/image')


@pytest.mark.parametrize(
    ('cameras', 'sentence'),
    [
        ('front,front', 'cameras must be different names'),
        ('front,2nd', 'cameras must be different names'),
        ('front/left', 'cameras must be different names'),
    ],
)
def test_names_that_cannot_be_topics_are_refused(cameras, sentence):
    graph = Graph()
    try:
        process = graph.start(MODULE, {'cameras': cameras, 'model': 'floor'})
        graph.spin_until(lambda: process.said(sentence), sentence)
        assert graph.state('mono_depth') == 'unconfigured'
    finally:
        graph.close()


def test_a_list_in_a_parameter_file_is_taken(tmp_path):
    file = tmp_path / 'cameras.yaml'
    file.write_text(
        '/**:\n  ros__parameters:\n    model: floor\n    cameras: [front, left]\n', 'utf-8'
    )
    graph = Graph()
    try:
        graph.start(MODULE, files=[file])
        listener = Listener(graph, 'mono_depth/left', 'depth/image')
        listener.wait_matched()
        assert graph.parameter('mono_depth', 'cameras') == 'front,left'
    finally:
        graph.close()


def test_two_pairs_on_one_node():
    from test_stereo_node import BASELINE, FOCAL, LEFT, SCENE, Rig, assert_matches

    from depth_ros.lab.synthetic import render_stereo

    right = Camera.pinhole(320, 240, FOCAL, baseline=BASELINE)
    rendered = render_stereo(SCENE, LEFT, right)
    images = [eye.image for eye in rendered]
    graph = Graph()
    try:
        graph.start(
            'depth_ros.nodes.stereo_depth', {'cameras': 'front,rear', 'disparity_range': 64}
        )
        rigs = {name: Rig(graph, f'{name}/') for name in ('front', 'rear')}
        listeners = {name: Listener(graph, f'stereo_depth/{name}', 'depth/image') for name in rigs}
        stamps = {name: rig.send(images) for name, rig in rigs.items()}
        for name, stamp in stamps.items():
            (message,) = listeners[name].wait(stamp, 'depth/image')
            assert_matches(image_to_depth(message), rendered[0].depth)
    finally:
        graph.close()
