# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Fill a network with weights that depend only on the names and shapes of its parameters."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Override = Sequence[Any]  # [regex, scale, shift]


def filled_array(
    key: str, shape: Sequence[int], gain: float = 1.0, overrides: Sequence[Override] = ()
) -> npt.NDArray[Any]:
    """Return the value of one state_dict entry: float32, or int64 for batch counters."""
    size = tuple(int(side) for side in shape)
    leaf = key.rsplit('.', 1)[-1]
    if leaf == 'num_batches_tracked':
        return np.zeros(size, np.int64)
    random = np.random.RandomState(zlib.crc32(key.encode()) & 0x7FFFFFFF)
    values = np.asarray(random.standard_normal(size), np.float64)
    if leaf == 'running_mean':
        values = 0.1 * values
    elif leaf == 'running_var':
        values = 1 + 0.1 * np.abs(values)
    elif len(size) >= 2 and leaf in ('weight', 'in_proj_weight'):
        values = values * (gain / np.sqrt(np.prod(size[1:], dtype=np.float64)))
    elif len(size) >= 2:
        values = 0.5 * values
    elif leaf in ('weight', 'gamma') or not size:
        values = 1 + 0.1 * values
    else:
        values = 0.05 * values
    for pattern, scale, shift in overrides:
        if re.search(pattern, key):
            values = values * scale + shift
    return values.astype(np.float32)


def filled_state(spec: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Return every state_dict entry of a golden by its official key."""
    fill = spec['fill']
    aliases = fill.get('aliases') or {}
    return {
        key: filled_array(aliases.get(key, key), shape, fill['gain'], fill['overrides'])
        for key, shape in spec['params'].items()
    }


def checksum(state: Mapping[str, npt.NDArray[Any]]) -> int:
    """Return the crc32 over all entries in the order of their keys."""
    crc = 0
    for key in sorted(state):
        array = np.ascontiguousarray(state[key])
        crc = zlib.crc32(array.astype(array.dtype.newbyteorder('<')).tobytes(), crc)
    return crc & 0xFFFFFFFF
