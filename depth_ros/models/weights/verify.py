# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a model folder must be before a byte of it is used.

Only JSON and safetensors are read: no pickle and no code that comes with a checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from depth_ros.files.reading import read_text
from depth_ros.models.protocol import ModelError
from depth_ros.types import DepthError, quoted

CONFIG = 'config.json'
PROCESSORS = ('preprocessor_config.json', 'processor_config.json')
WEIGHTS = 'model.safetensors'
INDEX = 'model.safetensors.index.json'

_JSON_LIMIT = 16 << 20
_HEADER_LIMIT = 64 << 20
_DIMENSIONS = 16
_BITS = {
    'BOOL': 8,
    'U8': 8,
    'I8': 8,
    'F8_E5M2': 8,
    'F8_E4M3': 8,
    'U16': 16,
    'I16': 16,
    'F16': 16,
    'BF16': 16,
    'U32': 32,
    'I32': 32,
    'F32': 32,
    'U64': 64,
    'I64': 64,
    'F64': 64,
    'C64': 64,
}
# Sizes in a configuration beyond which a network is not built but for days.
_LARGEST_SIZE, _MOST_LAYERS = 1 << 24, 1000


class WeightsMissing(ModelError):
    """The weights are not on this machine, or what is there is not whole."""


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of sane size."""
    if not os.path.lexists(path):
        raise WeightsMissing(
            f'{path} does not exist, a model folder needs it; fetch the model again'
        )
    try:
        text = read_text(path, 'fetch the model again', _JSON_LIMIT)
        value = json.loads(text)
    except DepthError as error:
        raise ModelError(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f'{path} cannot be read as JSON ({quoted(str(error))}); fetch the model again'
        ) from error
    if not isinstance(value, dict):
        raise ModelError(
            f'{path} holds a {type(value).__name__}, an object was expected; fetch the model again'
        )
    return value


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a model folder; only files inside it count."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        shards = read_json(folder / INDEX).get('weight_map')
        if not isinstance(shards, dict) or not shards:
            raise ModelError(
                f'{folder / INDEX} has no weight_map, one was expected; fetch the model again'
            )
        names = sorted({str(name) for name in shards.values()})
        for name in names:
            if Path(name).name != name or not name.endswith('.safetensors'):
                raise ModelError(
                    f'{folder / INDEX} names the weight file {quoted(name)}, expected a '
                    'safetensors file in the same folder; do not use this checkpoint'
                )
            if not (folder / name).is_file():
                raise WeightsMissing(
                    f'{folder} lacks {name}, which its index names; fetch the model again'
                )
        return [folder / name for name in names]
    others = sorted(p.name for p in folder.glob('*.bin')) + sorted(
        p.name for p in folder.glob('*.pt*')
    )
    hint = (
        f'; {others[0]} is pickled, which can run code and is never loaded: save it as '
        'safetensors (save_pretrained does)'
        if others
        else '; fetch it again, or a revision with safetensors if here all are pickled'
    )
    raise WeightsMissing(f'{folder} has no {WEIGHTS}, which was expected{hint}')


def check_safetensors(path: Path) -> int:
    """Return the number of parameters, having checked that the file is whole."""
    size = path.stat().st_size
    broken = f'{path} is corrupt: %s; delete it and fetch the model again'
    with path.open('rb') as file:
        head = file.read(8)
        length = struct.unpack('<Q', head)[0] if len(head) == 8 else 0
        if not 2 <= length <= min(_HEADER_LIMIT, max(size - 8, 0)):
            raise ModelError(broken % f'its header claims {length} of {size} bytes')
        try:
            # NaN and Infinity are no JSON, but Python reads them.
            header = json.loads(file.read(length), parse_constant=_no_number)
            ends, count = [0], 0
            for name, entry in header.items():
                if name != '__metadata__':
                    values, end = _extent(name, entry)
                    count += values
                    ends.append(end)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            why = quoted(str(error))
            raise ModelError(broken % f'its header cannot be read ({why})') from error
    if 8 + length + max(ends) != size:
        raise ModelError(broken % f'{8 + length + max(ends)} bytes were expected, it has {size}')
    return count


def _no_number(text: str) -> float:
    raise ValueError(f'{text} is no number')


def _extent(name: str, entry: Any) -> tuple[int, int]:
    """Return how many numbers one tensor of a header has, and where it ends."""
    shape, offsets = entry['shape'], entry['data_offsets']
    if not isinstance(shape, list) or len(shape) > _DIMENSIONS:
        raise ValueError(f'shape of {quoted(name)}')
    values = 1
    for number in (*shape, *offsets):
        if type(number) is not int or not 0 <= number < 1 << 48:
            raise ValueError(f'shape or offsets of {quoted(name)}')
    for extent in shape:
        values *= extent
    begin, end = offsets
    bits = _BITS.get(str(entry['dtype']))
    if not begin <= end or (bits is not None and bits * values != 8 * (end - begin)):
        raise ValueError(f'offsets of {quoted(name)}')
    return values, end


def check_finite(tensors: Iterable[tuple[str, Any]], source: Path) -> None:
    """Refuse weights with NaN or infinity, of which everything that is predicted becomes NaN."""
    import torch

    for name, tensor in tensors:
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ModelError(
                f'{source} holds NaN or infinity in {quoted(name)}; fetch the model again'
            )


def verify(folder: Path, *, contents: bool = False) -> int:
    """
    Check configuration and weights of a model folder; return the number of parameters.

    With `contents` every byte is read too, and compared with the SHA-256 by which the hub's
    cache names the file.
    """
    refuse_foreign(folder / CONFIG, read_json(folder / CONFIG))
    files = weight_files(folder)
    parameters = sum(check_safetensors(path) for path in files)
    for path in files if contents else ():
        expected = path.resolve().name
        if re.fullmatch(r'[0-9a-f]{64}', expected) and sha256_of(path) != expected:
            raise ModelError(
                f'{path} is corrupt: its SHA-256 is not {expected}; '
                f'delete {path.resolve()} and fetch the model again'
            )
    return parameters


def refuse_foreign(path: Path, config: Any) -> None:
    """
    Refuse a configuration that would make transformers fetch or run something else.

    Attention kernels can be named by a hub id, a backbone can ask for weights of its own, and
    quantised weights bring loaders of their own; code in the folder (auto_map) is never run.
    """
    nested = [config] if isinstance(config, (dict, list)) else []
    while nested:
        part = nested.pop()
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(value, (dict, list)):
                nested.append(value)
            _check_number(path, key, value)
            foreign = (
                ('attn_implementation' in str(key) and isinstance(value, str) and '/' in value)
                or (key == 'use_pretrained_backbone' and bool(value))
                or (key == 'quantization_config' and bool(value))
            )
            if foreign:
                raise ModelError(
                    f'{path} sets {key}, which would load something beside this checkpoint; '
                    'save the model without it'
                )


def _check_number(path: Path, key: Any, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    layers = 'num' in str(key) and ('layers' in str(key) or 'blocks' in str(key))
    limit = _MOST_LAYERS if layers else _LARGEST_SIZE
    if number and not abs(value) <= limit:
        raise ModelError(
            f'{path} sets {quoted(key)} to {quoted(value)}, expected at most {limit}; fetch the '
            'model again'
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def folder_named(name: str) -> Path:
    """Return the path that a name stands for, whether anything is there or not."""
    # Unlike Path.expanduser, it accepts an unknown user; but no name with a zero byte.
    return Path(name if '\0' in name else os.path.expanduser(name))


def is_folder(name: str, *files: str) -> bool:
    """
    Return whether a name is an existing folder with a model configuration, or with other files.

    A name that is no path at all, or one that may not be looked at, is none.
    """
    folder = folder_named(name)
    return bool(name) and all(os.path.isfile(folder / f) for f in files or (CONFIG,))


def processor_settings(folder: Path) -> Mapping[str, Any]:
    """Return the image processor's settings, empty where the checkpoint brings none."""
    for name in PROCESSORS:
        if (folder / name).is_file():
            settings = read_json(folder / name)
            inner = settings.get('image_processor', settings)
            return inner if isinstance(inner, dict) else settings
    return {}
