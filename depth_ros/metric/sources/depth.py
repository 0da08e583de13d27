# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Metres from a registered depth image of the same view, sparse or of low resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.edges import split_cells
from depth_ros.metric.fit import FitOptions
from depth_ros.metric.source import Points, range_weights
from depth_ros.types import DepthError, FloatImage, Prediction


@dataclass(frozen=True)
class DepthOptions:
    """Which depth pixels count, and how much."""

    min_range: float = 0.0  # metres
    max_range: float = math.inf  # metres
    noise: float = 0.01  # relative standard deviation up close
    noise_per_metre: float = 0.002  # what each metre adds to it
    edge: float = 0.1  # relative step to a neighbour that makes a pixel an edge; 0: keep edges
    max_points: int = 1000
    fit: FitOptions = field(default_factory=lambda: FitOptions(shared_error=0.005))


def depth_points(
    depth: FloatImage, width: int, height: int, options: DepthOptions | None = None
) -> Points:
    """
    Return points of an image of width x height from metres of the same view, any resolution.

    Pixels are areas: both images show the same field of view. Pixels on depth edges are left
    out where their neighbours show the edge; pixels without neighbours are kept.
    """
    options = options or DepthOptions()
    depth = np.asarray(depth, np.float32)
    if depth.ndim != 2 or depth.size == 0:
        raise DepthError(f'depth has shape {depth.shape}, expected (height, width), not empty')
    with np.errstate(invalid='ignore'):
        good = is_valid(depth) & (depth >= options.min_range) & (depth <= options.max_range)
    if options.edge > 0 and min(depth.shape) > 1:
        good &= ~_on_edge(np.where(good, depth, np.float32(np.nan)), options.edge)
    rows, columns = np.nonzero(good)
    metres = depth[good].astype(np.float64)
    points = Points(
        (rows + 0.5) * (height / depth.shape[0]) - 0.5,
        (columns + 0.5) * (width / depth.shape[1]) - 0.5,
        metres,
        range_weights(metres, options.noise, options.noise_per_metre),
    )
    return points.thinned(options.max_points)


def _on_edge(depth: FloatImage, step: float) -> np.ndarray:
    """Return which pixels touch a cell of four known pixels that is not one surface."""
    known = np.isfinite(depth)
    cells = known[:-1, :-1] & known[:-1, 1:] & known[1:, :-1] & known[1:, 1:]
    cells &= split_cells(depth, step)
    edge = np.zeros(depth.shape, np.bool_)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            edge[rows, columns] |= cells
    return edge


class DepthSource:
    """Metres from a registered depth image."""

    name = 'depth'

    def __init__(self, options: DepthOptions | None = None) -> None:
        self.options = options or DepthOptions()
        self.fit_options = self.options.fit

    def measure(self, reading: FloatImage, prediction: Prediction) -> Points:
        """Return points from a depth image in metres."""
        camera = prediction.camera
        return depth_points(reading, camera.width, camera.height, self.options)
