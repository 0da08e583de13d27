# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How a camera moved between neighbouring images, from the corners that they share.

Images show rotations and directions, and how one distance compares with another, but no unit: here
it is the distance to the earlier neighbour. The depth of a network says how long that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from depth_ros.geometry.channels import as_grey
from depth_ros.geometry.epipolar import motion_from_matches
from depth_ros.geometry.triangulation import triangulate
from depth_ros.metric.tracks import TrackOptions, find_corners, follow
from depth_ros.types import Camera, DepthError, FloatImage, Image, Matrix

WIDTHS = (256, 640)  # pixels; images of other widths are resized to the nearest of these
TOLERANCE = 0.35  # px, there
DEVIATION = 0.25  # relative standard deviation of the depth of a corner
FEWEST = 10  # corners of known depth
TRACKS = TrackOptions(corners=400, quality=0.002, spacing=5, levels=3, round_trip=0.7)


@dataclass(frozen=True, eq=False)
class Followed:
    """What the neighbours of an image show, in a unit of its own."""

    motions: tuple[Matrix, Matrix]  # 4x4, from the camera of the image to those of its neighbours
    rays: Matrix  # (n, 2) x / z, y / z of the corners
    depth: Matrix  # (n,) of the corners

    def image(self, camera: Camera) -> FloatImage:
        """Return the depth of the corners as an image, NaN elsewhere."""
        values = np.full((camera.height, camera.width), np.nan, np.float32)
        places = self.rays * (camera.fx, camera.fy) + (camera.cx, camera.cy)
        columns, rows = np.rint(places).astype(np.intp).T
        columns, rows = columns.clip(0, camera.width - 1), rows.clip(0, camera.height - 1)
        values[rows, columns] = self.depth
        return values


def followed(image: Image, neighbours: tuple[Image, Image], camera: Camera) -> Followed | None:
    """Return how the camera moved; None where it only turned, or too little can be followed."""
    factor = float(np.clip(camera.width, *WIDTHS)) / camera.width
    grey, *others = (_resized(one, factor) for one in (image, *neighbours))
    corners = find_corners(grey, TRACKS)
    if len(corners) < FEWEST:
        return None
    noise = TOLERANCE / factor / camera.fx
    rays = _rays(corners, factor, camera)
    seen, motions = [], []
    for other in others:
        places, found = follow(grey, other, corners, None, TRACKS)
        there = np.where(found[:, None], _rays(places, factor, camera), np.nan)
        try:
            motion = motion_from_matches(rays[found], there[found], noise)
        except DepthError:
            return None
        there[np.flatnonzero(found)[~motion.inliers]] = np.nan
        seen.append(there)
        motions.append(motion)
    turns = np.stack([motion.rotation for motion in motions])
    shifts = np.stack([motion.translation for motion in motions])
    alone = [
        _depth(rays, there[None], turns[None, k], shifts[None, k], noise)
        for k, there in enumerate(seen)
    ]
    both = np.isfinite(alone[0] / alone[1])
    if np.count_nonzero(both) < FEWEST:
        return None
    shifts[1] *= np.median(alone[0][both] / alone[1][both])
    depth = _depth(rays, np.stack(seen), turns, shifts, noise)
    known = np.isfinite(depth)
    if np.count_nonzero(known) < FEWEST:
        return None
    first, second = map(_matrix, turns, shifts)
    return Followed((first, second), rays[known], depth[known])


def _resized(image: Image, factor: float) -> Image:
    grey = as_grey(image)
    if factor == 1:
        return grey
    how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    return cv2.resize(grey, None, fx=factor, fy=factor, interpolation=how)  # type: ignore[return-value]


def _rays(places: Matrix, factor: float, camera: Camera) -> Matrix:
    """Return the rays of places in a resized image."""
    original = (places + 0.5) / factor - 0.5
    return (original - (camera.cx, camera.cy)) / (camera.fx, camera.fy)


def _depth(rays: Matrix, seen: Matrix, turns: Matrix, shifts: Matrix, noise: float) -> Matrix:
    """Return the depth of corners, NaN where the motion does not determine it well."""
    points = triangulate(rays, seen, turns, shifts, noise)
    with np.errstate(invalid='ignore'):
        sure = points.deviation < DEVIATION * points.inverse_depth
    return np.where(sure, points.depth, np.nan)


def _matrix(turn: Matrix, shift: Matrix) -> Matrix:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, shift
    return matrix
