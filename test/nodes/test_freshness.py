# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The age of the newest depth: judged by a pure function, and stated on ~/health."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.nodes.health.freshness import Freshness, judge, worth_a_report
from depth_ros.nodes.health.health import Health
from depth_ros.nodes.health.reasons import Facts, Level, explain

FRESH = Freshness(age=0.1, waited=60.0, rate=10.0, source_timeout=0.5, min_rate=5.0)


@pytest.mark.parametrize(
    ('changes', 'level', 'code'),
    [
        ({}, Level.OK, 'fresh'),
        ({'wanted': False, 'age': 9.0}, Level.STALE, 'not_computed'),
        ({'age': 0.6}, Level.ERROR, 'stale'),
        ({'age': 0.6, 'source_timeout': 0.0}, Level.OK, 'fresh'),
        ({'rate': 3.0}, Level.WARN, 'below_min_rate'),
        ({'rate': 3.0, 'min_rate': 0.0}, Level.OK, 'fresh'),
        ({'rate': 3.0, 'age': 0.6}, Level.ERROR, 'stale'),
        ({'age': math.nan, 'waited': 0.3}, Level.WARN, 'no_depth'),
        ({'age': math.nan, 'waited': 3.0}, Level.ERROR, 'no_depth'),
        ({'age': math.nan, 'waited': 3.0, 'source_timeout': 0.0}, Level.WARN, 'no_depth'),
        # Depth of before an interval without subscribers says nothing of now.
        ({'age': 30.0, 'waited': 0.2}, Level.WARN, 'no_depth'),
        ({'age': -0.1}, Level.OK, 'fresh'),
    ],
)
def test_one_state_one_sentence(changes, level, code):
    reason = judge(replace(FRESH, **changes))
    assert (reason.level, reason.code) == (level, code)


@given(st.floats(0.01, 100), st.floats(0, 100), st.floats(0, 100))
def test_depth_older_than_the_timeout_is_never_called_good(timeout, age, waited):
    fresh = replace(FRESH, source_timeout=timeout, age=age, waited=waited, min_rate=0.0)
    assert (judge(fresh).level == Level.OK) == (age <= timeout and (age < waited or age < timeout))


def test_diagnostics_have_it_only_where_a_limit_is_set():
    old = replace(FRESH, age=0.6)
    assert worth_a_report(judge(old), old)
    unlimited = replace(FRESH, age=math.nan, source_timeout=0.0, min_rate=0.0)
    assert not worth_a_report(judge(unlimited), unlimited)
    assert 'stale' in [r.code for r in explain(Facts(fresh=judge(old)))]


def test_the_newest_frame_ages():
    health = Health()
    assert math.isnan(health.newest(5.0)[0])
    health.finished(10.0, 0.2, {})
    health.finished(10.5, 0.3, {})
    age, rate = health.newest(12.0)
    assert age == pytest.approx(1.8)
    assert rate > 0


@pytest.mark.ros
def test_health_of_a_node_follows_its_depth(graph):
    """Depth stops: the topic says so within the timeout, and nothing old is sent as new."""
    messages = pytest.importorskip('diagnostic_msgs.msg')
    from node_harness import CameraSide, Listener, header, new_stamp
    from node_scene import encoded

    from depth_ros.messages.camera_info import camera_to_camera_info
    from depth_ros.types import Camera

    statuses = []
    graph.start('depth_ros.nodes.mono_depth', {'model': 'plane', 'source_timeout': 1.5})
    graph.node.create_subscription(
        messages.DiagnosticStatus, '/mono_depth/health', statuses.append, 10
    )

    def last(code):
        return bool(statuses) and statuses[-1].values[-1].value == code

    # The topic is no consumer of depth.
    graph.spin_until(lambda: last('not_computed'), 'the first status')
    assert statuses[-1].level == messages.DiagnosticStatus.STALE
    camera, lens = CameraSide(graph), Camera.pinhole(32, 24, 30.0)
    listener = Listener(graph, 'mono_depth', 'depth/image')
    camera.wait()
    graph.spin_until(lambda: last('no_depth'), 'a status without depth')
    stamps = []

    def send():
        stamps.append(new_stamp())
        head = header(stamps[-1])
        image = encoded('rgb8', np.zeros((24, 32, 3), np.uint8), head)
        camera.send(image, camera_to_camera_info(lens, head))

    timer = graph.node.create_timer(0.1, send)
    graph.spin_until(lambda: last('fresh'), 'fresh depth')
    graph.node.destroy_timer(timer)
    graph.spin_until(lambda: last('stale'), 'the word that depth is old')
    status = statuses[-1]
    assert status.level == messages.DiagnosticStatus.ERROR
    assert 'source_timeout is 1.5 s' in status.message
    figures = {item.key: item.value for item in status.values}
    assert float(figures['age (s)']) > 1.5
    arrived = listener.order['depth/image']
    assert len(arrived) == len(set(arrived))
    assert set(arrived) <= set(stamps)
    listener.close()
    camera.close()


@pytest.mark.ros
def test_each_camera_of_a_node_has_its_own_health(graph):
    messages = pytest.importorskip('diagnostic_msgs.msg')
    names = {}
    parameters = {'model': 'plane', 'cameras': 'front,rear'}
    graph.start('depth_ros.nodes.mono_depth', parameters, remaps={'__node': 'several'})
    for camera in ('front', 'rear'):
        graph.node.create_subscription(
            messages.DiagnosticStatus,
            f'/several/{camera}/health',
            lambda status, camera=camera: names.setdefault(camera, status.name),
            10,
        )
    graph.spin_until(lambda: len(names) == 2, 'the health of both')
    assert names == {'front': 'several: front health', 'rear': 'several: rear health'}
