# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Raw images to rectified ones, and what makes two of them a stereo pair."""

from __future__ import annotations

import dataclasses
import functools
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.distortion import pixel_grid, rays_to_pixels, unproject
from depth_ros.types import Camera, DepthError, Matrix

_SHIFT = 0.01  # px that rectification may leave a pixel where it was
_ROWS = 0.05  # px by which rows of a pair may disagree
_LONGEST = 20.0  # metres between the eyes of a rig; 60 mm written as 60 is beyond it
_SHORTEST = 1e-6  # metres below which the distance between the eyes is not known
_HAIR = 1e-3  # px outside the image that rounding may bring about
Maps = tuple[np.ndarray, np.ndarray, npt.NDArray[np.bool_]]


def needs_rectification(camera: Camera, mode: str = 'auto') -> bool:
    """
    Return whether an image of the camera is to be rectified.

    With 'auto' it is where its D, R and P say that rectification would move pixels; with
    'never' the image is taken as rectified already, whatever D says, as image_proc publishes it.
    """
    if mode not in ('auto', 'always', 'never'):
        raise DepthError(f'rectify is {mode!r}, expected auto, always or never')
    if mode != 'auto':
        return mode == 'always'
    if camera.is_distorted:
        return True
    w, h = camera.width - 1, camera.height - 1
    corners = np.array([[0, 0, 1], [w, 0, 1], [0, h, 1], [w, h, 1]], np.float64)
    moved = corners @ (camera.projection[:, :3] @ camera.R @ np.linalg.inv(camera.K)).T
    if np.any(moved[:, 2] <= 0):
        return True
    shift = np.abs(moved[:, :2] / moved[:, 2:] - corners[:, :2])
    return bool(shift.max() > _SHIFT)


def arriving_camera(camera: Camera, mode: str = 'auto') -> Camera:
    """Return the camera that describes the pixels as they arrive: raw, or rectified already."""
    return camera if needs_rectification(camera, mode) else rectified_camera(camera)


