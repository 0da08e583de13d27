# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a model folder must be before a byte of it is used.

Only JSON and safetensors are read: no pickle and no code that comes with a checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depth_ros.models.protocol import ModelError

CONFIG = 'config.json'
PROCESSORS = ('preprocessor_config.json', 'processor_config.json')
WEIGHTS = 'model.safetensors'
INDEX = 'model.safetensors.index.json'

_JSON_LIMIT = 16 << 20
_HEADER_LIMIT = 64 << 20


class WeightsMissing(ModelError):
    """The weights are not on this machine, or what is there is not whole."""


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of sane size."""
    try:
        size = path.stat().st_size
        if size > _JSON_LIMIT:
            raise ModelError(
                f'{path} has {size} bytes, at most {_JSON_LIMIT} were expected of a '
                'configuration; it is not one: fetch the model again'
            )
        value = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise WeightsMissing(
            f'{path} does not exist, a model folder needs it; fetch the model again'
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelError(
            f'{path} cannot be read as JSON ({error}); fetch the model again'
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
                    f'{folder / INDEX} names the weight file {name!r}, expected a '
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
            header = json.loads(file.read(length))
            ends = [0]
            count = 0
            for name, entry in header.items():
                if name == '__metadata__':
                    continue
                begin, end = (int(v) for v in entry['data_offsets'])
                if not 0 <= begin <= end:
                    raise ValueError(f'offsets of {name}')
                ends.append(end)
                values = 1
                for extent in entry['shape']:
                    values *= int(extent)
                count += values
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(broken % f'its header cannot be read ({error})') from error
    if 8 + length + max(ends) != size:
        raise ModelError(broken % f'{8 + length + max(ends)} bytes were expected, it has {size}')
    return count


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


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def is_folder(name: str) -> bool:
    """Return whether a name is an existing folder with a model configuration."""
    return bool(name) and '\0' not in name and (Path(name).expanduser() / CONFIG).is_file()


def processor_settings(folder: Path) -> Mapping[str, Any]:
    """Return the image processor's settings, empty where the checkpoint brings none."""
    for name in PROCESSORS:
        if (folder / name).is_file():
            settings = read_json(folder / name)
            return settings.get('image_processor', settings)
    return {}
