# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Corners that are followed through images, and matches between images far apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.types import Image, Matrix

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TrackOptions:
    """How corners are found and followed."""

    corners: int = 500  # followed at most
    quality: float = 0.003  # of the strongest corner
    spacing: int = 9  # px between corners
    window: int = 21  # px, side of the patch that is followed
    levels: int = 4  # of the image pyramid
    round_trip: float = 0.7  # px, largest error after following forth and back
    texture: float = 1e-4  # smallest eigenvalue of a patch that can be followed


def find_corners(image: Image, options: TrackOptions, taken: Matrix | None = None) -> Matrix:
    """Return new corners (n, 2) as x, y of a grey image, away from those that are taken."""
    mask = np.full(image.shape, 255, np.uint8)
    count = 0
    for x, y in np.rint(taken if taken is not None else np.zeros((0, 2))).astype(int):
        cv2.circle(mask, (int(x), int(y)), options.spacing, 0, -1)
        count += 1
    wanted = options.corners - count
    if wanted <= 0:
        return np.zeros((0, 2))
    found = cv2.goodFeaturesToTrack(
        image, wanted, options.quality, options.spacing, mask=mask, blockSize=5
    )
    if found is None:
        return np.zeros((0, 2))
    fine = cv2.cornerSubPix(
        image,
        np.asarray(found, np.float32),
        (3, 3),
        (-1, -1),
        (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.02),
    )
    return np.asarray(fine, np.float64).reshape(-1, 2)


def follow(
    before: Image, after: Image, points: Matrix, guess: Matrix | None, options: TrackOptions
) -> tuple[Matrix, Mask]:
    """
    Return where points (n, 2) of one grey image are in another, and which were found.

    Pyramidal Lucas-Kanade from a guess; a point counts as found where following it back ends
    where it began.
    """
    if not len(points):
        return np.zeros((0, 2)), np.zeros(0, np.bool_)
    start = points.astype(np.float32).reshape(-1, 1, 2)
    first = np.where(np.isfinite(guess), guess, points) if guess is not None else points
    first = first.astype(np.float32).reshape(-1, 1, 2)
    settings: dict[str, Any] = {
        'winSize': (options.window, options.window),
        'maxLevel': options.levels,
        'criteria': (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01),
        'flags': cv2.OPTFLOW_USE_INITIAL_FLOW,
        'minEigThreshold': options.texture,
    }
    ahead, found, _ = cv2.calcOpticalFlowPyrLK(before, after, start, first.copy(), **settings)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, ahead, start.copy(), **settings)
    places = np.array(ahead, np.float64).reshape(-1, 2)
    error = np.linalg.norm(np.reshape(back, (-1, 2)) - points, axis=1)
    height, width = after.shape
    with np.errstate(invalid='ignore'):
        inside = ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=1)
    good = (found.ravel() == 1) & (returned.ravel() == 1) & inside & (error <= options.round_trip)
    return places, good


def describe(image: Image, count: int = 1500) -> tuple[Matrix, npt.NDArray[np.float32]]:
    """Return points (n, 2) of a grey image and their SIFT descriptors (n, 128)."""
    points, descriptors = cv2.SIFT.create(count, contrastThreshold=0.02).detectAndCompute(
        image, None
    )
    if descriptors is None:
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    return np.array([p.pt for p in points], np.float64), np.asarray(descriptors, np.float32)


def match(
    first: npt.NDArray[np.float32],
    second: npt.NDArray[np.float32],
    possible: Mask | None = None,
    ratio: float = 0.85,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """
    Return indices of descriptors that are each other's best, clearly before the second best.

    `possible` (n, m) says which pairs may match.
    """
    if len(first) < 2 or len(second) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    # Descriptors have one length, so that the largest product is the smallest distance.
    a = first / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    b = second / np.maximum(np.linalg.norm(second, axis=1, keepdims=True), 1e-9)
    square = np.maximum(2 - 2 * (a @ b.T), 0)
    if possible is not None:
        square[~possible] = 4.0
    there = np.argmin(square, axis=1)
    back = np.argmin(square, axis=0)
    here = np.arange(len(first))
    best = square[here, there]
    second_best = np.partition(square, 1, axis=1)[:, 1]
    good = (best < ratio * ratio * second_best) & (back[there] == here) & (best < 1.0)
    return here[good], there[good]
