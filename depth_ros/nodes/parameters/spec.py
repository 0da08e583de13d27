# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One parameter of a node, as data: name, default, meaning, what is allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from depth_ros.types import DepthError

Value = bool | int | float | str
ANY = math.inf

_NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')
_KIND = {bool: 'true or false', int: 'an integer', float: 'a number', str: 'a text'}


@dataclass(frozen=True)
class ParameterSpec:
    """
    One parameter.

    :param live: it may be changed while the node runs; otherwise only before `configure`.
    :param read_only: it can only be given at start.
    :param names: a list of names, which is kept as a text with commas.
    :param per_camera: one of several cameras may have a value of its own.
    """

    name: str
    default: Value
    description: str
    range: tuple[float, float] | None = None
    choices: tuple[Value, ...] | None = None
    read_only: bool = False
    live: bool = True
    names: bool = False
    per_camera: bool = True

    def check(self, value: object) -> Value:
        """Return the value in the parameter's own type, or say what was expected instead."""
        kind = type(self.default)
        if self.names:
            value = self._joined(value)
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

    def _joined(self, value: object) -> object:
        """Return a list of names, or a text with commas, as a text with commas."""
        if isinstance(value, str):
            value = [part.strip() for part in value.split(',')] if value.strip() else []
        if not isinstance(value, (list, tuple)):
            return value
        good = all(isinstance(name, str) and _NAME.fullmatch(name) for name in value)
        if not good or len(set(value)) < len(value):
            raise DepthError(f'{self._expected()}, got {_shown(value)}; {self._remedy()}')
        return ','.join(value)

    @property
    def constraint(self) -> str:
        """What is allowed, in words."""
        if self.names:
            return 'different names of letters, digits and _, as [front, left]'
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
    """Return a value as it is written in YAML, cut where it is long."""
    if value is None:
        return 'nothing'
    if isinstance(value, float) and math.isinf(value):
        return '.inf' if value > 0 else '-.inf'
    text = f'{value!r}'
    return text if len(text) <= 80 else f'{text[:77]}...'


def configured(name: str, default: Value, description: str, **rest: object) -> ParameterSpec:
    """Return a parameter that is used at the next configure."""
    return ParameterSpec(name, default, description, live=False, **rest)  # type: ignore[arg-type]


def checked(specs: Iterable[ParameterSpec], values: Mapping[str, object]) -> dict[str, Value]:
    """Return every parameter's checked value; what is not given has its default."""
    return {spec.name: spec.check(values.get(spec.name, spec.default)) for spec in specs}
