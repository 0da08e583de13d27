# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images from one process to another: all arrive with the profile, and without it it is said."""

from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from node_harness import Listener

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
