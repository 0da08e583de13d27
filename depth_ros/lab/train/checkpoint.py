# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The whole state of a run in one safetensors file, replaced in one move.

Nothing is pickled: tensors by name, the rest as JSON in the file's own metadata.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from depth_ros.types import DepthError

STATE = 'state.safetensors'
LOCK = 'lock'


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """
    Keep a second run out of a folder: two would render and save over each other.

    The lock belongs to the process and ends with it, however it ends; the file may stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # not POSIX
        yield
        return
    with (folder / LOCK).open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DepthError(
                f'{folder} is being trained in by another process; wait for it, or give '
                'another --out'
            ) from None
        yield


def save_state(
    folder: Path,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    facts: dict[str, Any],
) -> None:
    """Write network, averaged network, optimiser moments and facts; a kill leaves the old one."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in (('network', network), ('average', average)):
        tensors |= {f'{prefix}.{k}': v for k, v in module.state_dict().items()}
    names = [name for name, _ in network.named_parameters()]
    moments = optimiser.state_dict()['state']
    for index, entry in moments.items():
        for key, value in entry.items():
            tensors[f'optimiser.{names[index]}.{key}'] = torch.as_tensor(value)
    path = folder / STATE
    partial = path.with_suffix('.partial')
    contiguous = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    save_file(contiguous, partial, {'facts': json.dumps(facts)})
    os.replace(partial, path)


def read_facts(folder: Path) -> dict[str, Any] | None:
    """Return the facts alone; None where there is no state, or none that can be read."""
    try:
        with safe_open(folder / STATE, 'pt') as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})['facts'])
    except (SafetensorError, KeyError, ValueError, OSError):
        return None
    return facts


def load_state(
    folder: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> dict[str, Any] | None:
    """Read what save_state wrote into the given objects; None where there is nothing yet."""
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        with safe_open(path, 'pt') as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {})['facts'])
        for prefix, module in (('network', network), ('average', average)):
            module.load_state_dict(_part(tensors, prefix))
    except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
        raise DepthError(
            f'{path} does not belong to this configuration or is damaged '
            f'({str(error).splitlines()[0]}); give another --out, or delete it to start anew'
        ) from error
    moments = _part(tensors, 'optimiser')
    state = optimiser.state_dict()
    state['state'] = {
        index: {key: _laid_out_as(parameter, m) for key, m in _part(moments, name).items()}
        for index, (name, parameter) in enumerate(network.named_parameters())
        if _part(moments, name)
    }
    optimiser.load_state_dict(state)
    return facts


def _laid_out_as(parameter: Tensor, moment: Tensor) -> Tensor:
    # A fused optimiser walks through the memory of all of them at once.
    if moment.shape != parameter.shape:
        return moment
    return torch.empty_like(parameter, requires_grad=False).copy_(moment)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = prefix + '.'
    return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}
