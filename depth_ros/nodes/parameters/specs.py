# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Every parameter of the nodes, as data: name, default, meaning, what is allowed.

Nothing here imports ROS, so documentation, launch files and tests read the same list that the
nodes declare. The options of a model come from its own dataclass and join the list by themselves.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from depth_ros.models.registry import DEFAULT_MONO, DEFAULT_STEREO, family_of
from depth_ros.pipeline import RECTIFY_MODES, Options
from depth_ros.types import DepthError

Value = bool | int | float | str

_KIND = {bool: 'true or false', int: 'an integer', float: 'a number', str: 'a text'}


@dataclass(frozen=True)
class ParameterSpec:
    """
    One parameter.

    :param live: it may be changed while the node runs; otherwise only before `configure`.
    :param read_only: it can only be given at start.
    """

    name: str
    default: Value
    description: str
    range: tuple[float, float] | None = None
    choices: tuple[Value, ...] | None = None
    read_only: bool = False
    live: bool = True

    def check(self, value: object) -> Value:
        """Return the value in the parameter's own type, or say what was expected instead."""
        kind = type(self.default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)  # `rate: 5` in a file means 5.0
        if type(value) is not kind:
            raise DepthError(f'{self._expected()}, got {_shown(value)}; {self._remedy()}')
        assert isinstance(value, (bool, int, float, str))
        if isinstance(value, float) and math.isnan(value):
            raise DepthError(f'{self._expected()}, got NaN; {self._remedy()}')
        if self.choices is not None and value not in self.choices:
            raise DepthError(f'{self._expected()}, got {_shown(value)}; {self._remedy()}')
        if self.range is not None and not self.range[0] <= float(value) <= self.range[1]:
            raise DepthError(f'{self._expected()}, got {_shown(value)}; {self._remedy()}')
        return value

    @property
    def constraint(self) -> str:
        """What is allowed, in words."""
        if self.choices is not None:
            return 'one of ' + ', '.join(str(choice) or "''" for choice in self.choices)
        words = _KIND[type(self.default)]
        if self.range is not None:
            low, high = self.range
            words += f' from {low:g} up' if math.isinf(high) else f' from {low:g} to {high:g}'
        return words

    def _expected(self) -> str:
        return f'parameter {self.name} must be {self.constraint}'

    def _remedy(self) -> str:
        return f'its default is {_shown(self.default)}'


def _shown(value: object) -> str:
    return 'nothing' if value is None else f'{value!r}'


_OPTIONS = Options()
_ANY = math.inf


def _configured(name: str, default: Value, description: str, **rest: object) -> ParameterSpec:
    return ParameterSpec(name, default, description, live=False, **rest)  # type: ignore[arg-type]


def _model(default: str, what: str) -> tuple[ParameterSpec, ...]:
    return (
        _configured(
            'model', default, f'the {what}: a name of `depth_ros models`, a hub id, a folder'
        ),
        _configured('fallback', '', 'model used when `model` cannot be loaded; empty for none'),
        ParameterSpec(
            'autostart', True, 'configure and activate by itself at start', read_only=True
        ),
    )


_INPUT = (
    _configured(
        'image_transport',
        'raw',
        'how pictures arrive: sensor_msgs/Image, or CompressedImage on <image>/compressed',
        choices=('raw', 'compressed'),
    ),
    _configured(
        'rectify',
        _OPTIONS.rectify,
        'undistort the input: where D and R ask for it and the topic is not called image_rect, '
        'always, or never (rectified already)',
        choices=RECTIFY_MODES,
    ),
    ParameterSpec(
        'max_age',
        0.0,
        'seconds after which a picture is too old to be worth working on; 0 takes any',
        range=(0.0, _ANY),
    ),
)

_SYNC = (
    _configured('approximate_sync', False, 'pair left and right by nearest stamps, not equal'),
    _configured(
        'approximate_sync_tolerance_seconds',
        0.01,
        'largest difference of the stamps of a pair when approximate_sync is set',
        range=(0.0, 10.0),
    ),
    _configured(
        'queue_size', 10, 'pictures of one eye kept until the other arrives', range=(1, 1000)
    ),
)

