# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Make the Family of a file of stereo networks.

The file brings its preparation, its entries of the catalogue and a function that builds the
network of a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from depth_ros.models.engine.exported import check_input
from depth_ros.models.engine.opening import open_runtime
from depth_ros.models.engine.runtime import Executable
from depth_ros.models.protocol import Family, ModelError, required_library
from depth_ros.models.stereo.measured import cost_of, suits_of
from depth_ros.models.stereo.pair import COARSE, DISPARITY, PairModel, PairNetwork, PairOptions
from depth_ros.models.stereo.preparation import Preparation
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.fetch import converted_folder
from depth_ros.models.weights.official import read_shape, read_weights
from depth_ros.models.weights.source import Official, same_key
from depth_ros.models.weights.stated import stated_model
from depth_ros.models.weights.verify import WEIGHTS, folder_named, sha256_of

Shape = Mapping[str, Any]
Build = Callable[[str, Any, Shape], PairNetwork]
AS_PUBLISHED: Shape = MappingProxyType({})


@dataclass(frozen=True)
class PairFamily(Family):
    """A family of stereo networks, with what training needs of it."""

    build: Build | None = None
    preparation: Preparation | None = None


def require_multiple(name: str, value: int, step: int) -> None:
    """Raise ModelError unless an option is a multiple of a step."""
    if value % step:
        raise ModelError(
            f'{name} is {value}, expected a multiple of {step}; use {-(-value // step) * step}'
        )


def range_of(options: Any, trained: int | None) -> int:
    """
    Return the disparities to search: the option where it was chosen, else those of the training.

    :param trained: what the shape of a trained network states, or None.
    """
    chosen: int = options.disparity_range
    return trained if trained and chosen == type(options)().disparity_range else chosen


def load_module(name: str, folder: Path, network: PairNetwork) -> None:
    """Fill a network with the weights of a converted folder."""
    tensors = read_weights(folder, name)
    missing, unexpected = network.module.load_state_dict(tensors, strict=False, assign=True)
    if missing or unexpected:
        raise ModelError(
            f'{folder / WEIGHTS} does not fit {name!r}: it lacks '
            f'{", ".join(missing[:5]) or "nothing"} and has unexpected '
            f'{", ".join(unexpected[:5]) or "nothing"}; convert the official file again'
        )


def executable(
    network: PairNetwork, options: PairOptions, digest: str, preparation: Preparation
) -> Executable:
    """Return a network with its weights as something the engine can run."""
    warm = getattr(options, 'warm_start', False)
    described = f'{digest} {getattr(network.module, "config", "")} {network.reach} {warm}'
    iterations = getattr(network.module, 'iterations', 0)
    return Executable(
        _plain(network.module.eval(), warm),
        (DISPARITY, COARSE) if warm else (DISPARITY,),
        tail=[f'network.{name}' for name in network.tail],
        identity=f'{described} {iterations}',
        samples=lambda shapes: check_pair_input(shapes, preparation),
    )


def check_pair_input(
    shapes: Sequence[tuple[int, ...]], preparation: Preparation
) -> list[np.ndarray]:
    """Return a pair that is some pixels apart, in the numbers that a network is used to."""
    images = [check_input(shape, number) for number, shape in enumerate(shapes[:2])]
    if preparation.normalisation == 'bytes':
        images = [np.clip(127.5 + 50 * image, 0, 255) for image in images]
    cold = [np.full(shape, np.nan, np.float32) for shape in shapes[2:]]
    return [*(image.astype(np.float32) for image in images), *cold]


def _plain(network: Any, warm: bool) -> Any:
    """Return a module that takes tensors by position and returns only what is needed."""
    import torch

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, left: Any, right: Any, start: Any = None) -> Any:
            if not warm:
                return self.network(left, right)[0]
            found = self.network(left, right, None, start)
            return found[0], found[1]

    return Plain()


def pair_family(
    family: str,
    entries: Mapping[str, Entry],
    options: type[PairOptions],
    build: Build,
    preparation: Preparation,
    key: Callable[[str], str | None] = same_key,
) -> PairFamily:
    """
    Return the Family of one file.

    :param build: returns the network of a name under the options, with random weights; its third
        argument has the fields of the network's configuration that a training has changed.
    :param key: maps a key of an official file to that of the network.
    """
    names = {
        name: replace(entry, suits=suits_of(entry.description), cost=cost_of(name)).info(
            name, family
        )
        for name, entry in entries.items()
    }

    def skeleton(name: str) -> Any:
        from depth_ros.models.networks.unfilled import without_weights

        with without_weights():
            return build(name, options(), AS_PUBLISHED).module

    def create(name: str, chosen: PairOptions) -> PairModel:
        for needed in ('torch', 'safetensors'):
            required_library(needed, f'model {name!r}', 'torch safetensors')
        own = name if name in names else stated_model(name)  # else the folder of a run
        if own != name and chosen.weights:
            raise ModelError(
                f'weights is {chosen.weights!r}, but {name} is a folder with weights of its own; '
                'leave weights empty'
            )
        given = chosen.weights or ('' if own == name else name)
        folder = folder_named(given) if given else converted_folder(own)
        network = build(own, chosen, read_shape(folder, own))
        if network.exact and chosen.precision == 'auto':
            chosen = replace(chosen, precision='float32')

        def load() -> Executable:
            load_module(own, folder, network)
            return executable(network, chosen, sha256_of(folder / WEIGHTS), preparation)

        runtime = open_runtime(load, chosen)
        info = replace(
            names[own],
            name=name,
            device=str(runtime.device),
            precision=runtime.precision,
            runtime=chosen.runtime,
        )
        return PairModel(info, preparation, network, runtime, chosen)

    return PairFamily(
        names=names,
        config=options,
        create=create,
        accepts=lambda name: stated_model(name) in names,
        official=Official(skeleton, key),
        build=build,
        preparation=preparation,
    )
