# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Give a prediction the metres that a sensor would give it, and say by how much they are wrong.

The sensor is simulated from the truth of the frame: 200 of its pixels with 1 % of noise, or the
ground below the camera. Nothing is aligned to the truth after that.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from depth_ros.geometry.depth_values import is_valid
from depth_ros.lab.eval.frames import Frame
from depth_ros.lab.eval.ground import ground_in_truth
from depth_ros.metric.fit import apply_to
from depth_ros.metric.source import fit_source
from depth_ros.metric.sources.depth import DepthSource
from depth_ros.metric.sources.ground import GroundSource, Mount
from depth_ros.types import DepthError, DepthKind, FloatImage, Ground, Prediction

SOURCES = ('points', 'ground')
POINTS = 200
NOISE = 0.01  # relative, of a measured point
FARTHEST = 80.0  # metres, of points and of the error of scale


class Rescaled(NamedTuple):
    """A prediction in metres, with the relative error of its scale before and after."""

    prediction: Prediction
    before: float  # NaN where the prediction had no metres
    after: float


def rescaled(prediction: Prediction, frame: Frame, source: str) -> Rescaled:
    """Return the prediction in the metres of a simulated source; DepthError where it has none."""
    if frame.depth is None:
        raise DepthError(
            f'frame {frame.name} has no depth as its truth, expected metres that a sensor could '
            'have measured; leave --scale out'
        )
    if prediction.kind is DepthKind.DISPARITY:
        raise DepthError('a stereo model has its scale by the baseline; leave --scale out')
    before = math.nan
    if prediction.is_metric:
        before = scale_error(prediction.values, frame.depth)
    if source == 'points':
        reading = _points(frame.depth, frame.name)
        fit = fit_source(DepthSource(), reading, prediction)
    elif source == 'ground':
        fit = fit_source(GroundSource(), _mount(frame), prediction)
    else:
        raise DepthError(f'--scale is {source!r}, expected one of {", ".join(SOURCES)}')
    made = apply_to(fit, prediction)
    return Rescaled(made, before, scale_error(made.values, frame.depth))


def scale_error(depth: FloatImage, truth: FloatImage) -> float:
    """Return by how much depth is too large as a whole: the median ratio to the truth, less 1."""
    if depth.shape != truth.shape:
        rows = np.arange(truth.shape[0]) * depth.shape[0] // truth.shape[0]
        columns = np.arange(truth.shape[1]) * depth.shape[1] // truth.shape[1]
        depth = depth[np.ix_(rows, columns)]
    both = is_valid(depth) & is_valid(truth) & (truth <= FARTHEST)
    return float(np.median(depth[both] / truth[both])) - 1 if both.any() else math.nan


def _points(truth: FloatImage, name: str) -> FloatImage:
    """Return a depth image with some of the truth's pixels; the same frame has the same ones."""
    rng = np.random.default_rng(sum(name.encode()))
    rows, columns = np.nonzero(is_valid(truth) & (truth <= FARTHEST))
    chosen = rng.permutation(rows.size)[:POINTS]
    sparse = np.full(truth.shape, np.nan, np.float32)
    rows, columns = rows[chosen], columns[chosen]
    sparse[rows, columns] = truth[rows, columns] * (1 + rng.normal(0, NOISE, rows.size))
    return sparse


def _mount(frame: Frame) -> Mount:
    ground: Ground | None = frame.ground
    if ground is None and frame.depth is not None:
        ground = ground_in_truth(frame.depth, frame.camera)
    if ground is None:
        raise DepthError(
            f'frame {frame.name} knows no ground below the camera and none is seen in its truth'
        )
    x, y, z = ground.down.tolist()
    return Mount(ground.height, math.asin(min(max(z, -1.0), 1.0)), math.atan2(x, y))
