# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The model that runs every torch network of one image that is not one of transformers'."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.models.engine.model import RuntimeModel
from depth_ros.models.engine.opening import open_runtime
from depth_ros.models.engine.runtime import Executable, Runtime
from depth_ros.models.mono.network_adapter import NetworkAdapter, Sizes
from depth_ros.models.mono.network_run import RunFacts, is_run_of, read_run
from depth_ros.models.options import EngineOptions, option
from depth_ros.models.protocol import Family, ModelError, ModelInfo
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.fetch import converted_folder, is_here
from depth_ros.models.weights.official import read_shape, read_weights
from depth_ros.models.weights.source import Official
from depth_ros.models.weights.verify import WEIGHTS, WeightsMissing, folder_named, sha256_of
from depth_ros.types import Camera, DepthKind, Prediction, View

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkOptions(EngineOptions):
    """Options of every network of one image."""

    input_size: int = option(
        0, "long side of the network's input in pixels; 0 is the model's own", range=(0, 4096)
    )
    weights: str = option(
        '', 'folder that `depth_ros convert --out` wrote; empty takes what was fetched'
    )
    flip: bool = option(
        False, 'mean with the mirrored image, as in published evaluations; takes twice the time'
    )
    training_focal: float = option(
        0.0,
        "focal length of the training images in pixels of the network's input; metric depth is "
        "multiplied by the camera's over it; 0 is no correction, -1 the catalogue's value",
        range=(-1.0, 1e5),
    )


class NetworkModel(RuntimeModel):
    """A network, the adapter of its family and the runtime that executes it."""

    def __init__(
        self, info: ModelInfo, adapter: NetworkAdapter, runtime: Runtime, options: NetworkOptions
    ) -> None:
        super().__init__(runtime)
        self.info = info
        self.adapter = adapter
        self.options = options
        self._sizes: dict[tuple[int, int], tuple[int, int]] = {}

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the network's input for images of one size."""
        if (height, width) not in self._sizes:
            wanted = self.options.input_size
            self._sizes[height, width] = self.adapter.input_size(height, width, wanted)
        return self._sizes[height, width]

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        runtime = self._open_runtime()
        for camera in cameras:
            size = (camera.height, camera.width)
            noise = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
            with runtime.guard():
                pixels = self.adapter.prepare(runtime.upload([noise]), self.input_size(*size))
                runtime.tune(pixels)
            for _ in range(2):  # the second frame meets caches that the first has filled
                self.predict([View(noise, camera)])

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        return self.predict_batch([views])[0]

    def predict_batch(
        self,
        batch: Sequence[Sequence[View]],
        previous: Sequence[Prediction | None] | None = None,
    ) -> list[Prediction]:
        """Predict for several cameras at once; images of one size share a forward pass."""
        runtime = self._open_runtime()
        views = [v[0] for v in batch]
        together: dict[tuple[int, ...], list[int]] = {}
        for index, view in enumerate(views):
            together.setdefault(view.image.shape[:2], []).append(index)
        results: dict[int, Prediction] = {}
        for indices in together.values():
            found = self._run(runtime, [views[i] for i in indices])
            results.update(zip(indices, found))
        return [results[index] for index in range(len(views))]

    def _run(self, runtime: Runtime, views: Sequence[View]) -> list[Prediction]:
        """Return the predictions for images of one size."""
        source = (views[0].camera.height, views[0].camera.width)
        size = self.input_size(*source)
        started = time.perf_counter()
        with runtime.guard():
            pixels = self.adapter.prepare(runtime.upload([view.rgb for view in views]), size)
            prepared = time.perf_counter()
            outputs = [runtime(pixels)]
            if self.options.flip:
                outputs.append(runtime(pixels.flip(-1)))
            inferred = time.perf_counter()
            values = self.adapter.values(outputs[0], *source)
            if self.options.flip:
                mirrored = self.adapter.values(outputs[1], *source).flip(-1)
                values = self.adapter.averaged(values, mirrored)
            numbers = runtime.download(values)
        meant = [
            self.adapter.meaning(numbers[i], view.camera, size, self.options.training_focal)
            for i, view in enumerate(views)
        ]
        finished = time.perf_counter()
        share = 1 / len(views)
        timings = {
            'preprocess': (prepared - started) * share,
            'inference': (inferred - prepared) * share,
            'postprocess': (finished - inferred) * share,
        }
        return [
            Prediction(kind, found, view.camera, self.info.name, timings=timings)
            for (kind, found), view in zip(meant, views)
        ]


