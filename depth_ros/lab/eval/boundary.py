# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How sharply a depth map follows the edges of things: the F1 score of occluding boundaries.

After "Depth Pro" (Bochkovskii et al., 2024). Two neighbouring pixels, side by side or one above
the other, hold a boundary at threshold t where the one is farther than the other by more than the
factor t; which of the two is in front belongs to it. Precision is the share of predicted
boundaries that the truth has as well, recall the share of true ones that were predicted, pooled
over all neighbours. The score is the mean of F1 over ten thresholds from 1.05 to 1.25, weighted by
the threshold. Ratios only: it needs no alignment in scale.

Only neighbours whose truth is known on both sides are judged. A true boundary at which the
prediction is empty counts as missed. Sparse truth, such as LiDAR, has too few neighbours to show
a boundary and gets no score.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import is_valid, valid_or_nan
from depth_ros.types import FloatImage

THRESHOLDS = np.linspace(1.05, 1.25, 10)
DENSE = 0.5  # share of neighbours that must be known for truth to show its boundaries


def _log_steps(log_depth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the steps to the right and to the lower neighbour, one after the other."""
    return np.concatenate([np.diff(log_depth, axis=1).ravel(), np.diff(log_depth, axis=0).ravel()])


def boundary_f1(
    prediction: FloatImage, truth: FloatImage, thresholds: npt.ArrayLike = THRESHOLDS
) -> float:
    """
    Return the score in 0..1; NaN where the truth is sparse or has no boundary.

    :param prediction: depth HxW, not finite where nothing is known. :param truth: the same.
    """
    limits = np.asarray(thresholds, np.float64).ravel()
    with np.errstate(divide='ignore', invalid='ignore'):
        predicted = _log_steps(np.log(_known(prediction)))
        true = _log_steps(np.log(_known(truth)))
    judged = np.isfinite(true)
    known = np.count_nonzero(is_valid(truth))
    if np.count_nonzero(judged) < DENSE * 2 * known:  # each pixel could have two neighbours
        return float('nan')
    predicted, true = np.nan_to_num(predicted[judged]), true[judged]
    if true.size == 0 or np.abs(true).max() <= np.log(limits.min()):
        return float('nan')
    scores = []
    for limit in np.log(limits):
        p, t = _sides(predicted, limit), _sides(true, limit)
        hits = np.count_nonzero((p == t) & (t != 0))
        found, wanted = np.count_nonzero(p), np.count_nonzero(t)
        scores.append(2 * hits / (found + wanted) if found + wanted else np.nan)
    defined = np.isfinite(scores)
    return float(np.average(np.array(scores)[defined], weights=limits[defined]))


def _known(depth: FloatImage) -> npt.NDArray[np.float64]:
    return valid_or_nan(depth).astype(np.float64)


def _sides(steps: npt.NDArray[np.float64], limit: float) -> npt.NDArray[np.int8]:
    """Return +1 where the first pixel is in front, -1 where the second is, 0 without an edge."""
    return (steps > limit).astype(np.int8) - (steps < -limit).astype(np.int8)
