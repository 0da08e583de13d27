# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a texture pattern is, and the table that every pattern enters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

SIZE = 256
Plane = npt.NDArray[Any]  # float, SIZE x SIZE
Rng = np.random.Generator

PATTERNS: dict[str, Callable[[Rng], tuple[Plane, Plane]]] = {}


def pattern(function: Callable[[Rng], tuple[Plane, Plane]]) -> Any:
    """Register a function that draws (a, b), each SIZE x SIZE and 0 to 1, under its name."""
    PATTERNS[function.__name__] = function
    return function
