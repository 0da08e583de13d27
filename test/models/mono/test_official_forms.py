# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints in the forms they were published in, and files that are not what they should be."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('safetensors')

import official_files as official  # noqa: E402

from depth_ros.cli import convert as command  # noqa: E402
from depth_ros.models.mono import fastdepth, fcrn  # noqa: E402
from depth_ros.models.protocol import ModelError  # noqa: E402
from depth_ros.models.registry import create_model, family_of  # noqa: E402
from depth_ros.models.weights.fetch import converted_folder, fetch  # noqa: E402
from depth_ros.models.weights.official import (  # noqa: E402
    convert,
    read_shape,
    read_weights,
    skeleton_of,
)
from depth_ros.models.weights.tensorflow_checkpoint import read_checkpoint  # noqa: E402
from depth_ros.models.weights.verify import WEIGHTS, WeightsMissing  # noqa: E402


@pytest.fixture
def narrow(monkeypatch):
    """Return a function from a name to its declaration and random weights, narrow."""

    def make(name):
        official.make_narrow(monkeypatch, name)
        declared = family_of(name).official
        return declared, official.fill(skeleton_of(declared, name, {}))

    return make


@pytest.mark.parametrize('name', ['midas-v21-small', 'bts-resnet50-nyu', 'fcrn-nyu'])
def test_missing_weights_are_named(narrow, tmp_path, name):
    declared, state = narrow(name)
    lost = {'fcrn-nyu': 'ConvPred.weight', 'bts-resnet50-nyu': 'decoder.conv5.0.weight'}
    key = lost.get(name, 'scratch.layer1_rn.weight')
    file = official.CASES[name].write(tmp_path, {k: v for k, v in state.items() if k != key})
    with pytest.raises(ModelError, match=f'is not a checkpoint of.*lacks {key}'):
        convert(name, declared, file, tmp_path / 'out')
    assert not (tmp_path / 'out' / WEIGHTS).exists()


def test_the_file_of_another_network_is_refused(narrow, tmp_path):
    declared, _ = narrow('bts-resnet50-nyu')
    _, state = narrow('midas-v21-small')
    file = official.write_midas(tmp_path, state)
    with pytest.raises(ModelError, match=r'lacks .* it has unexpected'):
        convert('bts-resnet50-nyu', declared, file, tmp_path / 'out')


# TensorFlow


def test_a_checkpoint_is_read_without_tensorflow(tmp_path):
    arrays = {
        f'layer{number}/{"weights" if number % 2 else "biases"}': np.float32(
            np.random.default_rng(number).normal(size=(number + 1,) * (number % 4))
        )
        for number in range(20)
    }
    arrays['global_step'] = np.array(12345678901, np.int64)
    index = official.write_checkpoint(tmp_path / 'model', arrays)
    found = read_checkpoint(index)
    assert found.keys() == arrays.keys()
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].shape == value.shape


@pytest.mark.parametrize('given', ['ckpt', 'ckpt.index', 'ckpt.meta', 'ckpt.data-00000-of-00001'])
def test_any_file_of_a_checkpoint_names_it(narrow, tmp_path, given):
    declared, state = narrow('fcrn-nyu')
    arrays = official.tensorflow_arrays(state, official.fcrn_name)
    official.write_checkpoint(tmp_path / 'ckpt', arrays)
    (tmp_path / 'ckpt.meta').write_bytes(b'the graph')
    convert('fcrn-nyu', declared, tmp_path / given, tmp_path / 'out')
    found = read_weights(tmp_path / 'out', 'fcrn-nyu')
    assert torch.equal(found['ConvPred.weight'], state['ConvPred.weight'])


BROKEN = {
    'cut off': (lambda c: c[:-20], 'not the index'),
    'no table': (lambda c: b'<html>' + bytes(100), 'not the index'),
    'compressed': (lambda c: c.replace(b'\1' + bytes(8), b'\1\0\0\0\1' + bytes(4)), 'compressed'),
    'noise': (lambda c: bytes(200) + c[200:], 'cannot be read|cut off|whole|not the index'),
    'bad handle': (lambda c: c[:-48] + b'\xff' * 40 + c[-8:], 'cannot be read'),
}


@pytest.mark.parametrize(('change', 'message'), BROKEN.values(), ids=BROKEN)
def test_a_broken_index_is_one_sentence(tmp_path, change, message):
    arrays = {'layer/weights': np.ones((3, 3, 2, 4), 'f4'), 'layer/biases': np.ones(4, 'f4')}
    index = official.write_checkpoint(tmp_path / 'model', arrays)
    index.write_bytes(change(index.read_bytes()))
    with pytest.raises(ModelError, match=message):
        read_checkpoint(index)


