# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Convert a network to a half-precision number format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def convert(network: Any, dtype: Any, tail: Sequence[str]) -> None:
    """
    Convert weights to a number format, except the tail, which stays float32.

    The last layer decides in which steps depth can be said: in bfloat16 7 m would be followed by
    7.03 m. Every part converts what it is given, so that inputs may be float32 throughout.
    """
    import torch

    if dtype is torch.float32:
        return
    modules = dict(network.named_modules())
    kept = {name: modules[name] for name in tail if name in modules}
    exempt = {id(part) for module in kept.values() for part in module.parameters()}
    for module in network.modules():
        for name, value in [*module.named_parameters(recurse=False)]:
            if id(value) not in exempt and value.is_floating_point():
                setattr(module, name, torch.nn.Parameter(value.to(dtype), requires_grad=False))
        if not any(module is part for top in kept.values() for part in top.modules()):
            for name, buffer in [*module.named_buffers(recurse=False)]:
                if buffer.is_floating_point():
                    module._buffers[name] = buffer.to(dtype)
    for module in network.children():
        if any(part.dtype is dtype for part in module.parameters()):
            module.register_forward_pre_hook(_caster(dtype), with_kwargs=True)
    for module in kept.values():
        module.register_forward_pre_hook(_caster(torch.float32), with_kwargs=True)


def _caster(dtype: Any) -> Any:
    """Return a hook that converts floating-point tensors among a module's arguments."""
    import torch

    def cast(value: Any) -> Any:
        if torch.is_tensor(value):
            return value.to(dtype) if value.is_floating_point() else value
        if isinstance(value, (list, tuple)):
            return type(value)(cast(v) for v in value)
        return value

    def hook(module: Any, arguments: Any, named: Any) -> Any:
        return cast(arguments), {key: cast(value) for key, value in named.items()}

    return hook
