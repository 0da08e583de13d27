# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters as a running node declares, takes and refuses them."""

import re

import pytest

pytest.importorskip('rclpy')

from node_harness import Graph

from depth_ros.nodes.parameters.specs import MONO, model_options

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def graph():
    result = Graph()
    result.start('depth_ros.nodes.mono_depth', {'model': 'floor', 'camera_height': 2})
    yield result
    result.close()


# name, value, what the refusal says
REFUSED = [
    ('min_depth', -1.0, 'min_depth must be a number from 0 up, got -1.0'),
    ('min_depth', 'near', "min_depth must be a number from 0 up, got 'near'"),
    ('max_depth', 0.0, 'min_depth 0 and max_depth 0 leave no range; expected'),
    ('min_confidence', 1.5, 'min_confidence must be a number from 0 to 1, got 1.5'),
    ('edge_threshold', float('nan'), 'edge_threshold must be .* got NaN'),
    ('scale', -1.0, 'scale must be a number from 0 up'),
    ('shift', float('inf'), 'expected a finite scale'),
    ('depth_encoding', '64FC1', "depth_encoding must be one of 32FC1, 16UC1, got '64FC1'"),
    ('points_fields', 'xyzuv', "must be one of xyz, xyzrgb, xyzi, got 'xyzuv'"),
    ('points_organised', 1, 'points_organised must be true or false, got 1'),
    ('decimation_x', 0, 'decimation_x must be an integer from 1 to 1000, got 0'),
    ('decimation_y', 1.5, 'decimation_y must be an integer .* got 1.5'),
    ('points_max_rate', -3.0, 'points_max_rate must be a number from 0 up'),
    ('max_age', -0.1, 'max_age must be a number from 0 up'),
    ('autostart', False, 'autostart can only be given at start; start the node with'),
    ('rectify', 'sometimes', 'rectify must be one of auto, always, never'),
    ('rectify', 'never', 'used when the node is configured; deactivate and clean up first'),
    ('model', 'plane', 'used when the node is configured; deactivate and clean up first'),
    ('max_range', 3.0, 'used when the node is configured; deactivate and clean up first'),
    ('camera_height', -3.0, 'camera_height must be a number from 0.001'),
]


@pytest.mark.parametrize(('name', 'value', 'sentence'), REFUSED)
def test_a_running_node_refuses(graph, name, value, sentence):
    before = graph.parameter('mono_depth', name)
    successful, reason = graph.set_parameter('mono_depth', name, value)
    assert not successful
    assert re.search(sentence, reason), reason
    assert graph.parameter('mono_depth', name) == before


@pytest.mark.parametrize(
    ('name', 'sentence'),
    [
        ('max_dpeth', "no parameter 'max_dpeth'; did you mean max_depth"),
        ('x' * 100_000, 'no parameter .{1,90}; see `ros2 param list`'),
    ],
    ids=['misspelt', 'long'],
)
def test_an_unknown_parameter_is_named(graph, name, sentence):
    successful, reason = graph.set_parameter('mono_depth', name, 3.0)
    assert not successful
    assert re.search(sentence, reason), reason


@pytest.mark.parametrize(
    ('name', 'value', 'result'),
    [('min_depth', 1, 1.0), ('max_depth', 5.5, 5.5), ('decimation_x', 2, 2), ('max_age', 3, 3.0)],
)
def test_a_running_node_takes(graph, name, value, result):
    assert graph.set_parameter('mono_depth', name, value) == (True, '')
    taken = graph.parameter('mono_depth', name)
    assert taken == result
    assert type(taken) is type(result)


def test_an_integer_given_at_start_is_a_number(graph):
    assert graph.parameter('mono_depth', 'camera_height') == 2.0


