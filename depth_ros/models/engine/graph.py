# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A network that another program has exported: an ONNX file, or one of OpenVINO."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from depth_ros.models.options import option
from depth_ros.models.protocol import ModelError, required_library
from depth_ros.types import quoted

ENDINGS = ('.onnx', '.xml')
Shape = tuple[int, ...]

_HINTS = {'float32': 'f32', 'bfloat16': 'bf16', 'float16': 'f16'}
_MARKS = (
    (b'<!DOC', 'a web page'),
    (b'<html', 'a web page'),
    (b'version https://git-lfs', 'a pointer of Git LFS, not the file'),
    (b'PK\x03\x04', 'a zip archive or a torch file'),
    (b'\x80', 'a pickle'),
)


@dataclass(frozen=True)
class GraphOptions:
    """What executes an exported network."""

    runtime: str = option(
        'auto',
        'what executes the network; auto is onnxruntime where it is installed and fits',
        choices=('auto', 'onnxruntime', 'openvino'),
    )
    device: str = option('auto', 'where it runs: auto, cpu, or cuda with onnxruntime-gpu')
    precision: str = option(
        'float32',
        'number format of openvino; onnxruntime computes as the file says',
        choices=('float32', 'bfloat16', 'float16'),
    )


@dataclass(frozen=True)
class Port:
    """An input of a network: its name, its shape with 0 for any extent, its number format."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]


class Graph(Protocol):
    """An exported network, ready to run."""

    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    runtime: str
    device: str
    precision: str

    def run(self, arrays: Mapping[str, np.ndarray], wanted: list[str]) -> list[np.ndarray]:
        """Return the named outputs for one array per input."""


def open_graph(path: Path, options: GraphOptions) -> Graph:
    """Return the network in a file."""
    if path.suffix not in ENDINGS:
        raise ModelError(f'{path} ends in {path.suffix!r}, expected one of {", ".join(ENDINGS)}')
    if not os.path.isfile(path):  # unlike that of Path, it takes what is no name of a file
        raise ModelError(
            f'{quoted(str(path), 300)} does not exist, expected an exported network; check the '
            'path'
        )
    if path.suffix == '.xml' and options.runtime == 'onnxruntime':
        raise ModelError(f'{path} is of OpenVINO and runtime is onnxruntime; set runtime to auto')
    runtime = options.runtime
    if runtime == 'auto':
        installed = importlib.util.find_spec('onnxruntime') is not None
        runtime = 'onnxruntime' if installed and path.suffix == '.onnx' else 'openvino'
    if runtime == 'openvino':
        return _OpenVino(path, options)
    return _OnnxRuntime(path, options)


@contextlib.contextmanager
def reading(path: Path, runtime: str) -> Iterator[None]:
    """Turn what a library raises into one sentence that says what the file looks like."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # libraries raise of every kind
        line = ' '.join(str(error).split())[:160]
        raise ModelError(
            f'{path} cannot be opened by {runtime}: it looks like {_content_of(path)} ({line}); '
            'export or download it again'
        ) from error


def _content_of(path: Path) -> str:
    with path.open('rb') as file:
        head = file.read(32)
    if not head:
        return 'an empty file'
    words = (
        'a network' if path.suffix == '.onnx' or head.startswith(b'<?xml') else 'something else'
    )
    return next((look for mark, look in _MARKS if head.startswith(mark)), words)


class _OnnxRuntime:
    """ONNX Runtime."""

    def __init__(self, path: Path, options: GraphOptions) -> None:
        library = required_library('onnxruntime', f'model {path.name!r}', 'onnxruntime')
        offered = library.get_available_providers()
        on_gpu = options.device.startswith('cuda')
        if on_gpu and 'CUDAExecutionProvider' not in offered:
            raise ModelError(
                f'device is {options.device!r}, but this onnxruntime offers '
                f'{", ".join(offered)}; install onnxruntime-gpu, or set device to cpu'
            )
        if options.device not in ('auto', 'cpu') and not on_gpu:
            raise ModelError(f'device is {options.device!r}, expected auto, cpu or cuda')
        self.device = 'cuda' if on_gpu else 'cpu'
        if options.device == 'auto' and 'CUDAExecutionProvider' in offered:
            self.device = 'cuda'
        providers = ['CPUExecutionProvider']
        if self.device == 'cuda':
            providers.insert(0, 'CUDAExecutionProvider')
        settings = library.SessionOptions()
        settings.log_severity_level = 3
        settings.intra_op_num_threads = cv2.getNumThreads()  # as depth_ros.threads has set it
        # A thread that spins takes the processor from what it waits for, and from others.
        settings.add_session_config_entry('session.intra_op.allow_spinning', '0')
        with reading(path, 'onnxruntime'):
            self._session = library.InferenceSession(str(path), settings, providers)
        self.runtime, self.precision = 'onnxruntime', 'as exported'
        self.inputs = tuple(
            Port(entry.name, _extents(entry.shape), _dtype(entry.type.removeprefix('tensor(')))
            for entry in self._session.get_inputs()
        )
        self.outputs = tuple(entry.name for entry in self._session.get_outputs())

    def run(self, arrays: Mapping[str, np.ndarray], wanted: list[str]) -> list[np.ndarray]:
        """Return the named outputs."""
        return self._session.run(wanted, dict(arrays))


class _OpenVino:
    """OpenVINO on the CPU, compiled for each size of the inputs."""

    def __init__(self, path: Path, options: GraphOptions) -> None:
        library = required_library('openvino', f'model {path.name!r}', 'openvino')
        if options.device not in ('auto', 'cpu'):
            raise ModelError(
                f'runtime openvino runs on the CPU, device is {options.device!r}; '
                'set device to cpu, or runtime to onnxruntime'
            )
        self._core = library.Core()
        self._path, self._hint = path, _HINTS[options.precision]
        with reading(path, 'openvino'):
            model = self._core.read_model(path)
        self.runtime, self.device, self.precision = 'openvino', 'cpu', options.precision
        self.inputs = tuple(
            Port(
                entry.get_any_name(),
                tuple(0 if d.is_dynamic else d.get_length() for d in entry.partial_shape),
                np.dtype(entry.element_type.to_dtype()),
            )
            for entry in model.inputs
        )
        self.outputs = tuple(entry.get_any_name() for entry in model.outputs)
        self._compiled: dict[tuple[Shape, ...], Any] = {}

    def run(self, arrays: Mapping[str, np.ndarray], wanted: list[str]) -> list[np.ndarray]:
        """Return the named outputs."""
        shapes = tuple(arrays[port.name].shape for port in self.inputs)
        if shapes not in self._compiled:
            model = self._core.read_model(self._path)
            names = [port.name for port in self.inputs]
            model.reshape(dict(zip(names, map(list, shapes), strict=True)))
            settings = {
                'INFERENCE_PRECISION_HINT': self._hint,
                'PERFORMANCE_HINT': 'LATENCY',
                'INFERENCE_NUM_THREADS': cv2.getNumThreads(),
            }
            self._compiled[shapes] = self._core.compile_model(model, 'CPU', settings)
        found = self._compiled[shapes](dict(arrays))
        return [np.array(found[name]) for name in wanted]


def _extents(shape: Any) -> Shape:
    """Return a shape in which what is not fixed is 0."""
    return tuple(extent if isinstance(extent, int) and extent > 0 else 0 for extent in shape)


def _dtype(word: str) -> np.dtype[Any]:
    word = word.removesuffix(')')
    return np.dtype({'float': 'float32', 'double': 'float64'}.get(word, word))
