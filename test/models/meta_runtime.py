# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Run a network without memory, on torch's meta device, and watch that no tensor is elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from depth_ros.models.engine.runtime import Executable
from depth_ros.types import FloatImage, Image

# What moves a tensor to another device, and what takes indices from the CPU on a GPU as well.
MOVES = ('aten::_to_copy', 'aten::copy_', 'aten::index', 'aten::index_put_', 'aten::index_put')


class OneDevice(TorchDispatchMode):
    """Raise AssertionError where an operation takes tensors of the meta device and of the CPU."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        found = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        if any(x.is_meta for x in found) and func._schema.name not in MOVES:
            # A number on the CPU is taken by a GPU too.
            left = [tuple(x.shape) for x in found if not x.is_meta and x.dim()]
            assert not left, f'{func} got tensors {left} of the CPU beside those of the device'
        if func._schema.name in ('aten::item', 'aten::_local_scalar_dense') and args[0].is_meta:
            return 0  # a value that decides which layers run: any will do
        return func(*args, **(kwargs or {}))


class MetaRuntime:
    """A Runtime whose device is meta: shapes and types are true, values are ones."""

    device = torch.device('meta')
    precision = 'float32'

    def __init__(self, executable: Executable) -> None:
        self.executable = executable
        self.network = executable.module.to('meta').eval()

    def describe(self) -> str:
        return 'torch float32 on meta'

    def upload(self, images: Sequence[Image]) -> Tensor:
        return torch.from_numpy(np.stack(images)).to('meta')

    def download(self, values: Tensor) -> FloatImage:
        assert values.is_meta, 'the values are not on the device'
        return np.ones(tuple(values.shape), np.float32)

    def __call__(self, *inputs: Tensor) -> Mapping[str, Tensor]:
        assert all(x.is_meta for x in inputs), 'an input is not on the device'
        result = self.network(*inputs)
        values = result if isinstance(result, tuple) else (result,)
        return {n: v.float() for n, v in zip(self.executable.outputs, values, strict=True)}

    def tune(self, *inputs: Any) -> None:
        pass

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        with torch.inference_mode(), OneDevice():
            yield

    def close(self) -> None:
        self.network = None
