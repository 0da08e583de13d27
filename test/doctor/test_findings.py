# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Laws of the findings: order, codes, documentation; and the parts that need no graph."""

import json
import math
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import depth_ros
from depth_ros.doctor.cameras import cameras_of, pairs_of, side_of
from depth_ros.doctor.checks.stamps import nearest
from depth_ros.doctor.checkup import findings
from depth_ros.doctor.finding import ORDER, Severity, error, ordered, warning
from depth_ros.doctor.machine import MachineWatch
from depth_ros.doctor.navigation import resolved
from depth_ros.doctor.report import json_report, text_report
from depth_ros.doctor.seen import (
    CLOUD,
    COMPRESSED,
    IMAGE,
    INFO,
    Camera,
    Endpoint,
    Node,
    Received,
    Seen,
    Statement,
    Topic,
)
from depth_ros.doctor.tree import FrameTree
from depth_ros.doctor.wire import head_of, transforms_of
from depth_ros.geometry.poses import pose_of
from depth_ros.types import DepthError

PACKAGE = Path(depth_ros.__file__).parent
TESTS = Path(__file__).resolve().parents[1]


def test_every_code_is_found_somewhere_documented_and_made_on_a_graph():
    checks = ''.join(p.read_text() for p in (PACKAGE / 'doctor' / 'checks').glob('*.py'))
    used = set(re.findall(r"""(?:error|warning|say)\(\s*'(\w+)'""", checks))
    assert used == set(ORDER)
    rows = re.findall(r'^\| `(\w+)` \|', (PACKAGE.parent / 'docs/doctor.md').read_text(), re.M)
    assert sorted(rows) == sorted(ORDER)
    tests = [*Path(__file__).parent.glob('*_on_graph.py')]
    tests += [TESTS / 'nodes' / 'test_doctor_of_processes.py']
    made = ''.join(path.read_text() for path in tests)
    assert [code for code in ORDER if f"'{code}'" not in made] == []


def test_errors_come_first_and_causes_before_consequences():
    several = [error(code, 'x') for code in ORDER] + [warning(code, 'x') for code in ORDER]
    shuffled = random.Random(0).sample(several, len(several))
    assert ordered(shuffled) == several


def test_what_a_node_states_is_left_out_where_a_check_has_the_cause():
    seen = Seen(
        topics={'/image': Topic('/image', [Endpoint('/driver', IMAGE)])},
        statements=[Statement('/mono_depth', 'active', 'no calibration')],
    )
    assert [f.code for f in findings(seen)] == ['node_problem']
    seen.nodes['/sim'] = Node('/sim', {'use_sim_time': True})
    assert [f.code for f in findings(seen)] == ['no_clock']


def test_what_several_cameras_of_a_node_state_is_one_finding_each():
    texts = ('the model is loading', 'front image stopped', 'the model is loading', 'rear: old')
    seen = Seen(
        topics={'/image': Topic('/image', [Endpoint('/driver', IMAGE)])},
        statements=[Statement('/mono_depth', 'active', text) for text in texts],
    )
    stated = [f.text.removeprefix('/mono_depth states: ') for f in findings(seen)]
    assert sorted(stated) == sorted(set(texts))


def endpoints(kind, *nodes):
    return [Endpoint(node, kind) for node in nodes]


@pytest.mark.parametrize('order', [('left', 'right'), ('right', 'left')])
def test_the_cameras_of_a_stereo_node(order):
    topics = {}
    for side in order:
        for name, kind in (('image_rect', IMAGE), ('camera_info', INFO)):
            name = f'/rig/{side}/{name}'
            topics[name] = Topic(name, endpoints(kind, '/driver'), endpoints(kind, '/stereo'))
    left, right = cameras_of(topics, ['/stereo'], ['/stereo'])
    assert (left.image, left.info) == ('/rig/left/image_rect', '/rig/left/camera_info')
    assert (right.side, right.info) == ('right', '/rig/right/camera_info')
    assert pairs_of([right, left]) == [(left, right)]


