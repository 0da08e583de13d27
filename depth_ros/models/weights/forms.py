# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Read an official checkpoint in the form it was published in, without running anything in it.

PyTorch files (plain, in an archive, or in several parts), TensorFlow checkpoints, NumPy
dictionaries and Keras .h5 files all become tensors by their official names.
"""

from __future__ import annotations

import contextlib
import pickle
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depth_ros.models.protocol import ModelError, required_library
from depth_ros.models.weights.arrays import Arrays, read_keras, read_numpy
from depth_ros.models.weights.download import extract
from depth_ros.models.weights.pickled_module import read_in_sandbox
from depth_ros.models.weights.source import Official
from depth_ros.models.weights.tensorflow_checkpoint import checkpoint_prefix, read_checkpoint
from depth_ros.models.weights.tensorflow_names import is_weight, tensorflow_to_torch
from depth_ros.models.weights.verify import WeightsMissing, check_safetensors

# Where training scripts put the weights beside other things, as seen in published files.
ROOTS = ('state_dict', 'model', 'model_state', 'model_state_dict', 'net', 'network')
SHOWN = 5
SAFE_TORCH = (2, 10)  # from here on `weights_only` holds what it says
KERAS_MODEL = 'keras_model'  # the note that holds the JSON of a Keras model
TORCH_ENDINGS = ('.pth', '.pt', '.tar', '.ckpt', '.pkl', '.bin', '')


class PickledCode(ModelError):
    """A file names classes or functions, which could run code."""


@dataclass(frozen=True)
class Content:
    """What a file holds: tensors by official name, and plain numbers and text beside them."""

    tensors: dict[str, Any]
    notes: dict[str, Any] = field(default_factory=dict)


def read_official(file: Path, official: Official, unsafe_pickle: bool = False) -> Content:
    """
    Return what an official file, folder or archive holds.

    `unsafe_pickle` allows a pickled module, whose tensors another process takes out.
    """
    if file.is_dir():
        return _folder(file, official, unsafe_pickle)
    if not file.is_file():
        if checkpoint_prefix(file).with_name(f'{checkpoint_prefix(file).name}.index').is_file():
            return Content(_renamed(read_checkpoint(file)))
        raise WeightsMissing(f'{file} does not exist, expected an official checkpoint file')
    if _is_archive(file):
        with _unpacked(file) as folder:
            return _folder(folder, official, unsafe_pickle)
    return _file(file, unsafe_pickle)


def _file(file: Path, unsafe_pickle: bool) -> Content:
    """Return the content of one file that is no archive."""
    if file.suffix == '.safetensors':
        required_library('safetensors', 'convert', 'safetensors')
        from safetensors.torch import load_file

        check_safetensors(file)
        return Content(load_file(file))
    if file.suffix in ('.index', '.meta') or '.data-' in file.name:
        return Content(_renamed(read_checkpoint(file)))
    if file.suffix in ('.npy', '.npz'):
        return Content(_renamed(read_numpy(file)))
    if content_of(file)[0] == KERAS and file.suffix in ('.h5', '.hdf5', '.keras'):
        arrays, model = read_keras(file)
        return Content(_renamed(arrays), {KERAS_MODEL: model})
    try:
        content = _torch(file)
    except PickledCode:
        if not unsafe_pickle:
            raise
        with tempfile.TemporaryDirectory() as folder:
            return _file(read_in_sandbox(file, Path(folder)), False)
    return Content(_tensors(content, file), _notes(content))


def _folder(folder: Path, official: Official, unsafe_pickle: bool) -> Content:
    """Return the parts of a checkpoint that lie in a folder."""
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    if official.parts:
        tensors: dict[str, Any] = {}
        notes: dict[str, Any] = {}
        for name, prefix in official.parts.items():
            part = _file(_only(folder, [p for p in files if p.name == name], name), False)
            tensors |= {f'{prefix}{key}': value for key, value in part.tensors.items()}
            notes |= part.notes
        return Content(tensors, notes)
    indices = [path for path in files if path.suffix == '.index']
    if indices:
        return _file(_only(folder, indices, 'NAME.index'), False)
    weights = [path for path in files if path.suffix in ('.npy', '.npz', '.h5', '.safetensors')]
    weights += [p for p in files if p.suffix in TORCH_ENDINGS and content_of(p)[1]]
    return _file(_only(folder, weights, 'one file of weights'), unsafe_pickle)


def _only(folder: Path, found: list[Path], wanted: str) -> Path:
    if len(found) == 1:
        return found[0]
    here = ', '.join(path.name for path in found[:SHOWN]) or ', '.join(
        sorted(path.name for path in folder.rglob('*') if path.is_file())[:SHOWN]
    )
    raise ModelError(
        f'expected {wanted} once in {folder.name}, found it {len(found)} times'
        f'{f" ({here})" if here else ""}; give the file itself'
    )


def _is_archive(file: Path) -> bool:
    """Return whether a file is a zip archive of files, not a torch or NumPy file inside one."""
    if file.suffix == '.npz' or not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as opened:
        return not any(name.endswith('data.pkl') for name in opened.namelist())


@contextlib.contextmanager
def _unpacked(file: Path) -> Iterator[Path]:
    """Unpack an archive beside nothing that exists, and clear it away afterwards."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / file.stem
        with zipfile.ZipFile(file) as opened:
            members = [entry.filename for entry in opened.infolist() if not entry.is_dir()]
        for member in members:
            path = folder / member
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ModelError(f'{file.name} holds {member[:80]!r}, which points outside of it')
            path.parent.mkdir(parents=True, exist_ok=True)
            extract(file, member, path)
        yield folder


