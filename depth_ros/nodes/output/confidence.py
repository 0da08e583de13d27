# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/confidence`: the confidence of the prediction, pixel by pixel."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import Image

from depth_ros.messages.image import array_to_image
from depth_ros.nodes.output.output import Output
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, settings: Any) -> Any:
    """Return the confidence; None where the model has none."""
    confidence = frame.prediction.confidence
    return None if confidence is None else array_to_image(confidence, '32FC1', header)


OUTPUT = Output(
    'confidence',
    Image,
    build,
    '0 to 1, 32FC1, where the model has a confidence',
    'the model has no confidence, ~/confidence stays empty; use another model',
)
