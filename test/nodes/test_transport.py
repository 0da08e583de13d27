# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of another process: they arrive with the profile, and as reliably as they are sent."""

from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from node_harness import RELIABLE, SENSOR, CameraSide, Listener, header, new_stamp
from node_spoil import good

pytestmark = pytest.mark.ros

CAMERA = str(Path(__file__).with_name('camera_process.py'))
MONO = 'depth_ros.nodes.mono_depth'
NO_PROFILE = {'FASTDDS_DEFAULT_PROFILES_FILE': None, 'FASTRTPS_DEFAULT_PROFILES_FILE': None}


@pytest.mark.slow
def test_every_best_effort_image_arrives(graph):
    """
    120 of 120 images of 640x480 in colour, at 10 Hz, reach the node.

    A machine that has to wait for a tenth of a second makes the node let an image go for a newer
    one; it has arrived all the same, and the diagnostics count it.
    """
    messages = pytest.importorskip('diagnostic_msgs.msg')
    values = {}

    def keep(array):
        values.update({item.key: item.value for item in array.status[0].values})

    graph.node.create_subscription(messages.DiagnosticArray, '/diagnostics', keep, 10)
    process = graph.start(MONO, {'model': 'plane'})
    listener = Listener(graph, 'mono_depth', 'depth/image', 'depth/camera_info')
    listener.wait_matched()
    camera = graph.start_script(CAMERA, '640', '480', '120')
    graph.spin_until(lambda: camera.said('sent'), 'the images', timeout=60)
    graph.spin_until(lambda: not camera.alive, 'the end of the camera')
    graph.spin_for(2.5)  # the diagnostics come once a second
    stamps = listener.order['depth/image']
    assert stamps == sorted(set(stamps))
    assert int(values['frames published']) + int(values['dropped']) == 120, values
    assert len(stamps) > 110
    assert not process.said('get lost')


def test_images_that_get_lost_are_named(graph):
    """Two processes without the profile: the diagnostics know the remedy."""
    process = graph.start(
        MONO, {'model': 'plane'}, remaps={'__ns': '/bare'}, environment=NO_PROFILE
    )
    listener = Listener(graph, 'bare/mono_depth', 'depth/image')
    listener.wait_matched()
    camera = graph.start_script(CAMERA, '2048', '1536', '150', ns='/bare', environment=NO_PROFILE)
    graph.spin_until(
        lambda: process.said('large best-effort messages get lost'), 'the sentence', timeout=20
    )
    assert process.said(r'set FAST\w+_DEFAULT_PROFILES_FILE to config/fastdds_large_data.xml')
    assert camera.alive
    camera.stop()


def test_the_node_asks_for_what_its_publishers_offer(graph):
    """A best-effort subscription loses images of a reliable driver; the other hears no other."""
    graph.start(MONO, {'model': 'plane'}, remaps={'__node': 'asks', '__ns': '/asks'})
    listener = Listener(graph, 'asks/asks', 'depth/image')
    topics = '/asks/image', '/asks/camera_info'
    steady = CameraSide(graph, *topics, qos=RELIABLE)

    def asked():
        found = graph.node.get_subscriptions_info_by_topic(topics[0])
        return [info.qos_profile.reliability.name for info in found]

    graph.spin_until(lambda: asked() == ['RELIABLE'], 'a reliable subscription')
    other = CameraSide(graph, *topics)
    graph.spin_until(lambda: asked() == ['BEST_EFFORT'], 'a subscription that hears both')
    for side in (steady, other):
        side.wait()
        stamp = new_stamp()
        side.send(*good(header(stamp)))
        listener.wait(stamp, 'depth/image')
    other.close()
    graph.spin_until(lambda: asked() == ['RELIABLE'], 'a reliable subscription again')
    steady.close()


def test_a_scale_source_asks_for_what_its_publishers_offer(graph):
    from sensor_msgs.msg import Range

    from depth_ros.nodes.input.sources import SourceTopic

    source = SourceTopic(graph.node, '/asks/range', Range, print)

    def asked():
        source.listen(True)
        found = graph.node.get_subscriptions_info_by_topic('/asks/range')
        return [info.qos_profile.reliability.name for info in found]

    assert asked() == ['BEST_EFFORT']
    steady = graph.node.create_publisher(Range, '/asks/range', RELIABLE)
    graph.spin_until(lambda: asked() == ['RELIABLE'], 'a reliable subscription')
    other = graph.node.create_publisher(Range, '/asks/range', SENSOR)
    graph.spin_until(lambda: asked() == ['BEST_EFFORT'], 'a subscription that hears both')
    source.listen(False)
    for publisher in (steady, other):
        graph.node.destroy_publisher(publisher)
