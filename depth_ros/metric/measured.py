# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points measured in metres, with the values of a prediction at their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import is_valid
from depth_ros.metric.robust import Problem
from depth_ros.types import DepthError, DepthKind, FloatImage

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

INVERSE_KINDS = (DepthKind.AFFINE_INVERSE, DepthKind.DISPARITY)
COARSE = 20  # rows and columns at which the uncertainty is looked at
CELLS = 8  # points of one cell of an 8x8 grid on the image may share an error
FARTHEST = 0.01  # share of the values that lie beyond the one that is taken for infinity
EDGE = 0.05  # relative step to a neighbour that halves the weight of a point
FEW = 20  # points of which none is given less weight for an edge


@dataclass(frozen=True, eq=False)
class MeasuredPoints:
    """The usable points of a fit, with what the prediction says there."""

    kind: DepthKind
    usable: Mask  # one for each point given
    value: Vector
    metres: Vector
    weights: Vector
    cells: Indices
    seen: Vector  # values of a coarse grid over the image

    @property
    def given(self) -> int:
        return self.usable.size

    @property
    def count(self) -> int:
        return self.value.size

    @classmethod
    def read(
        cls, values: FloatImage, kind: DepthKind, rows: npt.ArrayLike, columns: npt.ArrayLike,
        metres: npt.ArrayLike, weights: npt.ArrayLike | None,
    ) -> MeasuredPoints:  # fmt: skip
        if values.ndim != 2 or values.size == 0:
            raise DepthError(
                f'values have shape {values.shape}, expected (height, width), not empty'
            )
        row, column, depth = (np.asarray(a, np.float64).ravel() for a in (rows, columns, metres))
        weight = np.ones(depth.size) if weights is None else np.asarray(weights, np.float64)
        weight = weight.ravel()
        if not row.size == column.size == depth.size == weight.size:
            raise DepthError(
                f'{row.size} rows, {column.size} columns, {depth.size} metres and {weight.size} '
                'weights were given, expected as many of each'
            )
        height, width = values.shape
        with np.errstate(invalid='ignore'):
            usable = (row > -0.5) & (row < height - 0.5) & (column > -0.5) & (column < width - 0.5)
            usable &= is_valid(depth) & (weight > 0) & np.isfinite(weight)
        at = np.flatnonzero(usable)
        r, c = np.rint(row[at]).astype(np.intp), np.rint(column[at]).astype(np.intp)
        value = values[r, c].astype(np.float64)
        good = np.isfinite(value) if kind in INVERSE_KINDS else is_valid(value)
        usable[at[~good]] = False
        at, r, c, value = at[good], r[good], c[good], value[good]
        weight = weight[at]
        if weight.size:
            weight = weight * _flatness(values, kind, r, c, value)
            weight = weight / weight.mean()
        cells = r * CELLS // height * CELLS + c * CELLS // width
        coarse = values[:: max(1, height // COARSE), :: max(1, width // COARSE)].ravel()
        coarse = coarse[np.isfinite(coarse) if kind in INVERSE_KINDS else is_valid(coarse)]
        seen = coarse.astype(np.float64) if coarse.size else value
        return cls(kind, usable, value, depth[at], weight, cells, seen)

    def farthest(self) -> float:
        """Return the value that is taken for infinitely far where nothing else is known."""
        if self.kind not in INVERSE_KINDS:
            return 0.0
        return min(float(np.quantile(self.seen, FARTHEST)), 0.0)

    def problem(self, shift: float | None, farthest: float = 0.0) -> Problem:
        """Return the equations; shift None: it is an unknown."""
        if self.kind is DepthKind.METRIC:
            ratio = np.log(self.metres) - np.log(self.value)
            one = np.ones((self.count, 1))
            return Problem(one, ratio, self.weights, one[:, 0], constant_noise=False)
        inverse = self.kind in INVERSE_KINDS
        target = 1 / self.metres if inverse else self.metres
        columns = [self.value - farthest]
        if shift is None:
            columns.append(np.ones(self.count))
        known = shift or 0.0
        size = None if inverse else target
        return Problem(np.stack(columns, axis=1), target - known, self.weights, size, known)


def _flatness(
    values: FloatImage, kind: DepthKind, row: Indices, column: Indices, value: Vector
) -> Vector:
    """
    Return a weight of each point, small where the prediction has an edge beside it.

    There a pixel's offset between the prediction and the point changes the depth.
    """
    if value.size < FEW:
        return np.ones(value.size)
    height, width = values.shape
    r = np.stack([np.maximum(row - 1, 0), np.minimum(row + 1, height - 1), row, row])
    c = np.stack([column, column, np.maximum(column - 1, 0), np.minimum(column + 1, width - 1)])
    around = np.abs(values[r, c] - value)
    spread = np.nan_to_num(around, nan=0.0, posinf=0.0).max(axis=0)
    if kind in INVERSE_KINDS:
        low, high = np.partition(value, (value.size // 20, value.size - 1 - value.size // 20))[
            [value.size // 20, value.size - 1 - value.size // 20]
        ].tolist()
        relative = spread / max(high - low, 1e-300)
    else:
        relative = spread / value
    return 1 / (1 + (relative / EDGE) ** 2)