def test_data_that_are_cut_off_or_lost_are_named(tmp_path):
    arrays = {'layer/weights': np.ones((3, 3, 2, 4), 'f4')}
    index = official.write_checkpoint(tmp_path / 'model', arrays)
    data = tmp_path / 'model.data-00000-of-00001'
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(ModelError, match='00000-of-00001 is missing or cut off'):
        read_checkpoint(index)
    index.unlink()
    with pytest.raises(ModelError, match='keep both in one folder'):
        read_checkpoint(data)


# NumPy


def test_a_dictionary_of_numpy_is_read_by_an_allow_list(narrow, tmp_path):
    declared, state = narrow('fcrn-nyu')
    file = official.write_fcrn_numpy(tmp_path, state)
    convert('fcrn-nyu', declared, file, tmp_path / 'out')
    found = read_weights(tmp_path / 'out', 'fcrn-nyu')
    assert torch.equal(found['encoder.conv1.weight'], state['encoder.conv1.weight'])


def test_an_npz_file_is_read(narrow, tmp_path):
    declared, state = narrow('fcrn-nyu')
    np.savez(tmp_path / 'fcrn.npz', **official.tensorflow_arrays(state, official.fcrn_name))
    convert('fcrn-nyu', declared, tmp_path / 'fcrn.npz', tmp_path / 'out')
    assert (tmp_path / 'out' / WEIGHTS).is_file()


def test_code_in_a_dictionary_of_numpy_is_not_run(narrow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    declared, _ = narrow('fcrn-nyu')
    file = official.write_evil_numpy(tmp_path / 'evil.npy')
    with pytest.raises(ModelError, match=r'could run code.*posix\.mkdir.*TensorFlow checkpoint'):
        convert('fcrn-nyu', declared, file, tmp_path / 'out')
    assert not (tmp_path / 'evil').exists()


def test_a_plain_array_is_no_dictionary(narrow, tmp_path):
    declared, _ = narrow('fcrn-nyu')
    np.save(tmp_path / 'plain.npy', np.ones(3))
    with pytest.raises(ModelError, match='expected a dictionary of layers'):
        convert('fcrn-nyu', declared, tmp_path / 'plain.npy', tmp_path / 'out')


# Keras


@pytest.mark.parametrize('relu', [True, False])
def test_a_keras_file_decides_about_the_last_relu(narrow, tmp_path, relu):
    pytest.importorskip('h5py')
    declared, state = narrow('densedepth-nyu')
    file = official.write_densedepth(tmp_path, state, relu=relu)
    convert('densedepth-nyu', declared, file, tmp_path / 'out')
    assert read_shape(tmp_path / 'out', 'densedepth-nyu') == {'final_relu': relu}
    model = create_model(
        'densedepth-nyu', {'weights': str(tmp_path / 'out'), 'precision': 'float32'}
    )
    assert model.adapter.config().final_relu is relu
    model.close()


# A pickled module


@pytest.mark.parametrize('legacy', [True, False], ids=['legacy', 'zip'])
def test_a_pickled_module_needs_to_be_asked_for(narrow, tmp_path, legacy):
    declared, state = narrow('fastdepth')
    file = official.write_fastdepth(tmp_path, state, legacy)
    with pytest.raises(ModelError, match=r'pickled module.*add --unsafe-pickle'):
        convert('fastdepth', declared, file, tmp_path / 'out')
    convert('fastdepth', declared, file, tmp_path / 'out', unsafe_pickle=True)
    found = read_weights(tmp_path / 'out', 'fastdepth')
    assert all(torch.equal(found[key], value) for key, value in state.items())


@pytest.mark.parametrize('legacy', [True, False], ids=['legacy', 'zip'])
def test_code_in_a_pickled_module_is_not_run(narrow, tmp_path, monkeypatch, legacy):
    monkeypatch.chdir(tmp_path)
    declared, state = narrow('fastdepth')
    file = official.write_fastdepth(tmp_path, state, legacy, beside=official.Evil())
    convert('fastdepth', declared, file, tmp_path / 'out', unsafe_pickle=True)
    assert torch.equal(
        read_weights(tmp_path / 'out', 'fastdepth')['decode_conv6.0.weight'],
        state['decode_conv6.0.weight'],
    )
    assert not list(tmp_path.rglob('evil'))


def test_a_module_without_tensors_and_noise_are_refused(narrow, tmp_path):
    declared, _ = narrow('fastdepth')
    file = official.write_fastdepth(tmp_path, {})
    with pytest.raises(ModelError, match=r'cannot be taken apart.*no module with tensors'):
        convert('fastdepth', declared, file, tmp_path / 'out', unsafe_pickle=True)
    whole = official.write_fastdepth(tmp_path, {'conv0.0.weight': torch.ones(9)}).read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match='cannot be'):
        convert('fastdepth', declared, file, tmp_path / 'out', unsafe_pickle=True)


