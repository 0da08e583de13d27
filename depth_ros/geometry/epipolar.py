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
ROUNDS = 12
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
    matrix, _ = cv2.findFundamentalMat(a, b, cv2.USAC_MAGSAC, tolerance, 0.999, 2000)
    if matrix is None or matrix.shape != (3, 3):
        raise DepthError(
            f'{len(a)} matches have no fundamental matrix in common; the points must not all '
            'lie on one line or at one place'
        )
    return _judged(np.asarray(matrix, np.float64), a, b, tolerance)


def essential_matrix(first: npt.ArrayLike, second: npt.ArrayLike, tolerance: float) -> Epipolar:
    """
    Return the essential matrix that most matched rays agree with.

    `tolerance` is in the unit of the rays: pixels divided by the focal length.
    """
    a, b = _matches(first, second, 5, 'essential')
    cv2.setRNGSeed(0)
    matrix, _ = cv2.findEssentialMat(a, b, np.eye(3), cv2.USAC_MAGSAC, 0.999, tolerance)
    if matrix is None or matrix.shape[0] < 3:
        raise DepthError(
            f'{len(a)} matches have no essential matrix in common; the points must not all lie '
            'at one place'
        )
    return _judged(np.asarray(matrix[:3], np.float64), a, b, tolerance)


def motion_from_matches(first: npt.ArrayLike, second: npt.ArrayLike, tolerance: float) -> Motion:
    """
    Return rotation and direction of motion from matched rays alone.

    Refuses where the views differ by a rotation only: no direction is visible then.
    """
    a, b = _matches(first, second, 5, 'essential')
    found = essential_matrix(a, b, tolerance)
    few = found.inliers
    if np.count_nonzero(few) < 5:
        raise DepthError(f'{np.count_nonzero(few)} matches agree on a motion, expected 5 or more')
    _, rotation, direction, _ = cv2.recoverPose(found.matrix, a[few], b[few], np.eye(3))
    turn, way = np.array(rotation, np.float64), np.array(direction, np.float64).ravel()
    motion = refine_motion(a, b, turn, way, tolerance, np.inf, np.inf)
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
) -> Motion:
    """
    Return the motion closest to a first guess that the matched rays agree with.

    Rotation and direction are changed, the length of the translation never: images do not show
    it. The sigmas (radians) say how far the guess may be off. The gate on the matches begins as
    wide as the guess is uncertain and ends at `tolerance`.
    """
    a, b = _matches(first, second, 1, 'essential')
    t = np.asarray(translation, np.float64).ravel()
    length = float(np.linalg.norm(t))
    if not length > 0:
        raise DepthError('the translation is zero, expected a motion; wait until the camera moves')
    direction = t / length
    start = direction
    turn = np.zeros(3)
    widest = max(tolerance, float(np.median(np.abs(
        sampson_distance(essential_of(rotation, direction), a, b)
    ))))  # fmt: skip
    gates = np.geomspace(max(3 * widest, tolerance), tolerance, ROUNDS)
    for gate in gates:
        base = rotation_of(turn) @ rotation
        error = sampson_distance(essential_of(base, direction), a, b)
        weights = np.maximum(1 - (error / (2.5 * gate)) ** 2, 0) ** 2
        aside = _tangent(direction)
        step = 1e-6
        columns = []
        for axis in np.eye(3):
            moved = essential_of(rotation_of(step * axis) @ base, direction)
            columns.append((sampson_distance(moved, a, b) - error) / step)
        for axis in aside:
            moved = essential_of(base, direction + step * axis)
            columns.append((sampson_distance(moved, a, b) - error) / step)
        jacobian = np.nan_to_num(np.stack(columns, axis=1))
        error = np.nan_to_num(error)
        weights *= min(1.0, INDEPENDENT / max(float(weights.sum()), 1.0)) / gate**2
        normal = (jacobian * weights[:, None]).T @ jacobian
        slope = (jacobian * weights[:, None]).T @ error
        # What is known about the guess, and a little damping of what nothing is known about.
        prior = np.array([1 / rotation_sigma**2] * 3 + [1 / direction_sigma**2] * 2)
        known = np.concatenate([turn, aside @ (direction - start)])
        normal += np.diag(prior) + np.eye(5) * (1e-9 * np.trace(normal) + 1e-12)
        change = -np.linalg.solve(normal, slope + prior * known)
        size = float(np.linalg.norm(change))
        change *= min(1.0, 0.2 / max(size, 1e-12))
        turn = _composed(change[:3], turn)
        direction = direction + change[3:] @ aside
        direction /= np.linalg.norm(direction)
    final = rotation_of(turn) @ rotation
    error = np.abs(sampson_distance(essential_of(final, direction), a, b))
    inliers = error <= 2.0 * tolerance
    inliers &= _in_front(a, b, final, direction)
    residual = float(np.median(error[inliers])) if inliers.any() else np.inf
    return Motion(final, direction * length, inliers, residual)


def _composed(change: Matrix, turn: Matrix) -> Matrix:
    return np.array(cv2.Rodrigues(rotation_of(change) @ rotation_of(turn))[0], np.float64).ravel()


def _in_front(a: Matrix, b: Matrix, rotation: Matrix, translation: Matrix) -> Mask:
    """Tell which matches have a point at a positive depth or at infinity in both views."""
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
