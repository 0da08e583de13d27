# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Loops that numba compiles, where it is installed.

Numba is optional: each caller of a compiled loop has another way that gives the same numbers in
more time. DEPTH_ROS_NUMBA=off leaves numba alone.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Any


def wanted() -> bool:
    """Return whether loops are to be compiled here."""
    if os.environ.get('DEPTH_ROS_NUMBA', '').lower() in ('off', '0', 'false'):
        return False
    return importlib.util.find_spec('numba') is not None


def compile_loop(
    function: Callable[..., Any], result: str, *arguments: tuple[str, int, bool] | str
) -> Callable[..., Any] | None:
    """
    Return the function compiled for these types, or None where numba is missing, broken or off.

    A type is a name such as 'float32', or for a contiguous array its name, number of dimensions
    and whether it is only read.
    """
    if not wanted():
        return None
    for cache in (True, False):  # without a place to keep what is compiled: at every start
        try:
            return _compile(function, result, arguments, cache)
        except Exception:  # a numba that does not fit this NumPy must not cost more than time
            continue
    return None


def _compile(
    function: Callable[..., Any],
    result: str,
    arguments: tuple[tuple[str, int, bool] | str, ...],
    cache: bool,
) -> Callable[..., Any]:
    import numba
    from numba import types

    def kind(argument: tuple[str, int, bool] | str) -> Any:
        if isinstance(argument, str):
            return getattr(types, argument)
        name, dimensions, readonly = argument
        return types.Array(getattr(types, name), dimensions, 'C', readonly=readonly)

    signature = getattr(types, result)(*map(kind, arguments))
    options: dict[str, Any] = {'nogil': True, 'error_model': 'numpy', 'cache': cache}
    compiled: Callable[..., Any] = numba.njit(signature, **options)(function)
    return compiled
