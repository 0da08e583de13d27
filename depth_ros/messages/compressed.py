# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
sensor_msgs/CompressedImage (jpeg, png) -> array.

A few bytes can claim a picture of gigapixels, so the size is read from the header and checked
before any memory is taken; and a decoder shows grey where a picture was cut off, so the end is
looked for too. The bytes decide the codec; the format text decides only what the stored channels
mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.messages.encodings import ENCODINGS
from depth_ros.messages.pixels import to_grey, to_rgb
from depth_ros.types import DepthError, Image

MAX_PIXELS = 1 << 26  # 67 million, 201 MB of RGB: larger than any camera a robot carries
_JPEG = b'\xff\xd8\xff'
_PNG = b'\x89PNG\r\n\x1a\n'


@dataclass(frozen=True)
class _Header:
    codec: str
    width: int
    height: int
    complete: bool


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


def _header(data: bytes, text: str) -> _Header:
    if data.startswith(_JPEG):
        return _jpeg_header(data)
    if data.startswith(_PNG):
        return _png_header(data)
    raise DepthError(
        f'compressed image has format {text!r} and {len(data)} bytes that are neither jpeg nor '
        'png; set the compressed transport to jpeg or png'
    )


def _png_header(data: bytes) -> _Header:
    # The first chunk is IHDR: length, name, width, height, all of fixed size.
    if len(data) < 33 or data[12:16] != b'IHDR':
        raise DepthError(f'png image has {len(data)} bytes and no header; check the transport')
    width, height = (int.from_bytes(data[i : i + 4], 'big') for i in (16, 20))
    position = 8
    while position + 12 <= len(data):
        length, name = (
            int.from_bytes(data[position : position + 4], 'big'),
            data[position + 4 : position + 8],
        )
        position += 12 + length
        if name == b'IEND':
            return _Header('png', width, height, position <= len(data))
    return _Header('png', width, height, False)


def _jpeg_header(data: bytes) -> _Header:
    # Segments: ff, marker, two bytes of length, payload. SOFn carries the size; after SOS come
    # coded pixels, in which every ff is followed by 0, so that ff d9 can only be the end.
    size = (0, 0)
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        length = int.from_bytes(data[position + 2 : position + 4], 'big')
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            payload = data[position + 5 : position + 9]
            if len(payload) == 4:
                size = (int.from_bytes(payload[2:], 'big'), int.from_bytes(payload[:2], 'big'))
        if marker == 0xDA:
            if size == (0, 0):
                break
            return _Header('jpeg', *size, data.rfind(b'\xff\xd9', position) >= 0)
        position += 2 + length
    if size == (0, 0):
        raise DepthError(
            f'jpeg image has {len(data)} bytes and no size in its header, expected a whole file; '
            'check the transport'
        )
    return _Header('jpeg', *size, False)
