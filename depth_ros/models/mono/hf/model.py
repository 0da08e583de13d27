# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The engine that runs every family of transformers' depth models."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import logging
import pkgutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.models.engine.model import RuntimeModel
from depth_ros.models.engine.opening import open_runtime
from depth_ros.models.engine.runtime import Runtime
from depth_ros.models.mono import hf as package
from depth_ros.models.mono.hf.adapter import Adapter, Plan
from depth_ros.models.mono.hf.network import executable
from depth_ros.models.mono.values import cleaned, input_focal
from depth_ros.models.options import EngineOptions, option
from depth_ros.models.protocol import Family, ModelError, ModelInfo, required_library
from depth_ros.models.weights import hub, verify
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import Hub
from depth_ros.types import Camera, DepthKind, FloatImage, Known, Prediction, View, quoted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TransformersOptions(EngineOptions):
    """Options of every model that runs through transformers."""

    processor: str = option(
        'tensor',
        "which of transformers' two image processors to equal to the last bit",
        choices=('tensor', 'pillow'),
    )
    input_size: int = option(
        0, "long side of the network's input in pixels; 0 is the model's own", range=(0, 8192)
    )
    kind: str = option(
        'auto',
        'what the numbers mean, for a checkpoint whose configuration does not say',
        choices=('auto', *(k.value for k in DepthKind if k is not DepthKind.DISPARITY)),
    )
    focal: str = option(
        'camera',
        "focal length a model such as Depth Pro uses: the camera's, or its own estimate",
        choices=('camera', 'model'),
    )
    training_focal: float = option(
        0.0,
        "focal length of the training images in pixels of the network's input; metric depth "
        "is multiplied by the camera's over it; 0 is no correction, -1 the catalogue's value",
        range=(-1.0, 1e5),
    )


@functools.cache
def adapters() -> Mapping[str, type[Adapter]]:
    """Return the adapter for each model_type: every module of this package with ADAPTER."""
    found: dict[str, type[Adapter]] = {}
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        adapter = getattr(importlib.import_module(f'{package.__name__}.{name}'), 'ADAPTER', None)
        if isinstance(adapter, type) and issubclass(adapter, Adapter):
            found[adapter.model_type] = adapter
    return found


class TransformersModel(RuntimeModel):
    """A checkpoint, the adapter of its family and the runtime that executes it."""

    def __init__(
        self,
        info: ModelInfo,
        adapter: Adapter,
        runtime: Runtime,
        options: TransformersOptions,
    ) -> None:
        super().__init__(runtime)
        self.info = info
        self.adapter = adapter
        self.options = options
        self._plans: dict[tuple[int, int], Plan] = {}

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        for camera in cameras:
            self._tune(camera)
            grey = np.full((camera.height, camera.width, 3), 127, np.uint8)
            view = View(grey, camera, Known(depth=self._trial_depth()))
            for _ in range(2):  # the second frame meets caches that the first has filled
                self.predict([view])

    def _trial_depth(self) -> FloatImage | None:
        """
        Return measured depth that has near and far.

        The network stretches its output between the two: without them any numbers look right.
        """
        near_and_far = np.array([[1, 2], [3, 4]], np.float32)
        return near_and_far if self.adapter.takes_depth else None

    def _tune(self, camera: Camera) -> None:
        """Let the runtime find its fastest way on an image of this camera's size."""
        runtime = self._open_runtime()
        plan = self.plan(camera.height, camera.width)
        noise = np.random.default_rng(0).integers(0, 256, (camera.height, camera.width, 3))
        depth = self._trial_depth()
        with runtime.guard():
            pixels = self.adapter.prepare(runtime.upload([noise.astype(np.uint8)]), plan)
            beside = self.adapter.beside(runtime, None if depth is None else [depth], 1)
            runtime.tune(pixels, *beside)

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
            apart = () if self.adapter.is_one_graph else (index,)
            together.setdefault((*view.image.shape[:2], *apart), []).append(index)
        results: list[Prediction | None] = [None] * len(views)
        for (height, width, *_), indices in together.items():
            plan = self.plan(height, width)
            chosen = [views[i] for i in indices]
            for i, result in zip(indices, self._run(runtime, chosen, plan)):
                results[i] = result
        return [r for r in results if r is not None]

    def plan(self, height: int, width: int) -> Plan:
        """Return the sizes for images of one size."""
        key = (height, width)
        if key not in self._plans:
            self._plans[key] = self.adapter.plan(height, width, self.options.input_size)
        return self._plans[key]

    def _run(self, runtime: Runtime, views: Sequence[View], plan: Plan) -> list[Prediction]:
        cameras = [view.camera for view in views]
        depths = [view.known.depth for view in views if view.known.depth is not None]
        started = time.perf_counter()
        with runtime.guard():
            pixels = self.adapter.prepare(runtime.upload([view.rgb for view in views]), plan)
            beside = self.adapter.beside(runtime, depths or None, len(views))
            prepared = time.perf_counter()
            outputs = runtime(pixels, *beside)
            inferred = time.perf_counter()
            depth = self.adapter.finish(
                outputs, plan, cameras if self.options.focal == 'camera' else None
            )
            values = runtime.download(depth)
        correction = self._correction(cameras, plan)
        finished = time.perf_counter()
        share = 1 / len(views)
        timings = {
            'preprocess': (prepared - started) * share,
            'inference': (inferred - prepared) * share,
            'postprocess': (finished - inferred) * share,
        }
        return [
            Prediction(
                kind=self.info.kind,
                values=cleaned(values[i], self.info.kind, correction[i]),
                camera=camera,
                model=self.info.name,
                timings=timings,
            )
            for i, camera in enumerate(cameras)
        ]

    def _correction(self, cameras: Sequence[Camera], plan: Plan) -> list[float]:
        """Return the factor for each camera that takes depth to its focal length."""
        trained = self.options.training_focal
        if trained < 0:
            trained = self.info.training_focal
        if not trained or self.info.kind is not DepthKind.METRIC or self.adapter.uses_focal:
            return [1.0] * len(cameras)
        return [input_focal(camera, plan.source, plan.resized) / trained for camera in cameras]


