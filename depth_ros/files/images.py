# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read images as models want them, and values that files hold as images."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.files.image_header import ImageHeader, check_size, image_header
from depth_ros.files.jpeg_data import check_pixels
from depth_ros.files.reading import read_bytes
from depth_ros.types import DepthError, Image

MAX_BYTES = 256 * 2**20
_REMEDY = 'give an image as PNG or JPEG'


def read_image(path: str | Path) -> Image:
    """Return uint8 RGB, or grey where the file is grey; 16-bit files are scaled to 8."""
    path = Path(path)
    packed, header = _packed(path)
    stored = _decoded(path, packed, cv2.IMREAD_UNCHANGED)  # says whether the file is grey
    # Decoded again, because UNCHANGED leaves an image lying that says which side is up.
    image = (
        stored
        if header.codec == 'png' and b'eXIf' not in packed and _is_colour(stored)
        else _decoded(path, packed, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    )
    if image.dtype not in (np.uint8, np.uint16):
        raise DepthError(f'{path} holds {image.dtype} pixels, 8 or 16 bit were expected')
    if image.dtype == np.uint16:
        image = (image // 257).astype(np.uint8)
    pixels = image[..., 0] if stored.ndim == 2 else image[..., ::-1]
    return np.ascontiguousarray(pixels, np.uint8)


def read_values(path: str | Path) -> npt.NDArray[np.generic]:
    """Return the numbers of an image as they are stored: HxW, or HxWxC in OpenCV's order."""
    path = Path(path)
    return _decoded(path, _packed(path)[0], cv2.IMREAD_UNCHANGED)


def _packed(path: Path) -> tuple[bytes, ImageHeader]:
    """Return the bytes of a file that is a whole image of a sane size."""
    if not os.path.exists(path):  # False as well for a name that cannot be
        raise DepthError(f'there is no image {path}; check the name')
    packed = read_bytes(path, MAX_BYTES, _REMEDY)
    header = image_header(packed)
    if header is None:
        raise DepthError(f'{path} is not an image of a known format; {_REMEDY}')
    check_size(header, str(path))
    if not header.complete:
        raise DepthError(
            f'{path} is a {header.codec} image without an end, expected a whole file; '
            'copy or record it again'
        )
    return packed, header


def _decoded(path: Path, packed: bytes, flags: int) -> npt.NDArray[np.generic]:
    # From bytes, because OpenCV ends the process where a path is no UTF-8.
    try:
        image = cv2.imdecode(np.frombuffer(packed, np.uint8), flags)
    except cv2.error as error:
        raise DepthError(f'{path} cannot be decoded: {error.err}') from error
    if image is None:
        raise DepthError(f'{path} is not an image that OpenCV can read; use PNG or JPEG')
    pixels = np.asarray(image)
    if packed.startswith(b'\xff\xd8'):
        check_pixels(packed, pixels, str(path))
    return pixels


def _is_colour(image: np.ndarray) -> bool:
    return image.ndim == 3 and image.shape[2] == 3
