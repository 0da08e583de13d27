# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime as the executor of a network on the CPU."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.models.engine.cache import is_whole, store
from depth_ros.models.protocol import required_library


def version() -> str:
    """Return what an exported network depends on besides the network."""
    import torch

    return f'{_library().__version__} {torch.__version__}'


def build(network: Any, samples: Sequence[np.ndarray], path: Path, precision: str) -> Any:
    """Return a function from input arrays to output arrays; `path` has no ending yet."""
    import torch

    onnxruntime = _library()
    path = path.with_name(path.name + '.onnx')
    if not is_whole(path):
        store(path, lambda target: _export(network, samples, target))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, ['CPUExecutionProvider'])
    names = [entry.name for entry in session.get_inputs()]

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        return session.run(None, dict(zip(names, inputs)))

    return run


def _export(network: Any, samples: Sequence[np.ndarray], target: Path) -> None:
    import torch

    for needed in ('onnx', 'onnxscript'):
        required_library(needed, 'this runtime', needed)
    with _quiet(), torch.no_grad():
        torch.onnx.export(
            network,
            tuple(torch.from_numpy(sample) for sample in samples),
            str(target),
            input_names=[f'image_{number}' for number in range(len(samples))],
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _library() -> Any:
    return required_library('onnxruntime', 'this runtime', 'onnxruntime')


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep exporters from printing graphs and warning of every shape they fix."""
    exporter = logging.getLogger('torch.onnx')
    level = exporter.level
    exporter.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        exporter.setLevel(level)