_DEPTH = (
    ParameterSpec(
        'depth_encoding',
        '32FC1',
        'of ~/depth/image: float metres, or 16 bit millimetres with 0 for invalid',
        choices=('32FC1', '16UC1'),
    ),
    ParameterSpec(
        'min_depth',
        _OPTIONS.min_depth,
        'metres; nearer depth is published as -Inf',
        range=(0.0, _ANY),
    ),
    ParameterSpec(
        'max_depth',
        _OPTIONS.max_depth,
        'metres; farther depth is published as +Inf',
        range=(0.0, _ANY),
    ),
    ParameterSpec(
        'edge_threshold',
        _OPTIONS.edge_threshold,
        'relative jump in depth from which pixels between two surfaces are removed; 0 keeps them',
        range=(0.0, _ANY),
    ),
    ParameterSpec(
        'min_confidence',
        _OPTIONS.min_confidence,
        'pixels of lower confidence become NaN, where the model tells one',
        range=(0.0, 1.0),
    ),
)

_SCALE = (
    ParameterSpec(
        'scale',
        _OPTIONS.scale,
        'makes metres of a relative model: 1/Z = scale * value + shift; 0: not known',
        range=(0.0, _ANY),
    ),
    ParameterSpec('shift', _OPTIONS.shift, 'in 1/m, with `scale`', range=(-_ANY, _ANY)),
)

_POINTS = (
    ParameterSpec(
        'points_fields',
        'xyzrgb',
        'of ~/points: place alone, with colour, or with intensity',
        choices=('xyz', 'xyzrgb', 'xyzi'),
    ),
    ParameterSpec(
        'points_organised',
        True,
        'true: one point per pixel, NaN where there is none; false: only the valid ones',
    ),
    ParameterSpec('decimation_x', 1, 'every n-th column becomes points', range=(1, 1000)),
    ParameterSpec('decimation_y', 1, 'every n-th row becomes points', range=(1, 1000)),
    ParameterSpec(
        'points_min_range', 0.0, 'metres; nearer points are left out', range=(0.0, _ANY)
    ),
    ParameterSpec(
        'points_max_range', _ANY, 'metres; farther points are left out', range=(0.0, _ANY)
    ),
    ParameterSpec(
        'points_min_height',
        -_ANY,
        'metres above the camera (against its y axis); lower points are left out',
        range=(-_ANY, _ANY),
    ),
    ParameterSpec(
        'points_max_height',
        _ANY,
        'metres above the camera (against its y axis); higher points are left out',
        range=(-_ANY, _ANY),
    ),
    ParameterSpec(
        'points_max_rate', 0.0, 'Hz, at most so many clouds; 0 is every frame', range=(0.0, _ANY)
    ),
)

_PROMPT = (
    ParameterSpec(
        'prompt_tolerance',
        0.2,
        'seconds between a picture and the depth image on `prompt`, for models that take one',
        range=(0.0, _ANY),
    ),
)
MONO: tuple[ParameterSpec, ...] = (
    *_model(DEFAULT_MONO, 'model of one view'),
    *_INPUT,
    *_PROMPT,
    *_DEPTH,
    *_SCALE,
    *_POINTS,
)
STEREO: tuple[ParameterSpec, ...] = (
    *_model(DEFAULT_STEREO, 'model of two views'),
    *_INPUT,
    *_SYNC,
    *_DEPTH,
    *_POINTS,
)


def model_options(name: str) -> tuple[ParameterSpec, ...]:
    """Return the parameters that the named model adds; raises ModelError for an unknown name."""
    specs = []
    for field in dataclasses.fields(family_of(name).config):
        meta = field.metadata
        specs.append(
            _configured(
                field.name,
                field.default,  # type: ignore[arg-type]
                str(meta.get('help', '')),
                range=meta.get('range'),
                choices=tuple(meta['choices']) if meta.get('choices') else None,
            )
        )
    return tuple(specs)


def checked(specs: Iterable[ParameterSpec], values: Mapping[str, object]) -> dict[str, Value]:
    """Return every parameter's checked value; what is not given has its default."""
    return {spec.name: spec.check(values.get(spec.name, spec.default)) for spec in specs}


def pipeline_options(values: Mapping[str, Value]) -> Options:
    """Return what the pipeline is told, from parameter values."""
    names = {field.name for field in dataclasses.fields(Options)}
    return Options(**{k: v for k, v in values.items() if k in names})  # type: ignore[arg-type]


def cloud_options(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the arguments of CloudBuilder, from parameter values."""
    return {
        'fields': values['points_fields'],
        'organised': values['points_organised'],
        'decimation_x': values['decimation_x'],
        'decimation_y': values['decimation_y'],
        'min_range': values['points_min_range'],
        'max_range': values['points_max_range'],
        'min_height': values['points_min_height'],
        'max_height': values['points_max_height'],
    }
