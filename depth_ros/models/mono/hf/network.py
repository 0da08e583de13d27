# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Load a network of transformers from a checked folder, as something the engine can run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from depth_ros.models.engine.device import is_out_of_memory
from depth_ros.models.engine.runtime import Executable
from depth_ros.models.mono.hf.adapter import Adapter
from depth_ros.models.mono.hf.attention import attention_switch, remember_positions
from depth_ros.models.protocol import ModelError
from depth_ros.models.weights.verify import WeightsMissing

OUTPUTS = ('predicted_depth', 'field_of_view')


def executable(folder: Path, adapter: Adapter, use_camera: bool) -> Executable:
    """Return the network of a folder; `use_camera` leaves out what estimates a focal length."""
    network = load_network(folder)
    adapter.spare(network, use_camera=use_camera)
    remember_positions(network)
    outputs = OUTPUTS if getattr(network, 'use_fov_model', False) else OUTPUTS[:1]
    no_export = ''
    if adapter.takes_depth:
        no_export = 'takes measured depth beside the image'
    elif not adapter.is_one_graph:
        no_export = 'chooses a head by what it sees, and an exported graph has one path only'
    return Executable(
        _plain(network, outputs),
        outputs,
        tail=[f'network.{name}' for name in adapter.tail],
        identity=_identity(folder, use_camera),
        set_attention=attention_switch(network),
        no_export=no_export,
    )


def _plain(network: Any, outputs: tuple[str, ...]) -> Any:
    """Return a module that takes tensors by position and returns a plain tuple."""
    import torch

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: Any, depth: Any = None) -> Any:
            extra = {} if depth is None else {'prompt_depth': depth}
            result = self.network(pixels, **extra)
            return tuple(getattr(result, name) for name in outputs)

    return Plain().eval()


def _identity(folder: Path, use_camera: bool) -> str:
    import transformers

    digest = hashlib.sha256(f'{use_camera} {transformers.__version__}\n'.encode())
    for path in sorted(folder.glob('*.json')) + sorted(folder.glob('*.safetensors')):
        digest.update(path.name.encode())
        with path.open('rb') as file:
            for block in iter(lambda: file.read(1 << 20), b''):
                digest.update(block)
    return digest.hexdigest()


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
        if is_out_of_memory(error):
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
