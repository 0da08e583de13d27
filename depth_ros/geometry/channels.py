# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Grey and colour images, one as the other."""

from __future__ import annotations

import cv2
import numpy as np

from depth_ros.types import Image


def as_grey(image: Image) -> Image:
    """Return an image, grey or RGB, as HxW."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def as_rgb(image: Image) -> Image:
    """Return an image, grey or RGB, as HxWx3."""
    return image if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