def open_model(
    name: str,
    options: TransformersOptions,
    *,
    source: Hub | None = None,
    known: ModelInfo | None = None,
) -> TransformersModel:
    """Find, check and load a checkpoint; `known` is what the catalogue says about it."""
    source = source or Hub(name)
    folder = hub.locate(source.repository, source.revision)
    parameters = verify.verify(folder)
    config = load_config(folder)
    adapter_class = adapters().get(config.model_type)
    if adapter_class is None:
        raise ModelError(
            f'{quoted(name)} is a {quoted(config.model_type)} model, expected one of '
            f'{", ".join(sorted(adapters()))}; choose a depth model'
        )
    try:
        adapter = adapter_class(config, verify.processor_settings(folder))
        kind = resolve_kind(name, adapter, options.kind, known)
        adapter.check()
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f'{folder} has a configuration that cannot be used ({type(error).__name__}: '
            f'{quoted(_first_line(error), 120)}); fetch the model again'
        ) from error
    use_camera = options.focal == 'camera'
    runtime = open_runtime(lambda: executable(folder, adapter, use_camera), options)
    adapter.attach(runtime.device, options.processor)
    base = known or ModelInfo(name, kind, licence='unknown', commercial=False)
    info = dataclasses.replace(
        base,
        kind=kind,
        family=config.model_type,
        parameters=parameters,
        depth_range=adapter.depth_range(),
        takes_depth=adapter.takes_depth,
        source=None if verify.is_folder(source.repository) else source,
        device=str(runtime.device),
        precision=runtime.precision,
        runtime=options.runtime,
    )
    log.info(
        '%s: %s, %s, licence of the weights: %s%s',
        name,
        kind.value,
        runtime.describe(),
        info.licence,
        '' if info.commercial else ' (commercial use is excluded or not known to be allowed)',
    )
    return TransformersModel(info, adapter, runtime, options)


def resolve_kind(name: str, adapter: Adapter, stated: str, known: ModelInfo | None) -> DepthKind:
    """Return what the numbers mean: what the configuration says, else the option `kind`."""
    said = adapter.kind()
    if stated != 'auto':
        wanted = DepthKind(stated)
        if said is not None and wanted is not said:
            raise ModelError(
                f'{name} says in its configuration that it predicts {said.value}, the option '
                f'kind says {wanted.value}; leave kind at auto'
            )
        return wanted
    if said is not None:
        if known is not None and known.kind is not said:
            raise ModelError(
                f'{name} says in its configuration that it predicts {said.value}, the catalogue '
                f'expects {known.kind.value}; these are not its files, fetch it again'
            )
        return said
    if known is not None:
        return known.kind
    raise ModelError(
        f'{name}: {adapter.unsaid}; set the option kind to metric, scale_invariant or '
        'affine_inverse, as its authors describe it'
    )


def load_config(folder: Path) -> Any:
    """Return the configuration of a model folder, as transformers reads it."""
    transformers = _transformers()
    try:
        return transformers.AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        raise ModelError(
            f'{folder / verify.CONFIG} is not the configuration of a model that transformers '
            f'{transformers.__version__} knows ({_first_line(error)}); fetch the model again or '
            'upgrade transformers'
        ) from error


def _transformers() -> Any:
    return required_library('transformers', 'this model', "torch 'transformers>=5.0' safetensors")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def transformers_family(adapter: type[Adapter], entries: Mapping[str, Entry]) -> Family:
    """Return the Family of one file: its named models, loaded through this engine."""
    names = {
        name: entry.info(name, adapter.model_type, adapter.takes_depth)
        for name, entry in entries.items()
    }

    def create(name: str, options: TransformersOptions) -> TransformersModel:
        entry = entries[name]
        assert isinstance(entry.source, Hub)
        return open_model(
            name,
            options,
            source=entry.source,
            known=names[name],
        )

    return Family(names=names, config=TransformersOptions, create=create)
