# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that cannot be used are refused in one sentence, and nothing in them is run."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from depth_ros.models.engine.device import DeviceLost, OutOfMemory, guard
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.models.weights.hub import HubUnreachable, download
from depth_ros.models.weights.verify import WeightsMissing
from depth_ros.types import Camera, View

torch = pytest.importorskip('torch')
pytest.importorskip('transformers')

import tiny_checkpoints as tiny  # noqa: E402

WEIGHTS = 'model.safetensors'


@pytest.fixture(scope='session')
def sound(tmp_path_factory):
    return tiny.write_checkpoint(tmp_path_factory.mktemp('sound'), tiny.glpn())


@pytest.fixture
def folder(sound, tmp_path):
    """Return a copy of a sound checkpoint, to be spoilt."""
    return Path(shutil.copytree(sound, tmp_path / 'model'))


def truncate(folder):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def lengthen(folder):
    with (folder / WEIGHTS).open('ab') as file:
        file.write(b'more')


def empty(folder):
    (folder / WEIGHTS).write_bytes(b'')


def garbage(folder):
    (folder / WEIGHTS).write_bytes(bytes(range(256)) * 64)


def absurd_header(folder):
    (folder / WEIGHTS).write_bytes(struct.pack('<Q', 1 << 60) + b'{}')


def header_of_other_json(folder):
    head = b'[[1, 2]]'
    (folder / WEIGHTS).write_bytes(struct.pack('<Q', len(head)) + head)


def negative_offsets(folder):
    head = json.dumps({'a': {'dtype': 'F32', 'shape': [1], 'data_offsets': [4, 0]}}).encode()
    (folder / WEIGHTS).write_bytes(struct.pack('<Q', len(head)) + head + bytes(4))


@pytest.mark.parametrize(
    'spoil',
    [
        truncate,
        lengthen,
        empty,
        garbage,
        absurd_header,
        header_of_other_json,
        negative_offsets,
    ],
    ids=lambda f: f.__name__,
)
def test_a_corrupt_file_is_named_with_the_remedy(folder, spoil):
    spoil(folder)
    with pytest.raises(ModelError, match=r'model\.safetensors is corrupt.*fetch') as caught:
        create_model(str(folder))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('text', ['', '{', '[]', '"x"', '\udcff', '[' * 100_000], ids=repr)
def test_a_configuration_that_is_no_json_object_is_refused(folder, text):
    (folder / 'config.json').write_bytes(text.encode('utf-8', 'surrogateescape'))
    with pytest.raises(ModelError, match=r'config\.json.*fetch'):
        create_model(str(folder))


def change_config(folder, **changes):
    path = folder / 'config.json'
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'model_type': 'nonsense'}, 'knows'),
        ({'hidden_sizes': 'wide'}, 'fetch the model again'),
        ({'hidden_sizes': [8, 8, 8, 8]}, 'cannot be loaded'),  # weights of other shapes
    ],
    ids=['unknown_type', 'wrong_type', 'other_shapes'],
)
def test_a_configuration_of_something_else_is_refused(folder, changes, words):
    change_config(folder, **changes)
    with pytest.raises(ModelError, match=words):
        create_model(str(folder))


def test_a_model_that_is_not_for_depth_is_refused(folder):
    from transformers import ViTConfig

    ViTConfig().save_pretrained(folder)
    with pytest.raises(ModelError, match='choose a depth model'):
        create_model(str(folder))


def test_weights_that_are_missing_are_never_random_numbers(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / WEIGHTS)
    dropped = next(name for name in sorted(weights) if 'head' in name)
    del weights[dropped]
    save_file(weights, folder / WEIGHTS, metadata={'format': 'pt'})
    with pytest.raises(WeightsMissing, match=dropped):
        create_model(str(folder))


def test_pickled_weights_are_never_loaded(folder):
    (folder / WEIGHTS).unlink()

    class Bomb:
        def __reduce__(self):
            return (Path.touch, (folder / 'exploded',))

    torch.save({'weight': Bomb()}, folder / 'pytorch_model.bin')
    with pytest.raises(WeightsMissing, match='pickled'):
        create_model(str(folder))
    assert not (folder / 'exploded').exists()


def test_code_that_comes_with_a_checkpoint_is_never_run(folder):
    (folder / 'modeling_bomb.py').write_text(
        f'import pathlib\npathlib.Path({str(folder / "exploded")!r}).touch()\n'
        'from transformers import GLPNConfig as Config, GLPNForDepthEstimation as Model\n'
    )
    change_config(
        folder,
        auto_map={
            'AutoConfig': 'modeling_bomb.Config',
            'AutoModelForDepthEstimation': 'modeling_bomb.Model',
        },
    )
    create_model(str(folder))  # transformers' own GLPN is used
    assert not (folder / 'exploded').exists()


@pytest.mark.parametrize(
    'changes',
    [
        {'_attn_implementation': 'someone/kernels'},
        {'backbone_config': {'attn_implementation': {'x': 1}, '_attn_implementation': 'a/b@c'}},
        {'use_pretrained_backbone': True},
        {'parts': [{'quantization_config': {'quant_method': 'custom'}}]},
    ],
    ids=['kernels', 'nested_kernels', 'backbone', 'quantised'],
)
def test_a_configuration_that_would_load_something_else_is_refused(folder, changes):
    change_config(folder, **changes)
    with pytest.raises(ModelError, match='beside this checkpoint'):
        create_model(str(folder))


