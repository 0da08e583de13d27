# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The pixels of any encoding as 8-bit RGB or grey."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.messages.encodings import Encoding
from depth_ros.types import DepthError, Image

_STRIP_PIXELS = 1 << 18  # of the image that are converted at once


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


def to_decimated(
    pixels: npt.NDArray[Any], encoding: Encoding, height: int, n: int, colour: bool
) -> Image:
    """
    Return the means of n x n pixels as RGB or grey, for an even n; what is over is left out.

    Strip by strip, so that the memory taken is that of the result and not of the image.
    """
    convert = to_rgb if colour else to_grey
    rows, width = height // n, pixels.shape[1] // n
    if not rows or not width or n % 2:
        raise DepthError(
            f'image is {pixels.shape[1]}x{height}, expected at least {n}x{n} pixels to decimate '
            f'it by {n}; choose a smaller, even image_decimation'
        )
    result = np.empty((rows, width, 3) if colour else (rows, width), np.uint8)
    step = max(1, _STRIP_PIXELS // (width * n * n))
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        # A neighbour on either side: the colours of a mosaic come from the rows around.
        low, high = max(start - 1, 0), min(stop + 1, rows)
        whole = convert(
            _rows(pixels, encoding, height, low * n, high * n), encoding, (high - low) * n
        )
        means = cv2.resize(
            whole[:, : width * n], (width, high - low), interpolation=cv2.INTER_AREA
        )
        result[start:stop] = means[start - low : stop - low]
    return result


def _rows(
    pixels: npt.NDArray[Any], encoding: Encoding, height: int, start: int, stop: int
) -> npt.NDArray[Any]:
    """Return the bytes of some rows of pixels; those of a planar encoding are put together."""
    if encoding.rows == 1:
        return pixels[start:stop]
    more = encoding.rows - 1  # rows of colour per row of pixels
    colour = pixels[height + int(start * more) : height + int(stop * more)]
    return np.concatenate([pixels[start:stop], colour])


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
