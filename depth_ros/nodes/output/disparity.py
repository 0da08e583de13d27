# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/disparity`: disparity of the left image."""

from __future__ import annotations

from typing import Any

from depth_ros.messages.classes import DisparityImage
from depth_ros.messages.disparity import prediction_to_disparity_image
from depth_ros.nodes.output.output import Output
from depth_ros.pipeline import DepthFrame
from depth_ros.types import DepthKind


def build(frame: DepthFrame, header: Any, settings: Any) -> Any:
    """Return the disparity; None where the model predicts something else."""
    prediction = frame.raw or frame.prediction
    if prediction.kind is not DepthKind.DISPARITY:
        return None
    return prediction_to_disparity_image(prediction, header)


OUTPUT = Output(
    'disparity',
    DisparityImage,
    build,
    'disparity of the left image',
    'the model gives no disparity, ~/disparity stays empty; subscribe to ~/depth/image',
    views=(2,),
)
