# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The whole state of a run in one safetensors file, replaced in one move.

Nothing is pickled: tensors by name, the rest as JSON in the file's own metadata.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from depth_ros.files.writing import make_folder, replacing
from depth_ros.models.weights.verify import check_finite, check_safetensors
from depth_ros.types import DepthError, quoted

STATE = 'state.safetensors'
HISTORY = 20  # steps from one entry of the history to the next
LOCK = 'lock'


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """
    Keep a second run out of a folder: two would render and save over each other.

    The lock belongs to the process and ends with it, however it ends; the file may stay.
    """
    make_folder(folder)
    try:
        import fcntl
    except ImportError:  # not POSIX
        yield
        return
    with _lock(folder / LOCK) as file:
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
    average: nn.Module | None,
    optimiser: torch.optim.Optimizer,
    facts: dict[str, Any],
) -> None:
    """Write network, averaged network, optimiser moments and facts; a kill leaves the old one."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in _modules(network, average):
        tensors |= {f'{prefix}.{k}': v for k, v in module.state_dict().items()}
    names = [name for name, _ in network.named_parameters()]
    moments = optimiser.state_dict()['state']
    for index, entry in moments.items():
        for key, value in entry.items():
            tensors[f'optimiser.{names[index]}.{key}'] = torch.as_tensor(value)
    # Cloned: a network may have one tensor under several names, and a file cannot.
    contiguous = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    text = json.dumps(facts)
    with replacing(folder / STATE) as part:
        save_file(contiguous, part, {'facts': text, 'sha256': _digest(contiguous, text)})


def _digest(tensors: dict[str, Tensor], facts: str) -> str:
    """Return a SHA-256 of everything in a state."""
    digest = hashlib.sha256(facts.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}'.encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _lock(path: Path) -> IO[str]:
    try:
        return path.open('w')
    except OSError as error:
        raise DepthError(
            f'{path} cannot be written ({error.strerror}); give an --out that you may write to'
        ) from error


def _modules(network: nn.Module, average: nn.Module | None) -> list[tuple[str, nn.Module]]:
    """Return what a state holds by name; a run without an averaged network has only one."""
    return [('network', network), *([('average', average)] if average is not None else [])]


def read_facts(folder: Path) -> dict[str, Any] | None:
    """Return the facts alone; None where there is no state, or none that can be read."""
    try:
        with safe_open(folder / STATE, 'pt') as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})['facts'])
    except (SafetensorError, KeyError, ValueError, OSError):
        return None
    return facts


def load_state(
    folder: Path, network: nn.Module, average: nn.Module | None, optimiser: torch.optim.Optimizer
) -> dict[str, Any] | None:
    """Read what save_state wrote into the given objects; None where there is nothing yet."""
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        check_safetensors(path)
        with safe_open(path, 'pt') as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            text = (file.metadata() or {})['facts']
            stated = (file.metadata() or {}).get('sha256')
        if stated is not None and stated != _digest(tensors, text):
            raise ValueError('its content is not what was written')
        check_finite(tensors.items(), path)
        facts = check_facts(json.loads(text))
        for prefix, module in _modules(network, average):
            module.load_state_dict(_part(tensors, prefix))
        _load_moments(tensors, network, optimiser)
    except (
        *(SafetensorError, KeyError, ValueError, RuntimeError, OSError, TypeError),
        *(RecursionError, AttributeError, IndexError, OverflowError),
    ) as error:
        why = quoted((str(error).splitlines() or [type(error).__name__])[0], 200)
        raise DepthError(
            f'{path} does not belong to this configuration or is damaged ({why}); give another '
            '--out, or delete it to start anew'
        ) from error
    return facts


def check_facts(facts: Any) -> dict[str, Any]:
    """Return the facts of a state, or raise ValueError where they cannot be those of a run."""
    if not isinstance(facts, dict):
        raise ValueError('its facts are no mapping')
    step, history = facts.get('step'), facts.get('history')
    if type(step) is not int or step < 0:
        raise ValueError(f'its step is {quoted(step)}')
    for name, widths in (('history', (2,)), ('scores', (3, 4))):
        rows = facts.get(name)
        if not (isinstance(rows, list) and all(_is_row(row, widths, step) for row in rows)):
            raise ValueError(f'its {name} is no list of {widths[0]} numbers each')
    # The loss is kept every so many steps, so that both say how far the run has come.
    if (step >= HISTORY) != bool(history) or (history and step - history[-1][0] >= HISTORY):
        raise ValueError(f'its step is {step}, its history says otherwise')
    return facts


def _is_row(row: Any, widths: tuple[int, ...], step: int) -> bool:
    return (
        isinstance(row, list)
        and len(row) in widths
        and all(isinstance(v, (int, float)) and math.isfinite(v) for v in row)
        and 0 <= row[0] <= step
    )


def _load_moments(
    tensors: dict[str, Tensor], network: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    moments = _part(tensors, 'optimiser')
    state = optimiser.state_dict()
    state['state'] = {
        index: {key: _laid_out_as(parameter, m) for key, m in _part(moments, name).items()}
        for index, (name, parameter) in enumerate(network.named_parameters())
        if _part(moments, name)
    }
    optimiser.load_state_dict(state)


def _laid_out_as(parameter: Tensor, moment: Tensor) -> Tensor:
    # A fused optimiser walks through the memory of all of them at once.
    if moment.shape != parameter.shape:
        if moment.numel() > 1:
            raise ValueError(f'a moment has shape {tuple(moment.shape)}')
        return moment
    return torch.empty_like(parameter, requires_grad=False).copy_(moment)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = prefix + '.'
    return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}
