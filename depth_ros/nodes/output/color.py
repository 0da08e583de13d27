# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/depth/color`: the depth image in colours of inverse depth."""

from __future__ import annotations

from typing import Any

import numpy as np

from depth_ros.files.depth_colors import depth_to_colors
from depth_ros.messages.classes import Image
from depth_ros.messages.image import array_to_image
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.output.relative import nearness
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, settings: Any) -> Any:
    """Return an RGB image; a relative prediction is coloured by its inverse."""
    depth = frame.depth
    if depth is None:
        with np.errstate(divide='ignore'):
            depth = np.float32(1) / np.maximum(nearness(frame.prediction), 0)
    return array_to_image(depth_to_colors(depth), 'rgb8', header)


OUTPUT = Output('depth/color', Image, build, 'the depth image in colours of inverse depth')
