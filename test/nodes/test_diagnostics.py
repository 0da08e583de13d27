# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a node says about itself: on /diagnostics where the message exists, and in the log."""

import importlib

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import RELIABLE, CameraSide, Graph, Listener, header, new_stamp
from node_scene import encoded
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo

from depth_ros import libraries
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.nodes.health.diagnostics import Reporter, Status, Throttle
from depth_ros.nodes.health.reasons import Level, Reason
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

MONO = 'depth_ros.nodes.mono_depth'
CAMERA = Camera.pinhole(64, 48, 50.0)
IMAGE = np.zeros((48, 64, 3), np.uint8)


@pytest.fixture
def fresh():
    graph = Graph()
    yield graph
    graph.close()


def send(side):
    side.wait()
    stamp = new_stamp()
    head = header(stamp)
    side.send(encoded('rgb8', IMAGE, head), camera_to_camera_info(CAMERA, head))
    return stamp


class Diagnostics:
    """The last status of each name."""

    def __init__(self, graph):
        if libraries.module('diagnostic_msgs') is None:
            pytest.skip('diagnostics go to the log only')
        messages = importlib.import_module('diagnostic_msgs.msg')
        self.graph, self.last = graph, {}
        self.subscription = graph.node.create_subscription(
            messages.DiagnosticArray, '/diagnostics', self._keep, RELIABLE
        )

    def _keep(self, array):
        for status in array.status:
            self.last[status.name] = status

    def wait(self, condition, name='mono_depth: depth'):
        """Return the message, level and values of the first status for which this is true."""

        def view():
            status = self.last[name]
            values = {pair.key: pair.value for pair in status.values}
            return status.message, int.from_bytes(status.level, 'little'), values

        self.graph.spin_until(
            lambda: name in self.last and condition(*view()), f'the status {self.last}'
        )
        return view()


def test_status_from_idle_to_work(fresh):
    fresh.start(MONO, {'model': 'plane'})
    diagnostics = Diagnostics(fresh)
    message, level, values = diagnostics.wait(lambda message, *_: 'no publisher of' in message)
    assert level == 1  # no subscribers: a warning
    assert values['model'] == 'plane'
    assert (values['kind'], values['device']) == ('metric', 'cpu')
    listener, side = Listener(fresh, 'mono_depth', 'depth/image', 'points'), CameraSide(fresh)
    for _ in range(5):
        listener.wait(send(side), 'depth/image', 'points')
    message, level, values = diagnostics.wait(
        lambda message, level, values: values['frames published'] == '5'
    )
    assert (message, level) == ('depth is published', 0)
    assert diagnostics.last['mono_depth: depth'].hardware_id == 'plane'
    for stage in ('convert', 'model', 'depth/image', 'points'):
        assert 0 <= float(values[f'{stage} p50 (ms)']) <= float(values[f'{stage} p99 (ms)'])
    assert float(values['age p99 (ms)']) >= float(values['age p50 (ms)']) > 0
    assert (values['dropped'], values['failed']) == ('0', '0')
    assert float(values['rate (Hz)']) > 0
    assert float(values['image (Hz)']) > 0


def test_a_failure_is_reported_and_forgotten(fresh):
    fresh.start(MONO, {'model': 'plane'})
    diagnostics = Diagnostics(fresh)
    listener, side = Listener(fresh, 'mono_depth', 'depth/image'), CameraSide(fresh)
    listener.wait(send(side), 'depth/image')
    head = header(new_stamp())
    image = encoded('rgb8', IMAGE, head)
    image.encoding = 'strange'
    side.send(image, camera_to_camera_info(CAMERA, head))
    _, level, values = diagnostics.wait(lambda message, *_: 'strange' in message)
    assert level == 2
    assert values['failed'] == '1'
    listener.wait(send(side), 'depth/image')
    diagnostics.wait(lambda message, level, _: level == 0)


def test_a_node_that_is_not_configured_says_why(fresh):
    fresh.start(MONO, {'model': 'nothing/of_the_kind/at_all'})
    message, level, values = Diagnostics(fresh).wait(lambda *_: True)
    assert level == 2
    assert 'nothing/of_the_kind/at_all' in message
    assert values['state'] == 'unconfigured'


def test_dropped_frames_are_counted(fresh):
    fresh.start(MONO, {'model': 'plane', 'max_age': 1e-6})
    Listener(fresh, 'mono_depth', 'depth/image')
    side = CameraSide(fresh)
    for _ in range(3):
        send(side)
        fresh.spin_for(0.05)
    _, _, values = Diagnostics(fresh).wait(
        lambda message, level, values: values.get('dropped, too old') == '3'
    )
    assert values['dropped'] == '3'


def test_images_without_partner_are_counted(fresh):
    fresh.start('depth_ros.nodes.stereo_depth', {'queue_size': 2})
    Listener(fresh, 'stereo_depth', 'disparity')
    left = CameraSide(fresh, 'left/image', 'left/camera_info')
    for _ in range(5):
        send(left)
        fresh.spin_for(0.02)
    message, level, values = Diagnostics(fresh).wait(
        lambda message, level, values: values.get('left without partner') == '3',
        'stereo_depth: depth',
    )
    assert level == 2
    assert 'no publisher of right image on /right/image' in message
    assert values['right without partner'] == '0'


