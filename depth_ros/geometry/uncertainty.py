# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How far off depth is, as a standard deviation in metres.

Stereo: Z = f B / d, so an error of the disparity becomes sigma_Z = Z^2 / (f B) * sigma_d. One
view: the error is a share of the depth, smaller where the model is more confident.
"""

from __future__ import annotations

import math

import numpy as np

from depth_ros.types import DepthError, DepthKind, FloatImage, Prediction

SIGMA_DISPARITY = 0.5
"""Pixels; what block matching and networks reach on surfaces with texture."""
BEST, WORST = 0.05, 0.5
"""Relative error of one view at confidence 1 and at confidence 0."""
USUAL = 0.1
"""Relative error of one view where the model has no confidence."""


def stereo_sigma(
    depth: FloatImage, focal: float, baseline: float, sigma_disparity: float = SIGMA_DISPARITY
) -> FloatImage:
    """
    Return sigma_Z in metres, float32 of the shape of depth; not finite where depth is not.

    :param focal: pixels of the image that was matched. :param baseline: metres.
    :param sigma_disparity: pixels of that image.
    """
    if not (focal > 0 and baseline > 0 and sigma_disparity > 0):
        raise DepthError(
            f'focal length is {focal:g} px, baseline {baseline:g} m and disparity error '
            f'{sigma_disparity:g} px; expected positive numbers: check P of the right camera'
        )
    return depth * depth * np.float32(sigma_disparity / (focal * baseline))


def confidence_sigma(
    depth: FloatImage,
    confidence: FloatImage | None,
    best: float = BEST,
    worst: float = WORST,
    usual: float = USUAL,
) -> FloatImage:
    """
    Return sigma_Z in metres: depth * best^c * worst^(1 - c) at confidence c from 0 to 1.

    Without a confidence it is depth * usual. The errors are relative; which confidence means which
    error is a property of the model, so measure them where they matter.
    """
    if not (0 < best <= worst < math.inf and 0 < usual < math.inf):
        raise DepthError(
            f'relative errors are {best:g} at best, {worst:g} at worst and {usual:g} usually; '
            'expected positive numbers with best <= worst'
        )
    if confidence is None:
        return depth * np.float32(usual)
    logarithm = np.clip(confidence, 0, 1).astype(np.float32)
    logarithm *= np.float32(math.log(best / worst))
    logarithm += np.float32(math.log(worst))
    sigma: FloatImage = np.exp(logarithm, out=logarithm)
    sigma *= depth
    return sigma


def depth_sigma(
    depth: FloatImage,
    prediction: Prediction,
    sigma_disparity: float = SIGMA_DISPARITY,
    best: float = BEST,
    worst: float = WORST,
    usual: float = USUAL,
) -> FloatImage:
    """Return sigma_Z of the metric depth that came from this prediction."""
    if prediction.kind is DepthKind.DISPARITY:
        return stereo_sigma(depth, prediction.focal, prediction.baseline, sigma_disparity)
    return confidence_sigma(depth, prediction.confidence, best, worst, usual)


def keep_confident(
    depth: FloatImage, confidence: FloatImage | None, min_confidence: float
) -> FloatImage:
    """Return depth with NaN where the confidence is lower; as it is where there is none."""
    if confidence is None or min_confidence <= 0:
        return depth
    return np.where(confidence >= np.float32(min_confidence), depth, np.float32(np.nan))
