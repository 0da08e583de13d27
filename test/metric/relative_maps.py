# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Relative predictions made from true depth, and points measured in it."""

from __future__ import annotations

import cv2
import numpy as np

from depth_ros.types import DepthKind


def relative(depth, rng, kind=DepthKind.AFFINE_INVERSE, noise=0.0, blur=0.0, bias=0.0):
    """
    Return values of a kind (float32 HxW) with noise, blur (px) and local bias, and their map.

    noise is relative to the median inverse depth, bias to the inverse depth itself. The map is
    (scale, shift), as fit_affine should find it.
    """
    known = np.isfinite(depth) & (depth > 0)
    inverse = np.where(known, 1 / np.where(known, depth, 1), 0.0)
    typical = float(np.median(inverse[known]))
    valid = known | np.isposinf(depth)
    if blur:
        mass = cv2.GaussianBlur(valid.astype(np.float64), (0, 0), blur)
        inverse = cv2.GaussianBlur(inverse * valid, (0, 0), blur) / np.maximum(mass, 1e-6)
    if bias:
        size = depth.shape[::-1]
        field = cv2.resize(rng.normal(0, bias, (4, 4)), size, interpolation=cv2.INTER_CUBIC)
        inverse = inverse * (1 + field)
    inverse = inverse + rng.normal(0, noise * typical, depth.shape) if noise else inverse
    gain = float(np.exp(rng.uniform(-2, 4)))
    if kind is DepthKind.AFFINE_INVERSE:
        shift = float(rng.uniform(-1, 1)) * gain * typical
        values, fit = gain * inverse + shift, (1 / gain, -shift / gain)
    else:
        with np.errstate(divide='ignore'):
            values, fit = gain / np.maximum(inverse, 1e-4 * typical), (1 / gain, 0.0)
    return np.where(valid, values, np.nan).astype(np.float32), fit


def sampled(depth, count, rng, outliers=0.0):
    """Return rows, columns and metres of random pixels, a share of them replaced by nonsense."""
    rows, columns = np.nonzero(np.isfinite(depth) & (depth > 0))
    chosen = rng.choice(rows.size, count, replace=rows.size < count)
    rows, columns = rows[chosen], columns[chosen]
    metres = depth[rows, columns].astype(np.float64)
    wrong = rng.random(count) < outliers
    low, high = np.log(metres.min()), np.log(metres.max())
    metres[wrong] = np.exp(rng.uniform(low, high, np.count_nonzero(wrong)))
    return rows, columns, metres


def abs_rel(depth, truth, farthest=100.0):
    """Return the mean relative error where the truth is known, depth cut at the farthest."""
    known = np.isfinite(truth) & np.isfinite(np.where(np.isposinf(depth), 0, depth))
    cut = np.minimum(depth[known], farthest)
    return float(np.mean(np.abs(cut - truth[known]) / truth[known]))


def scale_error(depth, truth):
    """Return by how much depth is too large as a whole: the median ratio, less 1."""
    known = np.isfinite(truth) & np.isfinite(depth) & (truth < 80)
    return float(np.median(depth[known] / truth[known])) - 1
