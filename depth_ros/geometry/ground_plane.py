# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The ground plane in metric depth: the lowest plane that a good part of the image lies on.

Where the mount of the camera is known it says where to look, and what to return when the floor is
hidden. A plane may lean from the mount's level by a slope, so that a ramp is ground too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.distortion import ray_grid
from depth_ros.geometry.level_frame import heights
from depth_ros.types import Camera, DepthError, FloatImage, Ground

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]

TOLERANCE = 0.03  # metres from the plane, at the camera,
SPREAD = 0.01  # and more per metre of depth
LEAST = 0.03  # of the valid pixels must lie on it
HEIGHT_SLACK = 0.35  # of the mount's height: depth from one view is rarely better in scale
_STEEPEST = math.radians(60)  # between image down and the ground's normal, without a mount
_TRIALS = 800
_SAMPLES = 4000
_FEW = 400  # samples that judge all trials; the best trials are judged by all samples
_UNDER = 2.0  # what a pixel below the plane costs, in pixels on it


@dataclass(frozen=True, eq=False)
class GroundPlane:
    """The ground of one depth image."""

    ground: Ground
    inliers: npt.NDArray[np.bool_]  # HxW, the pixels that lie on it
    measured: bool  # False: the floor was not seen, the plane is that of the mount


def find_ground(
    depth: FloatImage,
    camera: Camera,
    mount: Ground | None = None,
    *,
    max_slope: float = math.radians(15),
    tolerance: float = TOLERANCE,
    spread: float = SPREAD,
    previous: Ground | None = None,
    seed: int = 0,
) -> GroundPlane | None:
    """
    Return the ground plane of a metric depth image, and the pixels that lie on it.

    :param mount: where the ground is if it is level and flat; None estimates it from the image,
        and the result is None where no plane is found. With a mount there always is a result:
        its own plane where too little of the floor is seen.
    :param max_slope: radians by which the ground may lean from the mount's level; 0 takes the
        mount's plane as it is.
    :param tolerance: metres a point may lie off the plane; `spread` adds metres per metre of
        depth.
    :param previous: the plane of the frame before: it is tried first, which is faster and steady.
    :param seed: the same seed and depth give the same plane.
    """
    if not (tolerance > 0 and spread >= 0 and 0 <= max_slope < math.pi / 2):
        raise DepthError(
            f'ground tolerance is {tolerance:g} m, spread {spread:g} and slope {max_slope:g} rad; '
            'expected a positive tolerance, a spread from 0 and a slope from 0 to 90 degrees'
        )
    points = _samples(depth, camera)
    allowed = _Allowed(mount, max_slope)
    plane = None
    if mount is not None and max_slope == 0:
        plane = None if not len(points) else _supported(points, mount, tolerance, spread)
    elif len(points) >= 3:
        plane = _search(points, allowed, previous, tolerance, spread, seed)
    found = plane if plane is not None else mount
    if found is None:
        return None
    inliers = on_ground(depth, camera, found, tolerance, spread)
    return GroundPlane(found, inliers, plane is not None)


def on_ground(
    depth: FloatImage,
    camera: Camera,
    ground: Ground,
    tolerance: float = TOLERANCE,
    spread: float = SPREAD,
) -> npt.NDArray[np.bool_]:
    """Return HxW True where a valid pixel lies within tolerance + spread * depth of the plane."""
    away = np.abs(heights(depth, camera, ground))
    with np.errstate(invalid='ignore'):
        result: Mask = away <= np.float32(tolerance) + np.float32(spread) * depth
    return result & is_valid(depth)


