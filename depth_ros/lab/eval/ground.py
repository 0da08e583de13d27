# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The ground below a camera, found in the truth of a frame that does not say where it is.

A measured mount gives this much, and few data sets state it.
"""

from __future__ import annotations

import numpy as np

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.types import Camera, FloatImage, Ground

TOLERANCE = 0.03  # of the camera's height, near; far away,
ANGLE = 0.02  # radians: roads are not flat, and sensors measure less well
LEAST = 0.05  # of the pixels lie on it
UNDER = 0.02  # of the pixels at most lie below it: a table has a floor under it
TILT = 0.5  # cosine of how far a camera may look up or down, or hang to a side


def ground_in_truth(
    depth: FloatImage, camera: Camera, trials: int = 1000, seed: int = 0
) -> Ground | None:
    """
    Return the lowest plane that a good part of the image lies on; None where there is none.

    Trials look at no more than 3000 pixels; the same seed gives the same plane.
    """
    points = depth_to_points(depth, camera)
    points = points[is_valid(points[..., 2])].astype(np.float64)
    random = np.random.default_rng(seed)
    few = points[random.permutation(len(points))[:3000]]
    if len(few) < 3:
        return None
    # A plane is p with p . point = 1: one camera's height along down, on the ground.
    corners = few[random.integers(0, len(few), (trials, 3))]
    corners = corners[np.abs(np.linalg.det(corners)) > 1e-9]
    planes = np.linalg.solve(corners, np.ones((len(corners), 3, 1)))[..., 0]
    planes = planes[planes[:, 1] > TILT * np.linalg.norm(planes, axis=1)]
    if not len(planes):
        return None
    heights, doubt = few @ planes.T, _tolerance(few, planes)
    on = (np.abs(heights - 1) < doubt).mean(0)
    under = (heights > 1 + 2 * doubt).mean(0)
    best = planes[np.argmax(np.where(under <= UNDER, on, -1.0))]
    for _ in range(5):  # the plane of those that lie on it
        doubt = _tolerance(points, best)
        lies = np.abs(points @ best - 1) < doubt
        if lies.sum() < max(3, LEAST * len(points)):
            return None
        weights = 1 / doubt[lies]
        best = np.linalg.lstsq(points[lies] * weights[:, None], weights, rcond=None)[0]
    length = float(np.linalg.norm(best))
    below = (points @ best > 1 + 2 * _tolerance(points, best)).mean()
    if best[1] <= TILT * length or below > UNDER:
        return None
    return Ground(best / length, 1 / length)


def _tolerance(points: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Return how far from each plane (..., 3) each point may lie, in heights of the camera."""
    farther = np.multiply.outer(points[:, 2], np.linalg.norm(planes, axis=-1))
    return np.maximum(TOLERANCE, ANGLE * farther)
