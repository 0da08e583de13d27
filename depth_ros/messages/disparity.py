# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Disparity <-> stereo_msgs/DisparityImage.

The message calls every value below min_disparity invalid, so min_disparity is always positive
here and all invalid pixels hold min_disparity - 1, one value below every valid one. It has no way
to say 'infinitely far': a disparity of zero is invalid on the wire.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from depth_ros.messages.classes import DisparityImage
from depth_ros.messages.fast import new_message
from depth_ros.messages.image import array_to_image, image_to_array
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

# ROS 1 and the first ROS 2 releases wrote the baseline with a capital.
_BASELINE = 't' if hasattr(DisparityImage, 't') else 'T'


def prediction_to_disparity_image(
    prediction: Prediction, header: Any, delta_d: float = 1 / 16
) -> DisparityImage:
    """
    Return the message; delta_d is the smallest step of the matcher (SGBM: a sixteenth).

    Its baseline is 0 where none is known, as stereo_image_proc writes it.
    """
    usable = prediction.focal > 0 and prediction.baseline >= 0
    if prediction.kind is not DepthKind.DISPARITY or not usable:
        raise DepthError(
            f'prediction is {prediction.kind.value} with focal length {prediction.focal:g} px and '
            f'baseline {prediction.baseline:g} m, expected disparity, the first positive and the '
            'second not negative; use a stereo model and a calibrated right camera'
        )
    values = prediction.values
    positive = values > 0
    low, high = prediction.disparity_range or (
        0.0,
        float(np.max(values, initial=0, where=positive)),
    )
    if low <= 0:
        low = min(delta_d, float(np.min(values, initial=delta_d, where=positive)))
    invalid = np.float32(low - 1)
    msg = new_message(DisparityImage, header)
    with np.errstate(invalid='ignore'):
        valid = (values >= np.float32(low)) & np.isfinite(values)
    msg.image = array_to_image(np.where(valid, values, invalid), '32FC1', header)
    msg.f = float(prediction.focal)
    setattr(msg, _BASELINE, float(prediction.baseline))
    msg.min_disparity, msg.max_disparity = float(low), float(max(high, low))
    msg.delta_d = float(delta_d)
    msg.valid_window.width, msg.valid_window.height = prediction.camera.size_wh
    return msg


def disparity_image_to_prediction(msg: Any, camera: Camera | None = None) -> Prediction:
    """Return the disparity; without a camera, a pinhole with the message's focal length."""
    values, encoding = image_to_array(msg.image)
    if encoding != '32FC1':
        raise DepthError(f'disparity image is {encoding}, expected 32FC1; check the publisher')
    focal, baseline = float(msg.f), float(getattr(msg, _BASELINE))
    if not (np.isfinite(focal) and focal > 0 and np.isfinite(baseline) and baseline > 0):
        raise DepthError(
            f'disparity image has f = {focal:g} px and baseline {baseline:g} m, '
            'both must be positive; calibrate the stereo pair'
        )
    low, high = float(msg.min_disparity), float(msg.max_disparity)
    if not -np.inf < low <= high < np.inf:
        raise DepthError(
            f'disparity image searches from {low:g} to {high:g} px, expected two finite numbers '
            'in this order; check min_disparity and max_disparity of the publisher'
        )
    with np.errstate(invalid='ignore'):
        valid = (values >= np.float32(low)) & np.isfinite(values)
    height, width = values.shape
    return Prediction(
        DepthKind.DISPARITY,
        np.where(valid, values, np.float32(np.nan)),
        camera or Camera.pinhole(width, height, focal),
        baseline=baseline,
        focal=focal,
        disparity_range=(low, high),
    )
