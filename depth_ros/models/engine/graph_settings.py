# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What must be known about an exported network beside its file, and what follows from it.

The file knows the names and shapes of its inputs. It does not know which image is which, how
their colours are normalised, or what its numbers mean.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from depth_ros.geometry.channels import as_grey
from depth_ros.models.engine.graph import Graph, Port
from depth_ros.models.protocol import ModelError
from depth_ros.types import FloatImage, Image

LEFT, RIGHT, IMAGE = 'left', 'right', 'image'
VIEWS = (LEFT, RIGHT, IMAGE)
KINDS = ('disparity', 'metric', 'scale_invariant', 'affine_inverse')
UNITS = ('px', 'width', 'metres')
CHOICES: Mapping[str, tuple[Any, ...]] = {
    'kind': ('', *KINDS),
    'colour': ('rgb', 'bgr', 'grey'),
    'layout': ('nchw', 'nhwc'),
    'fit': ('pad', 'stretch'),
    'place': ('centre', 'bottom left', 'bottom right'),
    'border': ('replicate', 'black'),
    'sign': (1, -1),
    'unit': ('', *UNITS),
}


@dataclass(frozen=True)
class Source:
    """What an input of the network takes: images joined along their channels."""

    views: tuple[str, ...]
    scale: float = 1.0  # of the size of the other inputs


@dataclass(frozen=True)
class GraphSettings:
    """
    Everything that the file does not say. An input value is (pixel / divide - mean) / std.

    :param inputs: names of inputs with what they take; empty: by order, left and right or image.
    :param order: what the inputs take in their order, where `inputs` is a list.
    :param size: (width, height) of the input; empty where the file fixes it, or `multiple` does.
    :param fit: whether a fixed size is reached by a border or by stretching.
    :param channel: which one of an output that has several.
    :param reach: disparities that the network searches, px of the input; 0 is not known.
    :param confidence: output that holds 0 to 1 for each pixel; empty for none.
    :param training_focal: px of the input; metres are for that focal length. 0: for every one.
    """

    kind: str = ''
    inputs: Mapping[str, Source] = field(default_factory=dict)
    order: tuple[Source, ...] = ()
    colour: str = 'rgb'
    layout: str = 'nchw'
    divide: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    multiple: int = 1
    size: tuple[int, ...] = ()
    fit: str = 'pad'
    place: str = 'centre'
    border: str = 'replicate'
    output: str = ''
    channel: int = 0
    sign: int = 1
    unit: str = ''
    reach: float = 0.0
    confidence: str = ''
    training_focal: float = 0.0
    licence: str = 'unknown'
    commercial: bool = False
    description: str = ''

    @property
    def views(self) -> frozenset[str]:
        """Every image that an input takes."""
        sources = [*self.inputs.values(), *self.order]
        return frozenset(view for source in sources for view in source.views)


def settings_from(values: Mapping[str, Any], where: str) -> GraphSettings:
    """Return the settings in a mapping as YAML gives it; `where` names it in errors."""
    fields = {f.name: f for f in dataclasses.fields(GraphSettings) if f.name != 'order'}
    made: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f'did you mean {near[0]}?' if near else f'known are {", ".join(fields)}'
            raise ModelError(f'{where} has {name!r}, which is not known; {hint}')
        if name == 'inputs':
            made |= _inputs(value, where)
        else:
            made[name] = _converted(f'{where}: {name}', value, getattr(GraphSettings(), name))
        if name in CHOICES and made[name] not in CHOICES[name]:
            known = ', '.join(repr(choice) for choice in CHOICES[name] if choice != '')
            raise ModelError(f'{where}: {name} is {value!r}, expected one of {known}')
    result = GraphSettings(**made)
    _check(result, where)
    return result


def _check(settings: GraphSettings, where: str) -> None:
    if settings.size and len(settings.size) != 2:
        raise ModelError(f'{where}: size is {list(settings.size)}, expected [width, height]')
    channels = 1 if settings.colour == 'grey' else 3
    for name in ('mean', 'std'):
        if len(getattr(settings, name)) not in (1, channels):
            raise ModelError(
                f'{where}: {name} has {len(getattr(settings, name))} numbers, expected 1 or '
                f'{channels}, one for each channel'
            )
    if settings.multiple < 1 or settings.divide == 0 or 0 in settings.std:
        raise ModelError(f'{where}: expected multiple of at least 1, divide and std other than 0')


