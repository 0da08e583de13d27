# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of which no depth can come are refused at load, not by images full of NaN."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('transformers')

import tiny_checkpoints as tiny
from safetensors.torch import load_file, save_file

from depth_ros.models.engine.images import normalised_settings
from depth_ros.models.mono import builtin
from depth_ros.models.mono.hf.prompt_depth_anything import fill_prompt
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model

WEIGHTS = 'model.safetensors'


def refused(action, *words):
    """Check that an action is refused with one sentence."""
    with pytest.raises(ModelError) as caught:
        action()
    text = str(caught.value)
    assert '\n' not in text
    assert len(text) < 900
    for word in words:
        assert word in text, text


SETTINGS = {
    'image_std of zero': ({'image_std': [0, 0, 0]}, 'image_std is 0'),
    'one image_std of zero': ({'image_std': [0.2, 0.0, 0.2]}, 'image_std is 0.0'),
    'negative image_std': ({'image_std': -1.0}, 'image_std is -1.0'),
    'image_std of NaN': ({'image_std': [math.nan] * 3}, 'image_std is nan'),
    'image_std of text': ({'image_std': 'abc'}, "image_std is 'abc'"),
    'image_std of two': ({'image_std': [0.2, 0.2]}, '3 were expected'),
    'image_std of a mapping': ({'image_std': {'a': 1}}, 'image_std is'),
    'image_mean of infinity': ({'image_mean': [math.inf] * 3}, 'image_mean is inf'),
    'image_mean of text': ({'image_mean': ['a', 'b', 'c']}, "image_mean is 'a'"),
    'rescale_factor of zero': ({'rescale_factor': 0}, 'rescale_factor is 0'),
    'rescale_factor of text': ({'rescale_factor': 'x'}, "rescale_factor is 'x'"),
    'rescale_factor of NaN': ({'rescale_factor': math.nan}, 'rescale_factor is nan'),
    'size of zero': ({'size': {'height': 0, 'width': 9}}, 'size of height is 0'),
    'size of text': ({'size': {'height': 'x', 'width': 9}}, "size of height is 'x'"),
    'size of billions': ({'size': 10**9}, 'size of height is 1000000000'),
    'size of a list': ({'size': [1, 2]}, 'expected height and width'),
    'multiple of zero': ({'ensure_multiple_of': 0}, 'ensure_multiple_of is 0'),
    'multiple of text': ({'ensure_multiple_of': 'x'}, 'ensure_multiple_of'),
    'divisor of text': ({'size_divisor': 'x'}, 'size_divisor'),
    'divisor below zero': ({'size_divisor': -8}, 'size_divisor'),
    'resample of a list': ({'resample': [2]}, 'expected bilinear (2)'),
    'resample of nearest': ({'resample': 0}, 'expected bilinear (2)'),
    'switch of text': ({'do_resize': 'no'}, "do_resize is 'no'"),
    'switch of a number': ({'do_pad': 2}, 'do_pad is 2'),
}


@pytest.mark.parametrize(('changes', 'words'), SETTINGS.values(), ids=list(SETTINGS))
def test_processors_that_cannot_be(changes, words):
    refused(lambda: normalised_settings(changes), words)


@pytest.fixture(scope='session')
def sound(tmp_path_factory):
    """Return small checkpoints by name."""
    root = tmp_path_factory.mktemp('sound')
    made = {'glpn': tiny.glpn(), 'metric': tiny.depth_anything('metric', 20)}
    return {name: tiny.write_checkpoint(root / name, parts) for name, parts in made.items()}


def changed(folder, place, file='config.json', **changes):
    """Return a copy of a checkpoint with another configuration."""
    copy = Path(shutil.copytree(folder, place / 'model'))
    path = copy / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return str(copy)


