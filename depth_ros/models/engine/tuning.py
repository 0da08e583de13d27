# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Faster paths through the same network on a CPU, each tried on this machine before it is used.

Which path is fastest depends on the processor (AMX, avx512_bf16 or neither) and on the number of
tokens, so nothing is assumed: the plain path is always a candidate, and another is taken only if
it gave the same numbers and was clearly faster.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

CLEARLY = 0.95  # of the time of the best so far
SAME = 1e-5  # of the largest output: float32 stays float32


@dataclass(frozen=True)
class Path:
    """One path through a network: its attention, its memory layout, oneDNN's float32."""

    per_head: bool = False  # attention head by head, where the network can
    channels_last: bool = False
    onednn: bool = False

    def __str__(self) -> str:
        words = [
            'per-head attention' if self.per_head else '',
            'channels last' if self.channels_last else '',
            'oneDNN float32' if self.onednn else '',
        ]
        return ', '.join(word for word in words if word) or 'plain'


FLOAT32_PATHS = (Path(), Path(onednn=True), Path(channels_last=True))
HALF_PATHS = (Path(), Path(channels_last=True), Path(channels_last=True, per_head=True))


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


def apply(network: Any, path: Path, set_attention: Callable[[bool], None] | None = None) -> None:
    """Prepare a network for one path."""
    import torch

    layout = torch.channels_last if path.channels_last else torch.contiguous_format
    for module in network.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
            module.weight.data = module.weight.data.contiguous(memory_format=layout)
    if set_attention is not None:
        set_attention(path.per_head)


def choose(
    network: Any,
    run: Callable[[Path], Any],
    paths: Sequence[Path],
    exact: bool,
    set_attention: Callable[[bool], None] | None = None,
    times: int = 3,
) -> tuple[Path, dict[str, float]]:
    """
    Try every path and leave the network prepared for the best.

    `run` executes the network once by a given path. Returns the path and the seconds of each
    that gave the right numbers.
    """
    import torch

    reference, chosen, best = None, paths[0], float('inf')
    seconds: dict[str, float] = {}
    for path in paths:
        try:
            apply(network, path, set_attention)
            output = run(path)
        except (RuntimeError, NotImplementedError, AttributeError):
            if path is paths[0]:
                raise
            continue  # this torch or this network does not have it
        if reference is None:
            reference = output
        elif exact and (output - reference).abs().max() > SAME * reference.abs().max():
            continue
        if not torch.isfinite(output).all():
            continue
        took = min(_timed(run, path) for _ in range(times))
        seconds[str(path)] = took
        if took < CLEARLY * best:
            chosen, best = path, took
    apply(network, chosen, set_attention)
    return chosen, seconds


def _timed(run: Callable[[Path], Any], path: Path) -> float:
    started = time.perf_counter()
    run(path)
    return time.perf_counter() - started
