# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Two views of a scene that stands still: epipolar geometry, and the motion between the views.

A motion takes points of the first camera's optical frame to the second's: X2 = R X1 + t. Matched
image points are (n, 2): pixels for the fundamental matrix, rays (x / z, y / z) for the rest. From
images alone t is known up to its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, Matrix

Mask = npt.NDArray[np.bool_]

ROTATION = float(np.radians(1.0))  # standard deviation of a rotation from odometry,
DIRECTION = float(np.radians(2.0))  # and of its direction of motion
INDEPENDENT = 30  # matches beyond these share the errors of calibration and add no knowledge
SEARCHES = (cv2.USAC_MAGSAC, cv2.USAC_ACCURATE, cv2.RANSAC)  # each fails at times
ROUNDS = 8  # from the widest gate to the tolerance,
LAST = 5  # and at the tolerance
STEP = 1e-6  # radians, for slopes
FINEST = 0.02  # of the tolerance: the narrowest gate
SEEN = 3.0  # times the tolerance: the parallax from which a direction of motion is visible


@dataclass(frozen=True, eq=False)
class Epipolar:
    """second^T matrix first = 0 for homogeneous points that match."""

    matrix: Matrix  # 3x3
    inliers: Mask  # (n,)


@dataclass(frozen=True, eq=False)
class Motion:
    """X2 = rotation X1 + translation; the length of the translation is 1 where unknown."""

    rotation: Matrix  # 3x3
    translation: Matrix  # (3,)
    inliers: Mask  # (n,) matches that agree
    residual: float = 0.0  # median Sampson distance of the inliers, in the unit of the points


def skew(vector: npt.ArrayLike) -> Matrix:
    """Return the matrix [v]x with [v]x a = v x a."""
    x, y, z = np.asarray(vector, np.float64).ravel().tolist()
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], np.float64)


def rotation_of(vector: npt.ArrayLike) -> Matrix:
    """Return the rotation about a vector by its length in radians."""
    return np.asarray(cv2.Rodrigues(np.asarray(vector, np.float64))[0], np.float64)


def essential_of(rotation: Matrix, translation: npt.ArrayLike) -> Matrix:
    """Return the essential matrix [t]x R of a motion."""
    return skew(translation) @ rotation


def sampson_distance(matrix: Matrix, first: npt.ArrayLike, second: npt.ArrayLike) -> Matrix:
    """
    Return how far each match (n,) is from satisfying an epipolar matrix, with its sign.

    The unit is that of the points; to first order it is the least distance by which both points
    must move.
    """
    a, b = _homogeneous(first), _homogeneous(second)
    lines, back = a @ matrix.T, b @ matrix
    slope = lines[:, 0] ** 2 + lines[:, 1] ** 2 + back[:, 0] ** 2 + back[:, 1] ** 2
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.einsum('ij,ij->i', b, lines) / np.sqrt(slope)


def fundamental_matrix(
    first: npt.ArrayLike, second: npt.ArrayLike, tolerance: float = 1.0
) -> Epipolar:
    """Return the fundamental matrix that most pixel matches agree with, within `tolerance` px."""
    a, b = _matches(first, second, 8, 'fundamental')
    cv2.setRNGSeed(0)
    found = [
        cv2.findFundamentalMat(a, b, method, tolerance, 0.999, 2000)[0] for method in SEARCHES
    ]
    matrices = [np.array(m, np.float64) for m in found if m is not None and m.shape == (3, 3)]
    if not matrices:
        raise DepthError(
            f'{len(a)} matches have no fundamental matrix in common; the points must not all '
            'lie on one line or at one place'
        )
    polished = [_polished(m, a, b, tolerance) for m in matrices]
    return _judged(min(polished, key=lambda m: _cost(m, a, b, tolerance)), a, b, tolerance)


def essential_matrix(first: npt.ArrayLike, second: npt.ArrayLike, tolerance: float) -> Epipolar:
    """
    Return the essential matrix that most matched rays agree with.

    `tolerance` is in the unit of the rays: pixels divided by the focal length.
    """
    a, b = _matches(first, second, 5, 'essential')
    return _judged(_essentials(a, b, tolerance)[0], a, b, tolerance)


def _essentials(a: Matrix, b: Matrix, tolerance: float) -> list[Matrix]:
    """Return essential matrices of several searches, the best first."""
    cv2.setRNGSeed(0)
    eye = np.eye(3)
    found = [cv2.findEssentialMat(a, b, eye, method, 0.999, tolerance)[0] for method in SEARCHES]
    matrices = [np.array(m[:3], np.float64) for m in found if m is not None and m.shape[0] >= 3]
    if not matrices:
        raise DepthError(
            f'{len(a)} matches have no essential matrix in common; the points must not all lie '
            'at one place'
        )
    return sorted(matrices, key=lambda m: _cost(m, a, b, tolerance))


