# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Turn an official checkpoint file into safetensors, once, without running anything in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depth_ros.files.writing import make_folder, replacing
from depth_ros.models.protocol import ModelError, required_library
from depth_ros.models.weights.forms import SHOWN, Content, PickledCode, read_official
from depth_ros.models.weights.source import Official
from depth_ros.models.weights.verify import (
    WEIGHTS,
    WeightsMissing,
    check_finite,
    check_safetensors,
    sha256_of,
)
from depth_ros.types import quoted


def convert(
    name: str, official: Official, file: Path, folder: Path, unsafe_pickle: bool = False
) -> Path:
    """
    Write the weights of an official file as safetensors into a folder; return the file.

    `file` may also be the archive or the folder in which the file was published.
    `unsafe_pickle` allows a pickled module, whose tensors another process takes out.
    """
    save_file = required_library('safetensors.torch', 'convert', 'safetensors').save_file
    content = _read(file, official, unsafe_pickle)
    theirs = _unwrapped(content.tensors)
    shape: dict[str, Any] = {}
    if official.shape is not None:
        shapes = {key: tuple(value.shape) for key, value in theirs.items()}
        shape = official.shape(name, shapes, content.notes)
    tensors = _mapped(theirs, official)
    _check(name, tensors, skeleton_of(official, name, shape).state_dict(), file)
    make_folder(folder)
    facts: dict[str, Any] = {'model': name, 'source': file.name, 'source_sha256': _digest(file)}
    if shape:
        facts['shape'] = shape
    with replacing(folder / WEIGHTS) as part:
        save_file(tensors, part, metadata={key: json.dumps(value) for key, value in facts.items()})
        check_safetensors(part)
    return folder / WEIGHTS


def skeleton_of(official: Official, name: str, shape: Mapping[str, Any]) -> Any:
    """Return the network for a catalogue name and what its file decides, on the meta device."""
    return official.skeleton(name) if official.shape is None else official.skeleton(name, shape)


def _read(file: Path, official: Official, unsafe_pickle: bool) -> Content:
    if unsafe_pickle and not official.pickled:
        raise ModelError(
            'the file of this model is no pickled module, nothing unsafe is needed for it; '
            'leave out --unsafe-pickle'
        )
    try:
        return read_official(file, official, unsafe_pickle)
    except PickledCode as error:
        if not official.pickled:
            raise
        raise ModelError(
            f'{file} is a pickled module, as its authors published it; loading it would run the '
            'code it names, so add --unsafe-pickle: another process then takes out the tensors '
            'and runs none of it'
        ) from error


def _digest(file: Path) -> str:
    """Return the SHA-256 of a file; that of a folder is not known."""
    return sha256_of(file) if file.is_file() else ''


def read_shape(folder: Path, name: str) -> dict[str, Any]:
    """Return what the official file decided about the network; empty where it decides nothing."""
    safetensors = required_library('safetensors', f'model {name!r}', 'safetensors')
    path = _converted(folder, name)
    with safetensors.safe_open(path, 'pt') as file:
        try:
            shape = json.loads((file.metadata() or {}).get('shape', '{}'))
        except ValueError as error:
            raise ModelError(f'{path} cannot be read ({error}); convert it again') from error
    return shape if isinstance(shape, dict) else {}


def _converted(folder: Path, name: str) -> Path:
    """Return the path of the weights that `convert` wrote, after checking that they are whole."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise WeightsMissing(
            f'{path} does not exist; run `depth_ros fetch {name}`, or '
            f'`depth_ros convert {name} FILE --out {folder}` with the official file'
        )
    check_safetensors(path)
    return path


def read_weights(folder: Path, name: str) -> dict[str, Any]:
    """Return the tensors that `convert` wrote, after checking that they are those of a model."""
    safetensors = required_library('safetensors', f'model {name!r}', 'safetensors')
    path = _converted(folder, name)
    try:
        with safetensors.safe_open(path, 'pt') as file:
            stated = json.loads((file.metadata() or {}).get('model', '""'))
            if stated != name:
                raise ModelError(
                    f'{path} holds the weights of {quoted(stated or "another program")}, expected '
                    f'{quoted(name)}; choose that model, or convert the official file again'
                )
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f'{path} cannot be read ({error}); convert it again') from error
    check_finite(tensors.items(), path)
    return tensors


def _unwrapped(tensors: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the tensors without the name that a parallel wrapper puts before each."""
    if tensors and all(key.startswith('module.') for key in tensors):
        return {key.removeprefix('module.'): value for key, value in tensors.items()}
    return tensors


def _mapped(tensors: Mapping[str, Any], official: Official) -> dict[str, Any]:
    mapped = {}
    for key, value in tensors.items():
        ours = official.key(key)
        if ours is not None:
            mapped[ours] = value.detach().clone().contiguous()  # tensors that share memory, apart
    return mapped


def _check(name: str, tensors: dict[str, Any], expected: Mapping[str, Any], file: Path) -> None:
    """Refuse missing, unexpected and misshapen weights by name; counters may be missing."""
    import torch

    for key, value in expected.items():
        if key.endswith('num_batches_tracked') and key not in tensors:
            tensors[key] = torch.zeros(value.shape, dtype=value.dtype)
    problems = []
    for words, keys in (
        ('lacks', sorted(expected.keys() - tensors.keys())),
        ('has unexpected', sorted(tensors.keys() - expected.keys())),
    ):
        if keys:
            more = f' and {len(keys) - SHOWN} more' if len(keys) > SHOWN else ''
            problems.append(f'{words} {", ".join(keys[:SHOWN])}{more}')
    shapes = [
        f'{key} {tuple(tensors[key].shape)} instead of {tuple(value.shape)}'
        for key, value in expected.items()
        if key in tensors and tensors[key].shape != value.shape
    ]
    if shapes:
        problems.append('has ' + ', '.join(shapes[:SHOWN]))
    if problems:
        raise ModelError(
            f'{file} is not a checkpoint of {name!r}: it {"; it ".join(problems)}; '
            'check which model the file belongs to'
        )
    broken = [key for key, value in tensors.items() if not torch.isfinite(value).all()]
    if broken:
        raise ModelError(f'{file} holds NaN or infinity in {quoted(broken[0])}; download it again')
