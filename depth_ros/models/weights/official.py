# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Turn an official checkpoint file into safetensors, once, without running anything in it."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depth_ros.models.protocol import ModelError, required_library
from depth_ros.models.weights.source import Official
from depth_ros.models.weights.verify import WEIGHTS, WeightsMissing, check_safetensors, sha256_of

# Where training scripts put the weights beside other things, as seen in published files.
ROOTS = ('state_dict', 'model', 'model_state', 'model_state_dict', 'net', 'network')
SHOWN = 5


def convert(name: str, official: Official, file: Path, folder: Path) -> Path:
    """Write the weights of an official file as safetensors into a folder; return the file."""
    save_file = required_library('safetensors.torch', 'convert', 'safetensors').save_file
    tensors = _mapped(_tensors(_loaded(file), file), official)
    _check(name, tensors, official.skeleton(name).state_dict(), file)
    folder.mkdir(parents=True, exist_ok=True)
    facts = {'model': name, 'source': file.name, 'source_sha256': sha256_of(file)}
    part = folder / f'{WEIGHTS}.part'
    save_file(tensors, part, metadata={key: json.dumps(value) for key, value in facts.items()})
    check_safetensors(part)
    part.replace(folder / WEIGHTS)
    return folder / WEIGHTS


def read_weights(folder: Path, name: str) -> dict[str, Any]:
    """Return the tensors that `convert` wrote, after checking that they are those of a model."""
    safetensors = required_library('safetensors', f'model {name!r}', 'safetensors')
    path = folder / WEIGHTS
    if not path.is_file():
        raise WeightsMissing(
            f'{path} does not exist; run `depth_ros fetch {name}`, or '
            f'`depth_ros convert {name} FILE --out {folder}` with the official file'
        )
    check_safetensors(path)
    try:
        with safetensors.safe_open(path, 'pt') as file:
            stated = json.loads((file.metadata() or {}).get('model', '""'))
            if stated != name:
                raise ModelError(
                    f'{path} holds the weights of {stated or "another program"!r}, expected '
                    f'{name!r}; choose that model, or convert the official file again'
                )
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f'{path} cannot be read ({error}); convert it again') from error


def _loaded(file: Path) -> Any:
    torch = required_library('torch', 'convert', 'torch')
    if not file.is_file():
        raise WeightsMissing(f'{file} does not exist, expected an official checkpoint file')
    if file.suffix == '.safetensors':
        required_library('safetensors', 'convert', 'safetensors')
        from safetensors.torch import load_file

        check_safetensors(file)
        return load_file(file)
    looks, can_be_loaded = look_of(file)
    if not can_be_loaded:
        raise ModelError(
            f'{file} is {looks}, expected a checkpoint that torch.save wrote; download it again'
        )
    try:
        return torch.load(file, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f'{file} holds more than tensors, which could run code and is not loaded '
            f'({_first_sentence(error)}); use a file that holds a state_dict'
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(
            f'{file} looks like {looks} and cannot be read ({_first_sentence(error)}); '
            'download it again'
        ) from error


def look_of(file: Path) -> tuple[str, bool]:
    """Return what a file looks like by its first bytes, and whether torch.save writes such."""
    with file.open('rb') as opened:
        head = opened.read(16)
    looks = (
        (b'PK\x03\x04', 'a zip archive as torch writes it', True),
        (b'\x80', 'a pickle', True),
        (b'<!DOC', 'a web page', False),
        (b'<html', 'a web page', False),
        (b'\x1f\x8b', 'compressed with gzip', False),
        (b'\x89HDF', 'an HDF5 file (Keras)', False),
        (b'\x93NUMPY', 'a NumPy array', False),
        (b'', 'of an unknown format' if head else 'empty', False),
    )
    return next((words, known) for mark, words, known in looks if head.startswith(mark))


def _tensors(content: Any, file: Path) -> dict[str, Any]:
    """Return the state_dict inside what a training script saved, without `module.`."""
    import torch

    found = content
    for _ in range(2):
        if isinstance(found, Mapping):
            inner = next((found[r] for r in ROOTS if isinstance(found.get(r), Mapping)), None)
            found = found if inner is None else inner
    if not isinstance(found, Mapping):
        raise ModelError(f'{file} holds a {type(found).__name__}, expected a state_dict')
    tensors = {str(key): value for key, value in found.items() if torch.is_tensor(value)}
    if not tensors:
        keys = ', '.join(map(str, list(found)[:SHOWN]))
        raise ModelError(f'{file} holds no tensors but {keys}; expected a state_dict')
    if all(key.startswith('module.') for key in tensors):
        tensors = {key.removeprefix('module.'): value for key, value in tensors.items()}
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
        raise ModelError(f'{file} holds NaN or infinity in {broken[0]}; download it again')


def _first_sentence(error: Exception) -> str:
    return ' '.join(str(error).split())[:120]
