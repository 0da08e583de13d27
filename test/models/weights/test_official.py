# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Official checkpoint files become safetensors once, and nothing in them is run."""

import json
import os
import pickle

import pytest

torch = pytest.importorskip('torch')
safetensors = pytest.importorskip('safetensors')

from depth_ros.models.networks.unfilled import without_weights  # noqa: E402
from depth_ros.models.protocol import ModelError  # noqa: E402
from depth_ros.models.weights import fetch  # noqa: E402
from depth_ros.models.weights.official import convert, read_weights  # noqa: E402
from depth_ros.models.weights.source import ByHand, Official  # noqa: E402
from depth_ros.models.weights.verify import WEIGHTS, WeightsMissing, sha256_of  # noqa: E402


def network():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))


def skeleton(name):
    with without_weights():
        return network()


OFFICIAL = Official(skeleton, lambda key: None if key.startswith('loss.') else key)


def written(tmp_path, change=lambda state: state, wrap=lambda state: state):
    state = network().state_dict()
    path = tmp_path / 'official.pth'
    torch.save(wrap(change(dict(state))), path)
    return path, state


WRAPPINGS = {
    'plain': lambda s: s,
    'state_dict': lambda s: {'epoch': 3, 'state_dict': s, 'optimizer': {'lr': 0.1}},
    'module.': lambda s: {f'module.{key}': value for key, value in s.items()},
    'model within': lambda s: {'model': {f'module.{key}': v for key, v in s.items()}},
    'dropped key': lambda s: {**s, 'loss.weight': torch.ones(3)},
    'no counters': lambda s: {k: v for k, v in s.items() if 'num_batches' not in k},
}


@pytest.mark.parametrize('wrap', WRAPPINGS.values(), ids=WRAPPINGS)
def test_the_weights_are_those_of_the_file(tmp_path, wrap):
    path, state = written(tmp_path, wrap=wrap)
    convert('tiny', OFFICIAL, path, tmp_path / 'out')
    tensors = read_weights(tmp_path / 'out', 'tiny')
    assert tensors.keys() == state.keys()
    for key, value in tensors.items():
        assert torch.equal(value, state[key])
    with safetensors.safe_open(tmp_path / 'out' / WEIGHTS, 'pt') as file:
        assert json.loads(file.metadata()['source_sha256']) == sha256_of(path)


def test_tensors_that_share_memory_are_written_apart(tmp_path):
    shared = torch.ones(4)
    path, _ = written(tmp_path, lambda s: {**s, '0.bias': shared, '1.bias': shared})
    convert('tiny', OFFICIAL, path, tmp_path / 'out')
    assert torch.equal(read_weights(tmp_path / 'out', 'tiny')['1.bias'], shared)


CHANGES = {
    'missing': (lambda s: {k: v for k, v in s.items() if k != '0.weight'}, r'lacks 0\.weight'),
    'unexpected': (lambda s: {**s, 'head.weight': torch.ones(1)}, r'unexpected head\.weight'),
    'shape': (lambda s: {**s, '0.bias': torch.ones(5)}, r'0\.bias \(5,\) instead of \(4,\)'),
    'nan': (lambda s: {**s, '0.bias': torch.full((4,), torch.nan)}, r"infinity in '0\.bias'"),
}


@pytest.mark.parametrize(('change', 'message'), CHANGES.values(), ids=CHANGES)
def test_what_does_not_fit_is_named(tmp_path, change, message):
    path, _ = written(tmp_path, change)
    with pytest.raises(ModelError, match=message):
        convert('tiny', OFFICIAL, path, tmp_path / 'out')
    assert not (tmp_path / 'out' / WEIGHTS).exists()


class Evil:
    def __reduce__(self):
        return os.mkdir, ('evil',)


FOREIGN = {
    'code': (pickle.dumps({'state_dict': Evil()}), 'could run code'),
    'web page': (b'<!DOCTYPE html><html>Quota exceeded</html>', 'a web page'),
    'empty': (b'', 'empty'),
    'noise': (bytes(range(200)), 'torch.save'),
    'hdf5': (b'\x89HDF\r\n\x1a\n' + bytes(100), 'HDF5'),
}


@pytest.mark.parametrize(('content', 'message'), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused_with_what_it_looks_like(
    tmp_path, monkeypatch, content, message
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'official.pth'
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        convert('tiny', OFFICIAL, path, tmp_path / 'out')
    assert not (tmp_path / 'evil').exists()


def test_the_weights_of_another_model_are_refused(tmp_path):
    path, _ = written(tmp_path)
    convert('tiny', OFFICIAL, path, tmp_path / 'out')
    with pytest.raises(ModelError, match="weights of 'tiny', expected 'other'"):
        read_weights(tmp_path / 'out', 'other')


def test_what_is_fetched_by_hand_names_the_page_until_it_is_converted(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    source = ByHand('https://example.org/weights', 'official.pth')
    with pytest.raises(WeightsMissing, match=r'https://example.org/weights.*depth_ros convert'):
        fetch.fetch('tiny', source, OFFICIAL)
    assert not fetch.is_here('tiny', source)
    path, _ = written(tmp_path)
    convert('tiny', OFFICIAL, path, fetch.converted_folder('tiny'))
    assert fetch.fetch('tiny', source, OFFICIAL) == fetch.converted_folder('tiny')
    assert fetch.is_here('tiny', source)
