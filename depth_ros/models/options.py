# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of models: fields that describe themselves, their checks, and shared groups."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from depth_ros.models.protocol import ModelError
from depth_ros.types import Ground, quoted


def option(
    default: Any, help: str, *, range: Any = None, choices: Any = None, live: bool = False
) -> Any:
    """
    Return a dataclass field that carries its own description, range and choices.

    A live option may change between two images, because it reaches the model with each of them.
    """
    metadata = {'help': help, 'range': range, 'choices': choices, 'live': live}
    return field(default=default, metadata=metadata)


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
                f'{name} is {quoted(value)}, expected one of {", ".join(repr(c) for c in choices)}'
            )
        # Written so that NaN fails too.
        if bounds is not None and value is not None and not bounds[0] <= value <= bounds[1]:
            raise ModelError(
                f'{name} is {quoted(value)}, expected {bounds[0]!r} to {bounds[1]!r}; '
                f'choose a value in that range'
            )


def _check_type(name: str, value: Any, wanted: type[Any]) -> None:
    accepted: tuple[type, ...] = (int, float) if wanted is float else (wanted,)
    if not isinstance(value, accepted) or (wanted is not bool and isinstance(value, bool)):
        raise ModelError(
            f'{name} is {quoted(value)} of type {type(value).__name__}, expected '
            f'{wanted.__name__}; give a {wanted.__name__}'
        )
    if isinstance(value, float) and math.isnan(value):
        raise ModelError(f'{name} is NaN, expected a number; set it')


@dataclass(frozen=True)
class MountOptions:
    """How the camera is mounted; the angles are those of REP-103, as in a URDF."""

    camera_height: float = option(
        0.0, 'metres from the floor up to the camera, which gives the scale; 0 is not known',
        range=(0.0, 1e4), live=True,
    )  # fmt: skip
    camera_pitch: float = option(
        0.0, 'radians by which the camera looks down', range=(-math.pi / 2, math.pi / 2),
        live=True,
    )  # fmt: skip
    camera_roll: float = option(
        0.0, 'radians by which the right side of the camera hangs down', range=(-math.pi, math.pi),
        live=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name in ('camera_pitch', 'camera_roll'):
            if getattr(self, name) and not self.camera_height:
                raise ModelError(
                    f'{name} is {getattr(self, name):g}, but camera_height is 0, which means that '
                    'it is not known; set both, or neither'
                )

    @property
    def ground(self) -> Ground | None:
        """What is below the camera, where its height is known."""
        if not self.camera_height:
            return None
        return Ground.below_mount(self.camera_height, self.camera_pitch, self.camera_roll)


@dataclass(frozen=True)
class EngineOptions:
    """Where and how a network runs; every learned model has these."""

    device: str = option('auto', 'where the model runs: auto, cpu, cuda or cuda:N')
    precision: str = option(
        'auto',
        'number format; auto is float16 on CUDA, bfloat16 on a CPU that is fast at it',
        choices=('auto', 'float32', 'float16', 'bfloat16'),
    )
    compile: str = option(
        'off', 'torch.compile: auto compiles while configuring', choices=('off', 'auto')
    )
    runtime: str = option(
        'torch', 'what executes the network', choices=('torch', 'openvino', 'onnxruntime')
    )
