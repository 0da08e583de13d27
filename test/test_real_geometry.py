# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A real rig with real lenses: calibrate on some pairs of a chessboard, measure the board on others.

The board is the truth: flat, with squares of 25 mm. The pairs that are measured had no part in
the calibration.
"""

import functools
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from depth_ros.geometry.disparity import disparity_to_depth
from depth_ros.geometry.distortion import unproject
from depth_ros.geometry.rectify import Rectifier, check_rectified, rectified_pixels
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.models.registry import create_model
from depth_ros.pipeline import Pipeline
from depth_ros.types import Camera, Distortion, View

SIZE = (640, 480)
PATTERN = (9, 6)
SQUARE = 0.025
NUMBERS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14)
CALIBRATION, HELD_OUT = NUMBERS[::2], NUMBERS[1::2]
BOARD = np.zeros((PATTERN[0] * PATTERN[1], 3), np.float32)
BOARD[:, :2] = np.mgrid[: PATTERN[0], : PATTERN[1]].T.reshape(-1, 2) * SQUARE


def corners(image):
    """Return the inner corners (54, 2) in float64, or None."""
    found, points = cv2.findChessboardCorners(image, PATTERN)
    if not found:
        return None
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
    return (
        cv2.cornerSubPix(image, points, (5, 5), (-1, -1), stop).reshape(-1, 2).astype(np.float64)
    )


def pair_of_corners(left, right):
    """Return the corners of both images in the same order, or None."""
    a, b = corners(left), corners(right)
    if a is None or b is None:
        return None
    turned = b[::-1]
    return a, turned if np.ptp((a - turned)[:, 0]) < np.ptp((a - b)[:, 0]) else b


@dataclass(frozen=True)
class Rig:
    """The cameras as CameraInfo would describe them, and the pairs that nothing was fitted to."""

    left: Camera
    right: Camera
    pairs: list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def rig(real_data):
    return calibrated_rig(real_data('stereo_chessboard'))


@functools.cache
def calibrated_rig(folder):
    """Calibrate on half of the pairs and keep the other half."""
    read = {
        i: tuple(
            cv2.imread(str(folder / f'{side}{i:02d}.jpg'), cv2.IMREAD_GRAYSCALE)
            for side in ('left', 'right')
        )
        for i in NUMBERS
    }
    seen = [found for i in CALIBRATION if (found := pair_of_corners(*read[i])) is not None]
    assert len(seen) >= 5
    left, right = ([p[k].astype(np.float32)[:, None] for p in seen] for k in (0, 1))
    boards = [BOARD] * len(seen)
    one = [cv2.calibrateCamera(boards, p, SIZE, None, None)[1:3] for p in (left, right)]
    error, K1, D1, K2, D2, R, T, _, _ = cv2.stereoCalibrate(
        boards, left, right, *one[0], *one[1], SIZE, flags=cv2.CALIB_USE_INTRINSIC_GUESS
    )
    assert error < 1.0
    R1, R2, P1, P2, _, _, _ = cv2.stereoRectify(K1, D1, K2, D2, SIZE, R, T, alpha=0)
    return Rig(
        Camera(*SIZE, K1, D1.ravel(), Distortion.PLUMB_BOB, R1, P1),
        Camera(*SIZE, K2, D2.ravel(), Distortion.PLUMB_BOB, R2, P2),
        [read[i] for i in HELD_OUT],
    )


@pytest.fixture
def rectified_corners(rig):
    """The corners found in images that this package rectified: left and right (54, 2)."""
    rectifiers = Rectifier(rig.left), Rectifier(rig.right)
    found = [
        pair_of_corners(*(rectify(image) for rectify, image in zip(rectifiers, pair)))
        for pair in rig.pairs
    ]
    found = [pair for pair in found if pair is not None]
    assert len(found) >= 4
    return found


def triangulate(rig, left, right):
    """Return points (N, 3) of matched pixels of the rectified pair."""
    L, R = rig.left.projection, rig.right.projection
    disparity = left[:, 0] - right[:, 0] - (L[0, 2] - R[0, 2])
    depth = disparity_to_depth(disparity.astype(np.float32), L[0, 0], rig.right.baseline)
    rays = unproject(Rectifier(rig.left).camera, left)
    return np.column_stack([rays, np.ones(len(rays))]) * depth[:, None].astype(np.float64)


def plane_distances(points):
    """Return the distances of points from the plane that fits them best."""
    centred = points - points.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][2]


def test_the_lenses_are_distorted_and_the_pair_is_rectified(rig):
    assert rig.left.is_distorted
    check_rectified(rig.left, rig.right)
    assert 0.02 < rig.right.baseline < 0.2


def test_rows_of_corners_agree_after_rectification(rectified_corners):
    apart = np.concatenate([np.abs(a[:, 1] - b[:, 1]) for a, b in rectified_corners])
    assert np.median(apart) < 0.25


def test_rows_disagree_before_rectification(rig):
    found = [pair for images in rig.pairs if (pair := pair_of_corners(*images)) is not None]
    apart = np.concatenate([np.abs(a[:, 1] - b[:, 1]) for a, b in found])
    assert np.median(apart) > 1


def test_corners_land_where_the_calculation_says(rig):
    rectifier = Rectifier(rig.left)
    away = []
    for left, _ in rig.pairs:
        raw, seen = corners(left), corners(rectifier(left))
        if raw is None or seen is None:
            continue
        expected = rectified_pixels(rig.left, raw)
        # The board may be found from either end.
        options = (np.linalg.norm(seen[::way] - expected, axis=1) for way in (1, -1))
        away.append(min(options, key=np.median))
    assert np.median(np.concatenate(away)) < 0.15


def test_squares_have_their_size_and_the_board_is_flat(rig, rectified_corners):
    sides, bends, distances = [], [], []
    for left, right in rectified_corners:
        points = triangulate(rig, left, right)
        grid = points.reshape(PATTERN[1], PATTERN[0], 3)
        sides += [np.linalg.norm(np.diff(grid, axis=k), axis=-1).ravel() for k in (0, 1)]
        bends.append(plane_distances(points))
        distances.append(points[:, 2].mean())
    assert np.mean(np.concatenate(sides)) == pytest.approx(SQUARE, rel=0.01)
    # A tenth of a pixel of disparity is about a millimetre at the distance of the board.
    assert np.sqrt(np.mean(np.concatenate(bends) ** 2)) < 0.003 * np.mean(distances)


def test_dense_depth_of_the_raw_pair_lies_on_the_board(rig, rectified_corners):
    """Raw images in, metres out: what a node does with this rig."""
    pipeline = Pipeline(create_model('sgbm', {'disparity_range': 160}))
    shares, errors = [], []
    for images in rig.pairs:
        frame = pipeline([View(images[0], rig.left), View(images[1], rig.right)])
        found = pair_of_corners(frame.image, Rectifier(rig.right)(images[1]))
        if found is None:
            continue
        truth = triangulate(rig, *found)
        board = np.zeros(frame.depth.shape, np.uint8)
        cv2.fillConvexPoly(board, cv2.convexHull(np.rint(found[0]).astype(np.int32)), 1)
        # The plane through the corners, met by the ray of every pixel of the board.
        middle = truth.mean(axis=0)
        normal = np.linalg.svd(truth - middle, full_matrices=False)[2][2]
        rays = depth_to_points(np.ones_like(frame.depth), frame.camera)[board > 0]
        expected = (middle @ normal) / (rays @ normal)
        depth = frame.depth[board > 0]
        known = np.isfinite(depth)
        shares.append(known.mean())
        errors.append(np.abs(depth - expected)[known] / expected[known])
    assert len(errors) >= 4
    assert np.mean(shares) > 0.5
    assert np.median(np.concatenate(errors)) < 0.015
