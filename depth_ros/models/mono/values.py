# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What happens to the numbers of every network of one image before they are a prediction."""

from __future__ import annotations

import numpy as np

from depth_ros.geometry.depth_values import is_valid
from depth_ros.types import Camera, DepthKind, FloatImage


def input_focal(camera: Camera, source: tuple[int, int], resized: tuple[int, int]) -> float:
    """
    Return the focal length in pixels of a network's input, the mean of both axes.

    Sizes are (height, width) of the camera's image and of the input that it becomes.
    """
    down, across = (r / s for r, s in zip(resized, source))
    return float(np.sqrt(camera.fx * across * camera.fy * down))


def cleaned(values: FloatImage, kind: DepthKind, correction: float = 1.0) -> FloatImage:
    """Return values times a factor, whose invalid entries are NaN; metres are positive."""
    if correction != 1.0:
        values = values * np.float32(correction)
    good = np.isfinite(values) if kind is DepthKind.AFFINE_INVERSE else is_valid(values)
    return values if good.all() else np.where(good, values, np.float32(np.nan))