def executable(adapter: NetworkAdapter, tensors: Mapping[str, Any], identity: str) -> Executable:
    """Return the network of an adapter with weights, as something the engine can run."""
    import torch

    from depth_ros.models.networks.unfilled import without_weights

    with without_weights():
        network = adapter.network()
    state = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    network.load_state_dict(state, assign=True)
    names = adapter.outputs

    class Plain(torch.nn.Module):
        """Returns the outputs that are used, and no others are computed in an exported graph."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: Any) -> Any:
            result = self.network(image)
            return tuple(getattr(result, name) for name in names)

    plain = Plain().eval().requires_grad_(False)
    tail = [f'network.{name}' for name in adapter.tail]
    return Executable(plain, names, tail=tail, identity=identity)


def _open(
    adapter: NetworkAdapter,
    known: ModelInfo,
    options: NetworkOptions,
    load: Callable[[], Mapping[str, Any]],
    folder: Path,
) -> NetworkModel:
    """Return the model of an adapter whose weights `load` returns."""

    def opened() -> Executable:
        tensors = load()
        description = f'{sha256_of(folder / WEIGHTS)} {adapter!r}'
        identity = hashlib.sha256(description.encode()).hexdigest()
        return executable(adapter, tensors, identity)

    runtime = open_runtime(opened, options)
    adapter.attach(runtime.device)
    info = dataclasses.replace(
        known, device=str(runtime.device), precision=runtime.precision, runtime=options.runtime
    )
    licence = '' if info.commercial else ' (commercial use is excluded or not known to be allowed)'
    log.info(
        '%s: %s, %s, licence of the weights: %s%s',
        *(info.name, info.kind.value, runtime.describe(), info.licence, licence),
    )
    return NetworkModel(info, adapter, runtime, options)


@dataclass(frozen=True)
class Published:
    """A published checkpoint: what the catalogue says, and the network it is for."""

    entry: Entry
    sizes: Sizes
    variant: str = ''  # by the name that the family gives its networks
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # more for the adapter


def network_family(
    adapter: type[NetworkAdapter],
    published: Mapping[str, Published],
    *,
    parts: Mapping[str, str] | None = None,
    pickled: bool = False,
) -> Family:
    """Return the Family of one file: its named models, and folders that `train` wrote for it."""
    names = {name: one.entry.info(name, adapter.family) for name, one in published.items()}

    def adapted(name: str, shape: Mapping[str, Any]) -> NetworkAdapter:
        one = published[name]
        return adapter(names[name], one.sizes, one.variant, shape, one.facts)

    def skeleton(name: str, shape: Mapping[str, Any] | None = None) -> Any:
        from depth_ros.models.networks.unfilled import without_weights

        with without_weights():
            return adapted(name, shape or {}).network()

    def create(name: str, options: NetworkOptions) -> NetworkModel:
        if name not in published:
            return _create_run(adapter, name, options)
        given = options.weights
        folder = folder_named(given) if given else converted_folder(name)
        if not given and not is_here(name, published[name].entry.source):
            raise WeightsMissing(
                f'the weights of {name} are not on this machine; run `depth_ros fetch {name}`'
            )
        shape = read_shape(folder, name)
        made = adapted(name, shape)
        return _open(made, names[name], options, lambda: read_weights(folder, name), folder)

    official = Official(
        skeleton,
        adapter.official_key,
        adapter.official_shape,
        parts=parts or {},
        pickled=pickled,
    )
    return Family(
        names=names,
        config=NetworkOptions,
        create=create,
        accepts=lambda name: is_run_of(adapter.family, name),
        official=official if published else None,
    )


def _create_run(adapter: type[NetworkAdapter], name: str, options: NetworkOptions) -> NetworkModel:
    """Return the model that `depth_ros train` left in a folder."""
    if options.weights:
        raise ModelError(
            f'weights is {options.weights!r}, but {name} is a folder with weights of its own; '
            'leave weights empty'
        )
    folder = folder_named(name)
    facts, tensors = read_run(folder)
    info = run_info(facts, name, tensors)
    sizes = Sizes(facts.width, facts.height, adapter.multiple, adapter.rule, fewest=adapter.fewest)
    made = adapter(info, sizes, facts.variant, facts.shape, facts.more)
    return _open(made, info, options, lambda: tensors, folder)


def run_info(facts: RunFacts, name: str, tensors: Mapping[str, Any]) -> ModelInfo:
    """Return what is known about a model that was trained here."""
    return ModelInfo(
        name,
        DepthKind(facts.kind),
        description=f'{facts.family}, trained by `depth_ros train`',
        family=facts.family,
        parameters=sum(int(value.numel()) for value in tensors.values()),
        input_size=max(facts.width, facts.height),
        depth_range=facts.depth_range,
        training_focal=facts.focal,
        caution=facts.caution,
    )
