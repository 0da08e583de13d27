# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros view --node`: clouds of a running node arrive, and its parameters can be set."""

import os
import threading

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import CameraSide, header
from node_scene import encoded

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.types import Camera

pytestmark = pytest.mark.ros
CAMERA = Camera.pinhole(64, 48, 60.0)


@pytest.mark.parametrize(
    ('clouds', 'expected'),
    [
        (['/free_points', '/ground', '/obstacles', '/points'], '/points'),
        (['/eyes/free_points', '/eyes/points2'], '/eyes/points2'),
        (['/free_points', '/obstacles', '/cloud'], '/cloud'),
        (['/node/points', '/points'], '/node/points'),
        (['/free_points'], ''),
        ([], ''),
    ],
)
def test_the_cloud_of_a_node_is_found_under_the_names_of_launch_files(clouds, expected):
    from depth_ros.nodes.viewing import cloud_of

    assert cloud_of('/node', clouds) == expected


@pytest.mark.parametrize(
    ('called', 'remap'),
    [('mono_depth', {}), ('launched', {'__node': 'launched', '~/points': '/pipeline/points'})],
)
def test_a_running_node_is_seen_and_its_parameters_are_set(graph, monkeypatch, called, remap):
    from depth_ros.nodes.viewing import LiveNodes

    monkeypatch.setenv('ROS_DOMAIN_ID', str(graph.domain))
    assert os.environ['ROS_DOMAIN_ID'] == str(graph.domain)
    graph.start('depth_ros.nodes.mono_depth', {'model': 'plane', 'distance': 2.0}, remaps=remap)
    arrived = []
    nodes = LiveNodes([called], lambda name, what: arrived.append((name, what)))
    try:
        side = CameraSide(graph, 'image', 'camera_info')
        side.wait()
        pixels = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
        stamp = 10**18

        def send():
            nonlocal stamp
            stamp += 10**8
            head = header(stamp)
            side.send(encoded('rgb8', pixels, head), camera_to_camera_info(CAMERA, head))

        def came():
            send()
            graph.spin_for(0.2)
            return bool(arrived)

        graph.spin_until(came, 'a cloud')
        name, what = arrived[-1]
        assert name == called
        np.testing.assert_array_equal(what['image'], pixels)
        assert np.allclose(what['depth'], 2.0)
        assert len(what['points'][0]) == 64 * 48

        found = {}
        asking = threading.Thread(target=lambda: found.update(zip('sv', nodes.parameters(name))))
        asking.start()
        graph.spin_until(lambda: not asking.is_alive(), 'the parameters')
        assert {'max_depth', 'edge_threshold'} <= {spec.name for spec in found['s']}
        assert 'model' not in found['v']
        assert nodes.set_parameter(name, 'max_depth', 1.5) == ''
        assert 'max_depth' in nodes.set_parameter(name, 'max_depth', -1.0)
        assert graph.parameter(called, 'max_depth') == 1.5
        # With metres it would only make the node warn.
        assert graph.node.count_subscribers(f'/{called}/relative') == 0
    finally:
        nodes.close()
