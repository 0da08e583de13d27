# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The rotation, translation and scale between two worlds that hold the same points or cameras.

Depth predicted with cameras has a scale of its own. Where the true poses are known, the
similarity between both sets of cameras gives the scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, Matrix

_SAME_POINT = 1e-12  # spread over distance from the origin, below which points are one point
_STRAIGHT = 1e-2  # width over length of a path, below which its rotation is not determined
_ROBUST_FROM = 10  # cameras from which a wrong pose is left out
_SUBSETS = 100
_SUBSET = 4
_INLIER = 2.5 * 1.4826  # median distances: 2.5 standard deviations of normal errors


@dataclass(frozen=True, eq=False)
class Similarity:
    """The map x -> scale * rotation @ x + translation."""

    scale: float
    rotation: Matrix
    translation: Matrix

    def __call__(self, points: npt.ArrayLike) -> Matrix:
        """Return the points (..., 3), mapped."""
        return self.scale * np.asarray(points, np.float64) @ self.rotation.T + self.translation

    def inverse(self) -> Similarity:
        """Return the map back."""
        back = self.rotation.T
        return Similarity(1 / self.scale, back, -back @ self.translation / self.scale)

    def extrinsics(self, extrinsics: npt.ArrayLike) -> Matrix:
        """
        Return world-to-camera poses (..., 3, 4) in the world mapped to.

        :param extrinsics: (..., 3 or 4, 4), in the world mapped from. Distances from a camera
            become `scale` times as long.
        """
        old = np.asarray(extrinsics, np.float64)[..., :3, :]
        rotation = old[..., :3] @ self.rotation.T
        moved = self.scale * old[..., 3] - rotation @ self.translation
        return np.concatenate([rotation, moved[..., None]], -1)


def umeyama(
    source: npt.ArrayLike,
    target: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    scaled: bool = True,
) -> Similarity:
    """
    Return the similarity that brings source points closest to target points (Umeyama, 1991).

    The rotation is proper even where a mirror image would fit better.

    :param source: (N, 3). :param target: (N, 3), in the same order. :param weights: (N,), not
        negative; equal without them. :param scaled: False keeps the scale at 1.
    """
    a, b, w = _points(source, target, weights)
    middle_a, middle_b = w @ a, w @ b
    near_a, near_b = a - middle_a, b - middle_b
    rotation = _closest_rotation(near_b.T @ (w[:, None] * near_a))
    return _with_rotation(a, b, w, rotation, scaled)


def align_cameras(source: npt.ArrayLike, target: npt.ArrayLike, seed: int = 0) -> Similarity:
    """
    Return the similarity that brings source cameras closest to target cameras.

    The positions decide. Where they lie on a line, as those of two cameras always do, the
    orientations settle the rotation about it. From ten cameras on, wrong poses are left out.
    Depth predicted with the source cameras, times the scale, is in the unit of the target.

    :param source: world-to-camera poses (N, 3 or 4, 4), N at least 2.
    :param target: the same cameras in the other world.
    :param seed: of the subsets that the search for wrong poses tries.
    """
    a, b = _extrinsics(source, 'source'), _extrinsics(target, 'target')
    if len(a) != len(b) or len(a) < 2:
        raise DepthError(
            f'there are {len(a)} source and {len(b)} target cameras, expected equal numbers of '
            'at least 2; give both poses of each camera'
        )
    kept = np.ones(len(a), bool)
    if len(a) >= _ROBUST_FROM:
        kept = _consistent(a, b, seed)
    return _similarity_of_cameras(a[kept], b[kept])


def camera_centres(extrinsics: npt.ArrayLike) -> Matrix:
    """Return the positions (..., 3) of world-to-camera poses (..., 3 or 4, 4)."""
    poses = np.asarray(extrinsics, np.float64)
    return -(np.swapaxes(poses[..., :3, :3], -1, -2) @ poses[..., :3, 3:])[..., 0]


