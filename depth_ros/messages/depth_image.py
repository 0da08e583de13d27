# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metric depth <-> sensor_msgs/Image, as REP-117 and REP-118 say.

32FC1 is metres along the optical axis with NaN, +Inf and -Inf kept; 16UC1 is millimetres with 0
for everything that is not a distance.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sensor_msgs.msg import Image as ImageMessage

from depth_ros.geometry import depth_values
from depth_ros.messages.image import array_to_image, image_to_array
from depth_ros.types import DepthError, FloatImage, quoted


def depth_to_image(
    depth: FloatImage, header: Any, encoding: Literal['32FC1', '16UC1'] = '32FC1'
) -> ImageMessage:
    """Return the depth image message; every invalid value is 0 in 16UC1."""
    if depth.ndim != 2 or depth.dtype != np.float32:
        raise DepthError(
            f'depth is {depth.dtype} with shape {depth.shape}, expected float32 HxW; '
            'convert it to metres in float32'
        )
    if encoding == '32FC1':
        return array_to_image(depth, encoding, header)
    if encoding == '16UC1':
        return array_to_image(depth_values.metres_to_millimetres(depth), encoding, header)
    raise DepthError(
        f'depth encoding is {quoted(encoding)}, expected 32FC1 (metres) or 16UC1 (mm)'
    )


def image_to_depth(msg: Any) -> FloatImage:
    """Return metres from a 32FC1 or 16UC1 message; 32FC1 is a view of the message's bytes."""
    pixels, encoding = image_to_array(msg)
    if encoding == '32FC1':
        return pixels
    # mono16 is what some drivers call their millimetres.
    if encoding in ('16UC1', 'mono16'):
        return depth_values.millimetres_to_metres(pixels)
    raise DepthError(
        f'image encoding {encoding} is not a depth image; expected 32FC1 in metres or 16UC1 in '
        'millimetres: subscribe to the depth topic'
    )