def _renamed(arrays: Arrays) -> dict[str, Any]:
    """Return TensorFlow's variables with PyTorch's names and layouts, without the others."""
    import torch

    found = {}
    for name, array in arrays.items():
        if is_weight(name):
            key, value = tensorflow_to_torch(name, array)
            found[key] = torch.from_numpy(value.astype('float32'))
    return found


def _torch(file: Path) -> Any:
    torch = required_library('torch', 'convert', 'torch')
    forms, can_be_loaded = content_of(file)
    if not can_be_loaded:
        raise ModelError(
            f'{file} is {forms}, expected a checkpoint that torch.save wrote; download it again'
        )
    version = tuple(int(part) for part in re.findall(r'\d+', torch.__version__)[:2])
    if version < SAFE_TORCH:
        raise ModelError(
            f'torch {torch.__version__} can be made to run code by such a file (CVE-2025-32434, '
            f'CVE-2026-24747), expected {".".join(map(str, SAFE_TORCH))} or later; update torch, '
            'or convert on another machine'
        )
    try:
        with torch.serialization.safe_globals(_numpy_globals()):
            return torch.load(file, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        raise PickledCode(
            f'{file} holds more than tensors, which could run code and is not loaded '
            f'({_first_words(error)}); use a file that holds a state_dict'
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(
            f'{file} forms like {forms} and cannot be read ({_first_words(error)}); '
            'download it again'
        ) from error


def _numpy_globals() -> list[Any]:
    """Return what rebuilds the NumPy numbers that training scripts keep beside weights."""
    import numpy as np

    core = getattr(np, '_core', None) or np.core
    kinds = {type(np.dtype(kind)) for kind in ('f4', 'f8', 'i4', 'i8', 'b1')}
    pairs = [
        (getattr(core.multiarray, name), f'{module}.multiarray.{name}')
        for name in ('_reconstruct', 'scalar')
        for module in ('numpy.core', 'numpy._core')
    ]
    return [np.ndarray, np.dtype, *kinds, *pairs]


KERAS = 'an HDF5 file (Keras)'


def content_of(file: Path) -> tuple[str, bool]:
    """Return what a file forms like by its first bytes, and whether torch.save writes such."""
    with file.open('rb') as opened:
        head = opened.read(16)
    forms = (
        (b'PK\x03\x04', 'a zip archive as torch writes it', True),
        (b'\x80', 'a pickle', True),
        (b'<!DOC', 'a web page', False),
        (b'<html', 'a web page', False),
        (b'\x1f\x8b', 'compressed with gzip', False),
        (b'\x89HDF', KERAS, False),
        (b'\x93NUMPY', 'a NumPy array', False),
        (b'', 'of an unknown format' if head else 'empty', False),
    )
    return next((words, known) for mark, words, known in forms if head.startswith(mark))


def _tensors(content: Any, file: Path) -> dict[str, Any]:
    """Return the state_dict inside what a training script saved."""
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
    return tensors


def _notes(content: Any) -> dict[str, Any]:
    """Return the plain numbers and text that lie beside the weights."""
    if not isinstance(content, Mapping):
        return {}
    plain = (bool, int, float, str)
    return {str(k): v for k, v in content.items() if isinstance(v, plain)}


def _first_words(error: Exception) -> str:
    return ' '.join(str(error).split())[:120]
