# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints in the forms and with the names of the published ones, of narrow networks."""

from __future__ import annotations

import argparse
import json
import pickle
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from depth_ros.lab.parity.fill import filled_array
from depth_ros.models.mono import (
    adabins,
    bts,
    densedepth,
    fastdepth,
    fcrn,
    midas_v21,
    monodepth,
    monodepth2,
)
from depth_ros.models.networks.shapes import reshaped

State = Mapping[str, torch.Tensor]


# Added to the bias of an output that random weights leave without a spread: a ReLU or a limit
# would cut nearly all of it.
SHIFTS = {
    'scratch.output_conv.4.bias': 2.0,
    'decode_conv6.1.bias': 2.0,
    'conv3.bias': 20.0,  # of DenseDepth: 100 over depth
}


def fill(network: torch.nn.Module, gain: float = 1.2) -> dict[str, torch.Tensor]:
    """Return random weights of a network by name; none of them is zero or one."""
    state = {
        key: torch.from_numpy(np.asarray(filled_array(key, tuple(value.shape), gain)))
        for key, value in network.state_dict().items()
    }
    for key, shift in SHIFTS.items():
        if key in state and state[key].shape == (1,):
            state[key] = state[key] + shift
    return state


# TensorFlow


def tensorflow_arrays(state: State, name: Callable[[str], str]) -> dict[str, np.ndarray]:
    """Return a state_dict by TensorFlow's names, in its layouts."""
    found = {}
    for key, value in state.items():
        if key.endswith('num_batches_tracked'):
            continue
        array = value.numpy()
        if array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        elif array.ndim == 2:
            array = array.T
        found[name(key)] = np.ascontiguousarray(array)
    return found


