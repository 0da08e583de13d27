# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Change the shape of a network by plain values, as YAML and JSON have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from depth_ros.types import DepthError

T = TypeVar('T')


def reshaped(config: T, shape: Mapping[str, Any], where: str = 'shape') -> T:
    """
    Return a configuration with some of its fields replaced.

    `shape` has the names of the fields; that of a nested configuration is a mapping again, and a
    list stands for a tuple. A name that the configuration does not have is refused.
    """
    known = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for name, value in shape.items():
        place = f'{where}.{name}'
        if name not in known:
            raise DepthError(f'{place} is not known; expected one of {", ".join(known)}')
        before = known[name]
        if dataclasses.is_dataclass(before) and isinstance(value, Mapping):
            changes[name] = reshaped(before, value, place)
        elif isinstance(before, tuple) and isinstance(value, (list, tuple)):
            changes[name] = tuple(value)
        elif isinstance(before, float) and type(value) in (int, float):
            changes[name] = float(value)
        elif type(value) is type(before):
            changes[name] = value
        else:
            raise DepthError(f'{place} is {value!r}, expected {type(before).__name__}')
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]
