# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Faster ways through the same network on a CPU, each tried on this machine before it is used.

Which way is fastest depends on the processor (AMX, avx512_bf16 or neither) and on the number of
tokens, so nothing is assumed: the plain way is always a candidate, and another is taken only if
it gave the same numbers and was clearly faster.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

PER_HEAD = 'depth_ros_per_head'
CLEARLY = 0.95  # of the time of the best so far
SAME = 1e-5  # of the largest output: float32 stays float32


@dataclass(frozen=True)
class Way:
    """One way to run a network: its attention, its memory layout, oneDNN's float32."""

    attention: str | None = None  # None: the network's own
    channels_last: bool = False
    onednn: bool = False

    def __str__(self) -> str:
        words = [
            'per-head attention' if self.attention else '',
            'channels last' if self.channels_last else '',
            'oneDNN float32' if self.onednn else '',
        ]
        return ', '.join(word for word in words if word) or 'plain'


FLOAT32_WAYS = (Way(), Way(onednn=True), Way(channels_last=True))
HALF_WAYS = (Way(), Way(channels_last=True), Way(channels_last=True, attention=PER_HEAD))


@functools.cache
def bfloat16_is_fast() -> bool:
    """Return whether this CPU multiplies bfloat16 matrices clearly faster than float32 ones."""
    import torch

    supported = getattr(torch.cpu, '_is_avx512_bf16_supported', lambda: False)
    if not supported():
        return False
    left, right = torch.randn(768, 384), torch.randn(384, 1536)
    exact = _best(lambda: left @ right, 5)
    left, right = left.bfloat16(), right.bfloat16()
    return _best(lambda: left @ right, 5) < 0.7 * exact


def _best(run: Callable[[], Any], times: int) -> float:
    run()
    best = float('inf')
    for _ in range(times):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return best


@contextlib.contextmanager
def onednn_float32(use: bool) -> Iterator[None]:
    """
    Let oneDNN choose its kernels for float32 matrices and convolutions.

    On CPUs with avx512_bf16 and no AMX that is faster and, as the probe checks, still exact.
    The switch is global in torch, so it is put back after every call.
    """
    import torch

    if not use:
        yield
        return
    onednn: Any = torch.backends.mkldnn
    switches = (onednn.matmul, onednn.conv)
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = 'bf16'
        yield
    finally:
        for switch, value in zip(switches, before):
            switch.fp32_precision = value


def per_head_attention(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    dropout: float = 0.0,
    **more: Any,
) -> tuple[Any, None]:
    """
    Return softmax(q k^T) v one head after the other, in the cache instead of in memory.

    In bfloat16 on some CPUs torch's fused attention takes most of a layer; plain products of
    one head at a time do not.
    """
    import torch

    if attention_mask is not None or query.shape[1] != key.shape[1]:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **more
        )
    if scaling is None:
        scaling = query.shape[-1] ** -0.5
    count, heads, tokens, _ = query.shape
    result = query.new_empty(count, tokens, heads, value.shape[-1])
    keys = key.transpose(2, 3)
    for n in range(count):
        for head in range(heads):
            scores = torch.matmul(query[n, head] * scaling, keys[n, head])
            result[n, :, head] = torch.matmul(torch.softmax(scores, -1), value[n, head])
    return result, None


def apply(network: Any, way: Way) -> None:
    """Prepare a network for one way of running it."""
    import torch

    layout = torch.channels_last if way.channels_last else torch.contiguous_format
    for module in network.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
            module.weight.data = module.weight.data.contiguous(memory_format=layout)
    from transformers import AttentionInterface

    AttentionInterface.register(PER_HEAD, per_head_attention)
    for config in {id(m.config): m.config for m in network.modules() if _has_config(m)}.values():
        if config._attn_implementation in ('sdpa', PER_HEAD):
            config._attn_implementation = way.attention or 'sdpa'


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


def _has_config(module: Any) -> bool:
    return hasattr(getattr(module, 'config', None), '_attn_implementation')


def choose(
    network: Any, run: Callable[[Way], Any], ways: Sequence[Way], exact: bool, times: int = 3
) -> tuple[Way, dict[str, float]]:
    """
    Try every way and leave the network prepared for the best.

    `run` executes the network once in a given way. Returns the way and seconds of each that
    gave the right numbers.
    """
    import torch

    reference, chosen, best = None, ways[0], float('inf')
    seconds: dict[str, float] = {}
    for way in ways:
        try:
            apply(network, way)
            output = run(way)
        except (RuntimeError, NotImplementedError, AttributeError):
            if way is ways[0]:
                raise
            continue  # this torch or this network does not have it
        if reference is None:
            reference = output
        elif exact and (output - reference).abs().max() > SAME * reference.abs().max():
            continue
        if not torch.isfinite(output).all():
            continue
        took = min(_timed(run, way) for _ in range(times))
        seconds[str(way)] = took
        if took < CLEARLY * best:
            chosen, best = way, took
    apply(network, chosen)
    return chosen, seconds


def _timed(run: Callable[[Way], Any], way: Way) -> float:
    started = time.perf_counter()
    run(way)
    return time.perf_counter() - started
