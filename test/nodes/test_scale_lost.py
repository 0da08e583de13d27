# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A sensor in a process of its own ends and comes back: metres stop, and come back."""

import importlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('diagnostic_msgs')

from node_harness import RELIABLE, CameraSide, Listener, header, new_stamp
from node_scene import encoded
from scale_side import CAMERA, DISTANCE, FRAME, NORMAL, TRUTH

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth

pytestmark = pytest.mark.ros

LIDAR = str(Path(__file__).with_name('cloud_process.py'))
PARAMETERS = {
    'model': 'inverse_plane',
    'distance': DISTANCE,
    **dict(zip(('normal_x', 'normal_y', 'normal_z'), NORMAL)),
    'scale.source': 'cloud',
    'scale.max_age': 0.5,
}
PICTURE = np.zeros((72, 96, 3), np.uint8)


def test_losing_and_regaining_a_source(graph):
    node = graph.start('depth_ros.nodes.mono_depth', PARAMETERS)
    side = CameraSide(graph)
    listener = Listener(graph, 'mono_depth', 'depth/image', 'points', 'relative', 'scale')
    statuses = []
    kind = importlib.import_module('diagnostic_msgs.msg').DiagnosticArray
    graph.node.create_subscription(
        kind, '/diagnostics', lambda m: statuses.append(m.status[0]), RELIABLE
    )
    side.wait()

    def see():
        """Send one image and return whether there are metres of it."""
        stamp = new_stamp()
        head = header(stamp, FRAME)
        side.send(encoded('rgb8', PICTURE, head), camera_to_camera_info(CAMERA, head))
        _, scale = listener.wait(stamp, 'relative', 'scale')  # ~/relative always continues
        if scale.status[0].level == b'\x02':
            return False
        depth, _ = listener.wait(stamp, 'depth/image', 'points')
        np.testing.assert_allclose(image_to_depth(depth), TRUTH, rtol=0.01)
        return True

    def until(metres, what):
        for _ in range(200):
            if see() is metres:
                return
            graph.spin_for(0.05)
        raise AssertionError(f'{what}; the node said:\n{node.log}')

    def wait_for_sentence(text):
        statuses.clear()
        graph.spin_until(
            lambda: see() is not None and any(text in s.message for s in statuses), text
        )

    assert see() is False
    wait_for_sentence('nothing came on /scale/cloud')
    for _ in range(2):
        lidar = graph.start_script(LIDAR)
        until(True, 'no metres although the LiDAR publishes')
        assert see() is True
        lidar.stop()
        until(False, 'metres although the LiDAR has ended')
        assert see() is False
        count = len(listener.order['depth/image'])
        wait_for_sentence('expected at most 0.5 s; check the source')
        assert len(listener.order['depth/image']) == len(listener.order['points']) == count
    assert node.alive
