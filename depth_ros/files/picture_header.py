# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the bytes of a JPEG or PNG say of themselves, before anything is decoded.

A few bytes can claim a picture of gigapixels, so its size is read here and checked before any
memory is taken. And a decoder shows grey where a picture was cut off, so the end is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass

_JPEG = b'\xff\xd8\xff'
_PNG = b'\x89PNG\r\n\x1a\n'


@dataclass(frozen=True)
class PictureHeader:
    """Codec and size; no size (0, 0) where the header is damaged, complete with its end mark."""

    codec: str
    width: int = 0
    height: int = 0
    complete: bool = False


def picture_header(data: bytes) -> PictureHeader | None:
    """Return what the bytes claim, None where they are neither JPEG nor PNG."""
    if data.startswith(_JPEG):
        return _jpeg(data)
    if data.startswith(_PNG):
        return _png(data)
    return None


def _png(data: bytes) -> PictureHeader:
    # The first chunk is IHDR: length, name, width, height, all of fixed size.
    if len(data) < 33 or data[12:16] != b'IHDR':
        return PictureHeader('png')
    width, height = (int.from_bytes(data[i : i + 4], 'big') for i in (16, 20))
    position = 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], 'big')
        name = data[position + 4 : position + 8]
        position += 12 + length
        if name == b'IEND':
            return PictureHeader('png', width, height, position <= len(data))
    return PictureHeader('png', width, height)


def _jpeg(data: bytes) -> PictureHeader:
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
            return PictureHeader('jpeg', *size, data.rfind(b'\xff\xd9', position) >= 0)
        position += 2 + length
    return PictureHeader('jpeg', *size)
