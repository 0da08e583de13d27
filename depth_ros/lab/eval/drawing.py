# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of truth, prediction and error in the same colours, so that the eye can compare."""

from __future__ import annotations

import cv2
import numpy as np

from depth_ros.files.depth_colors import depth_to_colors
from depth_ros.geometry.depth_values import is_valid
from depth_ros.lab.eval.frames import Frame
from depth_ros.lab.eval.measure import Measurement
from depth_ros.types import FloatImage, Image

# Upper ends of the steps; what is beyond the last takes the last colour.
DEPTH_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)  # |p - t| / t
DISPARITY_STEPS = (0.5, 1.0, 2.0, 3.0, 6.0)  # |p - t| in pixels
STEP_COLORS = (
    (38, 78, 143),
    (76, 149, 201),
    (163, 213, 224),
    (250, 211, 122),
    (238, 125, 60),
    (178, 24, 43),
)
NO_TRUTH = (16, 16, 18)
NO_PREDICTION = (122, 122, 128)
SPARSE = 0.3  # below this share of known pixels the dots are drawn larger


def step_labels(disparity: bool) -> list[str]:
    """Return a text for every colour of the error image."""
    if disparity:
        names = [f'{step:g} px' for step in DISPARITY_STEPS]
    else:
        names = [f'{100 * step:g} %' for step in DEPTH_STEPS]
    return [f'up to {name}' for name in names] + [f'over {names[-1]}']


def shows_disparity(frame: Frame) -> bool:
    """Return whether the images show disparity: where no depth is known."""
    return frame.depth is None


def _range(truth: FloatImage) -> tuple[float, float]:
    """Return near and far of the truth's colours, wide enough to draw."""
    known = truth[is_valid(truth)]
    if known.size == 0:
        return 1.0, 10.0
    near, far = (float(v) for v in np.percentile(known, (2, 98)))
    return near, max(far, near * 1.05)


def _as_depth(frame: Frame, depth: FloatImage | None, disparity: FloatImage | None) -> FloatImage:
    """Return depth, or 1 / disparity, which takes the same colours."""
    if not shows_disparity(frame):
        return np.full(frame.image.shape[:2], np.nan, np.float32) if depth is None else depth
    assert disparity is not None
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.where(disparity > 0, 1 / disparity, np.nan).astype(np.float32)


def draw_truth(frame: Frame) -> Image:
    """Return the truth in colours."""
    values = _as_depth(frame, frame.depth, frame.disparity)
    return _grow(depth_to_colors(values, *_range(values)), np.isfinite(values))


def range_text(frame: Frame) -> str:
    """Return the ends of the colours, nearest first, as 1.2 to 3.4 m."""
    near, far = _range(_as_depth(frame, frame.depth, frame.disparity))
    if shows_disparity(frame):
        return f'{1 / near:.3g} to {1 / far:.3g} px'
    return f'{near:.3g} to {far:.3g} m'


def draw_prediction(frame: Frame, seen: Measurement) -> Image:
    """Return the aligned prediction in the colours of the truth."""
    near, far = _range(_as_depth(frame, frame.depth, frame.disparity))
    return depth_to_colors(_as_depth(frame, seen.depth, seen.disparity), near, far)


def draw_error(frame: Frame, seen: Measurement) -> Image:
    """Return the error in steps: of depth as a share of the truth, of disparity in pixels."""
    if shows_disparity(frame):
        truth, prediction, steps = frame.disparity, seen.disparity, DISPARITY_STEPS
    else:
        truth, prediction, steps = frame.depth, seen.depth, DEPTH_STEPS
    assert truth is not None
    assert prediction is not None
    known = np.isfinite(truth) if shows_disparity(frame) else is_valid(truth)
    with np.errstate(invalid='ignore', divide='ignore'):
        error = np.abs(prediction - truth)
        if not shows_disparity(frame):
            error = error / truth
    image = np.array(STEP_COLORS, np.uint8)[np.digitize(np.nan_to_num(error), steps, right=True)]
    image[~np.isfinite(prediction)] = NO_PREDICTION
    image[~known] = NO_TRUTH
    return _grow(image, known)


def _grow(image: Image, known: np.ndarray) -> Image:
    """Return the image with larger dots where they would be too sparse to see."""
    if known.mean() >= SPARSE:
        return image
    kernel = np.ones((3, 3), np.uint8)
    grown = image.copy()
    empty = ~known
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            take = empty & np.roll(known, (dy, dx), (0, 1))
            grown[take] = np.roll(image, (dy, dx), (0, 1))[take]
    grown[cv2.dilate(known.astype(np.uint8), kernel) == 0] = NO_TRUTH
    return grown


def encode(image: Image, width: int, exact: bool = False) -> tuple[str, bytes]:
    """
    Return the media type and the bytes of an image no wider than width.

    :param exact: PNG, and no colours between two colours; otherwise JPEG.
    """
    height, full = image.shape[:2]
    if full > width:
        size = (width, max(1, round(height * width / full)))
        how = cv2.INTER_NEAREST if exact else cv2.INTER_AREA
        image = np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
    if image.ndim == 3:
        image = image[..., ::-1]
    kind, suffix, options = (
        ('image/png', '.png', [cv2.IMWRITE_PNG_COMPRESSION, 9])
        if exact
        else ('image/jpeg', '.jpg', [cv2.IMWRITE_JPEG_QUALITY, 85])
    )
    return kind, np.asarray(cv2.imencode(suffix, image, options)[1]).tobytes()
