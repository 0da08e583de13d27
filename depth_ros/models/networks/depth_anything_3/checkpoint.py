# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Official checkpoints as weights of these networks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

_UNUSED = re.compile(r'(^|\.)(gs_head|gs_adapter)\.')
_SHARED = re.compile(r'(.*scratch\.output_conv2_aux\.)\d+(\.2\.(?:weight|bias))$')
_LEVELS = 4


def network_key(key: str) -> str | None:
    """Return the key of the network for an official one; None for the Gaussian head's."""
    key = key.removeprefix('module.').removeprefix('model.')
    return None if _UNUSED.search(key) else key


def network_state(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    Return an official state_dict as that of the network.

    A safetensors file holds a tensor that several keys share only once, under any of them: the
    normalisation of the ray branch. Here it is found under each.
    """
    state: dict[str, Tensor] = {}
    for name, value in official.items():
        key = network_key(name)
        if key is None:
            continue
        state[key] = value
        shared = _SHARED.match(key)
        if shared:
            for level in range(_LEVELS):
                state.setdefault(f'{shared[1]}{level}{shared[2]}', value)
    return state
