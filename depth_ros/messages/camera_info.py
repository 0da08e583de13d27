# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
sensor_msgs/CameraInfo <-> Camera.

A CameraInfo describes the calibrated sensor, with binning and ROI still to be applied; a Camera
describes the pixels of one image. What the message leaves open is decided here:

- The ROI is in unbinned pixels: first crop, then bin; the image has floor(ROI / binning) pixels.
- The principal point is divided by the binning, as image_geometry does it.
- P all zero means that this camera is not rectified: it becomes [K | 0]. R all zero becomes I.
- K all zero with a P is the calibration of an image that is rectified already: K is that of P,
  without distortion and with R = I, as stereo_image_proc takes it.
- do_rectify is accepted and changes nothing: the rectified image has the raw image's window.
- Polynomial models with all-zero coefficients, and no model without coefficients, are no
  distortion. Zeros after the last coefficient of a model are dropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from depth_ros.files.image_header import MAX_PIXELS
from depth_ros.geometry.camera import bin_camera, crop_camera
from depth_ros.messages.classes import CameraInfo
from depth_ros.types import Camera, DepthError, Distortion, Matrix, quoted

_MODELS = {
    '': Distortion.NONE,
    'none': Distortion.NONE,
    'pinhole': Distortion.NONE,
    'plumb_bob': Distortion.PLUMB_BOB,
    'radtan': Distortion.PLUMB_BOB,
    'rational_polynomial': Distortion.RATIONAL,
    'equidistant': Distortion.EQUIDISTANT,
    'fisheye': Distortion.EQUIDISTANT,
    'kannala_brandt': Distortion.EQUIDISTANT,
}
_LENGTHS = {
    Distortion.NONE: (0,),
    Distortion.PLUMB_BOB: (4, 5),
    Distortion.RATIONAL: (8, 12, 14),
    Distortion.EQUIDISTANT: (4,),
}


def camera_info_to_camera(
    msg: Any, image_width: int | None = None, image_height: int | None = None
) -> Camera:
    """Return the camera of the image that arrives; its size is checked where it is given."""
    width, height = int(msg.width), int(msg.height)
    if width <= 0 or height <= 0:
        raise DepthError(
            f'camera_info is for {width}x{height} pixels, both must be positive; '
            'set width and height in the calibration'
        )
    K, P, R = _matrices(msg)
    distortion, D = _distortion(str(msg.distortion_model), _finite(msg.d, 'D', None))
    camera = Camera(
        width,
        height,
        K,
        D,
        distortion,
        R if R.any() else np.eye(3),
        P if P.any() else None,
    )
    camera = _window(camera, msg)
    if camera.width * camera.height > MAX_PIXELS:
        raise DepthError(
            f'camera_info describes {camera.width}x{camera.height} pixels, expected at most '
            f'{MAX_PIXELS} of them; let the driver bin or crop the image'
        )
    size_wh = (image_width or camera.width, image_height or camera.height)
    if size_wh != camera.size_wh:
        raise mismatch(*size_wh, camera.size_wh)
    return camera


def _matrices(msg: Any) -> tuple[Matrix, Matrix, Matrix]:
    """Return K, P and R; those of an image that is rectified already follow from P alone."""
    K, P = _finite(msg.k, 'K', (3, 3)), _finite(msg.p, 'P', (3, 4))
    R = _finite(msg.r, 'R', (3, 3))
    if not K.any() and P[0, 0] != 0 and not np.any(msg.d):
        return P[:, :3], P, np.eye(3)
    if K[0, 0] == 0:
        raise DepthError(
            'camera_info has K[0] = 0, expected a focal length: the camera is not calibrated; '
            'run camera_calibration and load its result in the driver'
        )
    return K, P, R


def mismatch(width: int, height: int, size_wh: tuple[int, int]) -> DepthError:
    """Return the error for an image that is not of the size that its camera_info describes."""
    return DepthError(
        f'image is {width}x{height} but camera_info describes {size_wh[0]}x{size_wh[1]} (after '
        'ROI and binning); calibrate for this size, or set binning and roi in the driver'
    )


def _finite(values: Any, name: str, shape: tuple[int, ...] | None) -> Matrix:
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        raise DepthError(
            f'camera_info has NaN or infinity in {name}, expected numbers; '
            'calibrate the camera again'
        )
    return array if shape is None else array.reshape(shape)


def _distortion(name: str, D: Matrix) -> tuple[Distortion, Matrix]:
    distortion = _MODELS.get(name.strip().lower())
    if distortion is None:
        raise DepthError(
            f'distortion model {quoted(name)} is not known, expected one of '
            f'{", ".join(n for n in _MODELS if n)}; convert the calibration'
        )
    lengths = _LENGTHS[distortion]
    if D.size > lengths[-1] and not D[lengths[-1] :].any():
        D = D[: lengths[-1]]
    # A polynomial without coefficients is the identity; a fisheye is not.
    if distortion is not Distortion.EQUIDISTANT and not D.any():
        return Distortion.NONE, np.zeros(0)
    if D.size not in lengths:
        raise DepthError(
            f'distortion model {quoted(name)} has {D.size} coefficients in D, expected '
            f'{" or ".join(map(str, lengths))}; check the calibration'
        )
    return distortion, D


def _window(camera: Camera, msg: Any) -> Camera:
    roi = msg.roi
    x, y, width, height = (int(v) for v in (roi.x_offset, roi.y_offset, roi.width, roi.height))
    if (x, y, width, height) != (0, 0, 0, 0):
        if not width or not height or x + width > camera.width or y + height > camera.height:
            raise DepthError(
                f'ROI is {width}x{height} at ({x}, {y}), expected a window within the '
                f'{camera.width}x{camera.height} pixels of the calibration, or all zero; '
                'check the driver'
            )
        camera = crop_camera(camera, x, y, width, height)
    bx, by = int(msg.binning_x) or 1, int(msg.binning_y) or 1
    if bx > camera.width or by > camera.height:
        raise DepthError(
            f'binning is {bx}x{by} on {camera.width}x{camera.height} pixels, nothing would be '
            'left; expected 0 or 1 for an image that is not binned'
        )
    return camera if (bx, by) == (1, 1) else bin_camera(camera, bx, by)


def camera_to_camera_info(camera: Camera, header: Any) -> CameraInfo:
    """Return the message for exactly these pixels: binning 1, no ROI."""
    msg = CameraInfo(header=header)
    msg.width, msg.height = camera.size_wh
    # Consumers expect a model they know and its five numbers, also where there is no distortion.
    none = camera.distortion is Distortion.NONE
    msg.distortion_model = Distortion.PLUMB_BOB.value if none else camera.distortion.value
    msg.d = [0.0] * 5 if none else camera.D.tolist()
    # Copies: a Camera never changes, a message may.
    msg.k, msg.r = camera.K.flatten(), camera.R.flatten()
    msg.p = camera.projection.flatten()
    msg.binning_x = msg.binning_y = 1
    return msg