def _inputs(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {'inputs': {str(name): _source(item, where) for name, item in value.items()}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {'order': tuple(_source(item, where) for item in value)}
    raise ModelError(f'{where}: inputs is {value!r}, expected a list, or names with images')


def _source(value: Any, where: str) -> Source:
    scale = 1.0
    if isinstance(value, Mapping):
        unknown = sorted(set(value) - {'view', 'scale'})
        if unknown or 'view' not in value:
            raise ModelError(f'{where}: an input is {dict(value)!r}, expected view and scale')
        scale, value = float(value.get('scale', 1.0)), value['view']
    views = (value,) if isinstance(value, str) else tuple(value or ())
    if not views or not set(views) <= set(VIEWS) or not scale > 0:
        raise ModelError(
            f'{where}: an input takes {list(views)!r} at scale {scale:g}, expected '
            f'{", ".join(VIEWS)} and a scale above 0'
        )
    return Source(views, scale)


def _converted(place: str, value: Any, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            if isinstance(value, bool):
                return value
        elif isinstance(default, tuple):
            kind = int if place.endswith(': size') else float
            return tuple(map(kind, value if isinstance(value, Sequence) else [value]))
        elif isinstance(default, (int, float)) and not isinstance(value, bool):
            if float(value) == type(default)(value):
                return type(default)(value)
        elif isinstance(value, str):
            return value
    except (TypeError, ValueError):
        pass
    raise ModelError(f'{place} is {value!r}, expected {type(default).__name__}')


class Wiring:
    """The inputs and outputs of a graph, joined with the settings; mistakes are named."""

    def __init__(
        self, graph: Graph, settings: GraphSettings, where: str, default: Sequence[str]
    ) -> None:
        """Take the views in their order, for settings that name no inputs."""
        self.graph, self.settings = graph, settings
        names = [port.name for port in graph.inputs]
        named = dict(settings.inputs)
        if not named:
            order = settings.order or tuple(Source((view,)) for view in default)
            if len(order) != len(names):
                raise ModelError(
                    f'{where} gives {len(order)} inputs, the network has {len(names)}: '
                    f'{", ".join(names)}; list what each of them takes under `inputs`'
                )
            named = dict(zip(names, order, strict=True))
        if set(named) != set(names):
            raise ModelError(
                f'{where} names the inputs {", ".join(named)}, the network has '
                f'{", ".join(names)}; correct `inputs`'
            )
        self.sources = named
        self.outputs = [settings.output or graph.outputs[0]]
        self.outputs += [settings.confidence] if settings.confidence else []
        for name in self.outputs:
            if name not in graph.outputs:
                raise ModelError(
                    f'{where} names the output {name!r}, the network has '
                    f'{", ".join(graph.outputs)}; correct it'
                )
        self.size = self._fixed_size(where)  # (height, width), None where it is free

    def _fixed_size(self, where: str) -> tuple[int, int] | None:
        stated = self.settings.size[::-1]
        for port in self.graph.inputs:
            source = self.sources[port.name]
            if source.scale != 1.0 or len(port.shape) != 4:
                continue
            height, width = self._sides(port)
            if not (height and width):
                continue
            if stated and stated != (height, width):
                raise ModelError(
                    f'{where}: size is {list(self.settings.size)}, the network takes '
                    f'{width}x{height}; leave `size` out'
                )
            return height, width
        return (stated[0], stated[1]) if stated else None

    def _sides(self, port: Port) -> tuple[int, int]:
        first = 2 if self.settings.layout == 'nchw' else 1
        return port.shape[first], port.shape[first + 1]

    def run(self, images: Mapping[str, Image]) -> list[FloatImage]:
        """Return the wanted outputs (height, width) for RGB images of one size, by view."""
        height, width = next(iter(images.values())).shape[:2]
        arrays = {
            port.name: self._array(images, self.sources[port.name], port)
            for port in self.graph.inputs
        }
        try:
            found = self.graph.run(arrays, self.outputs)
        except Exception as error:  # libraries raise of every kind
            line = ' '.join(str(error).split())[:200]
            raise ModelError(
                f'the network fails on images of {width}x{height} ({line}); set `size` or '
                '`multiple` to what it takes'
            ) from error
        return [self._plane(values, height, width) for values in found]

    def _array(self, images: Mapping[str, Image], source: Source, port: Port) -> np.ndarray:
        s = self.settings
        planes = []
        for view in source.views:
            image = images[view]
            if source.scale != 1.0:
                sides = [round(side * source.scale) for side in image.shape[1::-1]]
                image = np.asarray(
                    cv2.resize(image, sides, interpolation=cv2.INTER_AREA), np.uint8
                )
            if s.colour == 'grey':
                image = as_grey(image)[..., None]
            elif s.colour == 'bgr':
                image = image[..., ::-1]
            mean, std = (np.asarray(v, np.float32) for v in (s.mean, s.std))
            planes.append((image.astype(np.float32) / np.float32(s.divide) - mean) / std)
        joined = np.concatenate(planes, -1) if len(planes) > 1 else planes[0]
        joined = joined.transpose(2, 0, 1) if s.layout == 'nchw' else joined
        if np.issubdtype(port.dtype, np.integer):
            joined = np.rint(joined)
        return np.ascontiguousarray(joined[None].astype(port.dtype))

    def _plane(self, values: np.ndarray, height: int, width: int) -> FloatImage:
        """Return one output as (height, width) in float32."""
        squeezed = np.asarray(values, np.float32).squeeze()
        if squeezed.ndim == 3:
            axis = 0 if self.settings.layout == 'nchw' else -1
            if self.settings.channel >= squeezed.shape[axis]:
                raise ModelError(
                    f'the output has {squeezed.shape[axis]} channels, channel is '
                    f'{self.settings.channel}; correct it'
                )
            squeezed = np.take(squeezed, self.settings.channel, axis)
        if squeezed.ndim != 2:
            raise ModelError(
                f'the output has the shape {values.shape}, expected one image; name another '
                'output in the settings'
            )
        if squeezed.shape != (height, width):
            squeezed = np.asarray(cv2.resize(squeezed, (width, height)), np.float32)
        return np.ascontiguousarray(squeezed)
