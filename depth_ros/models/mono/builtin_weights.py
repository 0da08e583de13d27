# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The weights of the built-in network, as `depth_ros train` leaves them in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from depth_ros.models.protocol import ModelError
from depth_ros.models.weights.stated import stated_facts
from depth_ros.models.weights.verify import WEIGHTS, check_finite, check_safetensors

LARGEST_AREA = 2048 * 2048  # pixels of the network's input


def read_size(folder: Path) -> tuple[int, int]:
    """Return width and height of the images that a network is used at."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(
            f'{path} is missing; give a folder that `depth_ros train` wrote, or install depth_ros '
            'again'
        )
    check_safetensors(path)
    try:
        width, height = stated_facts(path)['size']
        if not (width >= 32 <= height and width * height <= LARGEST_AREA):  # NaN fails too
            raise ValueError(
                f'its input is {width}x{height} pixels, expected up to {LARGEST_AREA} in all'
            )
    except (KeyError, TypeError, ValueError) as error:
        raise _not_ours(path, str(error)) from error
    return int(width), int(height)


def read_network(folder: Path) -> Any:
    """Return the network in torch and float32."""
    import torch
    from safetensors import SafetensorError, safe_open

    from depth_ros.models.networks.builtin.network import BuiltinNetwork, Layout
    from depth_ros.models.networks.unfilled import without_weights

    read_size(folder)
    path = folder / WEIGHTS
    try:
        with safe_open(path, 'pt') as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        with without_weights():  # a layout may ask for more memory than there is
            network = BuiltinNetwork(Layout(**stated_facts(path)['layout']))
        network.load_state_dict(tensors, assign=True)
    except (
        *(SafetensorError, KeyError, TypeError, ValueError, RuntimeError),
        *(AttributeError, OSError, RecursionError),
    ) as error:
        raise _not_ours(path, ' '.join(str(error).split())[:160]) from error
    check_finite(tensors.items(), path)
    return network.to(torch.float32).eval()


def _not_ours(path: Path, why: str) -> ModelError:
    return ModelError(
        f'{path} does not hold a network of depth_ros ({why}); use what `depth_ros train` wrote'
    )
