# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Resizing depth without inventing surfaces that are not there.

Inverse depth is interpolated, because that is what is linear on a plane: planes come out exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.edges import inverse_depth, split_cells
from depth_ros.types import DepthError, FloatImage

Indices = npt.NDArray[np.intp]
_STEP = 0.05  # relative difference of neighbouring depths from which they may be an edge
_BLOCK = 30_000  # pixels worked on at a time: what is computed must still be in the cache


def resize_depth(depth: FloatImage, width: int, height: int) -> FloatImage:
    """
    Return depth at width x height, float32; pixels are areas, as in resize_camera.

    Between four pixels of one surface inverse depth is interpolated (at the border continued).
    Where they straddle an edge, or any of them is NaN or infinite, the nearest pixel is taken as
    it is: nothing is averaged across an edge and no invalid value spreads. An edge is a step of
    more than 5 % that the slope on neither side continues.
    """
    depth = np.asarray(depth, np.float32)
    if depth.ndim != 2 or depth.size == 0:
        raise DepthError(f'depth has shape {depth.shape}, expected (height, width), not empty')
    if width < 1 or height < 1:
        raise DepthError(f'resize to {width}x{height} leaves no pixel; both must be positive')
    if depth.shape == (height, width):
        return depth.copy()
    rows, columns = _sample(depth.shape[0], height), _sample(depth.shape[1], width)
    if min(depth.shape) < 2:
        return _gather(depth, rows.nearest, columns.nearest)
    inverse, split = inverse_depth(depth), split_cells(depth, _STEP)
    result = np.empty((height, width), np.float32)
    band = max(1, _BLOCK // width)
    for start in range(0, height, band):
        part = rows.part(slice(start, start + band))
        top, bottom = inverse[part.first], inverse[part.first + 1]
        lines = top + (bottom - top) * part.weight[:, None]
        left, right = lines.take(columns.first, 1), lines.take(columns.first + 1, 1)
        mixed = left + (right - left) * columns.weight
        # A plane continued at the border may pass the horizon.
        keep = _gather(split, part.first, columns.first) | ~(mixed > 0)
        target = result[start : start + band]
        with np.errstate(divide='ignore', invalid='ignore'):
            np.divide(np.float32(1), mixed, out=target)
        np.copyto(target, _gather(depth, part.nearest, columns.nearest), where=keep)
    return result


class _Sample(NamedTuple):
    """Where the pixels of a new axis lie on the old one."""

    first: Indices  # the lower of the two neighbours
    weight: FloatImage  # of the upper one; beyond 0..1 in the half pixel outside the centres
    nearest: Indices

    def part(self, some: slice) -> _Sample:
        return _Sample(self.first[some], self.weight[some], self.nearest[some])


def _gather(image: np.ndarray, rows: Indices, columns: Indices) -> np.ndarray:
    return image[rows].take(columns, 1)  # take, unlike an index, keeps rows together in memory


def _sample(size: int, wanted: int) -> _Sample:
    centre = (np.arange(wanted) + 0.5) * (size / wanted) - 0.5
    first = np.clip(np.floor(centre), 0, max(size - 2, 0)).astype(np.intp)
    nearest = np.clip(np.floor(centre + 0.5), 0, size - 1).astype(np.intp)
    return _Sample(first, (centre - first).astype(np.float32), nearest)
