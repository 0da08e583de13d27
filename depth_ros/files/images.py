# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read pictures as models want them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from depth_ros.files.picture_header import PictureHeader, picture_header
from depth_ros.types import DepthError, Image

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 1 << 28  # what a panorama or a survey camera has, 805 MB of RGB


def read_image(path: str | Path) -> Image:
    """Return uint8 RGB, or grey where the file is grey; 16-bit files are scaled to 8."""
    path = Path(path)
    if not path.is_file():
        raise DepthError(f'there is no picture {path}; check the name')
    if path.stat().st_size > MAX_BYTES:
        raise DepthError(
            f'{path} has {path.stat().st_size >> 20} MiB, at most {MAX_BYTES >> 20} are read; '
            'scale the picture down'
        )
    packed = path.read_bytes()
    header = picture_header(packed)
    _check(path, header)
    try:
        data = np.frombuffer(packed, np.uint8)
        stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)  # says whether the file is grey
        # Decoded again, because UNCHANGED leaves a picture lying that says which side is up.
        image = (
            stored
            if header and header.codec == 'png' and b'eXIf' not in packed and _is_colour(stored)
            else cv2.imdecode(data, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
        )
    except cv2.error as error:
        raise DepthError(f'{path} cannot be decoded: {error.err}') from error
    if stored is None or image is None:
        raise DepthError(f'{path} is not a picture that OpenCV can read; use PNG or JPEG')
    if image.dtype not in (np.uint8, np.uint16):
        raise DepthError(f'{path} holds {image.dtype} pixels, 8 or 16 bit were expected')
    pixels = np.asarray(image)
    if pixels.dtype == np.uint16:
        pixels = (pixels // 257).astype(np.uint8)
    return np.ascontiguousarray(pixels[..., 0] if stored.ndim == 2 else pixels[..., ::-1])


def _check(path: Path, header: PictureHeader | None) -> None:
    """Refuse a file that lies about its size or ends early, before it is decoded."""
    if header is None:  # another format: the decoder has its own limits
        return
    if not header.complete:
        raise DepthError(
            f'{path} is a {header.codec} picture without an end, expected a whole file; '
            'copy or record it again'
        )
    if not 0 < header.width * header.height <= MAX_PIXELS:
        raise DepthError(
            f'{path} claims {header.width}x{header.height} pixels, expected from 1 to '
            f'{MAX_PIXELS} of them; scale the picture down'
        )


def _is_colour(image: np.ndarray | None) -> bool:
    return image is not None and image.ndim == 3 and image.shape[2] == 3