def test_nothing_unsafe_is_done_where_it_is_not_needed(narrow, tmp_path):
    declared, state = narrow('midas-v21-small')
    file = official.write_midas(tmp_path, state)
    with pytest.raises(ModelError, match='leave out --unsafe-pickle'):
        convert('midas-v21-small', declared, file, tmp_path / 'out', unsafe_pickle=True)


def test_the_widths_of_a_pruned_network_come_from_its_weights(narrow, tmp_path, monkeypatch):
    """The network of the name is the whole one; what is left of it, only the file shows."""
    _, state = narrow('fastdepth')
    monkeypatch.undo()
    declared = family_of('fastdepth-pruned').official
    file = official.write_fastdepth(tmp_path, state)
    convert('fastdepth-pruned', declared, file, tmp_path / 'out', unsafe_pickle=True)
    options = {'weights': str(tmp_path / 'out'), 'precision': 'float32'}
    model = create_model('fastdepth-pruned', options)
    assert model.adapter.config().encoder == tuple(official.PRUNED[0])
    model.close()
    with pytest.raises(ModelError, match=r'instead of'):
        convert('fastdepth', declared, file, tmp_path / 'whole', unsafe_pickle=True)


# Archives and folders


def test_parts_are_found_in_a_folder_and_missing_ones_named(narrow, tmp_path):
    declared, state = narrow('monodepth2-mono-640x192')
    official.write_monodepth2(tmp_path, state)
    convert('monodepth2-mono-640x192', declared, tmp_path / 'inner', tmp_path / 'out')
    assert (tmp_path / 'out' / WEIGHTS).is_file()
    (tmp_path / 'inner' / 'depth.pth').unlink()
    with pytest.raises(ModelError, match=r'expected depth\.pth once in inner, found it 0 times'):
        convert('monodepth2-mono-640x192', declared, tmp_path / 'inner', tmp_path / 'again')


def test_an_archive_that_points_outside_is_refused(narrow, tmp_path):
    declared, _ = narrow('bts-resnet50-nyu')
    with zipfile.ZipFile(tmp_path / 'bad.zip', 'w') as opened:
        opened.writestr('../outside.pth', 'x')
    with pytest.raises(ModelError, match='points outside'):
        convert('bts-resnet50-nyu', declared, tmp_path / 'bad.zip', tmp_path / 'out')
    assert not (tmp_path.parent / 'outside.pth').exists()


def test_what_is_fetched_by_hand_is_listed_with_its_flag(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    info = family_of('fastdepth').names['fastdepth']
    with pytest.raises(WeightsMissing, match=r'skipadd\.pth\.tar --unsafe-pickle`'):
        fetch('fastdepth', info.source, family_of('fastdepth').official)


def test_the_command_converts_and_the_model_is_there(narrow, tmp_path, monkeypatch, capsys):
    import argparse

    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    _, state = narrow('fastdepth')
    file = official.write_fastdepth(tmp_path, state)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(['fastdepth', str(file), '--unsafe-pickle'])) == 0
    assert str(converted_folder('fastdepth')) in capsys.readouterr().out
    model = create_model('fastdepth', {'precision': 'float32'})
    assert model.info.family == fastdepth.FastDepth.family
    model.close()


def test_a_download_in_an_archive_is_converted(narrow, tmp_path, monkeypatch):
    import functools
    import http.server
    import threading

    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    declared, state = narrow('fcrn-nyu')
    file = official.write_fcrn(tmp_path, state)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    serve = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = type(fcrn.FAMILY.names['fcrn-nyu'].source)(
            f'http://127.0.0.1:{server.server_address[1]}/{file.name}'
        )
        folder = fetch('fcrn-nyu', source, declared)
        server.shutdown()
    assert torch.equal(
        read_weights(folder, 'fcrn-nyu')['ConvPred.weight'], state['ConvPred.weight']
    )
