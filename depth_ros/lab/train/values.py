# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A configuration from the names and values in a file, in the types of its defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any, TypeVar

from depth_ros.types import DepthError, quoted

T = TypeVar('T')
Element = Callable[[Any], Any]


def built(
    kind: type[T], values: Any, elements: Mapping[str, Element] | None = None, where: str = ''
) -> T:
    """
    Return a dataclass of nested dictionaries; a name that it does not have is refused.

    :param elements: what converts the elements of tuples that do not hold text, by dotted name.
    :param where: the dotted name of the values themselves, with its dot.
    """
    if not isinstance(values, Mapping):
        raise DepthError(
            f'{where[:-1] or "the configuration"} is {type(values).__name__}, '
            'expected names with values'
        )
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    made: dict[str, Any] = {field.name: _default(field) for field in fields}
    for name, value in values.items():
        place = f'{where}{name}'
        if name not in made:
            raise DepthError(f'{place[:80]} is not known; expected one of {", ".join(made)}')
        default = made[name]
        if dataclasses.is_dataclass(default):
            made[name] = built(type(default), value, elements, f'{place}.')
        else:
            element = (elements or {}).get(place, text)
            made[name] = converted(place, value, default, element)
    return kind(**made)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return '' if field.default is MISSING else field.default  # what must be given is text


def text(value: Any) -> str:
    """Return a value that is text; TypeError for others."""
    if not isinstance(value, str):
        raise TypeError
    return value


def converted(place: str, value: Any, default: Any, element: Element = text) -> Any:
    """
    Return the value in the type of its default; YAML reads 1e-3 as text and 5 as int.

    :param place: its name, for the error. :param element: converts the elements of a tuple.
    """
    try:
        if isinstance(default, tuple) and isinstance(value, list):
            return tuple(map(element, value))
        if isinstance(default, bool) or isinstance(value, bool):
            if type(value) is type(default):
                return value
        elif isinstance(default, float):
            return float(value)
        elif isinstance(default, int):
            if int(value) == value:
                return int(value)
        elif isinstance(value, type(default)):
            return value
    except (TypeError, ValueError, OverflowError):
        pass
    raise DepthError(f'{place} is {quoted(value)}, expected {type(default).__name__}')