class _Allowed:
    """Which planes may be the ground; a plane is n with n . point = 1, n = down / height."""

    def __init__(self, mount: Ground | None, max_slope: float) -> None:
        self.down = np.array([0.0, 1.0, 0.0]) if mount is None else mount.down
        angle = _STEEPEST if mount is None else max_slope + 1e-3
        self.cosine = math.cos(angle)
        low, high = 0.0, math.inf
        if mount is not None:
            low, high = mount.height * (1 - HEIGHT_SLACK), mount.height * (1 + HEIGHT_SLACK)
        self.low, self.high = low, high

    def __call__(self, planes: Array) -> Mask:
        length = np.linalg.norm(planes, axis=-1)
        with np.errstate(divide='ignore'):
            height = 1 / length
        tilted: Mask = planes @ self.down >= self.cosine * length
        return tilted & (height >= self.low) & (height <= self.high)


def _samples(depth: FloatImage, camera: Camera) -> Array:
    """Return some thousand valid points (N, 3), evenly spread over the image."""
    step = max(1, math.isqrt(depth.size // _SAMPLES))
    z = np.asarray(depth[step // 2 :: step, step // 2 :: step], np.float64)
    rays = ray_grid(camera)[step // 2 :: step, step // 2 :: step]
    points = np.dstack([rays * z[..., None], z])
    return points[is_valid(z) & np.isfinite(points).all(axis=-1)]


def _search(
    points: Array,
    allowed: _Allowed,
    previous: Ground | None,
    tolerance: float,
    spread: float,
    seed: int,
) -> Ground | None:
    doubt = tolerance + spread * points[:, 2]
    if previous is not None:
        plane = _refined(points, doubt, previous.down / previous.height, allowed)
        if plane is not None and _score(points, doubt, plane[None])[0] > LEAST:
            return _as_ground(plane)
    random = np.random.default_rng(seed)
    corners = points[random.integers(0, len(points), (_TRIALS, 3))]
    corners = corners[np.abs(np.linalg.det(corners)) > 1e-9]
    planes = np.linalg.solve(corners, np.ones((len(corners), 3, 1)))[..., 0]
    planes = planes[allowed(planes)]
    if not len(planes):
        return None
    few = random.permutation(len(points))[:_FEW]
    best = np.argsort(-_score(points[few], doubt[few], planes))[:20]
    scores = _score(points, doubt, planes[best])
    for index in np.argsort(-scores):
        plane = _refined(points, doubt, planes[best][index], allowed)
        if plane is not None:
            return _as_ground(plane)
    return None


def _supported(points: Array, ground: Ground, tolerance: float, spread: float) -> Ground | None:
    doubt = tolerance + spread * points[:, 2]
    off = np.abs(points @ ground.down - ground.height)
    return ground if (off < doubt).mean() >= LEAST else None


def _score(points: Array, doubt: Array, planes: Array) -> Array:
    """Return for each plane the share of points on it, less those that lie below it."""
    length = np.linalg.norm(planes, axis=1)
    # Metres below the plane, in tolerances.
    below = (points @ planes.T - 1) / length / doubt[:, None]
    on = np.maximum(0, 1 - below * below).mean(axis=0)
    under: Array = _UNDER * (below > 3).mean(axis=0)
    return np.asarray(on - under)


def _refined(points: Array, doubt: Array, plane: Array, allowed: _Allowed) -> Array | None:
    """Return the plane of those points that lie on it, or None where these are too few."""
    for last in (3.0, 2.0, 1.5, 1.0, 1.0):  # wide at first: a trial's plane leans a little
        off = np.abs(points @ plane - 1) / np.linalg.norm(plane)
        near = off < last * doubt
        if near.sum() < 3:
            return None
        weight = 1 / doubt[near]
        fitted = np.linalg.lstsq(points[near] * weight[:, None], weight, rcond=None)[0]
        if not allowed(fitted[None])[0]:
            break  # what is beside the floor pulls it over: stay with the plane before
        plane = fitted
    off = np.abs(points @ plane - 1) / np.linalg.norm(plane)
    if (off < doubt).mean() < LEAST or not allowed(plane[None])[0]:
        return None
    return plane


def _as_ground(plane: Array) -> Ground:
    length = float(np.linalg.norm(plane))
    return Ground(plane / length, 1 / length)
