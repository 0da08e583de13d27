# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks without weights: names and shapes only, until weights are assigned."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_FILLING = {torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.fill_, torch.Tensor.zero_}


class _Unfilled(TorchFunctionMode):
    """
    Leave out what fills tensors with first values.

    On the meta device there is nothing to fill, and torch imports its compiler to do it, which
    takes longer than all the rest of loading a small network.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _FILLING or getattr(func, '__module__', '') == 'torch.nn.init':
            return args[0] if args else kwargs['tensor']
        return func(*args, **kwargs)


@contextlib.contextmanager
def without_weights() -> Iterator[None]:
    """Make the networks that are made inside without weights; load them with assign=True."""
    with torch.device('meta'), _Unfilled():
        yield
