# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How close two point clouds are: accuracy, completeness, F-score, Chamfer distance."""

from __future__ import annotations

import importlib.util

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError

Values = npt.NDArray[np.float64]
PAIRS = 1 << 21  # distances held in memory at a time
BLOCK = 1 << 16  # the same where they all fit the cache


def nearest_distances(
    points: npt.ArrayLike, reference: npt.ArrayLike, method: str = 'auto'
) -> Values:
    """
    Return for every point (N, 3) the distance to the nearest of reference (M, 3).

    :param method: 'scipy' (a k-d tree), 'grid' (NumPy alone, the same result), or 'auto'.
    """
    a, b = _cloud(points, 'points'), _cloud(reference, 'reference')
    if len(b) == 0:
        return np.full(len(a), np.inf)
    if method == 'auto':
        method = 'scipy' if importlib.util.find_spec('scipy') else 'grid'
    if method == 'scipy':
        from scipy.spatial import cKDTree  # optional, and faster

        return np.asarray(cKDTree(b).query(a)[0])
    if method != 'grid':
        raise DepthError(f'method is {method!r}, expected auto, scipy or grid')
    return _by_grid(a, b)


def _cloud(points: npt.ArrayLike, what: str) -> Values:
    array = np.asarray(points, np.float64)
    if array.ndim < 2 or array.shape[-1] != 3:
        raise DepthError(f'{what} have shape {array.shape}, expected (..., 3)')
    array = array.reshape(-1, 3)
    return array[np.isfinite(array).all(axis=1)]


def _by_grid(points: Values, reference: Values) -> Values:
    """
    Search cells of a grid, and where they hold nothing near, again with cells twice as large.

    Within a cell and its neighbours everything closer than one cell is found, so that a distance
    up to the size of a cell is final.
    """
    best = np.full(len(points), np.inf)
    origin = reference.min(axis=0)
    extent = float((reference.max(axis=0) - origin).max())
    reach = float(np.abs(points - origin).max()) if len(points) else 0.0
    size = max(extent, 1e-9 * reach, 1e-12) / max(1.0, np.sqrt(len(reference)))
    open_points = np.arange(len(points))
    while len(open_points):
        found = _nearest_in_neighbours(points[open_points], reference, origin, size)
        # Rounding must not make a distance final that a neighbour's neighbour beats.
        done = found <= size * (1 - 1e-9)
        best[open_points[done]] = found[done]
        open_points = open_points[~done]
        size *= 2
        if size > 2 * max(extent, 1e-12) and len(open_points):
            best[open_points] = _brute_force(points[open_points], reference)
            break
    return best


def _nearest_in_neighbours(
    points: Values, reference: Values, origin: Values, size: float
) -> Values:
    """Return the distance to the nearest reference in the 27 cells around each point."""
    cells = np.floor((reference - origin) / size).astype(np.int64)
    count = cells.max(axis=0) + 1
    strides = np.array([count[1] * count[2], count[2], 1])
    keys = cells @ strides
    order = np.argsort(keys, kind='stable')
    keys, ordered = keys[order], reference[order]
    # Points far outside have no neighbours; clipping keeps their cells from overflowing.
    own = np.clip(np.floor((points - origin) / size), -2, count + 1).astype(np.int64)
    best = np.full(len(points), np.inf)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            # The three cells in a row lie one after the other.
            cell = own + np.array([dx, dy, 0])
            low, high = np.maximum(cell[:, 2] - 1, 0), np.minimum(cell[:, 2] + 1, count[2] - 1)
            inside = (low <= high) & ((cell[:, :2] >= 0) & (cell[:, :2] < count[:2])).all(axis=1)
            row = np.where(inside, cell[:, 0] * strides[0] + cell[:, 1] * strides[1], 0)
            start = np.searchsorted(keys, row + low, 'left')
            stop = np.searchsorted(keys, row + high, 'right')
            _take_nearest(points, ordered, start, np.where(inside, stop, start), best)
    return best


def _take_nearest(
    points: Values,
    reference: Values,
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
    best: Values,
) -> None:
    """Lower best to the nearest of reference[start:stop] of each point."""
    lengths = stop - start
    queries = np.flatnonzero(lengths > 0)
    if not len(queries):
        return
    ends = np.cumsum(lengths[queries])
    first = 0
    while first < len(queries):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + PAIRS, 'right')))
        chunk = queries[first:last]
        many = lengths[chunk]
        heads = np.cumsum(many) - many
        index = np.arange(int(many.sum())) - np.repeat(heads - start[chunk], many)
        difference = reference[index] - np.repeat(points[chunk], many, axis=0)
        squared = np.einsum('ij,ij->i', difference, difference)
        best[chunk] = np.minimum(best[chunk], np.sqrt(np.minimum.reduceat(squared, heads)))
        first = last


def _brute_force(points: Values, reference: Values) -> Values:
    """Return the nearest distances by looking at every pair."""
    best = np.full(len(points), np.inf)
    width = min(len(reference), BLOCK)
    height = max(1, BLOCK // width)
    for top in range(0, len(points), height):
        some = points[top : top + height]
        for left in range(0, len(reference), width):
            squared: Values | float = 0.0
            for axis in range(3):
                squared = (
                    squared + (some[:, axis, None] - reference[left : left + width, axis]) ** 2
                )
            near = np.sqrt(np.min(squared, axis=1))
            best[top : top + height] = np.minimum(best[top : top + height], near)
    return best


def cloud_metrics(
    predicted: npt.ArrayLike,
    truth: npt.ArrayLike,
    threshold: float = 0.05,
    method: str = 'auto',
) -> dict[str, float]:
    """
    Return how close two clouds (..., 3) are, in their unit; NaN and infinite points do not count.

    accuracy is the mean distance from prediction to truth, completeness from truth to prediction,
    chamfer their mean. precision and recall are the shares of those distances below the
    threshold, f_score their harmonic mean. Truth without points has no metrics (NaN); a prediction
    without points has recall and f_score 0 and is infinitely far.
    """
    if not threshold > 0:
        raise DepthError(f'threshold is {threshold:g}, expected a distance above 0')
    there = nearest_distances(predicted, truth, method)
    back = nearest_distances(truth, predicted, method)
    if not len(back):
        names = ('accuracy', 'completeness', 'chamfer', 'precision', 'recall', 'f_score')
        return dict.fromkeys(names, float('nan'))
    nothing = not len(there)
    accuracy = float('inf') if nothing else float(there.mean())
    completeness = float(back.mean())
    precision = 0.0 if nothing else float(np.mean(there < threshold))
    recall = float(np.mean(back < threshold))
    both = precision + recall
    return {
        'accuracy': accuracy,
        'completeness': completeness,
        'chamfer': (accuracy + completeness) / 2,
        'precision': precision,
        'recall': recall,
        'f_score': 2 * precision * recall / both if both else 0.0,
    }