def test_several_cameras_of_one_node_are_no_pair():
    topics = {}
    for camera in ('front', 'rear'):
        for name, kind in (('image', IMAGE), ('camera_info', INFO)):
            name = f'/{camera}/{name}'
            topics[name] = Topic(name, endpoints(kind, '/driver'), endpoints(kind, '/mono'))
    cameras = cameras_of(topics, ['/mono'])
    assert [(c.image, c.info, c.side) for c in cameras] == [
        ('/front/image', '/front/camera_info', ''),
        ('/rear/image', '/rear/camera_info', ''),
    ]
    assert pairs_of(cameras) == []


def test_several_pairs_of_one_node_are_told_by_their_names():
    topics = {}
    for rig in ('front', 'rear'):
        for side in ('left', 'right'):
            for name, kind in (('image_rect', IMAGE), ('camera_info', INFO)):
                name = f'/{rig}/{side}/{name}'
                topics[name] = Topic(name, endpoints(kind, '/d'), endpoints(kind, '/stereo'))
    pairs = pairs_of(cameras_of(topics, ['/stereo'], ['/stereo']))
    assert [(left.image, right.image) for left, right in pairs] == [
        ('/front/left/image_rect', '/front/right/image_rect'),
        ('/rear/left/image_rect', '/rear/right/image_rect'),
    ]


def test_images_of_depth_nodes_and_drawings_are_no_cameras():
    topics = {
        '/image': Topic('/image', endpoints(IMAGE, '/driver'), endpoints(IMAGE, '/mono')),
        '/camera_info': Topic('/camera_info', endpoints(INFO, '/d'), endpoints(INFO, '/mono')),
        '/mono/depth/image': Topic(
            '/mono/depth/image', endpoints(IMAGE, '/mono'), endpoints(IMAGE, '/rviz')
        ),
        '/boxes': Topic('/boxes', endpoints(IMAGE, '/detector'), endpoints(IMAGE, '/rqt')),
        '/image/compressed': Topic(
            '/image/compressed', endpoints(COMPRESSED, '/driver'), endpoints(COMPRESSED, '/bag')
        ),
    }
    assert [c.image for c in cameras_of(topics, ['/mono'])] == ['/image']


@pytest.mark.parametrize(
    ('topic', 'side'),
    [
        ('/stereo/left/image_rect', 'left'),
        ('/right_camera/image_raw', 'right'),
        ('/camera/infra1/image_rect_raw', 'left'),
        ('/camera/infra2/image_rect_raw', 'right'),
        ('/camera/color/image_raw', ''),
        ('/bright/image', ''),
        ('/left_arm/right/image', ''),
    ],
)
def test_the_side_of_a_topic(topic, side):
    assert side_of(topic) == side


def test_topics_of_costmaps_are_beside_their_parent():
    assert resolved('scan', '/local_costmap/local_costmap') == '/scan'
    assert resolved('scan', '/robot/local_costmap/local_costmap') == '/robot/scan'
    assert resolved('/points', '/local_costmap/local_costmap') == '/points'


def test_the_nearest_stamps():
    assert nearest([0, 10**9], [10**9 + 7, 5 * 10**9]) == pytest.approx(7e-9)
    assert nearest([3, 5], [5, 9]) == 0


def test_poses_in_the_tree_follow_the_joints():
    rng = np.random.default_rng(1)
    joints = [pose_of(rng.normal(size=3), rng.normal(size=4)) for _ in range(3)]
    tree = FrameTree()
    tree.add('map', 'base', joints[0])
    tree.add('/base', 'arm', joints[1])
    tree.add('base', 'eye', joints[2])
    np.testing.assert_allclose(tree.pose('eye', 'map'), joints[0] @ joints[2], atol=1e-12)
    between = np.linalg.inv(joints[2]) @ joints[1]
    np.testing.assert_allclose(tree.pose('arm', 'eye'), between, atol=1e-12)
    assert tree.root('arm') == 'map'
    assert tree.pose('arm', 'nowhere') is None
    tree.add('other', 'far', joints[0])
    assert tree.pose('far', 'map') is None


