# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A smooth correction of metric depth where measured points are many.

A model's error is not the same everywhere: one wall comes out too near, one corner too far. The
field is the logarithm of a factor on a coarse grid over the image, and over the logarithm of
depth where `layers` are more than 1, so that it may change at an edge of the depth and only
there. It is regularised towards zero, and it is zero where it does not help on points that were
held back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import is_valid
from depth_ros.metric.robust import middle
from depth_ros.types import FloatImage

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FieldOptions:
    """How fine the field may be, and how much evidence it needs."""

    rows: int = 6
    columns: int = 8
    layers: int = 1  # cells over log depth
    prior: float = 1.0  # points' worth of zeros in every cell
    levels: int = 3  # from the coarsest grid to the finest
    min_points: int = 80
    gain: float = 0.05  # share by which held-back errors must fall
    limit: float = 0.5  # largest logarithm of the factor


@dataclass(frozen=True, eq=False)
class ScaleField:
    """The logarithm of a factor on (layers, rows, columns) nodes; all zero: no correction."""

    logs: npt.NDArray[np.float32]
    near: float = 0.0  # log metres of the first layer
    far: float = 1.0  # log metres of the last layer
    before: float = 0.0  # median |log error| of held-back points without the field
    after: float = 0.0  # and with it

    @property
    def is_zero(self) -> bool:
        return not self.logs.any()


def fit_field(
    depth: FloatImage,
    rows: npt.ArrayLike,
    columns: npt.ArrayLike,
    metres: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    options: FieldOptions | None = None,
) -> ScaleField:
    """
    Return the field that brings metric depth (H, W) closer to metres at points.

    The depth has been fitted to the points as a whole before. Points without depth are ignored,
    and outliers have no influence.
    """
    options = options or FieldOptions()
    zero = ScaleField(np.zeros((options.layers, options.rows, options.columns), np.float32))
    row, column, z = (np.asarray(a, np.float64).ravel() for a in (rows, columns, metres))
    weight = np.ones(z.size) if weights is None else np.asarray(weights, np.float64).ravel()
    height, width = depth.shape
    with np.errstate(invalid='ignore'):
        good = (row > -0.5) & (row < height - 0.5) & (column > -0.5) & (column < width - 0.5)
        good &= is_valid(z) & (weight > 0)
    row, column, z, weight = row[good], column[good], z[good], weight[good]
    at = depth[np.rint(row).astype(np.intp), np.rint(column).astype(np.intp)].astype(np.float64)
    good = is_valid(at)
    if np.count_nonzero(good) < options.min_points:
        return zero
    row, column, z, weight, at = row[good], column[good], z[good], weight[good], at[good]
    error = np.log(z) - np.log(at)
    spread = 1.4826 * middle(np.abs(error - middle(error)))
    keep = np.abs(error) <= np.maximum(5 * spread, 1e-6)
    near, far = np.quantile(np.log(at), (0.02, 0.98)).tolist()
    place = _places(row, column, np.log(at), (height, width), near, far)
    chosen = np.random.default_rng(0).permutation(error.size)
    taught, held = chosen[::2], chosen[1::2]
    taught = taught[keep[taught]]
    trial = _levels(place[taught], error[taught], weight[taught], spread, options)
    before = middle(np.abs(error[held]))
    after = middle(np.abs(error[held] - _sample(trial, place[held])))
    if not after < (1 - options.gain) * before:
        return zero
    logs = _levels(place[keep], error[keep], weight[keep], spread, options)
    limited = np.clip(logs, -options.limit, options.limit).astype(np.float32)
    return ScaleField(limited, near, far, before, after)


def apply_field(field: ScaleField, depth: FloatImage) -> FloatImage:
    """Return depth times the field's factor; what is not valid stays as it is."""
    depth = np.asarray(depth, np.float32)
    if field.is_zero:
        return depth.copy()
    height, width = depth.shape
    planes = [_resized(layer, width, height) for layer in field.logs]
    logs = planes[0]
    if len(planes) > 1:
        last = len(planes) - 1
        log = np.log(np.where(is_valid(depth), depth, np.float32(1)))
        place = (log - np.float32(field.near)) * np.float32(
            last / max(field.far - field.near, 1e-6)
        )
        np.clip(place, 0, last, out=place)
        logs = np.zeros_like(depth)
        for index, plane in enumerate(planes):
            logs += plane * np.maximum(1 - np.abs(place - np.float32(index)), 0)
    with np.errstate(invalid='ignore', over='ignore'):
        return depth * np.exp(logs)


