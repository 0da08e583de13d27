# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth of image points from several views with known motion between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, Matrix

Mask = npt.NDArray[np.bool_]

STEPS = 5


@dataclass(frozen=True, eq=False)
class Triangulated:
    """Depth along the rays of the reference view; NaN where it is not determined."""

    inverse_depth: Matrix  # (n,) 1 / metres
    deviation: Matrix  # (n,) standard deviation of the inverse depth, 1 / metres
    residual: Matrix  # (n,) root mean square reprojection error, in the unit of the rays
    parallax: Matrix  # (n,) radians, the largest angle between two rays to the point
    views: npt.NDArray[np.intp]  # (n,) other views that see the point

    @property
    def depth(self) -> Matrix:
        """Metres along the optical axis of the reference view; NaN where not in front."""
        with np.errstate(divide='ignore', invalid='ignore'):
            return np.where(self.inverse_depth > 0, 1 / self.inverse_depth, np.nan)


def triangulate(
    rays: npt.ArrayLike,
    others: npt.ArrayLike,
    rotations: npt.ArrayLike,
    translations: npt.ArrayLike,
    noise: float,
) -> Triangulated:
    """
    Return the depth of points along the rays of a reference view.

    rays (n, 2) = (x / z, y / z) in the reference view; others (k, n, 2) the same points' rays in
    k other views, NaN where not seen. rotations (k, 3, 3) and translations (k, 3) take points of
    the reference frame to the other views. `noise` is the standard deviation of a ray. The
    reprojection error is minimised over the inverse depth, the one unknown of each point.
    """
    x, y, r, t = _checked(rays, others, rotations, translations)
    seen: Mask = np.asarray(np.isfinite(y).all(axis=2))
    y = np.where(seen[..., None], y, 0.0)
    homogeneous = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    turned = np.einsum('kij,nj->kni', r, homogeneous)
    inverse = _linear(turned, y, t, seen)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        for _ in range(STEPS):
            error, slope, _ = _errors(inverse, turned, y, t, seen)
            inverse = inverse - (slope * error).sum((0, 2)) / (slope * slope).sum((0, 2))
        error, slope, facing = _errors(inverse, turned, y, t, seen)
        information = (slope * slope).sum((0, 2))
        views = seen.sum(axis=0)
        deviation = noise * np.sqrt(2 / information)  # the reference ray is noisy as well
        residual = np.sqrt((error * error).sum((0, 2)) / np.maximum(views, 1))
        good = (views > 0) & (information > 0) & np.isfinite(inverse) & facing
    parallax = np.where(seen, _angle(turned, y), 0.0).max(axis=0, initial=0.0)
    return Triangulated(
        np.where(good, inverse, np.nan),
        np.where(good, deviation, np.nan),
        np.where(good, residual, np.nan),
        parallax,
        views,
    )


def _linear(turned: Matrix, y: Matrix, t: Matrix, seen: Mask) -> Matrix:
    """Return the inverse depth at which the cross products with the other rays are least."""
    other = np.concatenate([y, np.ones((*y.shape[:2], 1))], axis=2)
    constant = np.cross(other, turned) * seen[..., None]
    slope = np.cross(other, np.broadcast_to(t[:, None], other.shape)) * seen[..., None]
    with np.errstate(divide='ignore', invalid='ignore'):
        return -(constant * slope).sum((0, 2)) / (slope * slope).sum((0, 2))


def _errors(
    inverse: Matrix, turned: Matrix, y: Matrix, t: Matrix, seen: Mask
) -> tuple[Matrix, Matrix, Mask]:
    """Return reprojection errors (k, n, 2), their slope, and which points all views face."""
    point = turned + inverse[None, :, None] * t[:, None]
    z = point[..., 2:]
    ray = point[..., :2] / z
    error = np.where(seen[..., None], ray - y, 0.0)
    slope = np.where(seen[..., None], (t[:, None, :2] - ray * t[:, None, 2:]) / z, 0.0)
    facing: Mask = np.asarray((~seen | (z[..., 0] > 0)).all(axis=0))
    return np.nan_to_num(error, posinf=0, neginf=0), np.nan_to_num(slope), facing


def _angle(turned: Matrix, y: Matrix) -> Matrix:
    other = np.concatenate([y, np.ones((*y.shape[:2], 1))], axis=2)
    cross = np.linalg.norm(np.cross(other, turned), axis=2)
    return np.arctan2(cross, (other * turned).sum(axis=2))


def _checked(
    rays: npt.ArrayLike,
    others: npt.ArrayLike,
    rotations: npt.ArrayLike,
    translations: npt.ArrayLike,
) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    x, y = np.asarray(rays, np.float64), np.asarray(others, np.float64)
    r, t = np.asarray(rotations, np.float64), np.asarray(translations, np.float64)
    if x.ndim != 2 or x.shape[1] != 2 or y.ndim != 3 or y.shape[1:] != x.shape:
        raise DepthError(
            f'rays have shapes {x.shape} and {y.shape}, expected (n, 2) and (views, n, 2)'
        )
    if r.shape != (len(y), 3, 3) or t.shape != (len(y), 3):
        raise DepthError(
            f'motions have shapes {r.shape} and {t.shape}, expected ({len(y)}, 3, 3) and '
            f'({len(y)}, 3): one for each other view'
        )
    return x, y, r, t
