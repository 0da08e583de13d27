# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read files no larger than they should be: no device, no pipe, no file of gigabytes."""

from __future__ import annotations

import contextlib
import io
import lzma
import math
import stat
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from depth_ros.types import DepthError, quoted

LARGEST_TEXT = 16 << 20  # bytes of a list of poses or of numbers
LARGEST_YAML = 64 << 10
LARGEST_ARRAY = 1 << 30
_YAML_NODES = 20_000  # what a file of that size can hold, every alias counted as what it repeats


def read_bytes(path: Path, largest: int, remedy: str) -> bytes:
    """Return the content of a regular file of at most `largest` bytes; errors end in `remedy`."""
    try:
        # Asked before it is opened: a pipe that nothing writes to would wait for ever.
        regular = stat.S_ISREG(path.stat().st_mode)
        data = b''
        if regular:
            with path.open('rb') as file:
                data = file.read(largest + 1)
    except OSError as error:
        why = error.strerror
        raise DepthError(f'{quoted(str(path), 300)} cannot be read ({why}); {remedy}') from None
    except ValueError:  # a zero byte, or half of a character
        raise DepthError(f'{quoted(str(path))} is no name of a file; {remedy}') from None
    if not regular:
        raise DepthError(f'{path} cannot be read (no regular file); {remedy}')
    if len(data) > largest:
        raise DepthError(
            f'{path} has more than {largest} bytes, at most that many were expected; {remedy}'
        )
    return data


def read_text(path: Path, remedy: str, largest: int = LARGEST_TEXT) -> str:
    """Return the text of a file; bytes that are no UTF-8 are refused."""
    try:
        return read_bytes(path, largest, remedy).decode('utf-8')
    except UnicodeDecodeError:
        raise DepthError(f'{path} is not text; {remedy}') from None


def parse_yaml(text: str, source: str, remedy: str) -> Any:
    """
    Return the plain values of a YAML text.

    An alias repeats what it stands for, and a few of them in each other make gigabytes of a few
    hundred bytes. So everything is counted before any of it is made.
    """
    try:
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return None
            if _count(root, {}) > _YAML_NODES:
                raise DepthError(
                    f'{source} repeats itself by aliases to more than {_YAML_NODES} values; '
                    f'write them out; {remedy}'
                )
            return loader.construct_document(root)
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        if isinstance(error, DepthError):
            raise
        mark = getattr(error, 'problem_mark', None)
        where = f' in line {mark.line + 1}' if mark else ''
        raise DepthError(f'{source} is not valid YAML{where}; {remedy}') from None


def _count(node: yaml.Node, known: dict[int, float]) -> float:
    """Return how many values a node makes; infinitely many where it contains itself."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = math.inf
    total = 1.0
    if isinstance(node, yaml.MappingNode):
        total += sum(_count(key, known) + _count(value, known) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        total += sum(_count(child, known) for child in node.value)
    known[id(node)] = total
    return total


def read_yaml(path: Path, remedy: str) -> Any:
    """Return the plain values of a YAML file."""
    return parse_yaml(read_text(path, remedy, LARGEST_YAML), str(path), remedy)


def read_array(
    path: Path, remedy: str, member: str = '', largest: int = LARGEST_ARRAY
) -> npt.NDArray[Any]:
    """Return the numbers of an .npy file, or those of one member of an .npz; nothing pickled."""
    packed = read_bytes(path, largest, remedy)
    name = str(path)
    if member:
        packed = _unzip(path, packed, f'{member}.npy', largest, remedy)
        name = f'{member} of {path}'
    with _as_array_error(name, remedy):
        file = io.BytesIO(packed)
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f'its format is {version}')
        if dtype.hasobject:
            raise ValueError('it holds pickled objects, which are never loaded')
        count, rest = math.prod(shape), len(packed) - file.tell()
        if count < 0 or count * dtype.itemsize != rest:
            raise ValueError(f'{count * dtype.itemsize} bytes were expected, it has {rest}')
        flat = np.frombuffer(packed, dtype, count, file.tell())
        return flat.reshape(shape, order='F' if fortran else 'C')


def _unzip(path: Path, packed: bytes, member: str, largest: int, remedy: str) -> bytes:
    with _as_array_error(str(path), remedy):
        archive = zipfile.ZipFile(io.BytesIO(packed))
        if member not in archive.namelist():
            raise ValueError(f'it has no {member}')
        with archive.open(member) as opened:
            data = opened.read(largest + 1)
    if len(data) > largest:
        raise DepthError(
            f'{member} of {path} has more than {largest} bytes, at most that many were expected; '
            f'{remedy}'
        )
    return data


@contextlib.contextmanager
def _as_array_error(name: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except (
        *(ValueError, KeyError, TypeError, EOFError, OverflowError, SyntaxError),
        *(MemoryError, RecursionError, tokenize.TokenError),  # of the header, which is Python
    ) as error:
        why = ' '.join(str(error).split())[:120]
        raise DepthError(f'{name} is no array of numbers ({why}); {remedy}') from None
    except (
        *(zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError),
        *(zlib.error, lzma.LZMAError, OSError),
    ) as error:
        why = ' '.join(str(error).split())[:120]
        raise DepthError(f'{name} is no archive of arrays ({why}); {remedy}') from None