def varint(value: int) -> bytes:
    out = b''
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """Return a protocol buffer of numbers and bytes."""
    out = b''
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Return a block of a table, whose keys leave out what they share with the one before."""
    out, before = b'', b''
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        before = key
    return out + struct.pack('<II', 0, 1)  # one restart, at 0


def write_checkpoint(prefix: Path, arrays: Mapping[str, np.ndarray], per_block: int = 3) -> Path:
    """Write a TensorFlow checkpoint as tf.train.Saver does; return its index."""
    data, entries = b'', [(b'', message((1, 1), (2, 0)))]
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        kind = {'f': 1, 'i': 9}[array.dtype.kind]
        content = array.astype('<f4' if kind == 1 else '<i8').tobytes()
        shape = b''.join(message((2, message((1, extent)))) for extent in array.shape)
        fields: list[tuple[int, int | bytes]] = [(1, kind), (2, shape)]
        fields += [(4, len(data))] if data else []
        entry = message(*fields, (5, len(content))) + varint(6 << 3 | 5) + bytes(4)
        entries.append((name.encode(), entry))
        data += content
    table, handles = b'', []
    for first in range(0, len(entries), per_block):
        some = entries[first : first + per_block]
        content = block(some)
        handles.append((some[-1][0] + b'~', varint(len(table)) + varint(len(content))))
        table += content + bytes(5)
    footer = varint(len(table)) + varint(len(block([])))
    table += block([]) + bytes(5)
    index = block(handles)
    footer += varint(len(table)) + varint(len(index))
    table += index + bytes(5)
    table += footer.ljust(40, b'\0') + struct.pack('<Q', 0xDB4775248B80FB57)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    prefix.with_name(f'{prefix.name}.data-00000-of-00001').write_bytes(data)
    path = prefix.with_name(f'{prefix.name}.index')
    path.write_bytes(table)
    return path


def zipped(folder: Path, archive: Path, inside: str = '') -> Path:
    """Return an archive of the files of a folder."""
    with zipfile.ZipFile(archive, 'w') as opened:
        for path in sorted(p for p in folder.rglob('*') if p.is_file()):
            opened.write(path, inside + str(path.relative_to(folder)))
    return archive


# One function per published form


def write_midas(folder: Path, state: State) -> Path:
    small = any('conv_stem' in key for key in state)
    renamed = midas_v21.Midas.networks()._RENAMED[small]

    def theirs(key: str) -> str:
        for official, ours in renamed:
            if key.startswith(f'pretrained.{ours}'):
                return f'pretrained.{official}' + key.removeprefix(f'pretrained.{ours}')
        return key

    named = {theirs(key): value for key, value in state.items()}
    named['scratch.refinenet4.resConfUnit1.conv1.weight'] = torch.ones(1)  # not needed
    torch.save(named, folder / 'midas.pt')
    return folder / 'midas.pt'


def write_adabins(folder: Path, state: State) -> Path:
    def theirs(key: str) -> str:
        key = key.replace('adaptive_bins_layer.conv3x3.', 'adaptive_bins_layer.embedding_conv.')
        return 'module.' + key.replace('.embedding_convPxP.', '.embedding_encoder.')

    named = {theirs(key): value for key, value in state.items()}
    named['module.encoder.original_model.classifier.weight'] = torch.ones(2, 2)
    torch.save({'model': named, 'optimizer': {'lr': 0.1}, 'epoch': 3}, folder / 'AdaBins.pt')
    return folder / 'AdaBins.pt'


def write_bts(folder: Path, state: State) -> Path:
    named = {f'module.{key}': value for key, value in state.items()}
    inner = folder / 'inner' / 'bts_nyu'
    inner.mkdir(parents=True)
    # The numbers beside the weights are NumPy's, and the file has no ending.
    beside = {'global_step': 5, 'best_eval_steps': np.zeros(9, np.int32)}
    torch.save({'model': named, **beside}, inner / 'model')
    (inner / 'bts_nyu.py').write_text('raise SystemExit("this is code")')
    return zipped(folder / 'inner', folder / 'bts_nyu.zip')


def fcrn_name(key: str) -> str:
    norm = re.search(r'(^|\.)(bn\d?|BN|layer1_BN|downsample\.1)\.', key) is not None
    leaf = {
        'weight': 'scale' if norm else 'weights',
        'bias': 'offset' if norm else 'biases',
        'running_mean': 'mean',
        'running_var': 'variance',
    }[key.rsplit('.', 1)[1]]
    path = key.rsplit('.', 1)[0]
    if path in ('encoder.conv1', 'encoder.bn1'):
        return f'{"bn_" if norm else ""}conv1/{leaf}'
    if found := re.match(r'encoder\.layer(\d)\.(\d+)\.(.+)$', path):
        stage, number, part = found.groups()
        branch = '1' if part.startswith('downsample') else '2' + 'abc'[int(part[-1]) - 1]
        block_name = f'{int(stage) + 1}{chr(ord("a") + int(number))}_branch{branch}'
        return f'{"bn" if norm else "res"}{block_name}/{leaf}'
    return f'{path.replace(".", "_")}/{leaf}'


def write_fcrn(folder: Path, state: State) -> Path:
    arrays = tensorflow_arrays(state, fcrn_name)
    write_checkpoint(folder / 'inner' / 'NYU_FCRN.ckpt', arrays)
    (folder / 'inner' / 'NYU_FCRN.ckpt.meta').write_bytes(b'the graph')
    return zipped(folder / 'inner', folder / 'NYU_FCRN-checkpoint.zip')


def write_fcrn_numpy(folder: Path, state: State) -> Path:
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, array in tensorflow_arrays(state, fcrn_name).items():
        layer, leaf = name.split('/')
        layers.setdefault(layer, {})[leaf] = array
    np.save(folder / 'NYU.npy', np.array(layers, dtype=object), allow_pickle=True)
    return folder / 'NYU.npy'


def keras_name(key: str) -> str:
    found = re.match(r'encoder\.denseblock(\d)\.denselayer(\d+)\.(norm|conv)(\d)\.(\w+)$', key)
    leaves = {'running_mean': 'moving_mean', 'running_var': 'moving_variance', 'bias': 'bias'}
    norm = 'norm' in key
    leaf = key.rsplit('.', 1)[1]
    leaf = leaves.get(leaf, 'gamma' if norm else 'kernel')
    if norm and leaf == 'bias':
        leaf = 'beta'
    if found:
        number, layer, part, which, _ = found.groups()
        part = f'{0 if which == "1" else 1}_bn' if part == 'norm' else f'{which}_conv'
        path = f'conv{int(number) + 1}_block{layer}_{part}'
    elif found := re.match(r'encoder\.transition(\d)\.(norm|conv)', key):
        path = f'pool{int(found[1]) + 1}_{"bn" if found[2] == "norm" else "conv"}'
    else:
        path = {'encoder.conv0': 'conv1/conv', 'encoder.norm0': 'conv1/bn', 'encoder.norm5': 'bn'}
        path = path.get(key.rsplit('.', 1)[0], key.rsplit('.', 1)[0])
    return f'{path}/{path}/{leaf}:0'


def write_densedepth(folder: Path, state: State, relu: bool = True) -> Path:
    import h5py

    layers = [{'name': name} for name in ('bn', *(['relu'] if relu else []), 'conv2')]
    with h5py.File(folder / 'nyu.h5', 'w') as file:
        weights = file.create_group('model_weights')
        for name, array in tensorflow_arrays(state, keras_name).items():
            weights[name] = array
        file.create_group('optimizer_weights')['training/Adam/bn/gamma:0'] = np.ones(3, 'f4')
        file.attrs['model_config'] = json.dumps({'config': {'layers': layers}})
    return folder / 'nyu.h5'


def write_monodepth(folder: Path, state: State) -> Path:
    def theirs(key: str) -> str:
        part, _, number, leaf = key.split('.')
        name = 'Conv' if number == '0' else f'Conv_{number}'
        return f'model/{part}/{name}/{"weights" if leaf == "weight" else "biases"}'

    arrays = tensorflow_arrays(state, theirs)
    arrays['model/encoder/Conv/weights/Adam'] = np.ones(3, 'f4')
    arrays['global_step'] = np.array(7, np.int64)
    write_checkpoint(folder / 'inner' / 'model_kitti', arrays)
    return zipped(folder / 'inner', folder / 'model_kitti.zip')


def write_monodepth2(folder: Path, state: State) -> Path:
    inner = folder / 'inner'
    inner.mkdir()
    beside = {'height': 192, 'width': 640, 'use_stereo': True}
    classifier = {'encoder.fc.weight': torch.ones(2, 2)}
    for name, more in (('encoder', {**classifier, **beside}), ('depth', {})):
        part = {k.removeprefix(f'{name}.'): v for k, v in state.items() if k.startswith(name)}
        torch.save({**part, **more}, inner / f'{name}.pth')
    torch.save({'net.0.weight': torch.ones(1)}, inner / 'pose.pth')
    return zipped(inner, folder / 'mono+stereo_640x192.zip')


class MobileNetSkipAdd(torch.nn.Module):
    """Stands for the authors' class, which is not there when the file is read."""


