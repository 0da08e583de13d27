# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The service `~/enable` turns the work off and on, for the node or for one camera."""

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('std_srvs.srv')

from node_harness import CameraSide, Graph, Listener, header, new_stamp
from node_scene import encoded
from std_srvs.srv import SetBool

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

CAMERA = Camera.pinhole(64, 48, 50.0)
IMAGE = np.zeros((48, 64, 3), np.uint8)


def switch(graph, service, on):
    answer = graph._call(SetBool, service, SetBool.Request(data=on))
    assert answer.success
    return answer.message


def send(side):
    side.matched = 0
    side.wait()
    stamp = new_stamp()
    head = header(stamp)
    side.send(encoded('rgb8', IMAGE, head), camera_to_camera_info(CAMERA, head))
    return stamp


def left(graph, side):
    graph.spin_until(lambda: not side.images.get_subscription_count(), 'the input to be left')


def test_a_node_that_is_off_leaves_its_inputs_and_stays_active():
    graph = Graph()
    try:
        graph.start('depth_ros.nodes.mono_depth', {'model': 'plane'})
        side, listener = CameraSide(graph), Listener(graph, 'mono_depth', 'depth/image')
        listener.wait(send(side), 'depth/image')
        assert 'off' in switch(graph, '/mono_depth/enable', False)
        left(graph, side)
        assert graph.state('mono_depth') == 'active'
        assert switch(graph, '/mono_depth/enable', True) == 'on'
        listener.wait(send(side), 'depth/image')
    finally:
        graph.close()


def test_one_camera_is_turned_off_alone():
    graph = Graph()
    try:
        graph.start('depth_ros.nodes.mono_depth', {'model': 'plane', 'cameras': 'front,rear'})
        names = ('front', 'rear')
        sides = {n: CameraSide(graph, f'{n}/image', f'{n}/camera_info') for n in names}
        listeners = {n: Listener(graph, f'mono_depth/{n}', 'depth/image') for n in names}
        switch(graph, '/mono_depth/rear/enable', False)
        listeners['front'].wait(send(sides['front']), 'depth/image')
        left(graph, sides['rear'])
        switch(graph, '/mono_depth/enable', False)
        left(graph, sides['front'])
        switch(graph, '/mono_depth/enable', True)
        for name in names:
            listeners[name].wait(send(sides[name]), 'depth/image')
    finally:
        graph.close()
