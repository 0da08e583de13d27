# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the bytes of an image say of themselves, before anything is decoded.

A few bytes can claim an image of gigapixels, or be looked through a thousand times, so size and
scans are read here and checked before any memory is taken. And a decoder shows grey where a
image was cut off, so the end is looked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from depth_ros.types import DepthError

MAX_PIXELS = 50_000_000
"""Of any image that is read or received; 8K has 33 million."""
MAX_SCANS = 32
"""Of a progressive JPEG, each of which takes as long as a whole image; encoders write ten."""

_JPEG = b'\xff\xd8\xff'
_PNG = b'\x89PNG\r\n\x1a\n'
_PNM = re.compile(rb'P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s')


@dataclass(frozen=True)
class ImageHeader:
    """Codec and size; no size (0, 0) where the header is damaged, complete with its end mark."""

    codec: str
    width: int = 0
    height: int = 0
    complete: bool = False
    scans: int = 1


def image_header(data: bytes) -> ImageHeader | None:
    """Return what the bytes claim, None where they are of no format that is read."""
    if data.startswith(_JPEG):
        return _jpeg(data)
    if data.startswith(_PNG):
        return _png(data)
    if data[:2] == b'BM' and len(data) >= 30:
        width, height = (int.from_bytes(data[i : i + 4], 'little', signed=True) for i in (18, 22))
        return ImageHeader('bmp', width, abs(height), True)
    if data[:4] in (b'II*\0', b'MM\0*'):
        return _tiff(data)
    if data[:4] == b'RIFF' and data[8:12] == b'WEBP':
        return _webp(data)
    if found := _PNM.match(data[:4096]):
        return ImageHeader('pnm', int(found[1]), int(found[2]), True)
    return None


def check_size(header: ImageHeader, source: str, largest: int = MAX_PIXELS) -> None:
    """Refuse an image that claims an absurd size, or would take for ever to decode."""
    size = f'{header.width}x{header.height}'
    if header.width <= 0 or header.height <= 0 or header.width * header.height > largest:
        raise DepthError(
            f'{source} claims {size} pixels, expected from 1 to {largest} of them; scale the '
            'image down'
        )
    if header.scans > MAX_SCANS:
        raise DepthError(
            f'{source} is a jpeg image of {header.scans} scans, expected at most {MAX_SCANS}; '
            'write it again as an ordinary jpeg'
        )


def _png(data: bytes) -> ImageHeader:
    # The first chunk is IHDR: length, name, width, height, all of fixed size.
    if len(data) < 33 or data[12:16] != b'IHDR':
        return ImageHeader('png')
    width, height = (int.from_bytes(data[i : i + 4], 'big') for i in (16, 20))
    position = 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], 'big')
        name = data[position + 4 : position + 8]
        position += 12 + length
        if name == b'IEND':
            return ImageHeader('png', width, height, position <= len(data))
    return ImageHeader('png', width, height)


def _jpeg(data: bytes) -> ImageHeader:
    # Segments: ff, marker, two bytes of length, payload. SOFn carries the size; after SOS come
    # coded pixels, in which every ff is followed by 0, so that ff d9 can only be the end and
    # ff da only another scan.
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
            complete = data.rfind(b'\xff\xd9', position) >= 0
            return ImageHeader('jpeg', *size, complete, data.count(b'\xff\xda', position))
        position += 2 + length
    return ImageHeader('jpeg', *size)


def _tiff(data: bytes) -> ImageHeader:
    order = 'little' if data[:2] == b'II' else 'big'

    def number(start: int, count: int) -> int:
        return int.from_bytes(data[start : start + count], order)  # type: ignore[arg-type]

    entries = number(4, 4)
    found = {}
    for index in range(min(number(entries, 2), 4096)):
        start = entries + 2 + 12 * index
        # Tag, type (3 has two bytes, 4 has four), count, value.
        found[number(start, 2)] = number(start + 8, 2 if number(start + 2, 2) == 3 else 4)
    return ImageHeader('tiff', found.get(256, 0), found.get(257, 0), True)


def _webp(data: bytes) -> ImageHeader:
    complete = 8 + int.from_bytes(data[4:8], 'little') <= len(data)
    kind, bits = data[12:16], int.from_bytes(data[21:25], 'little')
    width = height = 0
    if kind == b'VP8X':
        width, height = (int.from_bytes(data[i : i + 3], 'little') + 1 for i in (24, 27))
    elif kind == b'VP8L':
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b'VP8 ':
        width, height = (int.from_bytes(data[i : i + 2], 'little') & 0x3FFF for i in (26, 28))
    return ImageHeader('webp', width, height, complete)
