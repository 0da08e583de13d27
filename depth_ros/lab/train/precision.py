# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What stays float32 in a run with bfloat16."""

from __future__ import annotations

import types

import torch
from torch import Tensor, nn

from depth_ros.models.networks.builtin.network import BuiltinNetwork


def keep_float32(network: BuiltinNetwork, device: torch.device) -> None:
    """
    Let some convolutions of a network that learns ignore the automatic precision.

    The last layer, whose numbers are log metres: bfloat16 has steps of 1 % there. And on a CPU
    those by channel that learn: their gradient takes three times as long in bfloat16.
    """
    chosen = [network.head]
    if device.type == 'cpu':
        convolutions = [m for m in network.encoder.modules() if isinstance(m, nn.Conv2d)]
        chosen += [m for m in convolutions if m.groups > 1 and m.weight.requires_grad]
    for module in chosen:
        module.forward = types.MethodType(_in_float32, module)  # type: ignore[method-assign]


def _in_float32(module: nn.Conv2d, x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return nn.Conv2d.forward(module, x.float())
