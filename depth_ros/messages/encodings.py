# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the bytes of each image encoding are, as one table.

The names are those of sensor_msgs/image_encodings; the OpenCV conversion codes are looked up by
name, because their numbers and those of the matrix types differ between OpenCV 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import cv2
import numpy as np


@dataclass(frozen=True)
class Encoding:
    """One encoding: how many bytes, and which conversions give RGB and grey from them."""

    name: str
    dtype: type[np.generic]
    channels: int
    family: str  # grey, colour, bayer, yuv, depth
    to_rgb: int | None = None  # None: the bytes are RGB, or there is no such conversion
    to_grey: int | None = None
    rows: Fraction = Fraction(1)  # rows of bytes per row of pixels; more for planar YUV
    multiple_wh: tuple[int, int] = (1, 1)  # width and height must be multiples of these

    @property
    def pixel_bytes(self) -> int:
        return self.channels * np.dtype(self.dtype).itemsize

    @property
    def is_colour(self) -> bool:
        return self.family in ('colour', 'bayer', 'yuv')


def _bayer() -> list[Encoding]:
    # OpenCV names a mosaic after the second and third pixel of its second row, ROS after the
    # first two pixels of its first: what ROS calls rggb, OpenCV calls BG.
    opencv = {'rggb': 'BG', 'bggr': 'RG', 'gbrg': 'GR', 'grbg': 'GB'}
    return [
        Encoding(
            f'bayer_{ros}{bits}',
            dtype,
            1,
            'bayer',
            getattr(cv2, f'COLOR_Bayer{name}2RGB'),
            getattr(cv2, f'COLOR_Bayer{name}2GRAY'),
        )
        for ros, name in opencv.items()
        for bits, dtype in ((8, np.uint8), (16, np.uint16))
    ]


def _colour() -> list[Encoding]:
    codes: dict[str, tuple[int, int | None, int]] = {
        'rgb': (3, None, cv2.COLOR_RGB2GRAY),
        'bgr': (3, cv2.COLOR_BGR2RGB, cv2.COLOR_BGR2GRAY),
        'rgba': (4, cv2.COLOR_RGBA2RGB, cv2.COLOR_RGBA2GRAY),
        'bgra': (4, cv2.COLOR_BGRA2RGB, cv2.COLOR_BGRA2GRAY),
    }
    found = [
        Encoding(f'{name}{bits}', dtype, channels, 'colour', rgb, grey)
        for name, (channels, rgb, grey) in codes.items()
        for bits, dtype in ((8, np.uint8), (16, np.uint16))
    ]
    # The CV-style names do not tell the order; OpenCV programs publish them and mean BGR.
    for name, meant in (('8UC3', 'bgr'), ('8UC4', 'bgra'), ('16UC3', 'bgr'), ('16UC4', 'bgra')):
        dtype = np.uint8 if name.startswith('8') else np.uint16
        found.append(Encoding(name, dtype, codes[meant][0], 'colour', *codes[meant][1:]))
    return found


def _yuv() -> list[Encoding]:
    found = []
    for names, code in ((('yuv422', 'uyvy'), 'UYVY'), (('yuv422_yuy2', 'yuyv'), 'YUY2')):
        rgb, grey = getattr(cv2, f'COLOR_YUV2RGB_{code}'), getattr(cv2, f'COLOR_YUV2GRAY_{code}')
        found += [
            Encoding(name, np.uint8, 2, 'yuv', rgb, grey, multiple_wh=(2, 1)) for name in names
        ]
    half = Fraction(3, 2)
    for name in ('nv12', 'nv21'):
        rgb = getattr(cv2, f'COLOR_YUV2RGB_{name.upper()}')
        found.append(Encoding(name, np.uint8, 1, 'yuv', rgb, None, half, (2, 2)))
    found.append(Encoding('nv24', np.uint8, 1, 'yuv', None, None, Fraction(3)))
    return found


ENCODINGS = MappingProxyType(
    {
        e.name: e
        for e in (
            Encoding('mono8', np.uint8, 1, 'grey'),
            Encoding('mono16', np.uint16, 1, 'grey'),
            Encoding('8UC1', np.uint8, 1, 'grey'),
            Encoding('16UC1', np.uint16, 1, 'depth'),
            Encoding('32FC1', np.float32, 1, 'depth'),
            *_colour(),
            *_bayer(),
            *_yuv(),
        )
    }
)
