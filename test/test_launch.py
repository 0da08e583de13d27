# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch files and the parameter files, against what the nodes declare."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from launch_files import NODES, ROOT, each_node, tables

from depth_ros.nodes import launching
from depth_ros.nodes.parameters.spec import ParameterSpec
from depth_ros.nodes.parameters.specs import model_options
from depth_ros.types import DepthError

# --- the tables ---------------------------------------------------------------------------------


@each_node
def test_arguments_have_one_meaning_each(node: str) -> None:
    launch = tables(node)
    names = ['name', *launching.COMMON, *launch['INPUTS'], *launch['OUTPUTS']]
    assert len(names) == len(set(names))
    assert set(launch['REMAPS'].values()) == {*launch['INPUTS'], *launch['OUTPUTS']}


@each_node
def test_no_argument_that_overrides_a_parameter_is_unknown_to_the_node(node: str) -> None:
    declared = {spec.name for spec in NODES[node]} | {'use_sim_time'}
    assert {'model', 'autostart', 'use_sim_time'} <= declared


@pytest.mark.parametrize(
    ('image', 'info'),
    [
        ('image_raw', 'camera_info'),
        ('/camera/image_raw', '/camera/camera_info'),
        ('left/image_rect', 'left/camera_info'),
        ('/image', '/camera_info'),
    ],
)
def test_calibration_is_looked_for_beside_the_image(image: str, info: str) -> None:
    values = {'left_image': image, 'left_camera_info': '', 'image': image, 'camera_info': ''}
    assert launching.topic(values, 'left_camera_info') == info
    assert launching.topic(values, 'camera_info') == info
    values['camera_info'] = '/elsewhere'
    assert launching.topic(values, 'camera_info') == '/elsewhere'


@pytest.mark.parametrize('word', ['true', 'True', '1', 'false', 'False', '0'])
def test_flags(word: str) -> None:
    assert launching.flag({'rviz': word}, 'rviz') == (word.lower() in ('true', '1'))


def test_flags_that_are_none_say_so() -> None:
    with pytest.raises(DepthError, match='rviz:=maybe is neither true nor false'):
        launching.flag({'rviz': 'maybe'}, 'rviz')


@pytest.mark.parametrize(
    ('argument', 'value', 'sentence'),
    [
        ('params_file', '/nowhere/p.yaml', 'params_file:=/nowhere/p.yaml is no file, expected'),
        ('params_file', '/', 'params_file:=/ is no file'),
        ('params_file', 'x' * 5000, 'is no file, expected the YAML of parameters'),
        ('python', '/nowhere/python', 'python:=/nowhere/python cannot be run, expected'),
        ('log_level', 'loud', 'log_level:=loud, expected one of debug, info, warn, error, fatal'),
    ],
)
def test_arguments_that_lead_nowhere_say_so(argument: str, value: str, sentence: str) -> None:
    good = {
        'params_file': __file__,
        'python': sys.executable,
        'log_level': 'WARN',
        'rviz': 'false',
    }
    launching.check(good)
    launching.check({**good, 'params_file': '', 'python': ''})
    with pytest.raises(DepthError, match=sentence):
        launching.check({**good, argument: value})


