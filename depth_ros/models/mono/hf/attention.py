# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What transformers' networks gain on a CPU: attention head by head, and remembered positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from depth_ros.models.engine.attention import per_head_attention

PER_HEAD = 'depth_ros_per_head'


def attention_switch(network: Any) -> Callable[[bool], None]:
    """Return what switches a network between transformers' attention and that head by head."""

    def switch(per_head: bool) -> None:
        from transformers import AttentionInterface

        AttentionInterface.register(PER_HEAD, _attention)
        configs = {id(m.config): m.config for m in network.modules() if has_config(m)}
        for config in configs.values():
            if config._attn_implementation in ('sdpa', PER_HEAD):
                config._attn_implementation = PER_HEAD if per_head else 'sdpa'

    return switch


def has_config(module: Any) -> bool:
    """Return whether a module has a choice of attention."""
    return hasattr(getattr(module, 'config', None), '_attn_implementation')


def _attention(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    dropout: float = 0.0,
    **more: Any,
) -> tuple[Any, None]:
    """Return (N, tokens, heads, width), as transformers asks of an attention function."""
    if attention_mask is not None or query.shape[1] != key.shape[1]:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **more
        )
    return per_head_attention(query, key, value, scaling).transpose(1, 2), None


def remember_positions(network: Any) -> None:
    """
    Interpolate position embeddings once for each size instead of once for each frame.

    They depend on the weights and on the size of the input only.
    """
    for module in network.modules():
        original = getattr(module, 'interpolate_pos_encoding', None)
        if callable(original) and type(module).__name__ == 'Dinov2Embeddings':
            module.interpolate_pos_encoding = _Remembered(original)


class _Remembered:
    """A function of tensors' shapes and of plain numbers, computed once for each."""

    def __init__(self, original: Callable[..., Any]) -> None:
        self.original = original
        self.known: dict[tuple[Any, ...], Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        import torch

        # While a graph is traced or compiled, the arithmetic itself belongs into it.
        if torch.compiler.is_compiling() or torch.jit.is_tracing():
            return self.original(*arguments)
        key = tuple(
            (tuple(a.shape), a.dtype, a.device) if torch.is_tensor(a) else int(a)
            for a in arguments
        )
        if key not in self.known:
            if len(self.known) >= 8:
                self.known.clear()
            self.known[key] = self.original(*arguments)
        return self.known[key]
