# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch executes the network: device, number format, and the fastest correct path there."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from depth_ros.models.engine import tuning
from depth_ros.models.engine.device import guard
from depth_ros.models.engine.precision import convert
from depth_ros.types import FloatImage, Image

log = logging.getLogger(__name__)


@dataclass
class Executable:
    """
    A network in float32, on the CPU, in eval mode, and what an executor must know about it.

    :param module: its forward takes image tensors and returns a tensor or a tuple of them.
    :param outputs: the name of each of those, in order; the first is what paths are compared by.
    :param tail: submodules that stay float32 in every precision.
    :param identity: a digest that changes with the weights and the configuration.
    :param set_attention: switches attention head by head on and off, where the network can.
    :param no_export: why it cannot be exported; empty where it can.
    :param samples: returns inputs of given shapes on which another executor is compared with
        torch; None takes shading, edges and texture about zero.
    """

    module: Any
    outputs: tuple[str, ...]
    tail: Sequence[str] = ()
    identity: str = ''
    set_attention: Callable[[bool], None] | None = None
    no_export: str = ''
    samples: Callable[[Sequence[tuple[int, ...]]], list[np.ndarray]] | None = None


class Runtime(Protocol):
    """What executes a network, the same for every family."""

    device: Any

    @property
    def precision(self) -> str: ...
    def describe(self) -> str: ...
    def upload(self, images: Sequence[Image]) -> Any: ...
    def download(self, values: Any) -> FloatImage: ...
    def __call__(self, *inputs: Any) -> Mapping[str, Any]: ...
    def tune(self, *inputs: Any) -> None: ...
    def guard(self) -> contextlib.AbstractContextManager[None]: ...
    def close(self) -> None: ...


class TorchRuntime:
    """A network on a device."""

    def __init__(
        self, executable: Executable, device: Any, dtype: Any, compiled: bool = False
    ) -> None:
        self._executable = executable
        self.device = device
        self.dtype = dtype
        self.wants_compiling = compiled
        self.path: tuning.Path | None = None
        self.seconds: dict[str, float] = {}  # of each path that was tried
        convert(executable.module, dtype, executable.tail)
        self.network = executable.module.to(device).eval()

    @property
    def precision(self) -> str:
        return str(self.dtype).removeprefix('torch.')

    def describe(self) -> str:
        path = '' if self.path is None else f', {self.path}'
        return f'torch {self.precision} on {self.device}{path}'

    def upload(self, images: Sequence[Image]) -> Any:
        """Return the images as one uint8 NHWC tensor on the device."""
        import torch

        array = images[0][None] if len(images) == 1 else np.stack(images)
        if not array.flags.writeable:
            array = array.copy()
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, non_blocking=True)

    def download(self, values: Any) -> FloatImage:
        """Return float32 in NumPy."""
        return values.float().cpu().numpy()

    def __call__(self, *inputs: Any) -> dict[str, Any]:
        """Return the network's outputs by name, in float32."""
        import torch

        path = self.path
        if path is not None and path.channels_last:
            inputs = tuple(
                x.to(memory_format=torch.channels_last) if x.ndim == 4 else x for x in inputs
            )
        with tuning.onednn_float32(path is not None and path.onednn):
            result = self.network(*inputs)
        values = result if isinstance(result, tuple) else (result,)
        return {name: value.float() for name, value in zip(self._executable.outputs, values)}

    def tune(self, *inputs: Any) -> None:
        """Find the fastest correct path through the network for these inputs, once."""
        first = self._executable.outputs[0]
        if self.device.type == 'cpu' and self.path is None:
            exact = self.precision == 'float32'

            def run(path: tuning.Path) -> Any:
                self.path = path
                return self(*inputs)[first]

            paths = tuning.FLOAT32_PATHS if exact else tuning.HALF_PATHS
            self.path, self.seconds = tuning.choose(
                self.network, run, paths, exact, self._executable.set_attention
            )
        if self.wants_compiling:
            self.wants_compiling = False
            self._compile(inputs)

    def _compile(self, inputs: Sequence[Any]) -> None:
        """Compile the network, and keep it as it was where that fails or changes the numbers."""
        import torch

        first = self._executable.outputs[0]
        eager, before = self.network, self(*inputs)[first]
        mode = 'reduce-overhead' if self.device.type == 'cuda' else 'default'  # CUDA graphs
        try:
            self.network = torch.compile(eager, mode=mode, dynamic=False)
            after = self(*inputs)[first]
        except Exception as error:  # whatever a compiler throws
            self.network = eager
            log.warning('torch.compile failed, the model runs uncompiled: %s', error)
            return
        limit = 1e-3 if self.precision == 'float32' else 2e-2
        if not ((after - before).abs().mean() <= limit * before.abs().mean()).item():
            self.network = eager
            log.warning('torch.compile changed the output, the model runs uncompiled')

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Run without gradients; what goes wrong on the device becomes one sentence."""
        import torch

        with torch.inference_mode(), guard(self.device):
            yield

    def close(self) -> None:
        import torch

        self.network = None
        if self.device.type == 'cuda':
            with contextlib.suppress(RuntimeError):  # a lost device cannot free anything
                torch.cuda.empty_cache()
