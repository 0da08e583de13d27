# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Give a relative prediction the scale it lacks."""

from __future__ import annotations

import dataclasses

import numpy as np

from depth_ros.types import DepthError, DepthKind, Prediction


def apply_scale_shift(prediction: Prediction, scale: float, shift: float) -> Prediction:
    """
    Return the metric prediction for 1/Z = scale * value + shift (inverse metres).

    A scale-invariant depth v is looked at as its inverse: 1/Z = scale / v + shift. Where the
    right side is not positive nothing lies within range: +Inf. NaN stays, and a scale-invariant
    depth that is not positive is no depth: NaN.
    """
    if not (np.isfinite([scale, shift]).all() and scale > 0):
        raise DepthError(
            f'scale {scale:g} and shift {shift:g} cannot make metres; '
            'expected a finite scale > 0 and a finite shift'
        )
    if prediction.kind is DepthKind.AFFINE_INVERSE:
        relative = prediction.values
    elif prediction.kind is DepthKind.SCALE_INVARIANT:
        known = prediction.values > 0
        relative = np.full_like(prediction.values, np.nan)
        np.divide(np.float32(1), prediction.values, out=relative, where=known)
    else:
        raise DepthError(f'a prediction of kind {prediction.kind.value} needs no scale and shift')
    inverse = relative * np.float32(scale) + np.float32(shift)
    inverse[inverse <= 0] = 0  # also the zero that is negative, whose inverse would be -Inf
    with np.errstate(divide='ignore'):
        depth = np.float32(1) / inverse
    return dataclasses.replace(
        prediction, kind=DepthKind.METRIC, values=depth.astype(np.float32, copy=False)
    )
