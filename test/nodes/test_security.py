# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The SROS 2 policies against what the nodes really use, and a node without its keystore."""

import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from depth_ros.cli.main import main
from depth_ros.files.share import ros_environment
from depth_ros.nodes.security import INPUTS, TRANSPORTED, policy
from depth_ros.types import DepthError

OPTIONAL = {'/bond', '/clock', '/diagnostics', '/rosout', '/parameter_events'}


def rules(text, kind, act):
    tree = ElementTree.fromstring(text)
    return {row.text for group in tree.iter(f'{kind}s') if group.get(act) for row in group}


@pytest.mark.ros
@pytest.mark.parametrize(
    ('node', 'parameters'),
    [
        ('mono_depth', {'model': 'floor'}),
        ('mono_depth', {'model': 'floor', 'image_transport': 'compressed'}),
        ('mono_depth', {'model': 'floor', 'cameras': 'front,rear'}),
        ('stereo_depth', {}),
    ],
)
def test_a_policy_is_what_the_node_uses(graph, node, parameters):
    from node_harness import Listener

    name = f'{node}_{len(graph.processes)}'
    graph.start(f'depth_ros.nodes.{node}', parameters, remaps={'__node': name})
    cameras = parameters.get('cameras', '').split(',')
    prefixes = [f'{camera}/' if camera else '' for camera in cameras]
    listeners = [Listener(graph, f'{name}/{p}'.rstrip('/'), 'depth/image') for p in prefixes]
    for listener in listeners:
        listener.wait_matched()
    text = policy(node, name, cameras=cameras)
    found = {}

    def subscribed():
        if (name, '/') not in graph.node.get_node_names_and_namespaces():
            return False
        for what in ('publisher', 'subscriber', 'service'):
            ask = getattr(graph.node, f'get_{what}_names_and_types_by_node')
            found[what] = {topic for topic, _ in ask(name, '/')}
        # Each eye of each camera.
        infos = [topic for topic in found['subscriber'] if topic.endswith('camera_info')]
        return len(infos) == sum(t.endswith('camera_info') for t in INPUTS[node]) * len(cameras)

    graph.spin_until(subscribed, 'the subscriptions of the node')
    publish = rules(text, 'topic', 'publish')
    assert found['publisher'] <= publish
    transported = {f'/{name}/{p}{topic[2:]}' for topic in TRANSPORTED for p in prefixes}
    assert publish - found['publisher'] <= OPTIONAL | transported
    subscribe = rules(text, 'topic', 'subscribe')
    assert found['subscriber'] <= subscribe
    assert subscribe <= OPTIONAL | {f'/{p}{topic}' for topic in INPUTS[node] for p in prefixes}
    replied = rules(text, 'service', 'reply')
    assert found['service'] <= replied
    # Without std_srvs the node has no ~/enable.
    assert {s for s in replied - found['service'] if not s.endswith('/enable')} <= {
        f'/{name}/get_type_description'
    }
    for listener in listeners:
        listener.close()


def test_names_follow_the_node_and_its_remappings(tmp_path):
    out = tmp_path / 'front.policy.xml'
    command = ['policy', 'mono_depth', '--name', 'front', '--namespace', '/robot']
    command += ['--remap', 'image:=/cam/image_raw', '--remap', '~/points:=cloud']
    assert main([*command, '--out', str(out)]) == 0
    text = out.read_text()
    assert ElementTree.fromstring(text).find('.//enclave').get('path') == '/robot/front'
    subscribe = rules(text, 'topic', 'subscribe')
    assert {'/cam/image_raw', '/cam/image_raw/compressed', '/robot/camera_info'} <= subscribe
    assert '/robot/cloud' in rules(text, 'topic', 'publish')
    assert '/robot/front/points' not in rules(text, 'topic', 'publish')
    assert '/robot/front/set_parameters' in rules(text, 'service', 'reply')


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        ({'node': 'depth'}, 'expected one of mono_depth'),
        ({'name': 'a b'}, "name is 'a b'"),
        ({'name': '"/><evil'}, 'name is'),
        ({'namespace': '/a//b'}, 'namespace is'),
        ({'cameras': ['front', '2nd']}, 'cameras are'),
        ({'remaps': {'picture': '/x'}}, "no topic 'picture' to remap"),
    ],
)
def test_what_is_no_name_is_refused(options, says):
    with pytest.raises(DepthError, match=says):
        policy(**{'node': 'mono_depth', **options})


@pytest.mark.ros
@pytest.mark.parametrize('keystore', [None, '/nonexistent'])
@pytest.mark.parametrize('node', INPUTS)
def test_enforced_without_a_keystore_is_one_sentence(node, keystore):
    settings = ros_environment(
        ROS_SECURITY_ENABLE='true',
        ROS_SECURITY_STRATEGY='Enforce',
        PYTHONPATH=os.pathsep.join(sys.path),
    )
    settings.pop('ROS_SECURITY_KEYSTORE', None)
    if keystore:
        settings['ROS_SECURITY_KEYSTORE'] = keystore
    done = subprocess.run(
        [sys.executable, '-m', f'depth_ros.nodes.{node}'],
        env=settings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert 'set ROS_SECURITY_KEYSTORE and --enclave, see docs/security.md' in done.stderr


def test_a_node_that_dds_refuses_is_one_sentence(capsys):
    """As Fast DDS does that was built without security while security is enforced."""
    pytest.importorskip('rclpy')
    from depth_ros.nodes.process import run

    class RCLError(RuntimeError):
        pass

    def refused():
        raise RCLError('error creating node: no security\nlibraries')

    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as ended:
            run(refused, [])
    finally:
        signal.signal(signal.SIGINT, handler)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == 'the node cannot be created: error creating node: no security libraries\n'
