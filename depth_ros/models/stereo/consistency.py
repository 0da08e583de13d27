# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compare the disparity of the left image with that of the right one."""

from __future__ import annotations

import cv2
import numpy as np

from depth_ros.types import FloatImage


def left_right_difference(
    left: FloatImage, right: FloatImage, columns: slice | None = None
) -> FloatImage:
    """
    Return how far two disparities of one pair disagree, px, for each pixel of the left image.

    The match of left column x is right column x - d. Where it lies outside the right image, the
    difference is infinite.

    :param right: the disparity of the right image, positive too.
    :param columns: where the right image lies, if it has a border.
    """
    height, width = left.shape
    x = np.arange(width, dtype=np.float32) - left
    y = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
    there = cv2.remap(right, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    difference = np.abs(left - there)
    first, last = (0, width - 1) if columns is None else (columns.start, columns.stop - 1)
    # Written so that NaN counts as outside.
    outside = ~((x >= first) & (x <= last))
    return np.where(outside, np.float32(np.inf), difference)


def consistency_confidence(difference: FloatImage) -> FloatImage:
    """Return 1 / (1 + e^2) for a left-right difference e in px: 0.5 at 1 px, 0 without a match."""
    return (1 / (1 + np.square(difference))).astype(np.float32)