@pytest.mark.parametrize('name', ['../x.safetensors', '/etc/passwd', 'x.bin', 'a/b.safetensors'])
def test_an_index_cannot_name_files_elsewhere(folder, name):
    (folder / WEIGHTS).unlink()
    index = {'weight_map': {'a': name}}
    (folder / 'model.safetensors.index.json').write_text(json.dumps(index))
    with pytest.raises(ModelError, match='same folder'):
        create_model(str(folder))


def test_a_checkpoint_in_shards_loads(sound, tmp_path):
    from transformers import AutoModelForDepthEstimation

    network = AutoModelForDepthEstimation.from_pretrained(sound)
    network.save_pretrained(tmp_path, max_shard_size='100KB')
    assert len(list(tmp_path.glob('*.safetensors'))) > 1
    whole = create_model(str(sound)).info.parameters
    assert create_model(str(tmp_path)).info.parameters == whole
    sorted(tmp_path.glob('*.safetensors'))[0].unlink()
    with pytest.raises(WeightsMissing, match='which its index names'):
        create_model(str(tmp_path))


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'device': 'cuda:99'}, 'set device to auto or cpu'),
        ({'device': 'abacus'}, 'expected auto, cpu, cuda'),
        ({'precision': 'float8'}, 'expected one of'),
        ({'input_size': -1}, 'expected 0'),
        ({'training_focal': float('nan')}, 'expected'),
        ({'colour': 'red'}, 'has no option'),
    ],
    ids=str,
)
def test_options_are_refused_by_name(sound, options, words):
    with pytest.raises(ModelError, match=words):
        create_model(str(sound), options)


def test_a_model_of_one_size_refuses_another(tmp_path):
    folder = tiny.write_checkpoint(tmp_path, tiny.depth_pro())
    model = create_model(str(folder), {'input_size': 64})
    with pytest.raises(ModelError, match='one size only'):
        model.warm_up([Camera.pinhole(64, 48, 50.0)])


class Fault(torch.nn.Module):
    """Stands in for a device that fails: neither fault can be had on demand."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, pixels):
        raise self.error


@pytest.mark.parametrize(
    ('error', 'device', 'expected'),
    [
        (torch.OutOfMemoryError('CUDA out of memory. Tried to allocate'), 'cuda', OutOfMemory),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 'cpu', OutOfMemory),
        (MemoryError(), 'cpu', OutOfMemory),
        (RuntimeError('CUDA error: unspecified launch failure'), 'cuda', DeviceLost),
    ],
    ids=['gpu_memory', 'torch_memory', 'python_memory', 'lost'],
)
def test_a_failing_device_is_one_sentence_and_the_model_can_be_tried_again(
    sound, monkeypatch, error, device, expected
):
    """The faults are simulated: the network raises what torch raises, the device is renamed."""
    model = create_model(str(sound), {'precision': 'float32'})
    runtime = model._runtime
    view = View(tiny.image(96, 128), Camera.pinhole(128, 96, 100.0))
    before = model.predict([view]).values
    with monkeypatch.context() as patch:
        patch.setattr(runtime, 'network', Fault(error))
        patch.setattr(runtime, 'guard', lambda: guard(torch.device(device)))
        with pytest.raises(expected, match='set') as caught:
            model.predict([view])
    assert '\n' not in str(caught.value)
    np.testing.assert_array_equal(model.predict([view]).values, before)


def test_other_faults_are_not_dressed_up(sound, monkeypatch):
    model = create_model(str(sound))
    monkeypatch.setattr(model._runtime, 'network', Fault(RuntimeError('a bug')))
    with pytest.raises(RuntimeError, match='a bug'):
        model.predict([View(tiny.image(96, 128), Camera.pinhole(128, 96, 100.0))])


LOAD = """
import sys
from depth_ros.models.registry import create_model
try:
    model = create_model(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
else:
    print('loaded', model.info.source.repository)
"""


def load_elsewhere(name, **environment):
    """Load in a process of its own: the hub's client reads its environment when imported."""
    done = subprocess.run(
        [sys.executable, '-c', LOAD, name],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip().splitlines()[-1]


def test_a_hub_that_cannot_be_reached_is_one_sentence(tmp_path):
    said = load_elsewhere(
        'depth-anything-v2-small', HF_HOME=str(tmp_path), HF_ENDPOINT='http://127.0.0.1:9'
    )
    assert said.startswith(HubUnreachable.__name__)
    assert 'check the network' in said


def test_the_client_is_not_asked_while_the_hub_does_not_answer(monkeypatch):
    """It tries again for half a minute, and a fallback would wait for it."""
    hub = pytest.importorskip('huggingface_hub')
    monkeypatch.setattr('huggingface_hub.constants.ENDPOINT', 'http://127.0.0.1:9')
    monkeypatch.setattr(hub, 'snapshot_download', lambda *_, **__: pytest.fail('it was asked'))
    for name in ('http_proxy', 'https_proxy', 'all_proxy', 'HF_HUB_OFFLINE'):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with pytest.raises(HubUnreachable, match='cannot be reached'):
        download('some/model')


def test_offline_without_the_files_says_how_to_get_them(tmp_path):
    said = load_elsewhere('some/model', HF_HOME=str(tmp_path), HF_HUB_OFFLINE='1')
    assert said.startswith(HubUnreachable.__name__)
    assert 'depth_ros fetch some/model' in said


def test_offline_with_the_files_in_hf_home_works(sound, tmp_path):
    commit = 'c' * 40
    cache = tmp_path / 'hub' / 'models--some--model'
    shutil.copytree(sound, cache / 'snapshots' / commit)
    (cache / 'refs').mkdir()
    (cache / 'refs' / 'main').write_text(commit)
    said = load_elsewhere('some/model', HF_HOME=str(tmp_path), HF_HUB_OFFLINE='1')
    assert said == 'loaded some/model'
