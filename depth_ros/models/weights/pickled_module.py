# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Take the tensors out of a pickled PyTorch module, in a process of its own.

Such a file names classes of its authors' code and would run that code when it is loaded. Here
every class it names becomes an inert one that keeps what it is given; only what rebuilds tensors
is real. The process may not write more than the result, and ends after some minutes.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import types
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from depth_ros.models.protocol import ModelError, required_library

SECONDS = 300  # of processor time
MEMORY = 32 << 30  # bytes of address space; torch alone reserves several GB
DEEPEST = 64  # modules inside modules

# What rebuilds tensors: nothing here runs code that a file could bring.
REBUILDERS = {
    'collections.OrderedDict',
    'torch._utils._rebuild_tensor',
    'torch._utils._rebuild_tensor_v2',
    'torch._utils._rebuild_parameter',
    'torch.nn.parameter.Parameter',
    'torch.Size',
}


class Inert:
    """Stands for any class that a pickle names; it keeps its state and does nothing."""

    dump_patches = False  # torch asks a module for it

    def __new__(cls, *arguments: Any, **named: Any) -> Inert:
        return object.__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.__dict__['state'] = state

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Ignore what a list of the authors' own class would hold."""

    def extend(self, values: Any) -> None:
        """Ignore what a list of the authors' own class would hold."""


class InertUnpickler(pickle.Unpickler):
    """Rebuilds tensors; every other name becomes an inert class."""

    def find_class(self, module: str, name: str) -> Any:
        if f'{module}.{name}' in REBUILDERS:
            return super().find_class(module, name)
        return type(name, (Inert,), {})


def load_inert(file: Path) -> Any:
    """Return the content of a file that torch.save wrote, with inert objects for modules."""
    import torch

    def load(opened: Any, **named: Any) -> Any:
        return InertUnpickler(opened, **named).load()

    module = types.SimpleNamespace(
        __name__='depth_ros', Unpickler=InertUnpickler, load=load, PickleError=pickle.PickleError
    )
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that the source of the classes has changed
        return torch.load(file, map_location='cpu', pickle_module=module, weights_only=False)


def tensors_inside(content: Any) -> dict[str, Any]:
    """Return the tensors of the module in a file, named as its state_dict would name them."""
    found: Any = content
    if isinstance(content, Mapping):
        named = [content[root] for root in ('model', 'state_dict', 'net') if root in content]
        found = next((value for value in named if _modules(value) is not None), content)
    return dict(_tensors(found, '', 0))


def _modules(value: Any) -> Mapping[str, Any] | None:
    """Return the state of a module; None for anything else."""
    state = vars(value).get('state') if isinstance(value, Inert) else None
    return state if isinstance(state, Mapping) and '_modules' in state else None


def _tensors(value: Any, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    import torch

    state = _modules(value)
    if state is None or depth > DEEPEST:
        return
    for group in ('_parameters', '_buffers'):
        for name, tensor in (state.get(group) or {}).items():
            if torch.is_tensor(tensor):
                yield f'{prefix}{name}', tensor.detach().clone().contiguous()
    for name, child in (state['_modules'] or OrderedDict()).items():
        yield from _tensors(child, f'{prefix}{name}.', depth + 1)


def read_in_sandbox(file: Path, folder: Path) -> Path:
    """Return the path of a safetensors file in `folder` with the tensors of a pickled module."""
    required_library('safetensors', 'convert', 'safetensors')
    out = folder / 'module.safetensors'
    package = str(Path(__file__).resolve().parents[3])
    kept = ('PATH', 'LD_LIBRARY_PATH', 'HOME', 'VIRTUAL_ENV', 'TMPDIR')
    environment = {key: os.environ[key] for key in kept if key in os.environ}
    environment |= {'PYTHONPATH': os.pathsep.join([package, *filter(None, sys.path)])}
    environment |= {'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        [sys.executable, '-m', __name__, str(file.resolve()), str(out)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=2 * SECONDS,
    )
    if done.returncode or not out.is_file():
        lines = (done.stderr or done.stdout).strip().splitlines() or ['it was ended by the system']
        raise ModelError(
            f'{file} cannot be taken apart ({lines[-1][:200]}); download it again, or use a file '
            'that holds a state_dict'
        )
    return out


def _limit(largest: int) -> None:
    """Limit what this process may use; systems without such limits go without."""
    try:
        import resource
    except ImportError:  # not POSIX
        return
    limits = {
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_FSIZE: largest,
        resource.RLIMIT_CORE: 0,
    }
    for what, wanted in limits.items():
        hard = resource.getrlimit(what)[1]
        least = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(what, (least, hard))


def main() -> int:
    """Write the tensors of the module in one file to another."""
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    import torch
    from safetensors.torch import save_file

    _limit(2 * source.stat().st_size + (1 << 20))
    torch.set_num_threads(1)
    tensors = tensors_inside(load_inert(source))
    if not tensors:
        print('it holds no module with tensors', file=sys.stderr)
        return 1
    save_file(tensors, out, {'source': json.dumps(source.name)})
    return 0


if __name__ == '__main__':
    sys.exit(main())