def test_overridden_quality_of_service_that_cannot_match_is_named(fresh):
    """A reliable subscriber never hears a best-effort camera."""
    process = fresh.start(
        MONO, {'model': 'plane', 'qos_overrides./image.subscription.reliability': 'reliable'}
    )
    listener, side = Listener(fresh, 'mono_depth', 'depth/image'), CameraSide(fresh)
    fresh.spin_until(
        lambda: process.said(
            'publisher is best-effort, subscriber is reliable on /image; remove '
            'qos_overrides./image.subscription.reliability'
        ),
        'the sentence',
    )
    side.close()
    good = CameraSide(fresh, qos=RELIABLE)
    listener.wait(send(good), 'depth/image')


def test_outputs_take_overrides(fresh):
    name = 'qos_overrides./mono_depth/depth/image.publisher'
    fresh.start(MONO, {f'{name}.reliability': 'best_effort', f'{name}.depth': 7})
    fresh.spin_until(
        lambda: fresh.node.count_publishers('/mono_depth/depth/image'), 'the publisher'
    )
    (info,) = fresh.node.get_publishers_info_by_topic('/mono_depth/depth/image')
    assert info.qos_profile.reliability.name == 'BEST_EFFORT'
    assert fresh.parameter('mono_depth', f'{name}.depth') == 7


def test_a_calibration_that_is_sent_once(fresh):
    """A latched camera_info is heard after the diagnostics' advice was followed."""
    latched = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
    info = fresh.node.create_publisher(CameraInfo, 'camera_info', latched)
    info.publish(camera_to_camera_info(CAMERA, header(new_stamp())))
    name = 'qos_overrides./camera_info.subscription'
    advice = {f'{name}.durability': 'transient_local', f'{name}.reliability': 'reliable'}
    deaf = fresh.start(MONO, {'model': 'plane'})
    fresh.start(MONO, {'model': 'plane', **advice}, remaps={'__node': 'keen'})
    listeners = [Listener(fresh, node, 'depth/image', 'points') for node in ('mono_depth', 'keen')]
    side = CameraSide(fresh, info='unused')
    fresh.spin_until(lambda: side.images.get_subscription_count() == 2, 'both nodes')
    fresh.spin_for(0.3)

    def advised():
        stamp = new_stamp()
        side.send(encoded('rgb8', IMAGE, header(stamp)), None)
        listeners[1].wait(stamp, 'depth/image')
        return all(deaf.said(f'{key} to {value}') for key, value in advice.items())

    fresh.spin_until(advised, 'the advice')
    assert not listeners[0].order['depth/image']


def test_overrides_that_make_no_sense_are_named(fresh):
    name = 'qos_overrides./mono_depth/points.publisher.reliability'
    other = 'qos_overrides./image.subscription.reliability'
    process = fresh.start(MONO, {'model': 'plane', name: 'sometimes', other: 'always'})
    listener, side = Listener(fresh, 'mono_depth', 'points'), CameraSide(fresh)
    listener.wait(send(side), 'points')  # the defaults stand
    for topic, value in (('~/points', 'sometimes'), ('/image', 'always')):
        sentence = f'qos_overrides of {topic} cannot be used .*{value}.*; expected reliability'
        fresh.spin_until(lambda s=sentence: process.said(s), 'the sentence')


def test_the_wrong_type_is_named(fresh):
    process = fresh.start(MONO, {'model': 'plane', 'image_transport': 'compressed'})
    listener = Listener(fresh, 'mono_depth', 'depth/image')
    listener.wait_matched()
    side = CameraSide(fresh, image='image/compressed')  # raw images under that name
    fresh.spin_until(
        lambda: process.said(
            '/image/compressed carries sensor_msgs/msg/Image, expected '
            'sensor_msgs/msg/CompressedImage; remap the topic or set image_transport'
        ),
        'the sentence',
    )
    side.close()


def test_outputs_that_stay_empty_are_named(fresh):
    process = fresh.start(MONO, {'model': 'plane'})
    listener = Listener(fresh, 'mono_depth', 'relative', 'confidence', 'depth/image')
    side = CameraSide(fresh)
    listener.wait(send(side), 'depth/image')
    for sentence in (
        'there are metres, so ~/relative stays empty; subscribe',
        'the model has no confidence, ~/confidence stays empty',
    ):
        fresh.spin_until(lambda s=sentence: process.said(s), 'the sentence')
    assert not listener.order['relative']


def test_throttle():
    say = Throttle(period=10.0, remembered=2)
    assert say('a', 0.0)
    assert not say('a', 9.9)
    assert say('b', 9.9)
    assert say('a', 10.0)
    assert say('c', 10.0)  # pushes out b
    assert say('b', 10.0)


class Logged(Reporter):
    """A reporter whose sentences are kept, and that publishes nothing."""

    def __init__(self):
        self._throttle, self._known, self._publisher = Throttle(), frozenset(), None
        self.said = []

    def log(self, level, text, key=''):
        if self._throttle(key or text, 0.0):
            self.said.append(text)


def test_the_log_waits_a_moment_for_a_driver_that_is_started_with_the_node():
    absent = Reason(Level.WARN, 'image_no_publisher', 'no publisher of image')
    old = Reason(Level.WARN, 'old', 'the image is old')
    reporter = Logged()
    reporter.report([Status('', [absent, old], {})], '')
    assert reporter.said == [old.text]
    reporter.report([Status('', [old], {})], '')  # the driver came
    reporter.report([Status('', [absent], {})], '')
    assert reporter.said == [old.text]
    reporter.report([Status('', [absent], {})], '')
    assert reporter.said == [old.text, absent.text]


def test_a_model_that_is_announced_as_being_loaded_is_not_warned_of_at_once():
    reporter = Logged()
    reporter.log(Level.OK, 'still being loaded', 'loading')
    reporter.report([Status('', [Reason(Level.WARN, 'loading', '2 s so far')], {})], '')
    assert reporter.said == ['still being loaded']
