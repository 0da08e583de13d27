# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/relative`: a relative prediction, while there are no metres or a source gives them."""

from __future__ import annotations

from typing import Any

import numpy as np

from depth_ros.messages.classes import Image
from depth_ros.messages.image import array_to_image
from depth_ros.nodes.output.output import Output
from depth_ros.pipeline import DepthFrame
from depth_ros.types import DepthKind, FloatImage, Prediction


def nearness(prediction: Prediction) -> FloatImage:
    """Return the values with larger meaning nearer, whatever the relative kind."""
    if prediction.kind is DepthKind.SCALE_INVARIANT:
        with np.errstate(divide='ignore'):
            return np.divide(np.float32(1), prediction.values, dtype=np.float32)
    return prediction.values


def build(frame: DepthFrame, header: Any, settings: Any) -> Any:
    """
    Return the relative values; None where there are metres.

    Metres of a source may stop at any time, so its predictions are published beside them.
    """
    prediction = frame.raw if frame.scale is not None and frame.raw else frame.prediction
    if prediction.is_metric:
        return None
    return array_to_image(nearness(prediction), '32FC1', header)


OUTPUT = Output(
    'relative',
    Image,
    build,
    '32FC1, larger is nearer, no unit',
    'there are metres, so ~/relative stays empty; subscribe to ~/depth/image',
    views=(0, 1),
)
