# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch executes the network: device, number format, and the fastest correct path there."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from depth_ros.models import acceleration
from depth_ros.models.base import ModelError
from depth_ros.models.checkpoint import WeightsMissing
from depth_ros.types import FloatImage, Image

if TYPE_CHECKING:
    from depth_ros.models.adapter import Adapter
    from depth_ros.models.transformers_model import TransformersOptions

log = logging.getLogger(__name__)


class OutOfMemory(ModelError):
    """The device has too little memory for this model at this size."""


class DeviceLost(ModelError):
    """The device stopped answering; everything on it is gone."""


class TorchRuntime:
    """A network on a device."""

    def __init__(self, network: Any, device: Any, dtype: Any, compiled: bool = False) -> None:
        self.network = network
        self.wants_compiling = compiled
        self.way: acceleration.Way | None = None
        self.seconds: dict[str, float] = {}  # of each way that was tried
        self.device = self.fault_device = device
        self.dtype = dtype

    @property
    def device_name(self) -> str:
        return str(self.device)

    @property
    def precision(self) -> str:
        return str(self.dtype).removeprefix('torch.')

    @classmethod
    def load(cls, folder: Path, options: TransformersOptions, adapter: Adapter) -> TorchRuntime:
        """Load the weights of a checked folder."""
        import torch

        device = choose_device(options.device)
        dtype = getattr(torch, choose_precision(options.precision, device))
        with guard(device):
            network = load_network(folder)
            adapter.spare(network, use_camera=options.focal == 'camera')
            convert(network, dtype, adapter.tail)
            acceleration.remember_positions(network)
            network = network.to(device)
        return cls(network.eval(), device, dtype, compiled=options.compile == 'auto')

    def describe(self) -> str:
        way = '' if self.way is None else f', {self.way}'
        return f'torch {self.precision} on {self.device}{way}'

    def upload(self, images: Sequence[Image]) -> Any:
        """Return the pictures as one uint8 NHWC tensor on the device."""
        import torch

        array = images[0][None] if len(images) == 1 else np.stack(images)
        if not array.flags.writeable:
            array = array.copy()
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, non_blocking=True)

    def download(self, depth: Any) -> FloatImage:
        return depth.float().cpu().numpy()

    def __call__(self, pixels: Any, extra: Mapping[str, Any]) -> dict[str, Any]:
        """Return the network's outputs by name, in float32."""
        import torch

        way = self.way
        if way is not None and way.channels_last:
            pixels = pixels.to(memory_format=torch.channels_last)
        with acceleration.onednn_float32(way is not None and way.onednn):
            outputs = self.network(pixels, **extra)
        names = ('predicted_depth', 'field_of_view')
        found = {name: getattr(outputs, name, None) for name in names}
        return {name: value.float() for name, value in found.items() if value is not None}

    def tune(self, pixels: Any, extra: Mapping[str, Any]) -> None:
        """Find the fastest correct way through the network for this input, once."""
        if self.device.type == 'cpu' and self.way is None:
            exact = self.precision == 'float32'

            def run(way: acceleration.Way) -> Any:
                self.way = way
                return self(pixels, extra)['predicted_depth']

            ways = acceleration.FLOAT32_WAYS if exact else acceleration.HALF_WAYS
            self.way, self.seconds = acceleration.choose(self.network, run, ways, exact)
        if self.wants_compiling:
            self.wants_compiling = False
            self._compile(pixels, extra)

    def _compile(self, pixels: Any, extra: Mapping[str, Any]) -> None:
        """Compile the network, and keep it as it was where that fails or changes the numbers."""
        import torch

        eager, before = self.network, self(pixels, extra)['predicted_depth']
        mode = 'reduce-overhead' if self.device.type == 'cuda' else 'default'  # CUDA graphs
        try:
            self.network = torch.compile(eager, mode=mode, dynamic=False)
            after = self(pixels, extra)['predicted_depth']
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

        with torch.inference_mode(), guard(self.fault_device):
            yield

    def close(self) -> None:
        import torch

        self.network = None
        if self.device.type == 'cuda':
            with contextlib.suppress(RuntimeError):  # a lost device cannot free anything
                torch.cuda.empty_cache()


def choose_device(wanted: str) -> Any:
    """Return the torch device for auto, cpu, cuda or cuda:N."""
    import torch

    if wanted == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(wanted)
    except RuntimeError:
        device = None
    if device is None or device.type not in ('cpu', 'cuda'):
        raise ModelError(f'device is {wanted!r}, expected auto, cpu, cuda or cuda:N')
    if device.type == 'cuda':
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise ModelError(
                f'device is {wanted!r} and this machine has {count} CUDA devices that torch '
                f'{torch.__version__} can use; set device to auto or cpu'
            )
    return device


def choose_precision(wanted: str, device: Any) -> str:
    """Return the number format for auto, or what was asked for."""
    if wanted != 'auto':
        return wanted
    if device.type == 'cuda':
        return 'float16'
    return 'bfloat16' if acceleration.bfloat16_is_fast() else 'float32'


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


def load_network(folder: Path) -> Any:
    """Return the network with every weight from the file, none invented."""
    import torch
    from transformers import AutoModelForDepthEstimation
    from transformers.utils import logging as messages

    bar = messages.is_progress_bar_enabled()
    messages.disable_progress_bar()
    try:
        network, report = AutoModelForDepthEstimation.from_pretrained(
            str(folder),
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError, TypeError) as error:
        if _is_memory(error):
            raise
        line = (str(error).strip().splitlines() or [''])[0][:200]
        raise ModelError(
            f'{folder} cannot be loaded as a depth model ({type(error).__name__}: {line}); '
            'fetch the model again'
        ) from error
    finally:
        if bar:
            messages.enable_progress_bar()
    missing = sorted(report['missing_keys'])
    if missing:
        raise WeightsMissing(
            f'{folder} lacks {len(missing)} weights, for example {missing[0]}, which would be '
            'random numbers; fetch the model again'
        )
    return network


@contextlib.contextmanager
def guard(device: Any) -> Iterator[None]:
    """Turn out of memory and a lost device into one sentence with the remedy."""
    try:
        yield
    except MemoryError as error:
        raise _memory_error(device) from error
    except RuntimeError as error:
        if _is_memory(error):
            raise _memory_error(device) from error
        if device.type != 'cpu' and _is_lost(error):
            raise DeviceLost(
                f'{device} stopped answering ({str(error).splitlines()[0][:160]}); clean up and '
                'configure again, or set device to cpu'
            ) from error
        raise


def _memory_error(device: Any) -> OutOfMemory:
    return OutOfMemory(
        f'{device} has too little memory for this model; set a smaller input_size, '
        'precision float16, a smaller model, or another device'
    )


def _is_memory(error: BaseException) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in str(error)
        for sign in ('out of memory', "can't allocate memory", 'not enough memory')
    )


def _is_lost(error: BaseException) -> bool:
    signs = ('CUDA error', 'CUDA driver', 'cuDNN error', 'CUBLAS_STATUS', 'device-side assert')
    return any(sign in str(error) for sign in signs)