class Rectifier:
    """
    Resample images of one camera into its rectified camera, or into another target.

    The target looks from the same centre; its R is counted from the rectified frame of the
    camera. Maps are made once per pair of cameras. Pixels outside the source are black and
    False in `valid`.
    """

    def __init__(self, camera: Camera, target: Camera | None = None) -> None:
        self.source = camera
        self.camera = rectified_camera(camera) if target is None else target
        self._whole, self._fraction, self.valid = _maps(self.source, self.camera)
        if not self.valid.any():
            P, target = self.camera.projection, self.camera
            raise DepthError(
                f'no pixel of the rectified {target.width}x{target.height} image lies in the raw '
                f'one (P has focal length {P[0, 0]:g} px and principal point {P[0, 2]:g}, '
                f'{P[1, 2]:g}); check R and P of the calibration'
            )

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the rectified image, of the type and channels that came."""
        if image.shape[:2] != (self.source.height, self.source.width):
            raise DepthError(
                f'image is {image.shape[1]}x{image.shape[0]} but its camera is '
                f'{self.source.width}x{self.source.height}; publish a matching camera_info'
            )
        image = np.ascontiguousarray(image)  # cv2 refuses mirrored views such as bgr[..., ::-1]
        return cv2.remap(image, self._whole, self._fraction, cv2.INTER_LINEAR)


def rectified_pixels(
    camera: Camera, pixels: npt.ArrayLike, target: Camera | None = None
) -> Matrix:
    """Return where pixels (..., 2) of the raw image lie in the rectified one; NaN if nowhere."""
    target = rectified_camera(camera) if target is None else target
    return rays_to_pixels(target, _turn(unproject(camera, pixels), target.R.T @ camera.R))


def raw_pixels(camera: Camera, pixels: npt.ArrayLike, target: Camera | None = None) -> Matrix:
    """Return where pixels (..., 2) of the rectified image lie in the raw one; NaN if nowhere."""
    target = rectified_camera(camera) if target is None else target
    return rays_to_pixels(camera, _turn(unproject(target, pixels), camera.R.T @ target.R))


def _turn(rays: Matrix, rotation: Matrix) -> Matrix:
    """Rotate rays (x / z, y / z); NaN where they come to point backwards."""
    vectors = rays @ rotation[:, :2].T + rotation[:, 2]
    with np.errstate(divide='ignore', invalid='ignore'):
        z = np.where(vectors[..., 2:] > 0, vectors[..., 2:], np.nan)
        return vectors[..., :2] / z


@functools.lru_cache(maxsize=8)
def _maps(camera: Camera, target: Camera) -> Maps:
    pixels = raw_pixels(camera, pixel_grid(*target.size_wh), target)
    # A hair of tolerance, so that an identity is valid up to its border.
    last = np.array(camera.size_wh) - 1 + _HAIR
    with np.errstate(invalid='ignore'):
        valid = ((pixels >= -_HAIR) & (pixels <= last)).all(axis=-1)
    away = np.nan_to_num(pixels, nan=-2.0).clip(-2, last + 2)
    # remap works in 1/32 px whatever the maps are; fixed-point maps are the fast form of that.
    whole, fraction = cv2.convertMaps(away.astype(np.float32), np.empty(0), cv2.CV_16SC2)
    for array in (whole, fraction, valid):
        array.flags.writeable = False
    return cast(Maps, (whole, fraction, valid))


def stereo_baseline(left: Camera, right: Camera) -> float:
    """Return the distance from the left to the right eye in metres, from P."""
    return right.baseline - left.baseline


def seen_from_left(left: Camera, right: Camera) -> tuple[Camera, Camera]:
    """
    Return the rectified cameras of a pair with the left eye at the origin of both.

    P[3] of either counts from a third camera on some rigs (the colour pair of KITTI); here it
    becomes 0 on the left, and on the right the baseline is that of the pair. A baseline that is
    not known becomes 0.
    """
    origin = left.baseline
    known = abs(stereo_baseline(left, right)) >= _SHORTEST
    return _moved(left, -origin), _moved(right, -origin if known else -right.baseline)


def _moved(camera: Camera, metres: float) -> Camera:
    """Return a rectified camera whose baseline is longer by this."""
    if not metres:
        return camera
    P = np.array(camera.projection)
    P[0, 3] -= metres * P[0, 0]
    if abs(P[0, 3]) < _SHORTEST * P[0, 0]:
        P[0, 3] = 0.0
    return dataclasses.replace(camera, P=P)


def check_rectified(left: Camera, right: Camera) -> None:
    """
    Refuse a pair whose rectified images (P) do not share their rows and their scale.

    A baseline of 0 is accepted: it is not known, and such a pair has a disparity but no metres.
    """
    _check_baseline(left, right)
    L, R = left.projection, right.projection
    if left.size_wh != right.size_wh:
        raise DepthError(
            f'left is {left.width}x{left.height} and right is {right.width}x{right.height}; '
            'a pair must have one size: rectify both to stereo_targets'
        )
    if abs(L[0, 0] - R[0, 0]) * left.width > _ROWS * L[0, 0]:
        raise DepthError(
            f'left and right differ in fx of P ({L[0, 0]:g} and {R[0, 0]:g} px); expected one '
            'focal length: rectify both to stereo_targets'
        )
    rows = np.array([0, left.height - 1])
    apart = (rows - L[1, 2]) / L[1, 1] * R[1, 1] + R[1, 2] - rows
    if np.abs(apart).max() > _ROWS:
        raise DepthError(
            f'rows of left and right are {np.abs(apart).max():.2f} px apart (fy, cy of P: '
            f'{L[1, 1]:g}, {L[1, 2]:g} and {R[1, 1]:g}, {R[1, 2]:g}); rectify both to '
            'stereo_targets, or calibrate the pair together'
        )


def stereo_targets(left: Camera, right: Camera) -> tuple[Camera, Camera]:
    """
    Return the rectified cameras of a pair, made to share size, fx, fy and cy.

    The left one is left's own rectified camera, because depth is given for it. The right one
    takes its size, fx, fy and cy; the difference of the principal points in x is kept, in
    proportion, because it is what a rig with turned-in eyes uses to see the same things (and a
    disparity is free of it by definition).
    """
    _check_baseline(left, right)
    target = rectified_camera(left)
    L, R = target.projection, right.projection
    scale = L[0, 0] / R[0, 0]
    # Both middles of the image look where they looked before.
    cx = (target.width - 1) / 2 - ((right.width - 1) / 2 - R[0, 2]) * scale
    K = np.array(target.K)
    K[0, 2] = cx
    P = np.hstack([K, np.zeros((3, 1))])
    P[0, 3] = R[0, 3] * scale
    return target, Camera(target.width, target.height, K, P=P)


def _check_baseline(left: Camera, right: Camera) -> None:
    for side, camera in (('left', left), ('right', right)):
        if abs(camera.projection[1, 3]) > 1e-9 * camera.projection[1, 1]:
            raise DepthError(
                f'P[7] of the {side} camera is {camera.projection[1, 3]:g}: the pair is stacked '
                'vertically; expected eyes side by side: turn the images by 90 degrees'
            )
    baseline = stereo_baseline(left, right)
    if baseline <= -_SHORTEST:
        raise DepthError(
            f'the baseline is {baseline:g} m, expected a positive one: left and right are '
            'swapped; exchange the topics'
        )
    if baseline > _LONGEST:
        raise DepthError(
            f'the baseline is {baseline:g} m, expected at most {_LONGEST:g}: P[3] of the right '
            'camera_info is not in metres; calibrate with the square size in metres'
        )
