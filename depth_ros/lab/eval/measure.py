# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Hold one prediction against one frame's truth.

The pixels judged are those with truth inside the protocol's crop and caps; of these, metrics look
at the ones that the prediction gives ("matched"), and `coverage` says how many that were. A model
that leaves out what is difficult has better metrics and lower coverage: read both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import from_inverse, is_valid, to_inverse
from depth_ros.geometry.resize import resize_depth
from depth_ros.lab.eval.align import INVERSE, Fit, choose_alignment, fit
from depth_ros.lab.eval.boundary import boundary_f1
from depth_ros.lab.eval.frames import Frame
from depth_ros.lab.eval.metrics import DEPTH_METRICS, DISPARITY_METRICS, score
from depth_ros.lab.eval.protocol import Mask, Protocol
from depth_ros.types import DepthError, DepthKind, FloatImage, Prediction

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measurement:
    """
    What came out for one frame.

    :param depth: the prediction in metres after alignment and caps, at the truth's pixels.
    :param disparity: the prediction in pixels, as the files count them. :param coverage: 0..1.
    :param given: where the prediction has a value, truth or not.
    """

    alignment: str
    metrics: Mapping[str, float]
    coverage: float
    pixels: int
    fits: Mapping[str, Fit] = field(default_factory=dict)
    depth: FloatImage | None = None
    disparity: FloatImage | None = None
    given: Mask | None = None


def measure(
    prediction: Prediction, frame: Frame, protocol: Protocol, within: Mask | None = None
) -> Measurement:
    """
    Judge a prediction for the frame's (left) image by depth, by disparity, or by both.

    :param within: judge, and align by, these pixels only.
    """
    alignment = choose_alignment(protocol.alignment, prediction.kind)
    size = (frame.camera.height, frame.camera.width)
    values = _at_size(prediction, *size)
    judged = protocol.judged(frame.depth, size)
    if within is not None:
        judged &= within
    metrics: dict[str, float] = {}
    fits: dict[str, Fit] = {}
    depth = disparity = None
    given = np.zeros(size, bool)
    if frame.depth is not None:
        aligned, fits['depth'] = _align_depth(prediction, values, frame, judged, alignment)
        depth = protocol.cap(aligned)
        given = np.isfinite(depth)
        pixels = judged & given
        metrics |= score(DEPTH_METRICS, depth[pixels], frame.depth[pixels])
        metrics['boundary_f1'] = boundary_f1(
            np.where(judged, depth, np.float32(np.nan)),
            np.where(judged, frame.depth, np.float32(np.nan)),
        )
    if frame.disparity is not None:
        judged &= np.isfinite(frame.disparity)
        disparity, fits['disparity'] = _to_disparity(
            prediction, values, depth, frame, judged, alignment
        )
        if disparity is not None:
            pixels = judged & np.isfinite(disparity)
            metrics |= score(DISPARITY_METRICS, disparity[pixels], frame.disparity[pixels])
            given = np.isfinite(disparity)
    total = int(np.count_nonzero(judged))
    if total == 0:
        raise DepthError(
            f'frame {frame.name} has no truth inside the crop and the caps of the protocol; '
            'widen them'
        )
    matched = int(np.count_nonzero(judged & given))
    if matched == 0:
        raise DepthError(
            f'the prediction for frame {frame.name} gives no value at any of the {total} pixels '
            'with truth; check the options of the model'
        )
    used = {name: fits[name] for name in fits if alignment != 'none'}
    return Measurement(alignment, metrics, matched / total, matched, used, depth, disparity, given)


def _at_size(prediction: Prediction, height: int, width: int) -> Values:
    """Return the values at the truth's size; disparity grows with the image's width."""
    values = prediction.values
    if values.shape == (height, width):
        return values.astype(np.float64)
    if prediction.kind in (DepthKind.METRIC, DepthKind.SCALE_INVARIANT):
        return resize_depth(values, width, height).astype(np.float64)
    # The resize works on depth; what is inverse already goes in and comes out upside down,
    # lifted so that all of it is positive.
    finite = values[np.isfinite(values)].astype(np.float64)
    lift = 0.0
    if prediction.kind is DepthKind.AFFINE_INVERSE and finite.size:
        lift = max(0.0, 0.05 * float(np.ptp(finite)) - float(finite.min()))
    depth = from_inverse(values.astype(np.float64) + lift).astype(np.float32)
    result = to_inverse(resize_depth(depth, width, height).astype(np.float64)) - lift
    if prediction.kind is DepthKind.DISPARITY:
        result *= width / prediction.values.shape[1]
    return result


def _align_depth(
    prediction: Prediction, values: Values, frame: Frame, judged: Mask, alignment: str
) -> tuple[Values, Fit]:
    """Return metres: NaN unknown, +Inf where the inverse is not positive."""
    truth = frame.depth
    assert truth is not None
    kind = prediction.kind
    if kind is DepthKind.DISPARITY:
        if not prediction.is_metric and alignment not in INVERSE:
            raise DepthError(
                'the disparity has no focal length and baseline; use an inverse alignment'
            )
        scale = prediction.focal * prediction.baseline or 1.0
        width_ratio = values.shape[1] / prediction.values.shape[1]
        values = scale * width_ratio * from_inverse(values)
    if kind is DepthKind.AFFINE_INVERSE or alignment in INVERSE:
        inverse = values if kind is DepthKind.AFFINE_INVERSE else to_inverse(values)
        use = judged & np.isfinite(inverse)
        found = fit(alignment, inverse[use], 1 / truth[use].astype(np.float64))
        return from_inverse(found(inverse)), found
    use = judged & is_valid(values)
    if alignment != 'none' and not use.any():
        raise DepthError(f'frame {frame.name} has no pixel with both prediction and truth')
    found = fit(alignment, values[use], truth[use].astype(np.float64))
    return found(values), found


def _to_disparity(
    prediction: Prediction,
    values: Values,
    depth: FloatImage | None,
    frame: Frame,
    judged: Mask,
    alignment: str,
) -> tuple[FloatImage | None, Fit]:
    """Return the prediction in the file's pixels, or None where it has no way there."""
    truth = frame.disparity
    assert truth is not None
    if prediction.kind is DepthKind.DISPARITY and alignment == 'none':
        result = values + frame.offset
        return np.where(np.isfinite(values), result, np.nan).astype(np.float32), Fit()
    if depth is not None and frame.focal_baseline > 0:
        result = frame.focal_baseline / depth.astype(np.float64) + frame.offset
        return result.astype(np.float32), Fit()
    if alignment not in INVERSE:
        raise DepthError(
            f'frame {frame.name} has disparity of an uncalibrated pair as its truth, and a '
            f'prediction of kind {prediction.kind.value} with alignment {alignment} has no way '
            f'there; use {" or ".join(INVERSE)}'
        )
    # Whatever the calibration, disparity is an affine function of inverse depth.
    straight = prediction.kind in (DepthKind.AFFINE_INVERSE, DepthKind.DISPARITY)
    inverse = values if straight else to_inverse(values)
    use = judged & np.isfinite(inverse)
    found = fit(alignment, inverse[use], truth[use].astype(np.float64))
    return found(inverse).astype(np.float32), found
