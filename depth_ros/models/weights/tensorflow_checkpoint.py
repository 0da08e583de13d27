# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Read a TensorFlow checkpoint (NAME.index and NAME.data-00000-of-00001) without TensorFlow.

The index is a sorted table of LevelDB's format whose values are protocol buffers: the first one
describes the file, the others say where each variable lies. The data are plain numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.models.protocol import ModelError

MAGIC = 0xDB4775248B80FB57  # of a table
FOOTER = 48  # bytes
LARGEST_INDEX = 64 << 20  # bytes
TYPES = {1: '<f4', 2: '<f8', 3: '<i4', 9: '<i8', 19: '<f2'}  # by TensorFlow's number
DTYPE, SHAPE, SHARD, OFFSET, SIZE, SLICES = 1, 2, 3, 4, 5, 7  # fields of an entry

Fields = dict[int, list[Any]]


def checkpoint_prefix(file: Path) -> Path:
    """Return the path of a checkpoint without its ending, for any of its files."""
    name = file.name
    for ending in ('.index', '.meta'):
        name = name.removesuffix(ending)
    return file.with_name(name.split('.data-')[0])


def read_checkpoint(file: Path) -> dict[str, npt.NDArray[Any]]:
    """Return every variable of a checkpoint by its name; `file` is any of its files."""
    prefix = checkpoint_prefix(file)
    index = prefix.with_name(f'{prefix.name}.index')
    if not index.is_file():
        raise ModelError(
            f'{index} does not exist; a TensorFlow checkpoint is NAME.index and NAME.data-…, '
            'keep both in one folder'
        )
    try:
        return _variables(prefix, _table(index))
    except (IndexError, KeyError, ValueError, OverflowError, UnicodeDecodeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f'{index} cannot be read as the index of a TensorFlow checkpoint ({error}); '
            'download it again'
        ) from error


def _variables(prefix: Path, entries: dict[bytes, bytes]) -> dict[str, npt.NDArray[Any]]:
    header = _fields(entries.pop(b''))
    shards = header.get(1, [1])[0]
    if header.get(2, [0])[0] != 0:
        raise ModelError(f'{prefix} was written by a big-endian machine, expected little-endian')
    found = {}
    for key, value in entries.items():
        name, entry = key.decode(), _fields(value)
        if SLICES in entry:
            raise ModelError(f'{name} of {prefix} is stored in slices, expected a whole variable')
        kind = entry.get(DTYPE, [0])[0]
        if kind not in TYPES:
            continue  # text and the like: no weight
        shard = entry.get(SHARD, [0])[0]
        data = prefix.with_name(f'{prefix.name}.data-{shard:05d}-of-{shards:05d}')
        shape = tuple(_extents(entry.get(SHAPE, [b''])[0]))
        array = _read(data, entry.get(OFFSET, [0])[0], entry.get(SIZE, [0])[0], TYPES[kind])
        if array.size != np.prod(shape, dtype=np.int64):
            raise ModelError(
                f'{name} of {prefix} has {array.size} numbers, expected the shape {shape}; '
                'download it again'
            )
        found[name] = array.reshape(shape)
    return found


def _read(data: Path, offset: int, size: int, kind: str) -> npt.NDArray[Any]:
    if not data.is_file() or data.stat().st_size < offset + size:
        raise ModelError(
            f'{data} is missing or cut off, expected at least {offset + size} bytes; '
            'download it again'
        )
    count = size // np.dtype(kind).itemsize
    return np.fromfile(data, kind, count, offset=offset)


def _extents(shape: bytes) -> Iterator[int]:
    """Yield the extents in a TensorShapeProto."""
    for extent in _fields(shape).get(2, []):
        yield _fields(extent).get(1, [0])[0]


def _table(index: Path) -> dict[bytes, bytes]:
    """Return the entries of a table by key, in order."""
    if index.stat().st_size > LARGEST_INDEX:
        raise ModelError(f'{index} is larger than an index, expected at most {LARGEST_INDEX} B')
    content = index.read_bytes()
    if len(content) < FOOTER or int.from_bytes(content[-8:], 'little') != MAGIC:
        raise ModelError(
            f'{index} is not the index of a TensorFlow checkpoint of version 2; '
            'download it again, or save it with tf.train.Saver of TensorFlow 1.0 or later'
        )
    footer = content[-FOOTER:-8]
    _, at = _varint(footer, 0)  # the handle of the meta index
    _, at = _varint(footer, at)
    entries = {}
    for _, handle in _block(content, footer, at, index):
        entries.update(dict(_block(content, handle, 0, index)))
    return entries


def _block(content: bytes, handle: bytes, at: int, index: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of the block at a handle: keys leave out what they share."""
    begin, at = _varint(handle, at)
    size, _ = _varint(handle, at)
    block = content[begin : begin + size]
    if len(block) != size or size < 4:
        raise ModelError(f'{index} is cut off; download it again')
    if content[begin + size] != 0:
        raise ModelError(
            f'{index} is compressed, expected a plain table; restore and save it in TensorFlow'
        )
    restarts = int.from_bytes(block[-4:], 'little')
    end = size - 4 - 4 * restarts
    at, key = 0, b''
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def _fields(message: bytes) -> Fields:
    """Return the fields of a protocol buffer by number; nested messages stay bytes."""
    found: Fields = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        value: Any
        if wire == 0:
            value, at = _varint(message, at)
        elif wire == 2:
            size, at = _varint(message, at)
            value, at = message[at : at + size], at + size
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = int.from_bytes(message[at : at + size], 'little'), at + size
        else:
            raise ValueError(f'wire type {wire}')
        found.setdefault(number, []).append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError('a number of more than 64 bits')
