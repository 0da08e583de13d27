# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Fewer points: one per voxel, and larger voxels where the depth is less certain.

Far points of a stereo camera are wrong by decimetres; a voxel of centimetres there holds noise.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, FloatImage

_BITS = 19  # per axis: 2^19 voxels either way
_HALF = 1 << (_BITS - 1)
_LEVELS = 16


class Downsampled(NamedTuple):
    """One point per occupied voxel."""

    points: FloatImage  # (M, 3), the mean of a voxel's points, certain ones counting more
    sigma: npt.NDArray[np.float32]  # (M,) metres, of the most certain point
    counts: npt.NDArray[np.int64]  # (M,) points in the voxel


def voxel_downsample(
    points: FloatImage,
    sigma: npt.NDArray[np.float32],
    voxel_size: float,
    per_sigma: float = 1.0,
) -> Downsampled:
    """
    Return one point per voxel of points (N, 3) with standard deviations (N,), all finite metres.

    A point falls into voxels of voxel_size, doubled as often as it takes to reach
    per_sigma * sigma; 0 gives all points the same voxels.
    """
    if not (0 < voxel_size < math.inf and 0 <= per_sigma < math.inf):
        raise DepthError(
            f'voxel_size is {voxel_size:g} m with {per_sigma:g} per sigma, expected a positive '
            'finite size and a factor from 0'
        )
    points = np.asarray(points, np.float32).reshape(-1, 3)
    sigma = np.asarray(sigma, np.float32).reshape(-1)
    if len(points) != len(sigma):
        raise DepthError(f'{len(points)} points have {len(sigma)} deviations, expected as many')
    if not len(points):
        return Downsampled(points, sigma, np.zeros(0, np.int64))
    wanted = np.maximum(sigma * np.float32(per_sigma / voxel_size), 1)
    level = np.minimum(np.ceil(np.log2(wanted)), _LEVELS - 1).astype(np.int64)
    size = voxel_size * np.exp2(level)
    cell = np.floor(points / size[:, None]).astype(np.int64)
    key = np.clip(cell + _HALF, 0, 2 * _HALF - 1)
    code = ((level << _BITS | key[:, 0]) << _BITS | key[:, 1]) << _BITS | key[:, 2]
    _, inverse, counts = np.unique(code, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    weight = 1 / np.maximum(sigma.astype(np.float64), 1e-6) ** 2
    total = np.bincount(inverse, weight)
    mean = [np.bincount(inverse, weight * points[:, axis]) / total for axis in range(3)]
    least = np.full(len(counts), np.inf, np.float32)
    np.minimum.at(least, inverse, sigma)
    return Downsampled(np.stack(mean, axis=-1).astype(np.float32), least, counts)
