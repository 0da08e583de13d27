# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
sensor_msgs/CompressedImage (jpeg, png) -> array.

The bytes decide the codec, and are checked before they are decoded; the format text decides only
what the stored channels mean.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.files.picture_header import PictureHeader, picture_header
from depth_ros.messages.encodings import ENCODINGS
from depth_ros.messages.pixels import to_grey, to_rgb
from depth_ros.types import DepthError, Image

MAX_PIXELS = 1 << 26  # 67 million, 201 MB of RGB: larger than any camera a robot carries


def compressed_to_rgb(msg: Any, max_pixels: int = MAX_PIXELS) -> Image:
    """Return HxWx3 RGB, whatever was compressed."""
    pixels, encoding = _decode(msg, max_pixels)
    return to_rgb(pixels, ENCODINGS[encoding], len(pixels))


def compressed_to_grey(msg: Any, max_pixels: int = MAX_PIXELS) -> Image:
    """Return HxW grey, whatever was compressed."""
    pixels, encoding = _decode(msg, max_pixels)
    return to_grey(pixels, ENCODINGS[encoding], len(pixels))


def compressed_to_view_array(msg: Any, max_pixels: int = MAX_PIXELS) -> Image:
    """Return what a View takes: HxW where grey was stored, else HxWx3 RGB."""
    pixels, encoding = _decode(msg, max_pixels)
    convert = to_rgb if ENCODINGS[encoding].is_colour else to_grey
    return convert(pixels, ENCODINGS[encoding], len(pixels))


def _decode(msg: Any, max_pixels: int) -> tuple[npt.NDArray[Any], str]:
    """Return the stored pixels and the name of the encoding they have."""
    # "jpeg", or "bayer_rggb8; png compressed mono8": what it was, the codec, what was stored.
    original, _, stored = (part.strip() for part in str(msg.format).partition(';'))
    if 'compressedDepth' in stored or getattr(ENCODINGS.get(original), 'family', '') == 'depth':
        raise DepthError(
            f'compressed image has format {msg.format!r}, expected a picture as jpeg or png, '
            'not depth; subscribe to the picture'
        )
    data = bytes(msg.data)
    header = _header(data, str(msg.format))
    if header.width <= 0 or header.height <= 0 or header.width * header.height > max_pixels:
        raise DepthError(
            f'compressed image claims {header.width}x{header.height} pixels, expected from 1 to '
            f'{max_pixels} of them; check the publisher'
        )
    if not header.complete:
        raise DepthError(
            f'{header.codec} image of {header.width}x{header.height} has {len(data)} bytes and no '
            'end, expected a whole file: the message was cut off; check the transport'
        )
    # A camera's picture is taken as its sensor sees it: the calibration knows of no EXIF turn.
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
    if header.codec == 'png':
        flags = cv2.IMREAD_UNCHANGED  # 16 bits, too
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.shape[:2] != (header.height, header.width):
        raise DepthError(
            f'{header.codec} image of {header.width}x{header.height} cannot be decoded, expected '
            'a valid file; the message is damaged or its variant is not supported'
        )
    return pixels, _stored_encoding(pixels, original, stored)


def _stored_encoding(pixels: npt.NDArray[Any], original: str, stored: str) -> str:
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DepthError(f'compressed image holds {pixels.dtype}, expected 8 or 16 bits a channel')
    bits = 8 * pixels.dtype.itemsize
    if pixels.ndim == 2:
        # A mosaic may be stored as it is; it is one still.
        mosaic = original.startswith('bayer_') and ENCODINGS.get(original)
        return original if mosaic and mosaic.dtype == pixels.dtype else f'mono{bits}'
    # OpenCV decodes to BGR. Where the text says that RGB was handed to the encoder, which takes
    # BGR, the stored colours are swapped.
    order = 'rgb' if 'compressed rgb' in stored else 'bgr'
    return f'{order}{"a" if pixels.shape[2] == 4 else ""}{bits}'


def _header(data: bytes, text: str) -> PictureHeader:
    header = picture_header(data)
    if header is None:
        raise DepthError(
            f'compressed image has format {text!r} and {len(data)} bytes that are neither jpeg '
            'nor png; set the compressed transport to jpeg or png'
        )
    if (header.width, header.height) == (0, 0):
        raise DepthError(
            f'{header.codec} image has {len(data)} bytes and no size in its header, expected a '
            'whole file; check the transport'
        )
    return header