def motion_from_matches(first: npt.ArrayLike, second: npt.ArrayLike, tolerance: float) -> Motion:
    """
    Return rotation and direction of motion from matched rays alone.

    Refuses where the views differ by a rotation only: no direction is visible then.
    """
    a, b = _matches(first, second, 5, 'essential')
    motions = []
    for matrix in _essentials(a, b, tolerance):
        few = np.abs(sampson_distance(matrix, a, b)) <= tolerance
        if np.count_nonzero(few) < 5:
            continue
        _, rotation, direction, _ = cv2.recoverPose(matrix, a[few], b[few], np.eye(3))
        turn, way = np.array(rotation, np.float64), np.array(direction, np.float64).ravel()
        motions.append(refine_motion(a, b, turn, way, tolerance, np.inf, np.inf, 2 * tolerance))
    if not motions:
        raise DepthError(f'fewer than 5 of {len(a)} matches agree on a motion; match more points')
    motion = min(
        motions, key=lambda m: _cost(essential_of(m.rotation, m.translation), a, b, tolerance)
    )
    turned = rotate_rays(a[motion.inliers], turn_between(a[motion.inliers], b[motion.inliers]))
    moved = np.linalg.norm(turned - b[motion.inliers], axis=1)
    if not np.median(moved) > SEEN * tolerance:
        raise DepthError(
            'the views differ by a rotation only, so that no direction of motion is visible; '
            'move the camera'
        )
    return motion


def turn_between(first: Matrix, second: Matrix) -> Matrix:
    """Return the rotation that brings the directions of rays closest to those of others."""
    a, b = _homogeneous(first), _homogeneous(second)
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    weights = np.ones(len(a))
    rotation = np.eye(3)
    for _ in range(5):
        u, _, v = np.linalg.svd((b * weights[:, None]).T @ a)
        rotation = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
        error = np.linalg.norm(a @ rotation.T - b, axis=1)
        weights = 1 / np.maximum(error, max(float(np.median(error)), 1e-9))
    return rotation


def rotate_rays(rays: npt.ArrayLike, rotation: Matrix) -> Matrix:
    """Return rays (n, 2) seen after a rotation; NaN behind the camera."""
    turned = _homogeneous(rays) @ rotation.T
    with np.errstate(divide='ignore', invalid='ignore'):
        return turned[:, :2] / np.where(turned[:, 2:] > 0, turned[:, 2:], np.nan)


def refine_motion(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    rotation: Matrix,
    translation: npt.ArrayLike,
    tolerance: float,
    rotation_sigma: float = ROTATION,
    direction_sigma: float = DIRECTION,
    widest: float | None = None,
) -> Motion:
    """
    Return the motion closest to a first guess that the matched rays agree with.

    Rotation and direction are changed, the length of the translation never: images do not show
    it. The sigmas (radians) say how far the guess may be off. The gate on the matches begins at
    `widest`, three times the median error of the guess where None, and ends at `tolerance`.
    """
    a, b = _matches(first, second, 1, 'essential')
    t = np.asarray(translation, np.float64).ravel()
    length = float(np.linalg.norm(t))
    if not length > 0:
        raise DepthError('the translation is zero, expected a motion; wait until the camera moves')
    direction = t / length
    start, turn = direction, np.zeros(3)
    error = sampson_distance(essential_of(rotation, direction), a, b)
    if widest is None:
        widest = 3 * float(np.median(np.abs(error)))
    # What is known about the guess; infinity is nothing.
    prior = np.array([1 / rotation_sigma**2] * 3 + [1 / direction_sigma**2] * 2)
    for gate in np.geomspace(max(widest, tolerance), tolerance, ROUNDS):
        for _ in range(LAST if gate <= tolerance else 1):
            base = rotation_of(turn) @ rotation
            error, jacobian = _sampson_slopes(base, direction, a, b)
            width = min(float(gate), max(_scatter(error, tolerance), FINEST * tolerance))
            weights = np.maximum(1 - (error / (4 * width)) ** 2, 0) ** 2
            weights *= min(1.0, INDEPENDENT / max(float(weights.sum()), 1.0)) / gate**2
            normal = (jacobian * weights[:, None]).T @ jacobian
            slope = (jacobian * weights[:, None]).T @ error
            aside = _tangent(direction)
            known = np.concatenate([turn, aside @ (direction - start)])
            # A little damping of what neither images nor the guess know.
            normal += np.diag(prior) + np.eye(5) * (1e-9 * np.trace(normal) + 1e-12)
            change = -np.linalg.solve(normal, slope + prior * known)
            change *= min(1.0, 0.2 / max(float(np.linalg.norm(change)), 1e-12))
            turn = _composed(change[:3], turn)
            direction = direction + change[3:] @ aside
            direction /= np.linalg.norm(direction)
    final = rotation_of(turn) @ rotation
    error = np.abs(sampson_distance(essential_of(final, direction), a, b))
    inliers = error <= 2.0 * tolerance
    inliers &= _in_front(a, b, final, direction)
    residual = float(np.median(error[inliers])) if inliers.any() else np.inf
    return Motion(final, direction * length, inliers, residual)


