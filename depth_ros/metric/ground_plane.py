# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The ground in a relative prediction.

On a plane, inverse depth is linear in the ray (x / z, y / z, 1), and so is any affine map of it:
value = c . ray. The plane is found as the largest such surface below the horizon that hardly
anything lies under. Where the values have an unknown shift, c3 is the sum of the shift and of
the plane's own third component, and only the camera's pitch separates the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.distortion import ray_grid
from depth_ros.metric.measured import INVERSE_KINDS
from depth_ros.types import Camera, DepthError, DepthKind, FloatImage, Matrix

Mask = npt.NDArray[np.bool_]

GRID = (48, 64)  # pixels that are looked at, down and across
FLAT = 0.25  # of the largest distance to the horizon: where the tolerance stops shrinking
STEEPEST = math.radians(50)  # largest pitch that is looked for
LEAST = 50  # pixels below the horizon


@dataclass(frozen=True)
class PlaneOptions:
    """What a ground must look like."""

    tolerance: float = 0.04  # relative, of inverse depth
    min_share: float = 0.15  # of the pixels below the horizon that must lie on it
    max_under: float = 0.12  # of them that may lie under it
    min_rows: float = 0.12  # of the image height that it must extend over
    angle_tolerance: float = math.radians(6)  # between the plane and a known pitch and roll
    roll_tolerance: float = math.radians(12)  # largest roll where none is known
    trials: int = 300
    seed: int = 0


@dataclass(frozen=True, eq=False)
class GroundPlane:
    """A plane in the values: value = coefficients . (x / z, y / z, 1) on the ground."""

    coefficients: Matrix  # (3,)
    shift: float  # of the values; 0 where the kind has none
    down: Matrix  # (3,) unit vector in the optical frame
    share: float  # of the pixels below the horizon that lie on it
    rows: npt.NDArray[np.intp]  # pixels that lie on it
    columns: npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Samples:
    """Pixels on a coarse grid."""

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    rays: Matrix  # (n, 3)
    value: Matrix  # (n,)


def find_ground(
    values: FloatImage,
    kind: DepthKind,
    camera: Camera,
    pitch: float | None = None,
    roll: float | None = None,
    options: PlaneOptions | None = None,
    before: GroundPlane | None = None,
) -> GroundPlane:
    """
    Return the ground in a prediction; DepthError says why there is none.

    pitch and roll are those of REP-103 in radians, None where not known. `before` is the plane
    of the last frame, which is tried first and kept unless another is clearly better.
    """
    options = options or PlaneOptions()
    samples = _sampled(values, kind, camera)
    shifted = kind in INVERSE_KINDS
    if shifted and pitch is None:
        raise DepthError(
            'the pitch of the camera is not known, and inverse depth up to a shift does not show '
            'it; set the pitch, publish it on TF or by an IMU, or use scale-invariant depth'
        )
    level = _down(pitch or 0.0, roll or 0.0)
    lowest = 0.0 if pitch is not None else -0.25
    region = samples.rays @ level > lowest * np.linalg.norm(samples.rays, axis=1)
    if np.count_nonzero(region) < LEAST:
        raise DepthError(
            f'{np.count_nonzero(region)} known pixels lie below the horizon, expected {LEAST} or '
            'more; the camera sees no floor'
        )
    rays, value = samples.rays[region], samples.value[region]
    search = _Search(rays, value, shifted, pitch, roll, level, options)
    best = search.best(None if before is None else before.coefficients)
    plane = search.refined(best)
    on = search.on(plane[None])[0]
    rows, columns = samples.rows[region][on], samples.columns[region][on]
    share = float(on.mean())
    search.check(plane, share, np.ptp(rows) / camera.height if rows.size else 0.0)
    shift = 0.0
    if shifted:
        shift = float(plane[2] - np.linalg.norm(plane[:2]) * level[2] / np.hypot(*level[:2]))
    normal = plane - (0.0, 0.0, shift)
    down = normal / np.linalg.norm(normal)
    return GroundPlane(plane, shift, down, share, rows, columns)


def _down(pitch: float, roll: float) -> Matrix:
    level = math.cos(pitch)
    return np.array([level * math.sin(roll), level * math.cos(roll), math.sin(pitch)])


def _inverse_values(values: FloatImage, kind: DepthKind) -> Matrix:
    """Return what is linear on a plane; NaN where nothing is known."""
    if kind in INVERSE_KINDS:
        return np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.where(is_valid(values), 1 / values.astype(np.float64), np.nan)


