# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How wrong camera poses are: relative poses, area under the accuracy curve, trajectories.

Poses are 4x4 camera-to-world matrices. Angles are degrees. The scale of translation is not judged
by the relative metrics, only its direction; trajectories are compared after a similarity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.similarity import Similarity, umeyama
from depth_ros.types import DepthError, Matrix

Values = npt.NDArray[np.float64]
ALIGNMENTS = ('sim3', 'se3', 'none')


def rotation_angle(a: npt.ArrayLike, b: npt.ArrayLike) -> Values:
    """
    Return the angle between rotations (..., 3, 3), 0..180.

    By the chord between them, which stays exact where the arc cosine of the trace does not.
    """
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    chord = np.sqrt(np.sum(difference**2, axis=(-2, -1)) / 8)  # sin of half the angle
    return np.degrees(2 * np.arcsin(np.clip(chord, 0, 1)))


def direction_angle(a: npt.ArrayLike, b: npt.ArrayLike) -> Values:
    """
    Return the angle between vectors (..., 3), 0..180.

    Where one of the two has no length there is no direction: 0 if neither moves, else 180.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    length_a, length_b = np.linalg.norm(a, axis=-1), np.linalg.norm(b, axis=-1)
    still_a, still_b = length_a < 1e-12, length_b < 1e-12
    with np.errstate(divide='ignore', invalid='ignore'):
        u, v = a / length_a[..., None], b / length_b[..., None]
    angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=-1), np.linalg.norm(u + v, axis=-1))
    return np.degrees(np.where(still_a & still_b, 0.0, np.where(still_a | still_b, np.pi, angle)))


def _poses(poses: npt.ArrayLike, what: str) -> Matrix:
    array = np.asarray(poses, np.float64)
    if array.ndim != 3 or array.shape[1:] != (4, 4):
        raise DepthError(f'{what} have shape {array.shape}, expected (N, 4, 4)')
    if not np.isfinite(array).all():
        raise DepthError(f'{what} hold NaN or infinity; leave out the frames without a pose')
    return array


def _both(predicted: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[Matrix, Matrix]:
    a, b = _poses(predicted, 'predicted poses'), _poses(truth, 'true poses')
    if len(a) != len(b):
        raise DepthError(
            f'{len(a)} predicted and {len(b)} true poses; expected one for each frame'
        )
    return a, b


def relative_pose_errors(predicted: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[Values, Values]:
    """
    Return the errors of rotation and of the direction of translation for every pair of frames.

    :param predicted: (N, 4, 4). :param truth: the same. Both results have N * (N - 1) / 2 angles,
        in the order of numpy.triu_indices. Neither depends on the choice of world.
    """
    a, b = _both(predicted, truth)
    first, second = np.triu_indices(len(a), k=1)
    relative_a = np.linalg.inv(a[first]) @ a[second]
    relative_b = np.linalg.inv(b[first]) @ b[second]
    return (
        rotation_angle(relative_a[:, :3, :3], relative_b[:, :3, :3]),
        direction_angle(relative_a[:, :3, 3], relative_b[:, :3, 3]),
    )


def accuracy(errors: npt.ArrayLike, threshold: float) -> float:
    """Return the share of errors below the threshold; NaN without errors."""
    errors = np.asarray(errors, np.float64)
    return float(np.mean(errors < threshold)) if errors.size else float('nan')


def area_under_curve(errors: npt.ArrayLike, threshold: float) -> float:
    """
    Return the mean accuracy over all thresholds from 0 to this one, 0..1.

    The integral is exact; papers that sum it over bins of one degree come out a little lower or
    higher.
    """
    errors = np.asarray(errors, np.float64)
    if not errors.size:
        return float('nan')
    return float(np.mean(np.clip(1 - errors / threshold, 0, 1)))


def pose_metrics(
    predicted: npt.ArrayLike, truth: npt.ArrayLike, thresholds: Sequence[float] = (3, 30)
) -> dict[str, float]:
    """
    Return relative rotation and translation accuracy (rra, rta) and auc at each threshold.

    The AUC takes the larger of both errors of each pair.
    """
    rotation, translation = relative_pose_errors(predicted, truth)
    worst = np.maximum(rotation, translation)
    result = {}
    for threshold in thresholds:
        result[f'rra{threshold:g}'] = accuracy(rotation, threshold)
        result[f'rta{threshold:g}'] = accuracy(translation, threshold)
        result[f'auc{threshold:g}'] = area_under_curve(worst, threshold)
    return result


def trajectory_errors(
    predicted: npt.ArrayLike, truth: npt.ArrayLike, alignment: str = 'sim3'
) -> dict[str, float]:
    """
    Return the absolute trajectory error in the truth's unit: rmse, mean, median, max, and scale.

    :param predicted: camera positions (N, 3) or poses (N, 4, 4). :param truth: the same.
    :param alignment: what is allowed first: 'sim3', 'se3' or 'none'.
    """
    if alignment not in ALIGNMENTS:
        raise DepthError(f'alignment is {alignment!r}, expected one of {", ".join(ALIGNMENTS)}')
    a, b = (np.asarray(p, np.float64) for p in (predicted, truth))
    a, b = (p[:, :3, 3] if p.ndim == 3 else p for p in (a, b))
    similarity = Similarity(1.0, np.eye(3), np.zeros(3))
    if alignment != 'none':
        similarity = umeyama(a, b, scaled=alignment == 'sim3')
    if a.shape != b.shape or a.ndim != 2 or a.shape[-1] != 3 or not len(a):
        raise DepthError(
            f'trajectories have shapes {a.shape} and {b.shape}, expected (N, 3) twice'
        )
    errors = np.linalg.norm(similarity(a) - b, axis=1)
    return {
        'rmse': float(np.sqrt(np.mean(errors**2))),
        'mean': float(errors.mean()),
        'median': float(np.median(errors)),
        'max': float(errors.max()),
        'scale': similarity.scale,
    }