def test_rviz_is_looked_for_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, launch ended and left the node that it had started."""
    values = {'params_file': '', 'python': '', 'log_level': 'info', 'rviz': 'true'}
    monkeypatch.setattr(launching, '_has_package', lambda name: name != 'rviz2')
    with pytest.raises(
        DepthError, match=r'rviz2 is not installed; install ros-\$ROS_DISTRO-rviz2'
    ):
        launching.check(values)
    monkeypatch.setattr(launching, '_has_package', lambda name: True)
    launching.check(values)


NOTHING = {'parameters': '', 'model': '', 'autostart': '', 'use_sim_time': ''}


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({}, []),  # the parameter file alone decides
        ({'model': 'floor'}, [{'model': 'floor'}]),
        ({'autostart': 'false'}, [{'autostart': False}]),
        (
            {'parameters': '{max_depth: 8.0, model: sgbm}', 'model': 'floor'},
            [{'max_depth': 8.0, 'model': 'floor'}],  # the argument of its own wins
        ),
    ],
)
def test_given_parameters(given: dict[str, str], expected: list[dict[str, object]]) -> None:
    assert launching._given({**NOTHING, **given}) == expected


@pytest.mark.parametrize('text', ['max_depth', '8', '[1, 2]', '{a: '])
def test_parameters_that_are_no_mapping_are_refused(text: str) -> None:
    with pytest.raises(DepthError, match='expected YAML such as'):
        launching._given({**NOTHING, 'parameters': text})


# --- the parameter files ------------------------------------------------------------------------


def parameters_of(text: str) -> dict[str, object]:
    return yaml.safe_load(text)['/**']['ros__parameters']


def is_default(value: object, spec: ParameterSpec) -> bool:
    return type(value) is type(spec.default) and value == spec.default


@each_node
def test_parameter_file_is_what_the_node_declares(node: str) -> None:
    given = parameters_of((ROOT / 'config' / f'{node}.yaml').read_text())
    declared = {spec.name: spec for spec in NODES[node]}
    assert list(given) == list(declared)
    assert [name for name, spec in declared.items() if not is_default(given[name], spec)] == []


@each_node
def test_parameter_file_offers_every_option_of_the_default_model(node: str) -> None:
    text = (ROOT / 'config' / f'{node}.yaml').read_text()
    uncommented = re.sub(r'^    # (\w+: \S+)$', r'    \1', text, flags=re.MULTILINE)
    given = parameters_of(uncommented)
    fixed = {spec.name for spec in NODES[node]}
    model = str(next(spec.default for spec in NODES[node] if spec.name == 'model'))
    options = {spec.name: spec for spec in model_options(model) if spec.name not in fixed}
    assert set(given) - fixed == set(options)
    assert [name for name, spec in options.items() if not is_default(given[name], spec)] == []


def test_nav2_example_is_complete() -> None:
    text = (ROOT / 'config' / 'nav2_voxel_layer.yaml').read_text()
    costmap = yaml.safe_load(text)['local_costmap']['local_costmap']['ros__parameters']
    layer = costmap['voxel_layer']
    assert set(costmap['plugins']) == {k for k, v in costmap.items() if isinstance(v, dict)}
    sources = layer['observation_sources'].split()
    assert set(sources) == {k for k, v in layer.items() if isinstance(v, dict)}
    for node in NODES:
        published = {topic for topic, _ in tables(node)['OUTPUTS'].values()}
        for source in (layer[name] for name in sources):
            assert source['topic'].removeprefix('/') in published
            assert source['data_type'] == 'PointCloud2'
    assert {layer[s]['marking'] for s in sources} == {layer[s]['clearing'] for s in sources}
    assert layer['z_voxels'] <= 16  # more do not fit into Nav2's voxels


def test_rviz_shows_what_the_launch_files_publish() -> None:
    config = yaml.safe_load((ROOT / 'config' / 'depth.rviz').read_text())
    shown = {
        display['Topic']['Value']
        for display in config['Visualization Manager']['Displays']
        if 'Topic' in display
    }
    published = {topic for node in NODES for topic, _ in tables(node)['OUTPUTS'].values()}
    assert shown <= published
    assert len(shown) > 0


class LaunchContext:
    """A launch context: what the command line has, and the file that is being read."""

    def __init__(self, *words: str, file: str = '/ws/share/launch/mono.launch.py') -> None:
        self.argv, self.file = words, file

    def get_locals_as_dict(self) -> dict[str, Any]:
        return {'current_launch_file_path': self.file}


@pytest.mark.parametrize(
    ('word', 'advice'),
    [
        ('imge:=/x', 'mono.launch.py has no argument imge; did you mean image?'),
        ('max_depth:=5', 'given as parameters:="{max_depth: 5}"'),
        ('cameras:=front,rear', 'given as parameters:="{cameras: \'front,rear\'}"'),
        ('zzzz:=1', 'zzzz; --show-args lists them all'),
    ],
)
def test_an_argument_that_launch_would_ignore_is_refused(
    monkeypatch: pytest.MonkeyPatch, word: str, advice: str
) -> None:
    known = ('image', 'model')
    monkeypatch.setattr(sys, 'argv', ['ros2', 'launch', 'depth_ros', 'mono.launch.py', word])
    with pytest.raises(DepthError, match=re.escape(advice)):
        launching.refuse_unknown(LaunchContext('model:=floor', word), known)
    launching.refuse_unknown(LaunchContext('model:=floor'), known)
    # The words are those of the file that includes this one.
    monkeypatch.setattr(sys, 'argv', ['ros2', 'launch', 'robot', 'robot.launch.py', word])
    launching.refuse_unknown(LaunchContext(word), known)


@pytest.mark.parametrize(
    ('section', 'namespace', 'read'),
    [
        ('/**', '/front', True),
        ('mono_depth', '', True),
        ('/mono_depth', '/', True),
        ('mono_depth', 'front', False),
        ('/front/mono_depth', 'front', True),
        ('/**/mono_depth', '/a/b', True),
        ('/*', '', True),
        ('/*', 'front', False),
        ('mono', '', False),
    ],
)
def test_a_parameter_file_without_a_section_for_the_node_is_named(
    tmp_path: Path, section: str, namespace: str, read: bool
) -> None:
    file = tmp_path / 'p.yaml'
    file.write_text(yaml.safe_dump({section: {'ros__parameters': {'max_depth': 4.0}}}))
    values = {'params_file': str(file), 'namespace': namespace, 'name': 'mono_depth'}
    said = launching.unread_file(values)
    assert bool(said) != read
    if not read:
        assert f'it has /{section.strip("/")}; name the section /**' in said[0]


def test_a_parameter_file_is_read_as_nested_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / 'p.yaml'
    file.write_text('front:\n  mono_depth:\n    ros__parameters: {max_depth: 4.0}\n')
    values = {'params_file': str(file), 'namespace': '/front', 'name': 'mono_depth'}
    assert launching.unread_file(values) == []
    file.write_text('[1, 2]')
    assert 'it has none' in launching.unread_file(values)[0]
    file.write_text('a: [')
    assert launching.unread_file(values) == []
