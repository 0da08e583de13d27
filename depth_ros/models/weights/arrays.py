# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Read NumPy and Keras files of weights as arrays by name: layer/weights.

An .npy file that holds a dictionary is a pickle. It is read by an unpickler that knows how to
make arrays and containers, and refuses every other name before anything is called.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from depth_ros.models.protocol import ModelError, required_library
from depth_ros.models.weights.tensorflow_names import KERAS_GROUP

Arrays = dict[str, npt.NDArray[Any]]

_NUMPY = {'_reconstruct': 'multiarray', 'scalar': 'multiarray'}
_SAFE = {
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('collections', 'OrderedDict'),
    ('_codecs', 'encode'),  # bytes, in pickles of Python 3 for Python 2
}


class ArrayUnpickler(pickle.Unpickler):
    """Makes arrays, numbers, text and containers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _SAFE:
            return getattr(importlib.import_module(module), name)
        if module in ('numpy.core.multiarray', 'numpy._core.multiarray') and name in _NUMPY:
            # numpy.core is numpy._core since NumPy 2.
            core = 'numpy._core' if hasattr(np, '_core') else 'numpy.core'
            return getattr(importlib.import_module(f'{core}.multiarray'), name)
        raise pickle.UnpicklingError(f'it names {module}.{name}')


def read_numpy(file: Path) -> Arrays:
    """Return the arrays of an .npz file, or of the dictionary in an .npy file, by name."""
    try:
        with file.open('rb') as opened:
            if opened.read(2) == b'PK':
                opened.seek(0)
                with np.load(opened, allow_pickle=False) as arrays:
                    return {name: arrays[name] for name in arrays.files}
            opened.seek(0)
            content = _object_array(opened)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f'{file} holds more than arrays, which could run code and is not loaded ({error}); '
            'use another file of these weights: a TensorFlow checkpoint or an .npz file'
        ) from error
    except (ValueError, EOFError, OSError, MemoryError, AttributeError, TypeError) as error:
        words = ' '.join(str(error).split())[:120]
        raise ModelError(
            f'{file} cannot be read as arrays ({words}); download it again'
        ) from error
    if not isinstance(content, Mapping):
        raise ModelError(
            f'{file} holds a {type(content).__name__}, expected a dictionary of layers'
        )
    return dict(_flattened(content, ''))


def _object_array(opened: BinaryIO) -> Any:
    """Return what an .npy file holds; a single object is unpickled by the allow-list."""
    version = np.lib.format.read_magic(opened)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    _, _, dtype = read(opened)
    if not dtype.hasobject:
        return np.empty(0, dtype)
    # Files of Python 2 hold text as bytes in that encoding.
    content = ArrayUnpickler(opened, encoding='latin1').load()
    return content.item() if isinstance(content, np.ndarray) and content.size == 1 else content


def _flattened(content: Mapping[Any, Any], path: str) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for key, value in content.items():
        name = f'{path}/{key}' if path else str(key)
        if isinstance(value, Mapping):
            yield from _flattened(value, name)
        elif isinstance(value, (np.ndarray, np.number)):
            array = np.asarray(value)
            if array.dtype.kind in 'fiu':
                yield name, array


def read_keras(file: Path) -> tuple[Arrays, str]:
    """Return the arrays of a Keras .h5 file by name, and the JSON of its model."""
    h5py = required_library('h5py', f'the Keras file {file.name}', 'h5py')
    found: Arrays = {}
    try:
        with h5py.File(file, 'r') as opened:
            weights = opened.get(KERAS_GROUP, opened)

            def keep(name: str, value: Any) -> None:
                if isinstance(value, h5py.Dataset) and value.dtype.kind == 'f':
                    found[name] = np.asarray(value)

            weights.visititems(keep)
            model = opened.attrs.get('model_config', '')
    except (OSError, KeyError, RuntimeError) as error:
        words = ' '.join(str(error).split())[:120]
        raise ModelError(f'{file} cannot be read as HDF5 ({words}); download it again') from error
    return found, model.decode() if isinstance(model, bytes) else str(model)
