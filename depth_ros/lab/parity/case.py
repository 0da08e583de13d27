# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the comparison must know about a network: how to build, fill and run it."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depth_ros.lab.parity import cases as package


@dataclass(frozen=True)
class Tolerance:
    """Up to `limit` of absolute error in at least this share of the values."""

    limit: float
    share: float = 1.0


def same_key(key: str) -> str | None:
    """Return the key of the network for an official key: the same one."""
    return key


@dataclass(frozen=True)
class Case:
    """
    How one golden is reproduced.

    `build(config)` returns the network in eval mode. `run(network, inputs)` takes the `in_*`
    tensors and returns the `out_*` ones, both without the prefix. `key` maps an official
    state_dict key to that of the network; None drops a key that the network does not need.
    `load` replaces the filling for goldens with real weights: it takes the network, the golden
    and the folder of the golden. `tolerances` replace those that the golden's noise gives.
    """

    build: Callable[[Mapping[str, Any]], Any]
    run: Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]
    key: Callable[[str], str | None] = same_key
    load: Callable[[Any, Mapping[str, Any], Path], None] | None = None
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)


@functools.cache
def all_cases() -> Mapping[str, Case]:
    """Return every case by the name of its golden."""
    found: dict[str, Case] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        found |= importlib.import_module(f'{package.__name__}.{module}').CASES
    return found


def case_of(name: str) -> Case | None:
    """Return the case of a golden: of its own name, or of the longest name that begins it."""
    fitting = [known for known in all_cases() if name == known or name.startswith(f'{known}_')]
    return all_cases()[max(fitting, key=len)] if fitting else None