def _similarity_of_cameras(source: Matrix, target: Matrix) -> Similarity:
    a, b, w = _points(camera_centres(source), camera_centres(target), None)
    near_a, near_b = a - w @ a, b - w @ b
    covariance = near_b.T @ near_a
    if _is_straight(near_a) or _is_straight(near_b):
        turns = np.swapaxes(target[:, :3, :3], 1, 2) @ source[:, :3, :3]
        covariance = covariance / max(np.linalg.norm(covariance), 1e-300) + turns.mean(0)
    return _with_rotation(a, b, w, _closest_rotation(covariance), True)


def _is_straight(points: Matrix) -> bool:
    """Return whether centred points lie on a line or in one place."""
    longest, second = np.linalg.svd(points, compute_uv=False)[:2]
    return bool(second <= _STRAIGHT * longest)


def _consistent(source: Matrix, target: Matrix, seed: int) -> npt.NDArray[np.bool_]:
    """Return which cameras fit the similarity with the least median error."""
    random = np.random.default_rng(seed)
    a, b = camera_centres(source), camera_centres(target)
    best = np.full(len(a), np.inf)
    for _ in range(_SUBSETS):
        subset = random.choice(len(a), _SUBSET, replace=False)
        try:
            similarity = _similarity_of_cameras(source[subset], target[subset])
        except DepthError:  # the subset stands still
            continue
        errors = np.linalg.norm(similarity(a) - b, axis=1)
        if np.median(errors) < np.median(best):
            best = errors
    spread = float(np.abs(b - np.median(b, axis=0)).max())
    return best <= max(_INLIER * float(np.median(best)), 1e-9 * spread)


def _closest_rotation(covariance: Matrix) -> Matrix:
    """Return the rotation (3, 3) with the largest product with the covariance."""
    U, _, Vt = np.linalg.svd(covariance)
    last = np.sign(np.linalg.det(U) * np.linalg.det(Vt))
    return U @ np.diag([1.0, 1.0, last]) @ Vt


def _with_rotation(a: Matrix, b: Matrix, w: Matrix, rotation: Matrix, scaled: bool) -> Similarity:
    middle_a, middle_b = w @ a, w @ b
    scale = 1.0
    if scaled:
        near_a, near_b = a - middle_a, b - middle_b
        variance = float(w @ np.sum(near_a**2, axis=1))
        if variance <= _SAME_POINT**2 * max(float(w @ np.sum(a**2, axis=1)), 1e-300):
            raise DepthError(
                'all source positions are the same point, expected at least two different ones '
                'to find a scale; move the camera, or fit without scale'
            )
        scale = float(w @ np.sum(near_b * (near_a @ rotation.T), axis=1)) / variance
    return Similarity(scale, rotation, middle_b - scale * rotation @ middle_a)


def _points(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Matrix, Matrix, Matrix]:
    """Return both sets of points and the weights, which sum to 1."""
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 3 or len(a) == 0:
        raise DepthError(
            f'points have shapes {a.shape} and {b.shape}, expected (N, 3) twice with N > 0; '
            'give the same points in both worlds'
        )
    w = np.ones(len(a)) if weights is None else np.asarray(weights, np.float64)
    if w.shape != (len(a),) or not np.all(w >= 0) or not 0 < w.sum() < np.inf:
        raise DepthError(
            f'weights have shape {w.shape} and sum {w.sum():g}, expected ({len(a)},), none '
            'negative and not all 0; give one weight for each point'
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise DepthError('points hold NaN or infinity, expected numbers; leave such points out')
    return a, b, w / w.sum()


def _extrinsics(poses: npt.ArrayLike, name: str) -> Matrix:
    array = np.asarray(poses, np.float64)
    if array.ndim != 3 or array.shape[1:] not in ((3, 4), (4, 4)):
        raise DepthError(
            f'{name} cameras have shape {array.shape}, expected (N, 3, 4) or (N, 4, 4); '
            'give world-to-camera poses'
        )
    if not np.isfinite(array).all():
        raise DepthError(f'{name} cameras hold NaN or infinity, expected poses; leave such out')
    return array