def _sampled(values: FloatImage, kind: DepthKind, camera: Camera) -> _Samples:
    height, width = values.shape
    if (height, width) != (camera.height, camera.width):
        raise DepthError(
            f'values are {width}x{height} but their camera is {camera.width}x{camera.height}; '
            'resize the camera with the image'
        )
    step_y, step_x = max(1, height // GRID[0]), max(1, width // GRID[1])
    r, c = np.mgrid[step_y // 2 : height : step_y, step_x // 2 : width : step_x]
    r, c = r.ravel(), c.ravel()
    value = _inverse_values(values[r, c], kind)
    rays = ray_grid(camera)[r, c].astype(np.float64)
    good = np.isfinite(value) & np.isfinite(rays).all(axis=1)
    rays = np.concatenate([rays[good], np.ones((np.count_nonzero(good), 1))], axis=1)
    return _Samples(r[good], c[good], rays, value[good])


@dataclass(frozen=True, eq=False)
class _Search:
    """Candidate planes and how they are judged."""

    rays: Matrix
    value: Matrix
    shifted: bool
    pitch: float | None
    roll: float | None
    level: Matrix
    options: PlaneOptions

    def best(self, before: Matrix | None) -> Matrix:
        """Return the best of random planes, or the last one where it is as good."""
        planes = self._random()
        if before is not None:
            planes = np.concatenate([before[None], planes])
        planes = planes[self._possible(planes)]
        if not len(planes):
            raise DepthError(
                'no surface in the prediction is level like a floor; '
                'check pitch and roll of the camera, or point it down'
            )
        score = self._score(planes)
        chosen = int(np.argmax(score))
        kept = before is not None and np.array_equal(planes[0], before)
        return planes[0] if kept and score[0] > 0.9 * score[chosen] else planes[chosen]

    def _random(self) -> Matrix:
        count = len(self.rays)
        rng = np.random.default_rng(self.options.seed)
        # Half of the corners come from the lower half of what is below the horizon.
        order = np.argsort(self.rays @ self.level)
        low = order[count // 2 :]
        picks = np.stack(
            [
                low[rng.integers(0, low.size, self.options.trials)],
                low[rng.integers(0, low.size, self.options.trials)],
                rng.integers(0, count, self.options.trials),
            ],
            axis=1,
        )
        corners = self.rays[picks]
        solid = np.abs(np.linalg.det(corners)) > 1e-5
        corners, picks = corners[solid], picks[solid]
        return np.linalg.solve(corners, self.value[picks][..., None])[..., 0]

    def _possible(self, planes: Matrix) -> Mask:
        """Return which planes may be a ground by their attitude."""
        options = self.options
        turned = np.arctan2(planes[:, 0], planes[:, 1]) - (self.roll or 0.0)
        limit = options.roll_tolerance if self.roll is None else options.angle_tolerance
        possible = (np.abs(turned) <= limit) & (planes[:, 1] > 0)
        if not self.shifted:
            length = np.linalg.norm(planes, axis=1)
            tilt = np.arcsin(np.clip(planes[:, 2] / np.maximum(length, 1e-300), -1, 1))
            widest = STEEPEST if self.pitch is None else options.angle_tolerance
            possible &= np.abs(tilt - (self.pitch or 0.0)) <= widest
        return possible

    def _away(self, planes: Matrix) -> Matrix:
        """Return the distance of each pixel to each plane's horizon, in rays; (m, n)."""
        if self.shifted:
            away = self.rays @ self.level / np.linalg.norm(self.level[:2])
            return np.broadcast_to(away, (len(planes), away.size))
        return planes @ self.rays.T / np.linalg.norm(planes[:, :2], axis=1)[:, None]

    def _doubt(self, planes: Matrix) -> Matrix:
        """Return how far a value may be off each plane."""
        away = self._away(planes)
        slope = np.linalg.norm(planes[:, :2], axis=1)[:, None]
        flat = FLAT * away.max(axis=1, keepdims=True)
        return self.options.tolerance * slope * np.maximum(away, flat)

    def on(self, planes: Matrix) -> Mask:
        """Return which pixels lie on each plane, (m, n)."""
        return np.abs(self.value - planes @ self.rays.T) <= self._doubt(planes)

    def under(self, planes: Matrix) -> Mask:
        """Return which pixels lie clearly under each plane."""
        return self.value - planes @ self.rays.T < -3 * self._doubt(planes)

    def _score(self, planes: Matrix) -> Matrix:
        error, doubt = self.value - planes @ self.rays.T, self._doubt(planes)
        on = (np.abs(error) <= doubt).mean(axis=1)
        below = (error < -3 * doubt).mean(axis=1)
        return on - 3 * np.maximum(below - 0.5 * self.options.max_under, 0)

    def refined(self, plane: Matrix) -> Matrix:
        """Return the plane of the pixels that lie on it."""
        for _ in range(6):
            doubt = self._doubt(plane[None])[0]
            error = self.value - self.rays @ plane
            weight = np.maximum(1 - (error / (1.5 * doubt)) ** 2, 0) / doubt
            if np.count_nonzero(weight) < 10:
                break
            fresh, *_ = np.linalg.lstsq(
                self.rays * weight[:, None], self.value * weight, rcond=None
            )
            if not self._possible(fresh[None])[0]:
                break
            plane = fresh
        return plane

    def check(self, plane: Matrix, share: float, extent: float) -> None:
        """Raise DepthError where the plane is no ground that can be relied on."""
        options = self.options
        if share < options.min_share or extent < options.min_rows:
            raise DepthError(
                f'the flattest surface covers {share:.0%} of the pixels below the horizon and '
                f'{extent:.0%} of the rows, expected at least {options.min_share:.0%} and '
                f'{options.min_rows:.0%}; the camera sees too little floor'
            )
        below = float(self.under(plane[None]).mean())
        if below > options.max_under:
            raise DepthError(
                f'{below:.0%} of the pixels lie under the flattest surface, expected at most '
                f'{options.max_under:.0%}: it is not the floor'
            )
        # A frontal wall has no slope: the values must change over the ground by more than they
        # scatter around it.
        away = self._away(plane[None])[0]
        on = self.on(plane[None])[0]
        rise = float(np.linalg.norm(plane[:2])) * float(np.ptp(away[on]))
        spread = float(np.ptp(np.quantile(self.value, (0.05, 0.95))))
        if rise < 0.1 * spread:
            raise DepthError(
                'the flattest surface faces the camera like a wall; the camera sees no floor'
            )
