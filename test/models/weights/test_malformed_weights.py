# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Headers, names and numbers of weights that cannot be, refused before they cost anything."""

import json
import math
import os
import struct
import time

import pytest

from depth_ros.models.engine.graph import ENDINGS
from depth_ros.models.mono.builtin import is_trained_here
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model, family_of
from depth_ros.models.weights import forms
from depth_ros.models.weights.hub import locate
from depth_ros.models.weights.verify import (
    check_finite,
    check_safetensors,
    is_folder,
    read_json,
    refuse_foreign,
    weight_files,
)


def refused(action, *words):
    """Check that an action is refused with one short sentence, at once."""
    start = time.monotonic()
    with pytest.raises(ModelError) as caught:
        action()
    text = str(caught.value)
    assert '\n' not in text
    assert len(text) < 900
    assert time.monotonic() - start < 60
    for word in words:
        assert word in text, text


def header(path, text, data=4):
    packed = text.encode()
    path.write_bytes(struct.pack('<Q', len(packed)) + packed + bytes(data))
    return path


def tensor(**changes):
    entry = {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4], **changes}
    return json.dumps({'weight': entry})


HEADERS = {
    'infinite shape': tensor(shape=[math.inf]),
    'shape of NaN': tensor(shape=[math.nan]),
    'shape of half a number': tensor(shape=[0.5]),
    'shape of true': tensor(shape=[True]),
    'shape of text': tensor(shape=['1']),
    'negative shape': tensor(shape=[-1]),
    'shape that is a number': tensor(shape=4),
    'shape of a million sides': tensor(shape=[9] * 1_000_000),
    'side of ten thousand digits': tensor(shape=[0]).replace('[0]', f'[{"9" * 4000}]', 1),
    'shape larger than its bytes': tensor(shape=[1000]),
    'shape smaller than its bytes': tensor(shape=[]).replace('[0, 4]', '[0, 8]'),
    'infinite offsets': tensor(data_offsets=[0, math.inf]),
    'offsets backwards': tensor(data_offsets=[4, 0]),
    'three offsets': tensor(data_offsets=[0, 2, 4]),
    'no offsets': json.dumps({'weight': {'dtype': 'F32', 'shape': [1]}}),
    'no type': json.dumps({'weight': {'shape': [1], 'data_offsets': [0, 4]}}),
    'tensor that is a list': '{"weight": [1, 2]}',
    'a list': '[' * 3 + ']' * 3,
    'deep': '[' * 100_000,
    'name of a megabyte': json.dumps({'x' * 1_000_000: {'shape': [math.inf]}}),
}


@pytest.mark.parametrize('text', HEADERS.values(), ids=list(HEADERS))
def test_headers_that_cannot_be(tmp_path, text):
    path = header(tmp_path / 'model.safetensors', text)
    refused(lambda: check_safetensors(path), 'is corrupt', 'fetch the model again')


def test_a_good_header(tmp_path):
    path = header(tmp_path / 'model.safetensors', tensor())
    assert check_safetensors(path) == 1
    unknown = tensor(dtype='F4', shape=[8])  # a type of tomorrow: its size is not known
    assert check_safetensors(header(path, unknown)) == 8


