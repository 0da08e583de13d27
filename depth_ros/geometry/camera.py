# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What happens to a Camera when its image is resized, cropped, padded, binned or rectified.

Each is one affine map of pixel coordinates applied to K and P alike; D and R live in front of
the pixels and never change.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from depth_ros.types import Camera, DepthError


def resize_camera(camera: Camera, width: int, height: int) -> Camera:
    """Return the camera of the image resized to width x height; pixels are areas."""
    _check_size(width, height, 'resize')
    if (width, height) == camera.size_wh:
        return camera
    sx, sy = width / camera.width, height / camera.height
    # A pixel centre u covers [u - 0.5, u + 0.5]: u' + 0.5 = (u + 0.5) * s.
    return _map_pixels(camera, sx, sy, 0.5 * sx - 0.5, 0.5 * sy - 0.5, width, height)


def crop_camera(camera: Camera, x: int, y: int, width: int, height: int) -> Camera:
    """Return the camera of the window of width x height pixels whose first pixel is (x, y)."""
    _check_size(width, height, 'crop')
    if x < 0 or y < 0 or x + width > camera.width or y + height > camera.height:
        raise DepthError(
            f'crop {width}x{height} at ({x}, {y}) does not lie in the {camera.width}x'
            f'{camera.height} image; choose a window inside it, or pad_camera to enlarge'
        )
    return _map_pixels(camera, 1.0, 1.0, -x, -y, width, height)


def pad_camera(camera: Camera, left: int, top: int, width: int, height: int) -> Camera:
    """Return the camera of a width x height canvas on which the image lies at (left, top)."""
    _check_size(width, height, 'pad')
    if left < 0 or top < 0 or left + camera.width > width or top + camera.height > height:
        raise DepthError(
            f'a {camera.width}x{camera.height} image at ({left}, {top}) does not fit on a '
            f'{width}x{height} canvas; enlarge the canvas, or crop_camera to cut'
        )
    return _map_pixels(camera, 1.0, 1.0, left, top, width, height)


def bin_camera(camera: Camera, bx: int, by: int) -> Camera:
    """
    Return the camera of the image that a sensor binned by (bx, by).

    This follows image_geometry (cx / bx, not the half-pixel rule of resize_camera), because
    every other reader of a CameraInfo with binning does. Like there, 0 means 1.
    """
    bx, by = bx or 1, by or 1
    if bx < 1 or by < 1 or bx > camera.width or by > camera.height:
        raise DepthError(
            f'binning is {bx}x{by} for a {camera.width}x{camera.height} image; expected whole '
            'numbers from 1 to the image size; correct binning_x and binning_y'
        )
    return _map_pixels(camera, 1 / bx, 1 / by, 0.0, 0.0, camera.width // bx, camera.height // by)


def decimated_camera(camera: Camera, n: int) -> Camera:
    """Return the camera of the image whose pixels are the means of n x n whole pixels."""
    if n == 1:
        return camera
    width, height = camera.width // max(n, 1), camera.height // max(n, 1)
    if n < 1 or not width or not height:
        raise DepthError(
            f'decimation by {n} leaves no pixel of a {camera.width}x{camera.height} image; '
            'choose a smaller one'
        )
    return resize_camera(crop_camera(camera, 0, 0, width * n, height * n), width, height)


def rectified_camera(camera: Camera) -> Camera:
    """Return the camera of the rectified image: K = P[:, :3], no distortion, R = identity."""
    P = camera.projection
    return Camera(camera.width, camera.height, P[:, :3], P=P)


def is_plain(camera: Camera) -> bool:
    """Return whether x / z depends on the column alone and y / z on the row alone."""
    return not camera.is_distorted and not camera.K[0, 1] and not camera.K[1, 0]


def _map_pixels(
    camera: Camera, sx: float, sy: float, tx: float, ty: float, width: int, height: int
) -> Camera:
    A = np.array([[sx, 0, tx], [0, sy, ty], [0, 0, 1]], np.float64)
    return dataclasses.replace(
        camera, width=width, height=height, K=A @ camera.K, P=A @ camera.projection
    )


def _check_size(width: int, height: int, what: str) -> None:
    if width < 1 or height < 1:
        raise DepthError(
            f'{what} to {width}x{height} leaves no pixel; width and height must be positive'
        )
