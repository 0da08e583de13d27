# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Give a relative prediction the scale it lacks."""

from __future__ import annotations

import dataclasses

import numpy as np

from depth_ros.geometry.depth_values import from_inverse, to_inverse
from depth_ros.types import DepthError, DepthKind, Prediction


def apply_scale_shift(prediction: Prediction, scale: float, shift: float) -> Prediction:
    """
    Return the metric prediction for 1/Z = scale * value + shift (inverse metres).

    A scale-invariant depth v is looked at as its inverse: 1/Z = scale / v + shift. Where the
    right side is not positive nothing lies within range: +Inf. NaN stays; an infinite inverse
    and a scale-invariant depth that is not positive are no depth: NaN.
    """
    if not (np.isfinite([scale, shift]).all() and scale > 0):
        raise DepthError(
            f'scale {scale:g} and shift {shift:g} cannot make metres; '
            'expected a finite scale > 0 and a finite shift'
        )
    if prediction.kind is DepthKind.AFFINE_INVERSE:
        relative = prediction.values
    elif prediction.kind is DepthKind.SCALE_INVARIANT:
        relative = to_inverse(prediction.values)
    else:
        raise DepthError(f'a prediction of kind {prediction.kind.value} needs no scale and shift')
    with np.errstate(over='ignore'):
        depth = from_inverse(relative * np.float32(scale) + np.float32(shift))
    return dataclasses.replace(
        prediction, kind=DepthKind.METRIC, values=depth.astype(np.float32, copy=False)
    )