def test_configurations_are_regular_files(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    refused(lambda: read_json(tmp_path / 'pipe'), 'no regular file')
    (tmp_path / 'link').symlink_to('/dev/zero')
    refused(lambda: read_json(tmp_path / 'link'), 'no regular file')
    (tmp_path / 'x.json').write_text('9' * 10_000)
    refused(lambda: read_json(tmp_path / 'x.json'), 'fetch the model again')
    refused(lambda: read_json(tmp_path / 'none.json'), 'does not exist')
    (tmp_path / 'model.safetensors.index.json').write_text(
        json.dumps({'weight_map': {'a': '../' * 10_000}})
    )
    refused(lambda: weight_files(tmp_path), 'do not use this checkpoint')


NUMBERS = {
    'a billion layers': {'num_hidden_layers': 10**9},
    'a billion layers inside': {'backbone_config': {'num_hidden_layers': 10**9}},
    'a trillion wide': {'hidden_size': 10**12},
    'infinitely wide': {'hidden_size': math.inf},
    'NaN wide': {'hidden_size': math.nan},
    'deep list': {'depths': [[[10**12]]]},
}


@pytest.mark.parametrize('config', NUMBERS.values(), ids=list(NUMBERS))
def test_networks_that_would_take_days_to_build(tmp_path, config):
    refused(lambda: refuse_foreign(tmp_path / 'config.json', config), 'expected at most')


def test_ordinary_configurations_pass(tmp_path):
    config = {'hidden_size': 1024, 'num_hidden_layers': 40, 'rope_theta': 1e4, 'use_x': True}
    refuse_foreign(tmp_path / 'config.json', config)


NAMES = {
    'home of an unknown user': '~nosuchuser/x',
    'five thousand characters': 'x' * 5000,
    'a path of five thousand characters': '/x' * 2500,
    'ten megabytes': 'x' * 10_000_000,
    'a zero byte': 'a\0b',
    'not utf-8': os.fsdecode(b'o\xff'),
    'lines': 'a\nb',
    'a device': '/dev/zero',
    'below a file': '/dev/null/x',
    'empty': '',
    'up': '../../..',
}


@pytest.mark.parametrize('name', NAMES.values(), ids=list(NAMES))
def test_names_that_are_no_model(name):
    assert not is_trained_here(name)
    assert not is_folder(name)
    refused(lambda: family_of(name))
    refused(lambda: create_model(name))
    if '..' not in name:
        refused(lambda: locate(name), 'neither an existing folder')


@pytest.mark.parametrize('ending', ENDINGS)
@pytest.mark.parametrize('name', NAMES.values(), ids=list(NAMES))
def test_names_that_are_no_network_file(name, ending):
    assert not family_of(name + ending).names  # by its ending alone
    with pytest.raises(ModelError) as raised:
        create_model(name + ending)
    assert len(str(raised.value)) < 700


def test_a_folder_that_may_not_be_entered(tmp_path, monkeypatch):
    """As `ros2 param set ... model` with one killed the node; root may enter every folder."""

    def forbidden(path, *_, **__):
        raise PermissionError(13, 'Permission denied', str(path))

    monkeypatch.setattr(os, 'stat', forbidden)
    assert not is_trained_here(str(tmp_path))
    assert not is_folder(str(tmp_path))
    refused(lambda: family_of(str(tmp_path)))


@pytest.mark.parametrize('version', ['2.5.1', '2.9.1+cu128', '2.6.0a0+git1234', '1.13'])
def test_pickles_are_not_read_by_a_torch_that_would_run_them(tmp_path, monkeypatch, version):
    torch = pytest.importorskip('torch')
    torch.save({'a': torch.ones(2)}, tmp_path / 'x.pth')
    assert forms._torch(tmp_path / 'x.pth')['a'].shape == (2,)
    monkeypatch.setattr(torch, '__version__', version)
    monkeypatch.setattr(torch, 'load', lambda *_, **__: pytest.fail('it was loaded'))
    refused(lambda: forms._torch(tmp_path / 'x.pth'), 'update torch')


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize('dtype', ['float32', 'float16', 'bfloat16', 'float64'])
def test_one_number_that_is_none_is_enough(tmp_path, value, dtype):
    torch = pytest.importorskip('torch')
    good = torch.ones(3, 4, dtype=getattr(torch, dtype))
    bad = good.clone()
    bad[1, 2] = value
    counts = torch.tensor([2**60])
    check_finite([('good', good), ('counts', counts)], tmp_path)
    refused(lambda: check_finite([('good', good), ('bad', bad)], tmp_path), "infinity in 'bad'")