def write_fastdepth(folder: Path, state: State, legacy: bool = True, beside: Any = None) -> Path:
    """Write a pickled module, as published; `beside` is pickled along."""
    module = MobileNetSkipAdd()
    for key, value in state.items():
        *path, leaf = key.removeprefix('encoder.').split('.')
        place = module
        for name in path:
            if name not in place._modules:
                place.add_module(name, torch.nn.Module())
            place = place._modules[name]  # type: ignore[assignment]
        if leaf in ('weight', 'bias'):
            place.register_parameter(leaf, torch.nn.Parameter(value))
        else:
            place.register_buffer(leaf, value)
    content = {'args': argparse.Namespace(lr=0.1), 'epoch': 3, 'beside': beside, 'model': module}
    path = folder / 'mobilenet-nnconv5dw-skipadd.pth.tar'
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


@dataclass(frozen=True)
class Case:
    """A catalogue name, how narrow its network is here, and its published form."""

    adapter: Any
    shape: Mapping[str, Any]
    write: Callable[[Path, State], Path]
    needs: str = ''
    unsafe: bool = False


RESNET = {'blocks': [1, 1, 1, 1], 'width': 16}
DENSE = {'blocks': [2, 2, 2, 2], 'growth': 16, 'stem': 32}
LITE = {'width': 0.5, 'depth': 0.5}
PRUNED = (
    [8, 12, 16, 20, 24, 28, 32, 36, 36, 32, 28, 32, 40, 44],
    [36, 28, 20, 12, 8],
)
CASES = {
    'midas-v21-small': Case(midas_v21.MidasSmall, {'encoder': LITE, 'features': 16}, write_midas),
    'midas-v21-large': Case(
        midas_v21.Midas,
        {'encoder': {'blocks': [1, 1, 1, 1], 'groups': 2, 'group_width': 32}, 'features': 16},
        write_midas,
    ),
    'adabins-nyu': Case(
        adabins.AdaBins, {'encoder': {'width': 0.2, 'depth': 0.3}, 'bins': 32}, write_adabins
    ),
    'bts-resnet50-nyu': Case(bts.Bts, {'encoder': RESNET, 'features': 128}, write_bts),
    'bts-resnet50-kitti': Case(bts.Bts, {'encoder': RESNET, 'features': 128}, write_bts),
    'fcrn-nyu': Case(fcrn.Fcrn, {'encoder': RESNET}, write_fcrn),
    'densedepth-nyu': Case(densedepth.DenseDepth, {'encoder': DENSE}, write_densedepth, 'h5py'),
    'densedepth-kitti': Case(densedepth.DenseDepth, {'encoder': DENSE}, write_densedepth, 'h5py'),
    'fastdepth': Case(
        fastdepth.FastDepth,
        dict(zip(('encoder', 'decoder'), PRUNED)),
        write_fastdepth,
        unsafe=True,
    ),
    'monodepth-kitti': Case(monodepth.Monodepth, {'width': 4}, write_monodepth),
    'monodepth-kitti-resnet50': Case(monodepth.Monodepth, {'width': 4}, write_monodepth),
    'monodepth2-mono-640x192': Case(monodepth2.Monodepth2, {'encoder': RESNET}, write_monodepth2),
    'monodepth2-stereo-640x192': Case(
        monodepth2.Monodepth2, {'encoder': RESNET}, write_monodepth2
    ),
}


def make_narrow(monkeypatch: Any, name: str) -> None:
    """Make the network of a catalogue name as narrow as its case says."""
    case = CASES[name]
    whole = case.adapter.variant_config
    monkeypatch.setattr(
        case.adapter, 'variant_config', lambda self: reshaped(whole(self), case.shape)
    )


class Evil:
    """Makes a folder where it is unpickled by anything that runs code."""

    def __reduce__(self) -> Any:
        import os

        return os.mkdir, ('evil',)


def write_evil_numpy(path: Path) -> Path:
    content = np.empty((), dtype=object)
    content[()] = {'conv1': {'weights': Evil()}}
    np.save(path, content, allow_pickle=True)
    return path


__all__ = ['CASES', 'Evil', 'fill', 'make_narrow', 'pickle']
