# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters as data: what the lists hold, and what a value is checked against."""

import math
import subprocess
import sys

import pytest

from depth_ros.models.registry import catalogue
from depth_ros.nodes.parameters.spec import ParameterSpec, checked
from depth_ros.nodes.parameters.specs import MONO, STEREO, model_options, pipeline_options
from depth_ros.types import DepthError

LISTS = {'mono_depth': MONO, 'stereo_depth': STEREO}


def test_they_are_known_without_ros():
    code = (
        'import sys, depth_ros.nodes.parameters.specs; '
        "print([m for m in sys.modules if m.split('.')[0] in ('rclpy', 'torch')])"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'


@pytest.mark.parametrize('declared', LISTS.values(), ids=LISTS)
def test_names_are_unique_and_defaults_allowed(declared):
    names = [spec.name for spec in declared]
    assert len(set(names)) == len(names)
    values = checked(declared, {})
    assert values == {spec.name: spec.default for spec in declared}
    pipeline_options(values)
    assert all(spec.description and spec.constraint for spec in declared)


@pytest.mark.parametrize('model', sorted(catalogue()))
def test_options_of_models_do_not_meet_the_parameters_of_nodes(model):
    options = model_options(model)
    checked(options, {})  # their defaults are allowed
    views = catalogue()[model].views
    taken = {spec.name for spec in (STEREO if views == 2 else MONO)}
    assert not taken & {option.name for option in options}
    # The mount reaches a model with each image; everything else is built into it.
    live = {option.name for option in options if option.live}
    assert live <= {'camera_height', 'camera_pitch', 'camera_roll'}


FLOAT = ParameterSpec('gain', 1.0, 'a number', range=(0.0, 2.0))
COUNT = ParameterSpec('count', 1, 'an integer', range=(1, 9))
FLAG = ParameterSpec('flag', True, 'a flag')
WORD = ParameterSpec('word', 'a', 'a word', choices=('a', 'b'))
OPEN = ParameterSpec('open', 0.0, 'any number', range=(-math.inf, math.inf))


@pytest.mark.parametrize(
    ('spec', 'given', 'result'),
    [
        (FLOAT, 0.5, 0.5),
        (FLOAT, 2, 2.0),  # `gain: 2` in a file
        (FLOAT, 0.0, 0.0),  # the ends belong to the range
        (COUNT, 9, 9),
        (FLAG, False, False),
        (WORD, 'b', 'b'),
        (OPEN, -math.inf, -math.inf),
    ],
)
def test_good_values(spec, given, result):
    value = spec.check(given)
    assert value == result
    assert type(value) is type(spec.default)


@pytest.mark.parametrize(
    ('spec', 'given', 'sentence'),
    [
        (FLOAT, 3.0, 'parameter gain must be a number from 0 to 2, got 3.0; its default is 1.0'),
        (FLOAT, -1e-9, 'got -1e-09'),
        (FLOAT, math.nan, 'got NaN'),
        (FLOAT, True, 'must be a number from 0 to 2, got True'),
        (FLOAT, '1', "got '1'"),
        (FLOAT, None, 'got nothing'),
        (FLOAT, [1.0], r'got \[1.0\]'),
        (COUNT, 0, 'parameter count must be an integer from 1 to 9, got 0'),
        (COUNT, 2.0, 'got 2.0'),
        (COUNT, True, 'got True'),
        (FLAG, 1, 'parameter flag must be true or false, got 1'),
        (FLAG, 'true', "got 'true'"),
        (WORD, 'c', "parameter word must be one of a, b, got 'c'"),
        (WORD, 1, 'must be one of a, b, got 1'),
        (OPEN, math.nan, 'got NaN'),
    ],
)
def test_bad_values(spec, given, sentence):
    with pytest.raises(DepthError, match=sentence):
        spec.check(given)
