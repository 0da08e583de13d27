# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Filters of a depth image: median, speckles and small holes.

Each takes and returns float32 metres. What is no depth (NaN, infinities) keeps its meaning.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import is_valid
from depth_ros.types import DepthError, FloatImage

LOG_STEP = 1 / 2000  # of log metres: what filterSpeckles counts in
NOTHING = -32768


def median_filter(depth: FloatImage, size: int = 3) -> FloatImage:
    """
    Return the median over size x size pixels (3 or 5; 0 and 1 turn it off).

    Only valid pixels change, and only valid ones count: a hole takes the value of its nearest
    valid pixel while the median is computed.
    """
    if size in (0, 1):
        return np.array(depth, np.float32)
    if size not in (3, 5):
        raise DepthError(f'median size is {size}, expected 0 (off), 3 or 5 pixels')
    depth = _checked(depth)
    valid = is_valid(depth)
    if not valid.any():
        return depth.copy()
    filled = depth if valid.all() else depth[_nearest(valid)]
    smooth = np.asarray(cv2.medianBlur(np.ascontiguousarray(filled), size), np.float32)
    return np.where(valid, smooth, depth)


def remove_speckles(depth: FloatImage, size: int = 100, step: float = 0.05) -> FloatImage:
    """
    Return depth with NaN for patches of at most `size` pixels (0 turns it off).

    Neighbours within the relative `step` belong to one patch.
    """
    if size == 0:
        return np.array(depth, np.float32)
    if size < 0 or not step > 0:
        raise DepthError(
            f'speckle size is {size} and step {step:g}, expected 0 or more pixels and a step '
            'above 0'
        )
    depth = _checked(depth)
    valid = is_valid(depth)
    with np.errstate(divide='ignore', invalid='ignore'):
        logs = np.log(np.where(valid, depth, np.float32(1))) * np.float32(1 / LOG_STEP)
    packed = np.clip(logs, NOTHING + 1, 32767).astype(np.int16)
    packed[~valid] = NOTHING
    limit = min(float(np.log1p(step)) / LOG_STEP, 32767.0)
    cv2.filterSpeckles(packed, NOTHING, size, limit)
    result = depth.copy()
    result[valid & (packed == NOTHING)] = np.nan
    return result


def fill_holes(depth: FloatImage, size: int = 100, step: float = 0.1) -> FloatImage:
    """
    Return depth with holes (NaN) of at most `size` pixels filled (0 turns it off).

    A hole within one surface is filled by interpolating inverse depth from its border. Where its
    border spans more than the relative `step`, it lies on an edge, and takes the far side: what a
    camera or a matcher misses beside a thing is the background. Holes at the image border are
    filled as well; infinities are known and stay.
    """
    if size == 0:
        return np.array(depth, np.float32)
    if size < 0 or not step > 0:
        raise DepthError(
            f'hole size is {size} and step {step:g}, expected 0 or more pixels and a step above 0'
        )
    depth = _checked(depth)
    hole = np.isnan(depth)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        hole.astype(np.uint8), None, None, None, 4
    )
    small = stats[:, cv2.CC_STAT_AREA] <= size
    small[0] = False
    result = depth.copy()
    for index in np.flatnonzero(small[:count]).tolist():
        x, y, w, h = stats[index, :4].tolist()
        rows, columns = slice(max(y - 1, 0), y + h + 1), slice(max(x - 1, 0), x + w + 1)
        inside = labels[rows, columns] == index
        border = _grown(inside) & is_valid(depth[rows, columns])
        if border.any():
            patch = result[rows, columns]
            patch[inside] = _filling(depth[rows, columns], inside, border, step)
    return result


def _filling(
    depth: FloatImage, inside: npt.NDArray[np.bool_], border: npt.NDArray[np.bool_], step: float
) -> FloatImage:
    """Return values for the pixels inside, from those on the border."""
    near, far = float(depth[border].min()), float(depth[border].max())
    if far > (1 + step) * near:
        border = border & (depth >= far / (1 + step))
    rows, columns = np.nonzero(border)
    inverse = 1 / depth[border].astype(np.float64)
    at = np.stack(np.nonzero(inside), axis=1).astype(np.float64)
    square = (at[:, :1] - rows) ** 2 + (at[:, 1:] - columns) ** 2
    weights = 1 / (square * square)
    return (weights.sum(axis=1) / (weights @ inverse)).astype(np.float32)


def _grown(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(grown, np.bool_) & ~mask


def _nearest(valid: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return for each pixel the row and column of the nearest valid one."""
    _, labels = cv2.distanceTransformWithLabels(
        (~valid).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(valid)
    row_of = np.zeros(int(labels.max()) + 1, np.intp)
    column_of = np.zeros_like(row_of)
    row_of[labels[rows, columns]], column_of[labels[rows, columns]] = rows, columns
    return row_of[labels], column_of[labels]


def _checked(depth: FloatImage) -> FloatImage:
    depth = np.ascontiguousarray(depth, np.float32)
    if depth.ndim != 2 or depth.size == 0:
        raise DepthError(f'depth has shape {depth.shape}, expected (height, width), not empty')
    return depth
