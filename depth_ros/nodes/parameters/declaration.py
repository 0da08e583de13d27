# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Declare parameters on a node, and refuse what they do not allow with a sentence that helps.

A bad value given at start does not end the node: it keeps the default, remembers the sentence,
and does not configure until the parameter is set to something good.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from depth_ros.nodes.output.output import all_outputs
from depth_ros.nodes.parameters.scaling import MountSettings, ScalingSettings
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.nodes.parameters.specs import (
    model_options,
    pipeline_options,
)
from depth_ros.types import DepthError, quoted

LARGEST_INTEGER = 2**63 - 1
FALLBACK = 'fallback.'  # before the options of the fallback, which are its own
REFINE = 'refine.'  # before those of the model that refines a match


def descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    """Return what `ros2 param describe` and rqt show of a parameter."""
    result = ParameterDescriptor(
        description=spec.description,
        read_only=spec.read_only,
        additional_constraints=spec.constraint
        + ('' if spec.live or spec.read_only else '; used at the next configure'),
    )
    if spec.range is not None and isinstance(spec.default, float):
        low, high = (float(v) for v in spec.range)
        result.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    elif spec.range is not None and type(spec.default) is int:
        low, high = (int(max(min(v, LARGEST_INTEGER), -LARGEST_INTEGER)) for v in spec.range)
        result.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    return result


class Parameters:
    """The parameters of a node: a fixed list, and the options of model and fallback."""

    def __init__(self, node: Node, specs: Sequence[ParameterSpec]) -> None:
        self._node = node
        self.specs = {spec.name: spec for spec in specs}
        self._fixed = frozenset(self.specs)
        self.refused: dict[str, str] = {}
        for spec in specs:
            self._declare(spec)
        names = str(self['cameras']) if 'cameras' in self.specs else ''
        self.cameras = tuple(names.split(','))  # one without a name, or several
        self._declare_for_cameras()
        self.declare_model_options()

    def _declare_for_cameras(self) -> None:
        """Declare `<camera>.<parameter>` where it was given: it holds for that camera alone."""
        own = {}
        for name in getattr(self._node, '_parameter_overrides', {}):
            camera, _, parameter = name.partition('.')
            spec = self.specs.get(parameter)
            if camera and camera in self.cameras and spec is not None and spec.per_camera:
                own[name] = replace(spec, name=name)
        self.specs |= own
        self._fixed |= frozenset(own)
        for spec in own.values():
            self._declare(spec)

    def _declare(self, spec: ParameterSpec) -> None:
        # What was given at start is looked at without a type first, because rclpy would raise
        # for an integer where a float is declared, and for anything out of range.
        loose = ParameterDescriptor(dynamic_typing=True)
        given: object = self._node.declare_parameter(spec.name, spec.default, loose).value
        self._node.undeclare_parameter(spec.name)
        try:
            value = spec.check(given)
        except DepthError as error:
            self.refused[spec.name] = str(error)
            value = spec.default
        self._node.declare_parameter(spec.name, value, descriptor(spec), ignore_override=True)

    def declare_model_options(self) -> None:
        """Declare the options of the model and of its fallback, and forget those of others."""
        wanted: dict[str, ParameterSpec] = {}
        models = [('', self['model']), (FALLBACK, self['fallback'])]
        if 'refine' in self._fixed:
            models.append((REFINE, self['refine']))
        for prefix, name in models:
            try:
                options = model_options(str(name)) if name else ()
            except DepthError:
                continue  # reported when the model is loaded
            for spec in options:
                wanted[prefix + spec.name] = replace(spec, name=prefix + spec.name)
        current = {n: s for n, s in self.specs.items() if n not in self._fixed}
        for name, spec in current.items():
            if wanted.get(name) != spec:
                self._node.undeclare_parameter(name)
                del self.specs[name]
                self.refused.pop(name, None)
        for name, spec in wanted.items():
            if name not in self.specs:
                self.specs[name] = spec
                self._declare(spec)

    def __getitem__(self, name: str) -> Value:
        value: Value = self._node.get_parameter(name).value
        return value

    def values(self) -> dict[str, Value]:
        """Return every value by name."""
        return {name: self[name] for name in self.specs}

    def values_of(
        self, camera: str, values: Mapping[str, Value] | None = None
    ) -> dict[str, Value]:
        """Return the values as they are for one camera: its own ones come before the shared."""
        values = self.values() if values is None else values
        start = f'{camera}.'
        own = {n.removeprefix(start): v for n, v in values.items() if n.startswith(start)}
        return {**values, **(own if camera else {})}

    def model_options(self) -> dict[str, Any]:
        """Return the options that the model is made with."""
        return self._options(str(self['model']), '')

    def fallback_options(self) -> dict[str, Any]:
        """Return the options that the fallback is made with."""
        return self._options(str(self['fallback']), FALLBACK)

    def refine_options(self) -> dict[str, Any]:
        """Return the options that the model which refines a match is made with."""
        return self._options(str(self['refine']), REFINE)

    def _options(self, model: str, prefix: str) -> dict[str, Any]:
        names = [spec.name for spec in model_options(model)]
        return {name: self[prefix + name] for name in names if prefix + name in self.specs}

    def check(
        self, parameters: Iterable[Parameter], configured: bool
    ) -> tuple[list[Parameter], dict[str, Value]]:
        """
        Return the parameters in their own types, and all values as they would be with them.

        Raises DepthError for what cannot be.
        """
        result, values = [], self.values()
        for parameter in parameters:
            spec = self.specs.get(parameter.name)
            if spec is None:
                if not self._node.has_parameter(parameter.name):
                    name = parameter.name
                    raise DepthError(
                        f'this node has no parameter {quoted(name)}; {self._hint(name)}'
                    )
                result.append(parameter)
                continue
            value = spec.check(parameter.value)
            if spec.read_only:
                raise DepthError(
                    f'parameter {spec.name} can only be given at start; start the node with '
                    f'-p {spec.name}:={quoted(value) if len(str(value)) > 80 else value}'
                )
            if configured and not spec.live and value != values[spec.name]:
                raise DepthError(
                    f'parameter {spec.name} is used when the node is configured; deactivate and '
                    'clean up first, then set it and configure again'
                )
            values[spec.name] = value
            result.append(Parameter(spec.name, value=value))
        for camera in self.cameras:
            check_together(self.values_of(camera, values))
        return result, values

    def accepted(self, names: Iterable[str]) -> None:
        """Follow what was just set."""
        names = set(names)
        for name in names:
            self.refused.pop(name, None)
        if names & {'model', 'fallback', 'refine'}:
            self.declare_model_options()

    def unknown(self) -> list[str]:
        """Return a sentence for each value given at start that no parameter takes."""
        sentences = []
        given: Mapping[str, Any] = getattr(self._node, '_parameter_overrides', {})
        for name in given:
            if not self._node.has_parameter(name) and not name.startswith('qos_overrides.'):
                sentences.append(
                    f'parameter {name} was given but this node has none; {self._hint(name)}'
                )
        return sentences

    def _hint(self, name: str) -> str:
        near = difflib.get_close_matches(name[:100], self.specs, n=1)
        return f'did you mean {near[0]}?' if near else 'see `ros2 param list`'


def check_together(values: Mapping[str, Value]) -> None:
    """Raise DepthError for values that are good alone but not with each other."""
    pipeline_options(values)
    if 'scale.source' in values:
        ScalingSettings.of(values)
        MountSettings.of(values)
    for output in all_outputs():
        if all(spec.name in values for spec in output.parameters):
            output.prepare(values)