def _places(
    row: Vector, column: Vector, log: Vector, shape: tuple[int, int], near: float, far: float
) -> Vector:
    """Return (n, 3) positions in 0..1: over depth, rows, columns."""
    height, width = shape
    across = (log - near) / max(far - near, 1e-6)
    return np.stack(
        [np.clip(across, 0, 1), row / max(height - 1, 1), column / max(width - 1, 1)], axis=1
    )


def _levels(
    place: Vector, error: Vector, weight: Vector, spread: float, options: FieldOptions
) -> Vector:
    """Return the sum of smooth fields, each of what the coarser ones left."""
    finest = (options.layers, options.rows, options.columns)
    total = np.zeros(finest)
    for level in range(options.levels):
        part = 2.0 ** (level + 1 - options.levels)
        shape = tuple(max(min(2, n), round(n * part)) for n in finest)
        for _ in range(2):  # the second round takes up what the smoothing left
            left = error - _sample(total, place)
            size = max(spread, 1e-9)
            robust = weight * np.maximum(1 - (left / (4 * size)) ** 2, 0) ** 2
            total = total + _enlarged(_smoothed(place, left, robust, shape, options.prior), finest)
    return total


def _smoothed(
    place: Vector, error: Vector, weight: Vector, shape: tuple[int, ...], prior: float
) -> Vector:
    """Return the weighted mean error around each node, drawn towards zero by the prior."""
    flat, parts = _corners(place, shape)
    size = int(np.prod(shape))
    sums, counts = np.zeros(size), np.zeros(size)
    for index, part in zip(flat, parts):
        sums += np.bincount(index, part * weight * error, size)
        counts += np.bincount(index, part * weight, size)
    return (sums / (counts + prior)).reshape(shape)


def _sample(field: Vector, place: Vector) -> Vector:
    """Return the field at positions, interpolated linearly."""
    flat, parts = _corners(place, field.shape)
    values = field.ravel()
    return np.sum([values[i] * p for i, p in zip(flat, parts)], axis=0)


def _corners(
    place: Vector, shape: tuple[int, ...]
) -> tuple[list[npt.NDArray[np.intp]], list[Vector]]:
    """Return the eight nodes around each position, and their shares."""
    flat: list[npt.NDArray[np.intp]] = [np.zeros(len(place), np.intp)]
    parts: list[Vector] = [np.ones(len(place))]
    for axis, count in enumerate(shape):
        position = place[:, axis] * (count - 1)
        low = np.clip(np.floor(position), 0, max(count - 2, 0)).astype(np.intp)
        high = np.minimum(low + 1, count - 1)
        share = position - low
        flat = [f * count + node for f in flat for node in (low, high)]
        parts = [p * s for p in parts for s in (1 - share, share)]
    return flat, parts


def _enlarged(field: Vector, shape: tuple[int, ...]) -> Vector:
    """Return the field on a finer grid with the same corners."""
    axes = [np.linspace(0, 1, n) if n > 1 else np.zeros(1) for n in shape]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, len(shape))
    return _sample(field, grid).reshape(shape)


def _resized(layer: npt.NDArray[np.float32], width: int, height: int) -> FloatImage:
    """Return a layer at image size, its corner nodes on the corner pixels."""
    across = _blend(layer.shape[1], width)
    down = _blend(layer.shape[0], height)
    return down @ (layer @ across.T)


def _blend(nodes: int, pixels: int) -> npt.NDArray[np.float32]:
    """Return the shares (pixels, nodes) of linear interpolation."""
    place = np.linspace(0, nodes - 1, pixels, dtype=np.float32)[:, None]
    return np.maximum(1 - np.abs(place - np.arange(nodes, dtype=np.float32)), 0)