@pytest.mark.parametrize(
    'data', [b'', b'\0\1\0\0', b'\0\1\0\0' + b'\xff' * 12, b'\0\1\0\0\0\0\0\0']
)
def test_broken_messages_are_refused(data):
    with pytest.raises(DepthError):
        head_of(data)
    with pytest.raises(DepthError):
        transforms_of(b'\0\1\0\0\2\0\0\0' + data)


def test_rates_and_ages():
    steady = Received(3.0, [0.0, 0.5, 1.0], [1, 2, 3], [0.1, 0.3, 0.2])
    assert steady.hertz == 2.0
    assert steady.age == 0.2
    assert steady.oldest == pytest.approx(0.8)
    assert Received(4.0, [1.0]).hertz == 0.25
    assert math.isnan(Received(1.0).age)


def test_a_machine_without_these_files_is_not_blamed(tmp_path):
    watch = MachineWatch(tmp_path)
    watch.sample()
    machine = watch.machine('')
    assert (machine.runnable, machine.stalled) == (0.0, 0.0)
    assert 'processor' not in {f.code for f in findings(Seen(machine=machine))}


def test_reports_hold_every_finding():
    seen = Seen(seconds=5.0, domain=7, topics={'/image': Topic('/image', received=Received())})
    several = [error('qos', 'first'), warning('age', 'second')]
    text = text_report(seen, several)
    assert '1. error: first [qos]' in text
    assert '2. warning: second [age]' in text
    assert 'nothing wrong was found' in text_report(seen, [])
    # One image that two nodes read is one image.
    shared = Seen(cameras=[Camera('/image', '/info', node) for node in ('/a', '/b')])
    assert '0 nodes, 1 image topic, 0 depth nodes' in text_report(shared, [])
    document = json.loads(json_report(seen, several))
    assert document['findings'][1] == {'severity': 'warning', 'code': 'age', 'text': 'second'}
    assert document['topics']['/image']['age'] is None
    assert Severity.ERROR > Severity.WARNING


@given(st.data())
@settings(max_examples=60)
def test_whatever_is_missing_the_checks_go_on(data):
    """Any part of a graph may be absent, or not have arrived."""
    parameters = {
        'model': 'x', 'edge_threshold': 0.0, 'max_age': 0.0, 'rectify': 'auto',
        'use_sim_time': True, 'approximate_sync': None, 'plugins': ['v'],
        'v.plugin': 'nav2_costmap_2d::VoxelLayer', 'v.observation_sources': 'a',
        'v.a.topic': '/points', 'v.a.max_obstacle_height': None, 'v.a.sensor_frame': 'x',
        'observation_sources': ['b'], 'source_timeout': 0.1, 'b.type': 'pointcloud',
        'b.topic': '/points', 'global_frame': 'odom',
    }  # fmt: skip
    kept = data.draw(st.sets(st.sampled_from(sorted(parameters))))
    node = Node('/n', {name: parameters[name] for name in kept}, 'inactive')
    numbers = st.lists(st.integers(0, 5), max_size=4)
    topics = {}
    for name, kind in (('/left/i', IMAGE), ('/left/camera_info', INFO), ('/points', CLOUD)):
        ends = [Endpoint('/d', kind, data.draw(st.booleans()))]
        stamps = data.draw(numbers)
        received = Received(1.0, [float(s) for s in stamps], stamps, [float(s) for s in stamps])
        topics[name] = Topic(
            name,
            ends if data.draw(st.booleans()) else [],
            ends if data.draw(st.booleans()) else [],
            received=received if data.draw(st.booleans()) else None,
        )
    seen = Seen(topics=topics, nodes={'/n': node}, reads_tf=data.draw(st.booleans()))
    seen.cameras = [Camera('/left/i', '/left/camera_info', '/n', 'left')]
    found = findings(seen)
    assert found == ordered(found)
    assert len({f.text for f in found}) == len(found)
