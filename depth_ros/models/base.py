# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The protocol every depth model keeps, mono, stereo or many views, learned or analytic."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from depth_ros.types import Camera, DepthError, DepthKind, Prediction, View


class ModelError(DepthError):
    """A model cannot be made or run; the message says why and what to do."""


def required_library(name: str, who: str, install: str) -> Any:
    """Return an optional library; where it is missing, say who needs it and how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModelError(
            f'{who} needs {name}, which cannot be imported ({error}); run: pip install {install}'
        ) from error


@dataclass(frozen=True)
class ModelInfo:
    """What is known about a model before and after it is loaded."""

    name: str
    kind: DepthKind
    views: int = 1  # how many pictures one prediction takes: 1 mono, 2 stereo, 0 any number
    licence: str = 'Apache-2.0'
    commercial: bool = True  # whether the weights' licence allows commercial use
    device: str = 'cpu'
    description: str = ''
    # repository, revision, precision; `caution`, where there is one, is told whoever uses it
    details: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class DepthModel(Protocol):
    """
    A model turns views into a Prediction for the first of them.

    Views are as the model's `views` asks: one picture, or left and right of a rectified pair.
    Images are RGB or grey uint8; cameras are undistorted unless the caller chose otherwise.
    """

    @property
    def info(self) -> ModelInfo: ...

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        """Do everything that the first frame of these cameras would otherwise pay for."""

    def predict(self, views: Sequence[View]) -> Prediction:
        """Return the prediction for views[0]."""

    def reset(self) -> None:
        """Forget what was carried from frame to frame: time jumped or the scene changed."""

    def close(self) -> None:
        """Free memory and device; the model is not used again."""


class ModelBase:
    """The parts of the protocol that most models leave empty."""

    info: ModelInfo

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        pass

    def predict(self, views: Sequence[View]) -> Prediction:
        raise NotImplementedError

    def predict_batch(self, batch: Sequence[Sequence[View]]) -> list[Prediction]:
        """Predict for several cameras; models that gain from a true batch override it."""
        return [self.predict(views) for views in batch]

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Family:
    """
    What one file of models/ offers to the registry, in its module-level FAMILY.

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


def option(default: Any, help: str, *, range: Any = None, choices: Any = None) -> Any:
    """Return a dataclass field that carries its own description, range and choices."""
    return field(default=default, metadata={'help': help, 'range': range, 'choices': choices})


def check_options(config: type, values: Mapping[str, Any]) -> None:
    """
    Refuse values that the options dataclass does not take: type, range and choices.

    The expected type is that of the default; a whole number will do for a float.
    """
    fields = {f.name: f for f in dataclasses.fields(config)}
    for name, value in values.items():
        default, meta = fields[name].default, fields[name].metadata
        if default is not None and default is not dataclasses.MISSING:
            wanted = type(default)
            _check_type(name, value, wanted)
        bounds, choices = meta.get('range'), meta.get('choices')
        if choices is not None and value not in choices:
            raise ModelError(
                f'{name} is {value!r}, expected one of {", ".join(repr(c) for c in choices)}'
            )
        # Written so that NaN fails too.
        if bounds is not None and value is not None and not bounds[0] <= value <= bounds[1]:
            raise ModelError(
                f'{name} is {value!r}, expected {bounds[0]!r} to {bounds[1]!r}; '
                f'choose a value in that range'
            )


def _check_type(name: str, value: Any, wanted: type[Any]) -> None:
    accepted: tuple[type, ...] = (int, float) if wanted is float else (wanted,)
    if not isinstance(value, accepted) or (wanted is not bool and isinstance(value, bool)):
        raise ModelError(
            f'{name} is {value!r} of type {type(value).__name__}, expected {wanted.__name__}; '
            f'give a {wanted.__name__}'
        )
    if isinstance(value, float) and math.isnan(value):
        raise ModelError(f'{name} is NaN, expected a number; set it')
