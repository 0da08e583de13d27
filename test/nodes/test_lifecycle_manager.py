# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A depth node under Nav2's lifecycle_manager with its defaults.

The manager's side is written after nav2_lifecycle_manager/src/lifecycle_manager.cpp,
changeStateForNode and createBondConnection, and bondcpp/src/bond.cpp, bondStatusCB.
"""

from pathlib import Path

import pytest

pytest.importorskip('rclpy')

import rclpy
from bonded_process import install, serialised
from node_harness import NodeProcess
from rclpy.qos import QoSProfile

from depth_ros.doctor.wire import Reader

pytestmark = pytest.mark.ros

PROCESS = str(Path(__file__).with_name('bonded_process.py'))


class BondSide:
    """The manager's half of a bond: the topic is in the namespace of the manager."""

    def __init__(self, graph, node, name):
        install()
        from bond.msg import Status

        self.name, self.statuses = name, []
        self._publisher = node.create_publisher(Status, 'bond', QoSProfile(depth=5))
        self._subscription = node.create_subscription(
            Status, 'bond', self._heard, QoSProfile(depth=100), raw=True
        )
        self._timer = node.create_timer(0.1, self._beat)

    def _beat(self):
        beat = serialised(self.name, 'the manager', True, 4.0, 0.1)
        self._publisher.publish(beat)

    def _heard(self, data):
        reader = Reader(data)
        reader.head()
        name, instance = reader.text(), reader.text()
        active = bool(reader.number('B'))
        timeout, period = reader.numbers('f', 2)
        if name == self.name and instance != 'the manager':
            self.statuses.append((instance, active, timeout, period))

    @property
    def formed(self):
        return any(active for _, active, _, _ in self.statuses)


@pytest.mark.parametrize('namespace', ['/', '/robot'])
def test_the_node_comes_up_and_goes_down_with_its_bond(graph, namespace):
    install()
    node = f'{namespace.strip("/")}/mono_depth'.strip('/')
    process = NodeProcess(
        [PROCESS], graph.domain, {'model': 'plane', 'autostart': False}, {'__ns': namespace}
    )
    graph.processes.append(process)
    manager = rclpy.create_node('lifecycle_manager', namespace=namespace, context=graph.context)
    graph.executor.add_node(manager)
    try:
        assert graph.transition(node, 'configure')
        assert graph.state(node) == 'inactive'
        assert graph.transition(node, 'activate')
        assert graph.state(node) == 'active'
        bond = BondSide(graph, manager, 'mono_depth')
        graph.spin_until(lambda: bond.formed, 'the bond')
        graph.spin_until(lambda: len(bond.statuses) > 5, 'heartbeats')
        assert {active for _, active, _, _ in bond.statuses} == {True}
        first = {instance for instance, *_ in bond.statuses}
        assert len(first) == 1
        _, _, timeout, period = bond.statuses[-1]
        assert period < timeout / 2  # the manager's default timeout is 4 s as well
        assert timeout == pytest.approx(4.0)
        assert graph.transition(node, 'deactivate')
        graph.spin_until(lambda: not bond.statuses[-1][1], 'the end of the bond')
        assert graph.transition(node, 'activate')
        graph.spin_until(lambda: bond.statuses[-1][1], 'another bond')
        assert bond.statuses[-1][0] not in first
    finally:
        graph.executor.remove_node(manager)
        manager.destroy_node()
    # It ends while the bond is alive.
    assert process.stop() == 0, process.log
    assert 'Traceback' not in process.log
