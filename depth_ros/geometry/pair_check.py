# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether two images look like a rectified pair: the same rows, and the left one left."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.geometry.channels import as_grey
from depth_ros.types import Image

WIDTH = 640  # pixels that larger images are reduced to
FEATURES = 600
ENOUGH = 25  # matches that a statement is based on
ROWS = 1.5  # pixels of the image between matches that are still one row


class PairCheck(NamedTuple):
    """What matched features show of a pair; rows in pixels of the image."""

    matches: int
    rows: float  # median of y_left - y_right
    swapped: float  # share of matches that lie farther right in the right image

    @property
    def problem(self) -> str:
        """What is wrong, in one sentence; empty where nothing is or too little was matched."""
        if self.matches < ENOUGH:
            return ''
        if self.swapped > 0.8:
            return (
                f'{self.swapped:.0%} of {self.matches} features lie farther right in the right '
                'image, expected farther left: the images are swapped; exchange the topics'
            )
        if abs(self.rows) > ROWS:
            return (
                f'the rows of left and right differ by {self.rows:.1f} px (median of '
                f'{self.matches} features), expected below {ROWS:g}: the pair is not rectified, '
                'or its calibration is old; calibrate it again'
            )
        return ''


def check_pair(left: Image, right: Image) -> PairCheck:
    """Match features between two images of equal size; takes some tens of milliseconds."""
    grey = [_reduced(image) for image in (left, right)]
    scale = left.shape[1] / grey[0].shape[1]
    detector = cv2.ORB.create(FEATURES)
    found = [detector.detectAndCompute(image, np.empty(0, np.uint8)) for image in grey]
    (left_points, left_words), (right_points, right_words) = found
    if left_words is None or right_words is None or min(len(left_words), len(right_words)) < 2:
        return PairCheck(0, 0.0, 0.0)
    matcher = cv2.BFMatcher.create(cv2.NORM_HAMMING)
    moved = []
    for pair in matcher.knnMatch(left_words, right_words, k=2):
        if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance:
            a, b = left_points[pair[0].queryIdx].pt, right_points[pair[0].trainIdx].pt
            moved.append((a[0] - b[0], a[1] - b[1]))
    if len(moved) < ENOUGH:
        return PairCheck(len(moved), 0.0, 0.0)
    shift = _consistent(np.array(moved, np.float64) * scale)
    if len(shift) < ENOUGH:
        return PairCheck(len(shift), 0.0, 0.0)
    return PairCheck(len(shift), float(np.median(shift[:, 1])), float(np.mean(shift[:, 0] < -1)))


def _consistent(shift: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the matches whose rows agree with the others': wrong ones scatter."""
    spread = np.abs(shift[:, 1] - np.median(shift[:, 1]))
    return shift[spread <= max(4.0, 3 * float(np.median(spread)))]


def _reduced(image: Image) -> Image:
    grey = as_grey(image)
    if grey.shape[1] > WIDTH:
        height = max(1, round(grey.shape[0] * WIDTH / grey.shape[1]))
        smaller = cv2.resize(grey, (WIDTH, height), interpolation=cv2.INTER_AREA)
        return np.asarray(smaller, np.uint8)
    return np.asarray(grey, np.uint8)
