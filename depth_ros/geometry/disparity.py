# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Disparity in pixels to depth in metres and back: Z = f * B / d."""

from __future__ import annotations

import math

import numpy as np

from depth_ros.geometry.depth_values import LARGEST, SMALLEST
from depth_ros.types import DepthError, DepthKind, FloatImage, Prediction, quoted


def disparity_to_depth(disparity: FloatImage, focal: float, baseline: float) -> FloatImage:
    """
    Return depth in metres; a disparity of 0 is +Inf, one below 0, NaN or infinite is NaN.

    The disparity is free of the principal points' offset, as DepthKind.DISPARITY says.
    """
    depth = _divide(disparity, focal, baseline)
    np.copyto(depth, np.nan, where=depth < SMALLEST)
    return depth


def depth_to_disparity(depth: FloatImage, focal: float, baseline: float) -> FloatImage:
    """Return disparity in pixels; +Inf is 0, and what is no depth (NaN, <= 0, -Inf) is NaN."""
    disparity = _divide(depth, focal, baseline)
    np.copyto(disparity, np.nan, where=(np.asarray(depth) < SMALLEST) | np.isinf(disparity))
    return disparity


def prediction_to_depth(prediction: Prediction) -> FloatImage:
    """Return depth in metres; refuse kinds whose numbers are not metres without an alignment."""
    if prediction.kind is DepthKind.METRIC:
        return prediction.values
    if prediction.kind is DepthKind.DISPARITY:
        return disparity_to_depth(prediction.values, prediction.focal, prediction.baseline)
    raise DepthError(
        f'the prediction of {quoted(prediction.model or "this model")} is '
        f'{prediction.kind.value}, not metres; align it to '
        'known depths first, or choose a metric or stereo model'
    )


def _divide(values: FloatImage, focal: float, baseline: float) -> FloatImage:
    if not (math.isfinite(focal) and focal > 0):
        raise DepthError(f'focal length is {focal:g} px, expected a positive number; calibrate')
    if not (math.isfinite(baseline) and baseline > 0):
        raise DepthError(
            f'baseline is {baseline:g} m, expected a positive number; check P[3] of the right '
            'camera_info and that left and right are not swapped'
        )
    if not SMALLEST <= focal * baseline <= LARGEST:
        raise DepthError(
            f'focal length {focal:g} px times baseline {baseline:g} m is no number that float32 '
            'holds; calibrate the pair'
        )
    values = np.asarray(values, np.float32)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        result = np.divide(np.float32(focal * baseline), values)
        np.copyto(result, np.nan, where=values < 0)
    np.abs(result, out=result)  # 1 / -0.0
    return result
