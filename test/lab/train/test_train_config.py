# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Configurations: round trip, types, and a clear word for everything that is wrong."""

from pathlib import Path

import pytest
import yaml

from depth_ros.lab.train.config import config_from, config_to, read_config
from depth_ros.lab.train.networks.config import is_network_config, read_network_config
from depth_ros.types import DepthError

MINIMAL = {'data': {'frames': 8}}


def test_round_trip_through_yaml():
    config = config_from({**MINIMAL, 'rate': 0.5, 'augment': {'zoom': 2}, 'layout': {'stem': 8}})
    assert config_from(yaml.safe_load(yaml.safe_dump(config_to(config)))) == config


def test_numbers_that_yaml_reads_as_text_or_int():
    config = config_from(yaml.safe_load('{rate: 1e-3, clip: 2, data: {folders: [a, b]}}'))
    assert config.rate == 0.001
    assert config.clip == 2.0
    assert config.data.folders == ('a', 'b')


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({}, 'nothing to learn from'),
        ({**MINIMAL, 'stesp': 3}, 'stesp is not known'),
        ({**MINIMAL, 'loss': {'x': 3}}, r'loss\.x is not known'),
        ({**MINIMAL, 'steps': 'many'}, "steps is 'many', expected int"),
        ({**MINIMAL, 'steps': 1.5}, 'expected int'),
        ({**MINIMAL, 'steps': True}, 'expected int'),
        ({**MINIMAL, 'steps': 0}, 'expected more than 0'),
        ({**MINIMAL, 'width': 100}, 'multiple of 32'),
        ({**MINIMAL, 'ema': 1.0}, 'ema'),
        ({**MINIMAL, 'encoder_rate': 2.0}, 'encoder_rate is 2.0, expected a share'),
        ({**MINIMAL, 'augment': {'ground': 1.5}}, 'augment.ground is 1.5, expected a share'),
        ({**MINIMAL, 'loss': {'bare': 0.5}}, 'loss.bare needs `augment.ground`'),
        ({**MINIMAL, 'optimiser': 'sgd'}, 'expected one of adamw, muon'),
        ({'data': 5}, 'data is int, expected names with values'),
        ({'data': {'frames': 'x'}}, r'data\.frames'),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(values, words):
    with pytest.raises(DepthError, match=words):
        config_from(values)


@pytest.mark.parametrize(
    ('text', 'words'), [('a: [1', 'not valid YAML'), ('- 1', 'list'), (None, 'cannot be read')]
)
def test_files_that_are_no_configuration(tmp_path, text, words):
    path = tmp_path / 'config.yaml'
    if text is not None:
        path.write_text(text)
    with pytest.raises(DepthError, match=words):
        read_config(path)


def test_the_configurations_that_ship_are_readable():
    folder = Path(__file__).resolve().parents[3] / 'config' / 'train'
    files = sorted(folder.glob('*.yaml'))
    assert files
    for path in files:
        read = read_network_config if is_network_config(path) else read_config
        assert read(path).name == path.stem
