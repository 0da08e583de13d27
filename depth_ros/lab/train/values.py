# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Values of a configuration in the types of their defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from depth_ros.types import DepthError, quoted


def text(value: Any) -> str:
    """Return a value that is text; TypeError for others."""
    if not isinstance(value, str):
        raise TypeError
    return value


def converted(place: str, value: Any, default: Any, element: Callable[[Any], Any] = text) -> Any:
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
