# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The protocol every depth model keeps, mono, stereo or many views, learned or analytic."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from depth_ros.models.weights.source import Official, Source
from depth_ros.types import Camera, DepthError, DepthKind, Prediction, View


class ModelError(DepthError):
    """A model cannot be made or run; the message says why and what to do."""


def required_library(name: str, user: str, install: str) -> Any:
    """Return an optional library; if missing, name what needs it and how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModelError(
            f'{user} needs {name}, which cannot be imported ({error}); run: pip install {install}'
        ) from error


@dataclass(frozen=True)
class ModelInfo:
    """What is known about a model before and after it is loaded."""

    name: str
    kind: DepthKind
    views: int = 1  # images that one prediction takes: 1 mono, 2 stereo, 0 any number
    licence: str = 'Apache-2.0'
    commercial: bool = True  # whether the weights' licence allows commercial use
    description: str = ''
    family: str = ''
    parameters: int = 0  # of the weights, rounded in the catalogue; 0 has none
    input_size: int = 0  # side of the network's input in pixels; 0 is that of the image
    input_multiple: int = 1
    depth_range: tuple[float, float] | None = None  # metres
    training_focal: float = 0.0  # pixels of the network's input; 0 where it is not known
    takes_depth: bool = False  # whether it takes measured depth beside the image
    source: Source | None = None  # of the weights; None where they are in the package
    caution: str = ''  # what every user of the model is warned of
    suits: str = ''  # the scenes and distances that the weights are for
    cost: str = ''  # time and memory of a prediction, as measured
    # Known once it is loaded.
    device: str = 'cpu'
    precision: str = ''
    runtime: str = ''

    @property
    def facts(self) -> dict[str, str]:
        """Everything known, as text for diagnostics."""
        plain = {'kind': self.kind.value, 'commercial use': 'yes' if self.commercial else 'no'}
        if self.depth_range is not None:
            plain['depth range (m)'] = f'{self.depth_range[0]:g} to {self.depth_range[1]:g}'
        more = ('device', 'precision', 'runtime', 'licence', 'family', 'source', 'parameters')
        for key in more:
            if value := getattr(self, key):
                plain[key] = str(value)
        return {'model': self.name, **plain}


@runtime_checkable
class DepthModel(Protocol):
    """
    A model turns views into a Prediction for the first of them.

    Views are as the model's `views` asks: one image, or left and right of a rectified pair.
    Images are RGB or grey uint8; cameras are undistorted unless the caller chose otherwise.
    A model holds no state between frames: what it wants back travels in Prediction.carry.
    """

    @property
    def info(self) -> ModelInfo: ...

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        """Do everything that the first frame of these cameras would otherwise pay for."""

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        """Return the prediction for views[0]; `previous` is that of the frame before."""

    def predict_batch(
        self,
        batch: Sequence[Sequence[View]],
        previous: Sequence[Prediction | None] | None = None,
    ) -> list[Prediction]:
        """Return one prediction per camera of a batch."""

    def close(self) -> None:
        """Free memory and device; the model is not used again."""


class ModelBase:
    """The parts of the protocol that most models leave empty."""

    info: ModelInfo

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        pass

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        raise NotImplementedError

    def predict_batch(
        self,
        batch: Sequence[Sequence[View]],
        previous: Sequence[Prediction | None] | None = None,
    ) -> list[Prediction]:
        """Predict one after the other; models that gain from a true batch override it."""
        before = previous or [None] * len(batch)
        return [self.predict(views, last) for views, last in zip(batch, before)]

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Family:
    """
    What one file of the model rooms offers to the registry, as a module-level value.

    `names` maps each model name to its ModelInfo. `config` is the dataclass of options: its
    fields become node parameters and command-line options, each with metadata
    {'help': str, 'range': (low, high) | None, 'choices': (...) | None}. `create(name, config)`
    makes the model. `accepts(name)` says whether a name outside `names` (a hub id, a folder) is
    for this family.
    """

    names: Mapping[str, ModelInfo]
    config: type
    create: Callable[[str, Any], DepthModel]
    accepts: Callable[[str], bool] = lambda name: False
    official: Official | None = None  # where official files can be converted
