# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The device and the number format that a network runs in, and what can go wrong there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from depth_ros.models.engine.tuning import bfloat16_is_fast
from depth_ros.models.protocol import ModelError


class OutOfMemory(ModelError):
    """The device has too little memory for this model at this size."""


class DeviceLost(ModelError):
    """The device stopped answering; everything on it is gone."""


def choose_device(wanted: str) -> Any:
    """Return the torch device for auto, cpu, cuda or cuda:N."""
    import torch

    if wanted == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(wanted)
    except RuntimeError:
        device = None
    if device is None or device.type not in ('cpu', 'cuda'):
        raise ModelError(f'device is {wanted!r}, expected auto, cpu, cuda or cuda:N')
    if device.type == 'cuda':
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise ModelError(
                f'device is {wanted!r} and this machine has {count} CUDA devices that torch '
                f'{torch.__version__} can use; set device to auto or cpu'
            )
    return device


def choose_precision(
    wanted: str, device: Any, offered: Sequence[str] = ('float16', 'bfloat16', 'float32')
) -> str:
    """Return the number format for auto, the fastest that is offered, or what was asked for."""
    if wanted != 'auto':
        return wanted
    if device.type == 'cuda':
        return next(precision for precision in ('float16', 'bfloat16') if precision in offered)
    return 'bfloat16' if bfloat16_is_fast() else 'float32'


@contextlib.contextmanager
def guard(device: Any) -> Iterator[None]:
    """Turn out of memory and a lost device into one sentence with the remedy."""
    try:
        yield
    except MemoryError as error:
        raise _memory_error(device) from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise _memory_error(device) from error
        if device.type != 'cpu' and _is_lost(error):
            raise DeviceLost(
                f'{device} stopped answering ({str(error).splitlines()[0][:160]}); clean up and '
                'configure again, or set device to cpu'
            ) from error
        raise


def _memory_error(device: Any) -> OutOfMemory:
    return OutOfMemory(
        f'{device} has too little memory for this model; set a smaller input_size, '
        'precision float16, a smaller model, or another device'
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a device has too little memory."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in str(error)
        for sign in ('out of memory', "can't allocate memory", 'not enough memory')
    )


def _is_lost(error: BaseException) -> bool:
    signs = ('CUDA error', 'CUDA driver', 'cuDNN error', 'CUBLAS_STATUS', 'device-side assert')
    return any(sign in str(error) for sign in signs)
