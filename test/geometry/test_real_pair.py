# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A real pair of distorted, tilted cameras: a board of known size, measured through all of it."""

import cv2
import numpy as np
import pytest

from depth_ros.geometry.disparity import disparity_to_depth
from depth_ros.geometry.distortion import unproject
from depth_ros.geometry.rectify import (
    Rectifier,
    check_rectified,
    rectified_pixels,
    stereo_baseline,
)
from depth_ros.types import Camera, Distortion

COLUMNS, ROWS, SQUARE = 9, 6, 0.025  # inner corners; metres
BOARD = np.zeros((ROWS * COLUMNS, 3), np.float32)
BOARD[:, :2] = np.mgrid[:COLUMNS, :ROWS].T.reshape(-1, 2) * SQUARE


def corners_of(image: np.ndarray) -> np.ndarray | None:
    found, corners = cv2.findChessboardCorners(image, (COLUMNS, ROWS))
    if not found:
        return None
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.01)
    return cv2.cornerSubPix(image, corners, (5, 5), (-1, -1), stop).astype(np.float32)


@pytest.fixture
def pair(real_data):
    """Return the calibrated cameras and the corners they saw."""
    folder = real_data('stereo_chessboard')
    seen, image = [], None
    for path in sorted(folder.glob('left[0-9]*.jpg')):
        names = (path, folder / path.name.replace('left', 'right'))
        images = [cv2.imread(str(name), cv2.IMREAD_GRAYSCALE) for name in names]
        corners = [corners_of(image) for image in images]
        if all(c is not None for c in corners):
            seen.append(corners)
            image = images[0]
    assert len(seen) > 8
    size = image.shape[::-1]
    boards = [BOARD] * len(seen)
    lenses = [
        cv2.calibrateCamera(boards, [s[eye] for s in seen], size, None, None)[1:3]
        for eye in (0, 1)
    ]
    (K1, D1), (K2, D2) = lenses
    _, K1, D1, K2, D2, R, T, *_ = cv2.stereoCalibrate(
        boards,
        [s[0] for s in seen],
        [s[1] for s in seen],
        K1,
        D1,
        K2,
        D2,
        size,
        flags=cv2.CALIB_FIX_INTRINSIC,
    )
    R1, R2, P1, P2 = cv2.stereoRectify(K1, D1, K2, D2, size, R, T, alpha=0)[:4]
    left = Camera(*size, K1, D1, Distortion.PLUMB_BOB, R1, P1)
    right = Camera(*size, K2, D2, Distortion.PLUMB_BOB, R2, P2)
    return left, right, np.array(seen).reshape(len(seen), 2, -1, 2), image


def test_a_board_is_measured_in_true_metres(pair):
    left, right, seen, _ = pair
    check_rectified(left, right)
    in_left, in_right = (rectified_pixels(eye, seen[:, i]) for i, eye in enumerate((left, right)))
    rows_apart = in_left[..., 1] - in_right[..., 1]
    assert np.sqrt((rows_apart**2).mean()) < 0.35  # px: what the corners are found to
    disparity = (in_left - in_right)[..., 0] - (left.projection[0, 2] - right.projection[0, 2])
    depth = disparity_to_depth(disparity, left.projection[0, 0], stereo_baseline(left, right))
    P = left.projection
    rays = (in_left - [P[0, 2], P[1, 2]]) / [P[0, 0], P[1, 1]]
    points = np.concatenate([rays * depth[..., None], depth[..., None]], -1)
    grid = points.reshape(-1, ROWS, COLUMNS, 3)
    for sides in (np.diff(grid, axis=1), np.diff(grid, axis=2)):
        assert np.linalg.norm(sides, axis=-1).mean() == pytest.approx(SQUARE, rel=0.01)
    for board in points:
        centred = board - board.mean(0)
        thickness = np.linalg.svd(centred)[1][-1] / np.sqrt(len(board))
        assert thickness < 0.002  # metres of a board a quarter of a metre wide


def test_straight_lines_of_the_board_are_straight_once_rectified(pair):
    left, _, seen, image = pair

    def bend(pixels: np.ndarray) -> float:
        """Return how far the outer rows of the boards are from straight, in pixels."""
        rows = pixels.reshape(-1, ROWS, COLUMNS, 2)[:, [0, -1]].reshape(-1, COLUMNS, 2)
        rows = rows - rows.mean(1, keepdims=True)
        return float(np.linalg.svd(rows)[1][:, -1].mean() / np.sqrt(COLUMNS))

    raw, straight = bend(seen[:, 0]), bend(rectified_pixels(left, seen[:, 0]))
    assert straight < 0.2
    assert straight < raw / 3
    found = corners_of(Rectifier(left)(image))  # the corners of the image, not of the numbers
    assert found is not None
    expected = rectified_pixels(left, seen[-1, 0])
    assert np.abs(found.reshape(-1, 2) - expected).mean() < 0.15


def test_rays_are_what_opencv_undistorts(pair):
    left, _, seen, _ = pair
    pixels = seen[:, 0].reshape(-1, 1, 2).astype(np.float64)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 200, 1e-14)
    if hasattr(cv2, 'undistortPointsIter'):  # OpenCV 4
        expected = cv2.undistortPointsIter(pixels, left.K, left.D, None, None, stop)
    else:
        expected = cv2.undistortPoints(pixels, left.K, left.D, criteria=stop)
    np.testing.assert_allclose(unproject(left, pixels), expected, rtol=0, atol=1e-9)
