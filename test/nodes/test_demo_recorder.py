# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The demo measures every node, also one whose model takes longer to load than it records."""

import json

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import RELIABLE, Graph, NodeProcess, header, new_stamp, stamp_of
from sensor_msgs.msg import Image

from depth_ros.messages.depth_image import depth_to_image

RECORDED = 0.4  # seconds


@pytest.fixture
def recorder(graph: Graph, tmp_path):
    def start(*more: str) -> NodeProcess:
        module = 'depth_ros.nodes.demo.recorder'
        arguments = [str(tmp_path), 'early', 'late', '--seconds', str(RECORDED), *more]
        process = NodeProcess(['-m', module, *arguments], graph.domain)
        graph.processes.append(process)
        return process

    return start


@pytest.fixture
def sources(graph: Graph):
    made = {
        name: graph.node.create_publisher(Image, f'{name}/depth/image', RELIABLE)
        for name in ('early', 'late')
    }
    yield made
    for publisher in made.values():
        graph.node.destroy_publisher(publisher)


def send(publisher) -> int:
    """Publish a depth image and return its stamp."""
    message = depth_to_image(np.ones((4, 6), np.float32), header(new_stamp()))
    publisher.publish(message)
    return stamp_of(message)


def listened_to(sources) -> bool:
    return all(source.get_subscription_count() for source in sources.values())


def test_it_records_from_when_the_slowest_has_published(graph, recorder, sources, tmp_path):
    process = recorder()
    graph.spin_until(lambda: listened_to(sources), 'the recorder')
    for _ in range(30):  # three times as long as it records
        send(sources['early'])
        graph.spin_for(0.04)
    assert process.alive
    first = send(sources['late'])

    def ended():
        for source in sources.values():
            send(source)
        graph.spin_for(0.04)
        return not process.alive

    graph.spin_until(ended, 'the end of the recording')
    arrivals = json.loads((tmp_path / 'arrivals.json').read_text())
    for name in sources:
        stamps = [stamp for stamp, _ in arrivals[f'{name}/depth/image']]
        assert len(stamps) >= 3
        assert sum(stamp < first for stamp in stamps) <= 5  # those that waited in the queue
        with np.load(tmp_path / f'{name}.npz') as kept:
            assert kept['stamps'].tolist() == stamps
    assert process.stop() == 0


def test_who_never_publishes_does_not_hide_the_others(graph, recorder, sources, tmp_path):
    process = recorder('--patience', '3')
    graph.spin_until(lambda: listened_to(sources), 'the recorder')

    def ended():
        send(sources['early'])
        graph.spin_for(0.04)
        return not process.alive

    graph.spin_until(ended, 'the end of its patience')
    arrivals = json.loads((tmp_path / 'arrivals.json').read_text())
    assert arrivals['early/depth/image']
    assert not arrivals['late/depth/image']
    assert process.stop() == 0
