# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the parameters of the tutorial's depth node become."""

import textwrap

import pytest

from depth_ros.files.nav2_tutorial import (
    MODEL,
    read_tutorial_parameters,
    split_transport,
    translated,
)
from depth_ros.nodes.parameters.specs import MONO, model_options
from depth_ros.types import DepthError

# As the tutorial has it, written down apart from the code under test.
FILE = textwrap.dedent("""
    usb_cam:
      ros__parameters:
        frame_rate: 30.0
    depth_anything_v3:
      ros__parameters:
        onnx_path: "$(find-pkg-share depth_anything_v3)/models/DA3METRIC-LARGE.onnx"
        precision: "fp16"
        enable_debug: false
        debug_colormap: "JET"
        debug_filepath: "/tmp/depth_anything_v3_debug/"
        write_colormap: false
        debug_colormap_min_depth: 0.0
        debug_colormap_max_depth: 50.0
        sky_threshold: 0.3
        sky_depth_cap: 200.0
        point_cloud_downsample_factor: 2
        colorize_point_cloud: true
""")


@pytest.fixture
def read(tmp_path):
    def of(text):
        path = tmp_path / 'params.yaml'
        path.write_text(text)
        return read_tutorial_parameters(path)

    return of


def test_the_file_of_the_tutorial(read):
    found = translated(read(FILE))
    assert found.parameters == {
        'model': MODEL,
        'precision': 'auto',
        'sky_threshold': 0.3,
        'decimation_x': 2,
        'decimation_y': 2,
        'points_fields': 'xyzrgb',
    }
    notes = '\n'.join(found.notes)
    for name in ('onnx_path', 'sky_depth_cap', 'debug_colormap', 'debug_filepath'):
        assert name in notes
    assert 'write_colormap' not in notes  # false is what happens anyway


def test_every_parameter_is_one_of_the_node_and_its_value_is_allowed(read):
    specs = {spec.name: spec for spec in (*MONO, *model_options(MODEL))}
    text = FILE.replace('fp16', 'fp32').replace(
        'colorize_point_cloud: true', 'colorize_point_cloud: false'
    )
    for name, value in translated(read(text)).parameters.items():
        assert specs[name].check(value) == value
    assert translated(read(text)).parameters['precision'] == 'float32'
    assert translated(read(text)).parameters['points_fields'] == 'xyz'


def test_own_parameters_pass_and_other_names_of_the_node_are_read(read):
    text = '/robot/depth_anything_v3:\n  ros__parameters:\n    max_depth: 8.0\n    model: plane\n'
    parameters = translated(read(text)).parameters
    assert parameters['max_depth'] == 8.0
    assert parameters['model'] == 'plane'
    assert (
        translated(read(text.replace('/robot/depth_anything_v3', '/**'))).parameters == parameters
    )


@pytest.mark.parametrize(
    ('given', 'sentence'),
    [
        ({'precision': 'int8'}, "precision is 'int8', expected fp16 or fp32"),
        ({'point_cloud_downsample_factor': 0}, 'is 0, expected an integer from 1'),
        ({'point_cloud_downsample_factor': True}, 'is True, expected an integer'),
        ({'colorize_point_cloud': 'yes'}, "'yes', expected true or false"),
        ({'sky_threshold': 'low'}, "'low', expected a number"),
    ],
)
def test_values_that_cannot_be_are_errors(given, sentence):
    with pytest.raises(DepthError, match=sentence):
        translated(given)


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        ('a: [', 'is no YAML'),
        ('', 'has no parameters for depth_anything_v3'),
        ('usb_cam: {ros__parameters: {a: 1}}', 'has no parameters for depth_anything_v3'),
        ('depth_anything_v3: 3', 'has no parameters for depth_anything_v3'),
    ],
)
def test_files_that_cannot_be_are_errors(read, text, sentence):
    with pytest.raises(DepthError, match=sentence):
        read(text)


def test_the_name_of_the_topic_decides_the_transport():
    assert split_transport('/resize/image_raw/compressed') == ('/resize/image_raw', 'compressed')
    assert split_transport('/camera/image_raw') == ('/camera/image_raw', 'raw')
