# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The pixels of a PNG, some rows at a time.

OpenCV decodes a PNG whole. Here its rows are inflated a strip at a time and handed to OpenCV as
small images of their own, so that memory follows the strip and not the image. A row is stored as
what it adds to the row above, so each small image begins with the last row of the one before.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

_SIGNATURE = b'\x89PNG\r\n\x1a\n'
_CHANNELS = {0: 1, 2: 3, 6: 4}  # grey, RGB, RGBA, by PNG's number for the kind of colour
_SLICE = 1 << 16  # compressed bytes that are looked at at once


def has_rows(data: bytes) -> bool:
    """Return whether `rows_of` reads this PNG: not interlaced, no palette, 8 or 16 bits."""
    if len(data) < 33 or data[12:16] != b'IHDR':
        return False
    depth, colour, *rest = data[24:29]
    if depth not in (8, 16) or colour not in _CHANNELS or rest != [0, 0, 0]:
        return False
    return all(name != b'tRNS' for name, _ in _chunks(data))


def rows_of(data: bytes, count: int) -> Iterator[npt.NDArray[np.generic]]:
    """Give the pixels as OpenCV does, `count` rows at a time; ValueError where it is damaged."""
    width, height = struct.unpack('>II', data[16:24])
    depth, channels = data[24], _CHANNELS[data[25]]
    stride = 1 + width * channels * depth // 8  # the filter of the row, and its numbers
    stream = _inflated(data, stride * count, stride * height)
    above = b''
    for start in range(0, height, count):
        rows = min(count, height - start)
        packed = next(stream, b'')
        if len(packed) != stride * rows:
            raise ValueError(f'{len(packed)} bytes of pixels, expected {stride * rows}')
        pixels = _decoded(above + packed, width, data[24:29])
        if pixels is None or pixels.shape[:2] != (rows + bool(above), width):
            raise ValueError('pixels that cannot be decoded')
        strip = pixels[bool(above) :]
        yield strip
        above = b'\0' + _as_stored(strip[-1])
    if next(stream, None) is not None:
        raise ValueError('more pixels than it claims')


def _as_stored(row: npt.NDArray[np.generic]) -> bytes:
    if row.ndim == 2:
        row = row[:, [2, 1, 0, 3][: row.shape[1]]]
    return row.astype(row.dtype.newbyteorder('>')).tobytes()


def _decoded(rows: bytes, width: int, kind: bytes) -> npt.NDArray[np.generic] | None:
    """Return the pixels of filtered rows, of which the first needs none above it."""
    stride = 1 + width * _CHANNELS[kind[1]] * kind[0] // 8
    parts = [_SIGNATURE]
    for name, body in (
        (b'IHDR', struct.pack('>II', width, len(rows) // stride) + kind),
        (b'IDAT', zlib.compress(rows, 0)),
        (b'IEND', b''),
    ):
        parts += [struct.pack('>I', len(body)), name, body]
        parts.append(struct.pack('>I', zlib.crc32(body, zlib.crc32(name))))
    try:
        pixels = cv2.imdecode(np.frombuffer(b''.join(parts), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels)


def _inflated(data: bytes, size: int, total: int) -> Iterator[bytes]:
    """Give the inflated bytes, `size` at a time and then the rest, never more than `total` + 1."""
    decoder, parts, have, given = zlib.decompressobj(), [], 0, 0
    try:
        for name, body in _chunks(data):
            if name != b'IDAT':
                continue
            for start in range(0, len(body), _SLICE):
                packed: bytes | memoryview = body[start : start + _SLICE]
                while len(packed) and not decoder.eof and given <= total:
                    piece = decoder.decompress(packed, size - have)
                    packed = decoder.unconsumed_tail
                    parts.append(piece)
                    have += len(piece)
                    if have == size:
                        yield b''.join(parts)
                        given += have
                        parts, have = [], 0
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if have:
        yield b''.join(parts)
    if not decoder.eof:
        raise ValueError('no end of its pixels')


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Give the name and body of each part, of which the sum was checked."""
    view, position = memoryview(data), len(_SIGNATURE)
    while position + 12 <= len(data):
        length = int.from_bytes(view[position : position + 4], 'big')
        name, body = bytes(view[position + 4 : position + 8]), view[position + 8 :][:length]
        position += 12 + length
        if position > len(data):
            raise ValueError('it is cut off')
        if zlib.crc32(body, zlib.crc32(name)) != int.from_bytes(
            view[position - 4 : position], 'big'
        ):
            raise ValueError(f'a damaged part {name!r}')
        yield name, body
        if name == b'IEND':
            return
