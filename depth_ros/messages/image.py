# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
sensor_msgs/Image <-> array.

An array made from a message is a view of the message's bytes wherever the bytes already are what
was asked for; treat it as read-only. 16-bit images become 8-bit as cv_bridge does it,
round(x * 255 / 65535). A grey image of a YUV encoding is its Y plane, as cv_bridge gives it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.files.image_header import MAX_PIXELS
from depth_ros.messages.classes import Image as ImageMessage
from depth_ros.messages.compressed import compressed_to_rgb
from depth_ros.messages.encodings import ENCODINGS, Encoding
from depth_ros.messages.fast import array_to_bytes, new_message
from depth_ros.messages.pixels import to_decimated, to_grey, to_rgb
from depth_ros.types import DepthError, Image, quoted

__all__ = [
    'array_to_image',
    'compressed_to_rgb',
    'encoding_of',
    'image_to_array',
    'image_to_grey',
    'image_to_rgb',
    'image_to_view_array',
]

_LITTLE = sys.byteorder == 'little'


def encoding_of(name: str) -> Encoding:
    """Return what is known about an encoding, by the name a message carries."""
    try:
        return ENCODINGS[name]
    except KeyError:
        raise DepthError(
            f'image encoding {quoted(name, 40)} is not known; expected one of '
            f'{", ".join(ENCODINGS)}: set the camera driver to one of them'
        ) from None


def image_to_array(msg: Any) -> tuple[npt.NDArray[Any], str]:
    """
    Return the pixels as they were sent, in native byte order, and the name of their encoding.

    The shape is HxW or HxWxC; planar YUV keeps its planes: (H * 3 / 2)xW for nv12 and nv21,
    (H * 3)xW for nv24. No copy is made unless the bytes must be swapped.
    """
    encoding = encoding_of(msg.encoding)
    return _pixels(msg, encoding), encoding.name


def _pixels(msg: Any, encoding: Encoding) -> npt.NDArray[Any]:
    width, height, step = int(msg.width), int(msg.height), int(msg.step)
    if width <= 0 or height <= 0:
        raise DepthError(
            f'image is {width}x{height} pixels, both must be positive; check the camera driver'
        )
    if width % encoding.multiple_wh[0] or height % encoding.multiple_wh[1]:
        raise DepthError(
            f'{encoding.name} image is {width}x{height}, expected multiples of '
            f'{encoding.multiple_wh[0]}x{encoding.multiple_wh[1]}; '
            'crop it to whole cells of the pattern'
        )
    if step < width * encoding.pixel_bytes:
        raise DepthError(
            f'image step is {step}, a row of {width} {encoding.name} pixels takes '
            f'{width * encoding.pixel_bytes} bytes; check width, step and encoding in the driver'
        )
    data = _bytes(msg.data)
    rows = int(height * encoding.rows)
    if data.size != rows * step:
        what = 'was cut off' if data.size < rows * step else 'does not fit its step'
        raise DepthError(
            f'image has {data.size} bytes, expected {rows * step} ({rows} rows of {step}): the '
            f'message {what}; check the driver and the transport'
        )
    if width * height > MAX_PIXELS:
        raise DepthError(
            f'image is {width}x{height} pixels, expected at most {MAX_PIXELS} of them; let the '
            'driver bin or crop it'
        )
    dtype = np.dtype(encoding.dtype)
    swapped = dtype.itemsize > 1 and bool(msg.is_bigendian) == _LITTLE
    shape: tuple[int, ...] = (rows, width)
    strides: tuple[int, ...] = (step, encoding.pixel_bytes)
    if encoding.channels > 1:
        shape, strides = (*shape, encoding.channels), (*strides, dtype.itemsize)
    pixels: npt.NDArray[Any] = np.ndarray(
        shape, dtype.newbyteorder() if swapped else dtype, data, strides=strides
    )
    if step % dtype.itemsize:  # rows that begin within a number, which OpenCV refuses
        pixels = pixels.copy()
    return pixels.astype(dtype) if swapped else pixels


def _bytes(data: Any) -> npt.NDArray[np.uint8]:
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError):  # an empty array has no buffer; a list of numbers none at all
        return np.asarray(data, np.uint8).ravel()


def image_to_rgb(msg: Any) -> Image:
    """Return HxWx3 RGB, whatever arrived; grey is repeated, alpha is dropped."""
    encoding = _image_of(msg)
    return to_rgb(_pixels(msg, encoding), encoding, int(msg.height))


def image_to_grey(msg: Any) -> Image:
    """Return HxW grey, whatever arrived; colour is weighted as ITU-R BT.601 says."""
    encoding = _image_of(msg)
    return to_grey(_pixels(msg, encoding), encoding, int(msg.height))


def image_to_view_array(msg: Any, decimation: int = 1) -> Image:
    """
    Return what a View takes: HxW for grey encodings, HxWx3 RGB for every colour one.

    With a decimation of n, 2 or another even number, each pixel is the mean of n x n of them.
    """
    encoding = _image_of(msg)
    if decimation == 1:
        return image_to_rgb(msg) if encoding.is_colour else image_to_grey(msg)
    pixels = _pixels(msg, encoding)
    return to_decimated(pixels, encoding, int(msg.height), decimation, encoding.is_colour)


def _image_of(msg: Any) -> Encoding:
    encoding = encoding_of(msg.encoding)
    if encoding.family == 'depth':
        raise DepthError(
            f'image encoding {encoding.name} is a depth image, expected an image; '
            'subscribe to the image, or publish infrared as mono16'
        )
    return encoding


def array_to_image(pixels: npt.NDArray[Any], encoding: str, header: Any) -> ImageMessage:
    """Return a message without padding, in native byte order; planar YUV is not written."""
    layout = encoding_of(encoding)
    shape = pixels.shape[2:] if layout.channels > 1 else (*pixels.shape[2:], 1)
    if layout.rows != 1:
        raise DepthError(f'{encoding} images are only read; publish rgb8, bgr8 or mono8')
    if pixels.dtype != layout.dtype or shape != (layout.channels,) or pixels.ndim < 2:
        raise DepthError(
            f'a {encoding} image is made of {np.dtype(layout.dtype)} with {layout.channels} '
            f'channel(s), got {pixels.dtype} with shape {pixels.shape}; convert the array first'
        )
    if not pixels.size:
        raise DepthError(f'image has shape {pixels.shape}, expected at least one pixel')
    msg = new_message(ImageMessage, header)
    msg.height, msg.width = pixels.shape[:2]
    msg.encoding = encoding
    msg.is_bigendian = 0 if _LITTLE else 1
    msg.step = msg.width * layout.pixel_bytes
    msg.data = array_to_bytes(pixels)
    return msg
