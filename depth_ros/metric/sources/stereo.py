# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metres from the confident pixels of a stereo match, for a sharp prediction of the left view.

The mono prediction fills the holes of the match and keeps its own edges; the match gives it
metres, as a whole and place by place.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.disparity import prediction_to_depth
from depth_ros.metric.fit import Fit, FitOptions, apply_to
from depth_ros.metric.scale_field import FieldOptions, ScaleField, apply_field, fit_field
from depth_ros.metric.source import MODEL, Points, fit_points
from depth_ros.types import DepthError, DepthKind, Prediction


@dataclass(frozen=True)
class StereoOptions:
    """Which matches count, and how much."""

    min_confidence: float = 0.6
    min_share: float = 0.03  # of the pixels: noise matches as well, here and there
    noise: float = 0.25  # px, standard deviation of a disparity
    edge: float = 1.0  # px, a step to a neighbour that makes a pixel an edge; 0: keep edges
    max_range: float = math.inf  # metres
    max_points: int = 4000
    fit: FitOptions = field(default_factory=lambda: FitOptions(shared_error=0.01))
    field: FieldOptions = field(
        default_factory=lambda: FieldOptions(rows=9, columns=12, layers=6, levels=3)
    )


def stereo_points(match: Prediction, options: StereoOptions | None = None) -> Points:
    """Return the confident pixels of a stereo match as points of its left view."""
    options = options or StereoOptions()
    if match.kind is not DepthKind.DISPARITY or not match.is_metric:
        raise DepthError(
            f'the match is {match.kind.value} with baseline {match.baseline:g} m, expected a '
            'disparity with a baseline above 0; check P of the right camera_info'
        )
    depth = prediction_to_depth(match)
    with np.errstate(invalid='ignore'):
        good = is_valid(depth) & (depth <= options.max_range)
        if match.confidence is not None:
            good &= match.confidence >= options.min_confidence
    if options.edge > 0:
        good &= ~_near_step(match.values, options.edge)
    share = float(good.mean())
    if share < options.min_share:
        raise DepthError(
            f'{share:.1%} of the pixels have a sure match, expected at least '
            f'{options.min_share:.0%}; check texture, exposure and the calibration of the pair'
        )
    rows, columns = np.nonzero(good)
    disparity = match.values[good].astype(np.float64)
    relative = options.noise / disparity
    weights = MODEL**2 / (MODEL**2 + relative * relative)
    if match.confidence is not None:
        weights = weights * match.confidence[good]
    metres = depth[good].astype(np.float64)
    points = Points(rows.astype(np.float64), columns.astype(np.float64), metres, weights)
    return points.thinned(options.max_points)


def _near_step(disparity: np.ndarray, step: float) -> np.ndarray:
    """Return which pixels differ from a known neighbour by more than a step."""
    near = np.zeros(disparity.shape, np.bool_)
    with np.errstate(invalid='ignore'):
        across = np.abs(np.diff(disparity, axis=1)) > step
        down = np.abs(np.diff(disparity, axis=0)) > step
    near[:, 1:] |= across
    near[:, :-1] |= across
    near[1:] |= down
    near[:-1] |= down
    return near


def refine_with_stereo(
    prediction: Prediction, match: Prediction, options: StereoOptions | None = None
) -> tuple[Prediction, Fit, ScaleField]:
    """
    Return a mono prediction of the left view in the metres of a stereo match.

    Every pixel that the mono prediction knows has a depth, with its edges where they were; the
    fit and the field that made it are returned as well.
    """
    options = options or StereoOptions()
    if prediction.values.shape != match.values.shape:
        raise DepthError(
            f'the prediction is {prediction.values.shape[::-1]} but the match is '
            f'{match.values.shape[::-1]} (width, height); both must be of the left view'
        )
    points = stereo_points(match, options)
    fit = fit_points(points, prediction, options.fit)
    metric = apply_to(fit, prediction)
    scale = fit_field(
        metric.values, points.rows, points.columns, points.metres, points.weights, options.field
    )
    return dataclasses.replace(metric, values=apply_field(scale, metric.values)), fit, scale
