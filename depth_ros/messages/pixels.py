# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The pixels of any encoding as 8-bit RGB or grey."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.messages.encodings import Encoding
from depth_ros.types import Image


def to_rgb(pixels: npt.NDArray[Any], encoding: Encoding, height: int) -> Image:
    """Return HxWx3 RGB; grey is repeated, alpha is dropped."""
    if encoding.family == 'grey':
        grey = to_grey(pixels, encoding, height)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    if encoding.name == 'nv24':
        return _nv24_to_rgb(pixels, height)
    if encoding.to_rgb is not None:
        pixels = cv2.cvtColor(pixels, encoding.to_rgb)
    return _eight_bits(pixels)


def to_grey(pixels: npt.NDArray[Any], encoding: Encoding, height: int) -> Image:
    """Return HxW grey; of a planar encoding its first plane, which is Y."""
    if encoding.rows != 1:
        return pixels[:height]
    if encoding.to_grey is not None:
        pixels = cv2.cvtColor(pixels, encoding.to_grey)
    return _eight_bits(pixels)


def _eight_bits(pixels: npt.NDArray[Any]) -> Image:
    """Return round(x * 255 / 65535) of 16 bits."""
    if pixels.dtype == np.uint8:
        return pixels
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=255 / 65535), np.uint8)


def _nv24_to_rgb(pixels: npt.NDArray[np.uint8], height: int) -> Image:
    # OpenCV has no 4:4:4 conversion with video range. Each pixel written twice is 4:2:2, which
    # it converts as it converts the other encodings, so that all of them agree.
    width = pixels.shape[1]
    doubled = np.empty((height, width, 2, 2), np.uint8)
    doubled[..., 1] = pixels[:height, :, None]
    doubled[..., 0] = pixels[height:].reshape(height, width, 2)
    rgb = cv2.cvtColor(doubled.reshape(height, 2 * width, 2), cv2.COLOR_YUV2RGB_UYVY)
    return np.ascontiguousarray(rgb[:, ::2])