def test_every_declaration_is_described(graph):
    from rcl_interfaces.srv import DescribeParameters, ListParameters

    specs = {spec.name: spec for spec in (*MONO, *model_options('floor'))}
    listed = graph._call(
        ListParameters, '/mono_depth/list_parameters', ListParameters.Request()
    ).result.names
    assert set(specs) <= set(listed)
    rest = {name for name in listed if not name.startswith('qos_overrides.')} - set(specs)
    assert rest <= {'use_sim_time', 'start_type_description_service'}
    topics = {name.split('.')[1] for name in listed if name.startswith('qos_overrides.')}
    assert {'/mono_depth/points', '/mono_depth/depth/image'} <= topics
    described = graph._call(
        DescribeParameters,
        '/mono_depth/describe_parameters',
        DescribeParameters.Request(names=list(specs)),
    ).descriptors
    for message in described:
        spec = specs[message.name]
        assert message.description == spec.description
        assert message.read_only == spec.read_only
        assert message.additional_constraints.startswith(spec.constraint)
        ranges = [*message.floating_point_range, *message.integer_range]
        assert len(ranges) == (spec.range is not None)
        if spec.range is not None:
            assert (ranges[0].from_value, ranges[0].to_value) == spec.range


def test_bad_values_at_start_are_named_and_can_be_mended():
    graph = Graph()
    bad = {
        'min_depth': -1.0,
        'points_fields': 'xyzuv',
        'decimation_x': 'two',
        'model': 'floor',
        'camera_height': 0.0,
        'max_dpeth': 3.0,
    }
    try:
        process = graph.start('depth_ros.nodes.mono_depth', bad)
        assert graph.state('mono_depth') == 'unconfigured'
        for sentence in (
            'min_depth must be a number from 0 up, got -1.0',
            "points_fields must be one of xyz, xyzrgb, xyzi, got 'xyzuv'",
            "decimation_x must be an integer from 1 to 1000, got 'two'",
            'camera_height must be a number',
            'max_dpeth was given but this node has none; did you mean max_depth',
        ):
            graph.spin_until(lambda s=sentence: process.said(s), sentence)
        assert not graph.transition('mono_depth', 'configure')
        for name, value in (
            ('min_depth', 0.0),
            ('points_fields', 'xyz'),
            ('decimation_x', 1),
            ('camera_height', 1.0),
        ):
            assert graph.set_parameter('mono_depth', name, value) == (True, '')
        assert graph.transition('mono_depth', 'configure')
        assert graph.transition('mono_depth', 'activate')
    finally:
        graph.close()


NO_MODELS = {
    'home of an unknown user': '~nosuch/x',
    'a file in the home of an unknown user': '~nosuch/x.onnx',
    'a device': '/dev/zero',
    'below a file': '/dev/null/x',
    'five thousand characters': 'x' * 5000,
    'a path of five thousand characters': '/x' * 2500,
    'a file of five thousand characters': 'x' * 5000 + '.onnx',
}


def test_no_name_of_a_model_ends_an_unconfigured_node():
    graph = Graph()
    try:
        process = graph.start('depth_ros.nodes.mono_depth', {'autostart': False})
        for parameter in ('model', 'fallback'):
            for name in NO_MODELS.values():
                assert graph.set_parameter('mono_depth', parameter, name) == (True, '')
        assert not graph.transition('mono_depth', 'configure')
        graph.spin_until(lambda: process.said('nor can its fallback'), 'both reasons')
        assert max(map(len, process.lines)) < 2000  # what is quoted is cut
        assert graph.set_parameter('mono_depth', 'model', 'floor')[0]
        assert graph.set_parameter('mono_depth', 'camera_height', 1.0)[0]
        assert graph.transition('mono_depth', 'configure')
    finally:
        graph.close()


@pytest.mark.parametrize('name', ['region', 'fallback', 'cameras', 'scan_frame', 'mount_frame'])
@pytest.mark.parametrize(
    'value', ['/x' * 2500, '/dev/zero', 'a\nb'], ids=['long', 'device', 'lines']
)
def test_no_text_ends_a_running_node(graph, name, value):
    successful, reason = graph.set_parameter('mono_depth', name, value)
    assert len(reason) < 300
    assert bool(reason) != successful
    assert graph.processes[0].alive


def test_options_that_do_not_fit_together_are_refused_at_configure():
    graph = Graph()
    try:
        process = graph.start('depth_ros.nodes.stereo_depth', {'disparity_range': 100})
        graph.spin_until(
            lambda: process.said('disparity_range is 100, expected a multiple of 16; use 112'),
            'the sentence',
        )
        assert graph.state('stereo_depth') == 'unconfigured'
        assert graph.set_parameter('stereo_depth', 'disparity_range', 112) == (True, '')
        assert graph.transition('stereo_depth', 'configure')
    finally:
        graph.close()