def _sampson_slopes(
    rotation: Matrix, direction: Matrix, a: Matrix, b: Matrix
) -> tuple[Matrix, Matrix]:
    """Return the distances (n,), and their slopes (n, 5) by the turn and the direction."""
    error = sampson_distance(essential_of(rotation, direction), a, b)
    moved = [essential_of(rotation_of(STEP * axis) @ rotation, direction) for axis in np.eye(3)]
    moved += [essential_of(rotation, direction + STEP * axis) for axis in _tangent(direction)]
    slopes = [(sampson_distance(matrix, a, b) - error) / STEP for matrix in moved]
    return np.nan_to_num(error), np.nan_to_num(np.stack(slopes, axis=1))


def _scatter(error: Matrix, tolerance: float) -> float:
    """Return the standard deviation of the errors within twice the tolerance."""
    few = np.abs(error[np.abs(error) <= 2 * tolerance])
    return 1.4826 * float(np.median(few)) if few.size else tolerance


def _composed(change: Matrix, turn: Matrix) -> Matrix:
    return np.array(cv2.Rodrigues(rotation_of(change) @ rotation_of(turn))[0], np.float64).ravel()


def _in_front(a: Matrix, b: Matrix, rotation: Matrix, translation: Matrix) -> Mask:
    """Return which matches have a point at a positive depth or at infinity in both views."""
    turned = _homogeneous(a) @ rotation.T
    other = _homogeneous(b)
    # other ~ turned * depth + translation: the sign of the depth is that of these products.
    left, right = np.cross(other, turned), np.cross(other, translation)
    facing = -np.einsum('ij,ij->i', left, right)
    # What has no parallax within the noise may be infinitely far.
    return (facing > 0) | (np.linalg.norm(left, axis=1) < 3e-3)


def _tangent(direction: Matrix) -> Matrix:
    """Return two unit vectors (2, 3) across a direction."""
    helper = np.eye(3)[int(np.argmin(np.abs(direction)))]
    one = np.cross(direction, helper)
    one /= np.linalg.norm(one)
    return np.stack([one, np.cross(direction, one)])


def _cost(matrix: Matrix, a: Matrix, b: Matrix, tolerance: float) -> float:
    """Return the sum of truncated distances, in tolerances."""
    return float(np.minimum(np.abs(sampson_distance(matrix, a, b)) / tolerance, 1).sum())


def _polished(matrix: Matrix, a: Matrix, b: Matrix, tolerance: float) -> Matrix:
    """Return the fundamental matrix of those that agree, by eight points, reweighted."""
    best, fewest = matrix, np.inf
    for _ in range(10):
        error = sampson_distance(matrix, a, b)
        cost = _cost(matrix, a, b, tolerance)
        if cost >= fewest:
            break
        best, fewest = matrix, cost
        weights = np.maximum(1 - (error / (2.5 * tolerance)) ** 2, 0)
        if np.count_nonzero(weights) < 8:
            break
        matrix = _eight_points(a, b, weights)
    return best


def _eight_points(a: Matrix, b: Matrix, weights: Matrix) -> Matrix:
    """Return the weighted least squares of second^T F first = 0, of rank 2, after Hartley."""
    (x, first), (y, second) = _normalised(a, weights), _normalised(b, weights)
    rows = np.einsum('ni,nj->nij', y, x).reshape(-1, 9) * weights[:, None]
    matrix = np.linalg.svd(rows, full_matrices=False)[2][-1].reshape(3, 3)
    u, values, v = np.linalg.svd(matrix)
    return second.T @ (u @ np.diag([values[0], values[1], 0.0]) @ v) @ first


def _normalised(points: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """Return homogeneous points around 0 with spread 1, and the map that makes them so."""
    centre = np.average(points, axis=0, weights=weights)
    spread = float(np.sqrt(np.average(((points - centre) ** 2).sum(1), weights=weights) / 2))
    scale = 1 / max(spread, 1e-12)
    change = np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])
    return _homogeneous(points) @ change.T, change


def _judged(matrix: Matrix, a: Matrix, b: Matrix, tolerance: float) -> Epipolar:
    matrix = matrix / np.linalg.norm(matrix)
    return Epipolar(matrix, np.abs(sampson_distance(matrix, a, b)) <= tolerance)


def _homogeneous(points: npt.ArrayLike) -> Matrix:
    points = np.asarray(points, np.float64)
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)


def _matches(
    first: npt.ArrayLike, second: npt.ArrayLike, least: int, name: str
) -> tuple[Matrix, Matrix]:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim != 2 or a.shape != b.shape or a.shape[1] != 2:
        raise DepthError(
            f'matches have shapes {a.shape} and {b.shape}, expected (n, 2) twice, as many of each'
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise DepthError('matches hold NaN or infinity; drop those first')
    if len(a) < least:
        raise DepthError(f'{len(a)} matches were given, the {name} matrix needs {least} or more')
    return np.ascontiguousarray(a), np.ascontiguousarray(b)
