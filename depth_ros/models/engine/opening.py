# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Open a network in the executor that the options name."""

from __future__ import annotations

from collections.abc import Callable

from depth_ros.models.engine.device import choose_device, choose_precision, guard
from depth_ros.models.engine.runtime import Executable, Runtime, TorchRuntime
from depth_ros.models.options import EngineOptions
from depth_ros.models.protocol import ModelError, required_library


def open_runtime(load: Callable[[], Executable], options: EngineOptions) -> Runtime:
    """Load a network and return what executes it; impossible options are refused first."""
    if options.runtime != 'torch':
        return _open_exported(load, options)
    import torch

    device = choose_device(options.device)
    dtype = getattr(torch, choose_precision(options.precision, device))
    with guard(device):
        return TorchRuntime(load(), device, dtype, compiled=options.compile == 'auto')


def _open_exported(load: Callable[[], Executable], options: EngineOptions) -> Runtime:
    import torch

    from depth_ros.models.engine.exported import ExportedRuntime

    kind = options.runtime
    required_library(kind, 'this runtime', kind)
    if options.device not in ('auto', 'cpu'):
        raise ModelError(
            f'runtime {kind} runs on the CPU, device is {options.device!r}; '
            'set device to cpu or runtime to torch'
        )
    if kind == 'onnxruntime' and options.precision not in ('auto', 'float32'):
        raise ModelError(
            f'runtime onnxruntime runs in float32, precision is {options.precision!r}; '
            'set precision to auto, or runtime to openvino or torch'
        )
    device = torch.device('cpu')
    precision = 'float32'
    if kind == 'openvino':
        precision = choose_precision(options.precision, device)
    with guard(device):
        executable = load()
        if executable.no_export:
            raise ModelError(
                f'runtime {kind} cannot run this model, which {executable.no_export}; '
                'set runtime to torch'
            )
        reference = TorchRuntime(executable, device, torch.float32)
    return ExportedRuntime(executable, reference, kind, precision)
