# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/depth/image`: depth along the optical axis."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import Image

from depth_ros.messages.depth_image import depth_to_image
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import ParameterSpec
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, encoding: Any) -> Any:
    """Return the depth image; None while the prediction is relative."""
    return None if frame.depth is None else depth_to_image(frame.depth, header, encoding)


OUTPUT = Output(
    'depth/image',
    Image,
    build,
    'depth along the optical axis',
    parameters=(
        ParameterSpec(
            'depth_encoding',
            '32FC1',
            'of ~/depth/image: float metres, or 16 bit millimetres with 0 for invalid',
            choices=('32FC1', '16UC1'),
        ),
    ),
    prepare=lambda values: values['depth_encoding'],
)
