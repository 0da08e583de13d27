# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Official weights of Depth Anything 3: of a hub id, a folder or a file, prefixes as published."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from depth_ros.models.protocol import ModelError, ModelInfo, required_library
from depth_ros.models.weights import hub, verify
from depth_ros.models.weights.catalogue import licence_words
from depth_ros.models.weights.source import Hub
from depth_ros.models.weights.verify import CONFIG, WeightsMissing
from depth_ros.types import DepthError, quoted

log = logging.getLogger(__name__)

SUFFIX = '.safetensors'
LARGEST_SIDE = 4096  # pixels
_SHOWN = 3  # weights that an error names


class Files(NamedTuple):
    """Where the weights are, and the official name of the configuration where it is stated."""

    weights: tuple[Path, ...]
    stated: str = ''
    config: Any = None
    shape: Any = MappingProxyType({})  # what a training has changed of the stated configuration
    input_size: int = 0  # the long side that a training has seen; 0 is the authors'


def locate(place: str, source: Hub | None, info: ModelInfo) -> Files:
    """
    Return the files of a checkpoint; what is downloaded for it has its licence shown before.

    :param place: a safetensors file, a folder or a hub id; empty takes `source`.
    """
    path = verify.folder_named(place)
    if place and path.suffix == SUFFIX:
        if not path.is_file():
            raise WeightsMissing(
                f'{path} does not exist, expected official weights; check the path'
            )
        return Files((path,))
    if place and path.is_dir():
        return of_folder(path)
    if place and not hub.is_hub_id(place):
        raise WeightsMissing(
            f'{place!r} is no safetensors file, no folder and no hub id such as owner/name; '
            'check the path'
        )
    if place:
        source = Hub(place)
    assert source is not None
    folder = hub.cached_folder(source.repository, source.revision)
    if folder is None:
        words = licence_words(info if source == info.source else None)
        log.warning('%s is fetched from %s; %s', info.name, source, words)
        folder = hub.download(source.repository, source.revision)
    return of_folder(folder)


def of_folder(folder: Path) -> Files:
    """Return the files of a folder with official weights; its configuration may be missing."""
    config: dict[str, Any] = {}
    if (folder / CONFIG).is_file():
        config = verify.read_json(folder / CONFIG)
        verify.refuse_foreign(folder / CONFIG, config)
    return Files(
        tuple(verify.weight_files(folder)),
        str(config.get('model_name', '')),
        config.get('config'),
        config.get('shape', {}),
        _side(config.get('input_size', 0), folder),
    )


def _side(value: Any, folder: Path) -> int:
    if type(value) is int and 0 <= value <= LARGEST_SIDE:
        return value
    raise ModelError(
        f'input_size in {folder / CONFIG} is {quoted(value)}, expected 0 to {LARGEST_SIDE}; '
        'use what `depth_ros train` wrote'
    )


def is_folder(name: str) -> bool:
    """Return whether a name is a folder that states a configuration of Depth Anything 3."""
    if not verify.is_folder(name):
        return False
    try:
        config = verify.read_json(verify.folder_named(name) / CONFIG)
    except ModelError:
        return False
    return 'model_type' not in config and str(config.get('model_name', '')).startswith('da3')


def load_network(files: Sequence[Path], configuration: Any, views_at_once: int = 4) -> Any:
    """Return the network of a configuration with every weight from the files, in float32."""
    required_library('torch', 'Depth Anything 3', 'torch safetensors')
    safetensors = required_library('safetensors', 'Depth Anything 3', 'torch safetensors')
    from depth_ros.models.networks.depth_anything_3.checkpoint import network_key, network_state
    from depth_ros.models.networks.depth_anything_3.network import build
    from depth_ros.models.networks.unfilled import without_weights

    official: dict[str, Any] = {}
    for path in files:
        verify.check_safetensors(path)
        try:
            with safetensors.safe_open(path, 'pt') as file:
                # What no network here needs is not even read.
                used = [key for key in file.keys() if network_key(key) is not None]  # noqa: SIM118
                official |= {key: file.get_tensor(key) for key in used}
        except (safetensors.SafetensorError, ValueError, OSError) as error:
            raise ModelError(f'{path} cannot be read ({error}); fetch it again') from error
    state = {key: value.float() for key, value in network_state(official).items()}
    with without_weights():  # a configuration may ask for more memory than there is
        network = build(configuration, views_at_once)
    _check(state, network.state_dict(), files[0])
    network.load_state_dict(state, assign=True)
    return network.requires_grad_(False)


def _check(state: dict[str, Any], expected: dict[str, Any], file: Path) -> None:
    """Refuse weights that are not those of the network, by name."""
    missing = sorted(expected.keys() - state.keys())
    foreign = sorted(state.keys() - expected.keys())
    shapes = [
        f'{key} {tuple(state[key].shape)} instead of {tuple(value.shape)}'
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    parts = [
        f'{words} {", ".join(some[:_SHOWN])}'
        + (f' and {len(some) - _SHOWN} more' if len(some) > _SHOWN else '')
        for words, some in (('lacks', missing), ('has unexpected', foreign), ('has', shapes))
        if some
    ]
    if parts:
        raise ModelError(
            f'{file} does not hold the weights of this model: it {"; it ".join(parts)}; '
            'choose the model that the file belongs to'
        )


def identity(files: Sequence[Path], more: str) -> str:
    """Return a digest that changes with the weights."""
    digest = hashlib.sha256(more.encode())
    for path in files:
        digest.update(verify.sha256_of(path).encode())
    return digest.hexdigest()


def stated_configuration(files: Files) -> Any:
    """Return the configuration that the files state; None where they state none."""
    from depth_ros.models.networks.depth_anything_3.configurations import (
        CONFIGURATIONS,
        official_configuration,
    )
    from depth_ros.models.networks.shapes import reshaped

    if files.config is not None:
        try:
            return official_configuration(files.config)
        except DepthError as error:
            raise ModelError(f'the configuration beside the weights: {error}') from error
    made = CONFIGURATIONS.get(files.stated)
    if made is None or not files.shape:
        return made
    try:
        return reshaped(made, files.shape)
    except (DepthError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f'the shape beside the weights: {error}; use what `depth_ros train` wrote'
        ) from error