CONFIGURATIONS = {
    'max_depth 0': ('metric', {'max_depth': 0}, 'depth is 0 to 0 m'),
    'max_depth -1': ('metric', {'max_depth': -1}, 'depth is 0 to -1 m'),
    'max_depth of text': ('metric', {'max_depth': 'far'}, ''),
    'max_depth NaN': ('metric', {'max_depth': math.nan}, "'max_depth' to nan"),
    'max_depth 0 of GLPN': ('glpn', {'max_depth': 0}, 'depth is 0 to 0 m'),
    'patch_size 0': ('metric', {'patch_size': 0}, ''),
    'patch_size of text': ('metric', {'patch_size': 'x'}, ''),
    'no patch_size': ('metric', {'patch_size': None}, ''),
    'depth_estimation_type 5': ('metric', {'depth_estimation_type': 5}, ''),
    'backbone of text': ('metric', {'backbone_config': 'x'}, ''),
    'backbone of nothing': ('metric', {'backbone_config': {}}, ''),
    'heads below zero': ('metric', {'head_hidden_size': -8}, ''),
    'layers of a list': ('glpn', {'depths': ['x']}, ''),
    'activation of nonsense': ('glpn', {'hidden_act': 'nonsense'}, ''),
}


@pytest.mark.parametrize(
    ('name', 'changes', 'words'), CONFIGURATIONS.values(), ids=list(CONFIGURATIONS)
)
def test_configurations_that_cannot_be(sound, tmp_path, name, changes, words):
    refused(lambda: create_model(changed(sound[name], tmp_path, **changes)), words)


def test_a_processor_that_divides_by_zero(sound, tmp_path):
    file = 'preprocessor_config.json'
    folder = changed(sound['metric'], tmp_path, file, image_std=[0, 0, 0])
    refused(lambda: create_model(folder), 'image_std')


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_one_weight_that_is_no_number(sound, tmp_path, value):
    copy = Path(shutil.copytree(sound['metric'], tmp_path / 'model'))
    tensors = load_file(copy / WEIGHTS)
    name = sorted(tensors)[0]
    tensors[name].ravel()[0] = value
    save_file(tensors, copy / WEIGHTS, {'format': 'pt'})
    refused(lambda: create_model(str(copy)), 'NaN or infinity', name)


def trained(folder, value=0.5, **facts):
    """Write a folder as `depth_ros train` does, with one weight and some facts of choice."""
    from safetensors import safe_open

    folder.mkdir()
    with safe_open(builtin.SHIPPED / WEIGHTS, 'pt') as file:
        known = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    tensors['head.weight'].ravel()[0] = value
    save_file(tensors, folder / WEIGHTS, {**known, **{k: json.dumps(v) for k, v in facts.items()}})
    (folder / builtin.CARD).write_text('card')
    return str(folder)


TRAINED = {
    'a weight of NaN': ({'value': math.nan}, 'NaN or infinity'),
    'a weight of infinity': ({'value': math.inf}, 'NaN or infinity'),
    'a size below zero': ({'size': [-32, -32]}, 'pixels, expected up to'),
    'a size of nothing': ({'size': [0, 32]}, 'pixels, expected up to'),
    'a size of gigapixels': ({'size': [10**6, 10**6]}, 'pixels, expected up to'),
    'a size of text': ({'size': 'ab'}, 'does not hold a network'),
    'a size of one number': ({'size': [32]}, 'does not hold a network'),
    'a size of NaN': ({'size': [math.nan, 32]}, 'pixels, expected up to'),
    'a layout of text': ({'layout': 'x'}, 'does not hold a network'),
    'a layout of a billion': ({'layout': {'deep': 10**9}}, 'does not hold a network'),
}


@pytest.mark.parametrize(('facts', 'words'), TRAINED.values(), ids=list(TRAINED))
def test_folders_of_train_that_cannot_be(tmp_path, facts, words):
    folder = trained(tmp_path / 'run', **facts)
    refused(lambda: create_model(folder), words)


@pytest.mark.parametrize('shape', [(1, 1), (1, 8), (8, 1), (5, 8)])
def test_a_constant_prompt_is_varied_whatever_its_shape(shape):
    filled = fill_prompt(np.full(shape, 2.0, np.float32))
    assert np.isfinite(filled).all()
    assert 0 < np.ptp(filled) < 1e-4
    np.testing.assert_allclose(filled, 2.0, atol=1e-4)


@pytest.mark.parametrize('value', [0.0, -1.0, np.nan, np.inf, 1e-45])
def test_a_prompt_without_a_metre(value):
    refused(lambda: fill_prompt(np.full((3, 3), value, np.float32)), 'no valid metre')
