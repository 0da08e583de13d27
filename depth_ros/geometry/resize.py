# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Resizing depth without inventing surfaces that are not there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, FloatImage


def resize_depth(depth: FloatImage, width: int, height: int) -> FloatImage:
    """Return depth at width x height; planes stay planes, edges stay edges."""
    if width < 1 or height < 1:
        raise DepthError(f'resize to {width}x{height} leaves no pixel; both must be positive')
    rows = _nearest(depth.shape[0], height)
    columns = _nearest(depth.shape[1], width)
    return np.asarray(depth, np.float32)[rows[:, None], columns]


def _nearest(size: int, wanted: int) -> npt.NDArray[np.intp]:
    centre = (np.arange(wanted) + 0.5) * (size / wanted) - 0.5
    return np.clip(np.floor(centre + 0.5), 0, size - 1).astype(np.intp)
