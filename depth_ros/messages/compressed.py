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

from depth_ros.files.image_header import ImageHeader, check_size, image_header
from depth_ros.files.images import MAX_BYTES
from depth_ros.files.jpeg_data import check_pixels
from depth_ros.files.png_rows import has_rows, rows_of
from depth_ros.messages.camera_info import mismatch
from depth_ros.messages.encodings import ENCODINGS
from depth_ros.messages.pixels import to_decimated, to_grey, to_rgb
from depth_ros.types import DepthError, Image, quoted

Size = tuple[int, int]  # width, height
_STRIP_PIXELS = 1 << 18  # of a PNG that are decoded at once
_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def compressed_to_rgb(msg: Any, size_wh: Size | None = None, decimation: int = 1) -> Image:
    """
    Return HxWx3 RGB, whatever was compressed; a given size is compared before decoding.

    With a decimation of 2, 4 or 8 each pixel is the mean of as many in both directions. A JPEG
    is decoded at that size, a PNG some rows at a time.
    """
    pixels, encoding = _decode(msg, size_wh, decimation)
    return to_rgb(pixels, ENCODINGS[encoding], len(pixels))


def compressed_to_grey(msg: Any, size_wh: Size | None = None) -> Image:
    """Return HxW grey, whatever was compressed; a given size is compared before decoding."""
    pixels, encoding = _decode(msg, size_wh)
    return to_grey(pixels, ENCODINGS[encoding], len(pixels))


def compressed_to_view_array(msg: Any, size_wh: Size | None = None) -> Image:
    """Return what a View takes: HxW where grey was stored, else HxWx3 RGB; sizes as above."""
    pixels, encoding = _decode(msg, size_wh)
    convert = to_rgb if ENCODINGS[encoding].is_colour else to_grey
    return convert(pixels, ENCODINGS[encoding], len(pixels))


def _decode(msg: Any, size_wh: Size | None, decimation: int = 1) -> tuple[npt.NDArray[Any], str]:
    """Return the stored pixels, decimated, and the name of the encoding they have."""
    # "jpeg", or "bayer_rggb8; png compressed mono8": what it was, the codec, what was stored.
    original, _, stored = (part.strip() for part in str(msg.format).partition(';'))
    if 'compressedDepth' in stored or getattr(ENCODINGS.get(original), 'family', '') == 'depth':
        raise DepthError(
            f'compressed image has format {quoted(msg.format)}, expected an image as jpeg or '
            'png, not depth; subscribe to the image'
        )
    if len(msg.data) > MAX_BYTES:
        raise DepthError(
            f'compressed image has {len(msg.data)} bytes, expected at most {MAX_BYTES}; check '
            'the publisher'
        )
    data = bytes(msg.data)
    header = _header(data, msg.format)
    check_size(header, f'{header.codec} image of {len(data)} bytes')
    if not header.complete:
        raise DepthError(
            f'{header.codec} image of {header.width}x{header.height} has {len(data)} bytes and no '
            'end, expected a whole file: the message was cut off; check the transport'
        )
    if size_wh is not None and (header.width, header.height) != size_wh:
        raise mismatch(header.width, header.height, size_wh)
    may_reduce = decimation > 1 and not original.startswith('bayer_')
    if may_reduce and header.codec == 'png' and min(header.width, header.height) >= decimation:
        done = _few_of_png(data, header, decimation, original, stored)
        if done is not None:
            return done
    flags, reduced = cv2.IMREAD_ANYCOLOR, 1
    if header.codec == 'png':
        flags = cv2.IMREAD_UNCHANGED  # 16 bits, too
    elif may_reduce:
        flags, reduced = _REDUCED[decimation], decimation
    try:
        # A camera's image is taken as its sensor sees it: the calibration knows no EXIF turn.
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    wanted = -(-header.height // reduced), -(-header.width // reduced)
    if pixels is None or pixels.shape[:2] != wanted:
        raise _damaged(header)
    if header.codec == 'jpeg':
        check_pixels(data, pixels, f'jpeg image of {len(data)} bytes', 8 // reduced)
    encoding = _stored_encoding(pixels, original, stored)
    if decimation == 1:
        return pixels, encoding
    if reduced > 1:  # a last pixel that is not the mean of whole ones is left out
        return pixels[: header.height // reduced, : header.width // reduced], encoding
    known = ENCODINGS[encoding]
    few = to_decimated(pixels, known, header.height, decimation, known.is_colour)
    return few, 'rgb8' if known.is_colour else 'mono8'


def _few_of_png(
    data: bytes, header: ImageHeader, n: int, original: str, stored: str
) -> tuple[npt.NDArray[Any], str] | None:
    """Return a decimated PNG and its encoding without ever having all its pixels in memory."""
    few = []
    try:
        if not has_rows(data):
            return None
        for strip in rows_of(data, n * max(1, _STRIP_PIXELS // (header.width * n))):
            known = ENCODINGS[_stored_encoding(strip, original, stored)]
            if len(strip) >= n:  # what is over is left out
                few.append(to_decimated(strip, known, len(strip), n, known.is_colour))
    except ValueError as error:
        raise _damaged(header) from error
    return np.concatenate(few), 'rgb8' if known.is_colour else 'mono8'


def _damaged(header: ImageHeader) -> DepthError:
    return DepthError(
        f'{header.codec} image of {header.width}x{header.height} cannot be decoded, expected '
        'a valid file; the message is damaged or its variant is not supported'
    )


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


def _header(data: bytes, text: str) -> ImageHeader:
    header = image_header(data)
    if header is None or header.codec not in ('jpeg', 'png'):
        raise DepthError(
            f'compressed image has format {quoted(text)} and {len(data)} bytes that are neither '
            'jpeg nor png; set the compressed transport to jpeg or png'
        )
    if (header.width, header.height) == (0, 0):
        raise DepthError(
            f'{header.codec} image has {len(data)} bytes and no size in its header, expected a '
            'whole file; check the transport'
        )
    return header
