# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO as the executor of a network on the CPU."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.models.engine.cache import is_whole, store
from depth_ros.models.protocol import required_library

HINTS = {'float32': 'f32', 'bfloat16': 'bf16', 'float16': 'f16'}


def version() -> str:
    """Return what an exported network depends on besides the network."""
    import torch

    return f'{_library().__version__} {torch.__version__}'


def build(network: Any, samples: Sequence[np.ndarray], path: Path, precision: str) -> Any:
    """Return a function from input arrays to output arrays; `path` has no ending yet."""
    openvino = _library()
    path = path.with_name(path.name + '.xml')
    if not is_whole(path):
        store(path, lambda target: _export(network, samples, target))
    compiled = openvino.Core().compile_model(
        path,
        'CPU',
        {'INFERENCE_PRECISION_HINT': HINTS[precision], 'PERFORMANCE_HINT': 'LATENCY'},
    )

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        results = compiled(list(inputs), share_inputs=True)
        return [np.array(value, np.float32) for value in results.values()]

    return run


def _export(network: Any, samples: Sequence[np.ndarray], target: Path) -> None:
    import torch

    openvino = _library()
    tensors = tuple(torch.from_numpy(sample) for sample in samples)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
    ):
        warnings.simplefilter('ignore')
        model = openvino.convert_model(
            network,
            example_input=tensors if len(tensors) > 1 else tensors[0],
            input=[list(sample.shape) for sample in samples],
        )
    openvino.save_model(model, target, compress_to_fp16=False)


def _library() -> Any:
    return required_library('openvino', 'this runtime', 'openvino')
