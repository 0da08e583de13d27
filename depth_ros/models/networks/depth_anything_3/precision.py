# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The precision of outputs and geometry, which half precision is too coarse for."""

from __future__ import annotations

from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """Return the values in float32, or as they are where they are float64."""
    return x.float() if x.element_size() < 4 else x
