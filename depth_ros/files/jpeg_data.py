# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Find out that coded pixels of a JPEG are missing from its middle.

Decoders fill the rest of such an image with grey and say nothing. Where the last block is just
that grey, the codes are counted, by the Huffman tables of the file and without decoding.
"""

from __future__ import annotations

import re

import numpy as np

from depth_ros.types import DepthError

_FILLED = 128  # of every channel, where a decoder has run out of data
_RESTART = re.compile(rb'\xff[\xd0-\xd7]')
Table = list[tuple[int, int]]  # by the next 16 bits: length of the code and its symbol


def check_pixels(data: bytes, pixels: np.ndarray, source: str, block: int = 8) -> None:
    """
    Refuse a decoded JPEG whose coded pixels end before the image does.

    :param block: pixels along the side of a coded block, fewer where it was decoded smaller.
    """
    height, width = pixels.shape[:2]
    corner = pixels[(height - 1) // block * block :, (width - 1) // block * block :]
    if (corner == _FILLED).all() and not is_whole(data):
        raise DepthError(
            f'{source} lacks a part of its coded pixels, expected the whole image; copy or '
            'record it again'
        )


def is_whole(data: bytes) -> bool:
    """
    Return whether a baseline JPEG has a code for every block of its image.

    True as well for a JPEG of another kind, which is not looked into.
    """
    tables: dict[int, Table] = {}
    restart, frame, position = 0, b'', 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        length = int.from_bytes(data[position + 2 : position + 4], 'big')
        payload = data[position + 4 : position + 2 + length]
        position += 1 if marker == 0xFF else 2 + length
        if marker == 0xC4:
            _add_tables(tables, payload)
        elif marker == 0xDD:
            restart = int.from_bytes(payload[:2], 'big')
        elif marker in (0xC0, 0xC1):
            frame = payload
        elif marker == 0xDA:
            if len(frame) < 6 or not payload or len(payload) < 1 + 2 * payload[0]:
                return True  # progressive, or damaged before its data: the decoder says how
            if payload[0] != frame[5]:
                return True  # one scan for each component
            return _count(frame, payload, tables, restart, data[position:])
    return True


def _add_tables(tables: dict[int, Table], payload: bytes) -> None:
    while len(payload) >= 17:
        counts = payload[1:17]
        symbols = payload[17 : 17 + sum(counts)]
        table: Table = [(0, 0)] * 65536
        code, index = 0, 0
        for length, count in enumerate(counts, 1):
            for symbol in symbols[index : index + count]:
                first, last = code << (16 - length), (code + 1) << (16 - length)
                if last > 65536:
                    break
                table[first:last] = [(length, symbol)] * (last - first)
                code += 1
            index += count
            code <<= 1
        tables[payload[0]] = table
        payload = payload[17 + sum(counts) :]


def _count(
    frame: bytes, scan: bytes, tables: dict[int, Table], restart: int, coded: bytes
) -> bool:
    height, width = int.from_bytes(frame[1:3], 'big'), int.from_bytes(frame[3:5], 'big')
    components = [frame[6 + 3 * i : 9 + 3 * i] for i in range(frame[5])]
    factors = {part[0]: (part[1] >> 4, part[1] & 15) for part in components if len(part) == 3}
    wide = max((x for x, _ in factors.values()), default=1)
    high = max((y for _, y in factors.values()), default=1)
    if not wide * high:
        return True
    blocks: list[tuple[Table, Table]] = []
    for index in range(scan[0]):
        name, used = scan[1 + 2 * index], scan[2 + 2 * index]
        x, y = factors.get(name, (1, 1)) if len(factors) > 1 else (1, 1)
        pair = tables.get(used >> 4), tables.get(0x10 | used & 15)
        if pair[0] is None or pair[1] is None:
            return True
        blocks += [(pair[0], pair[1])] * (x * y)
    if len(factors) == 1:
        wide = high = 1
    left = -(-width // (8 * wide)) * -(-height // (8 * high))
    end = coded.rfind(b'\xff\xd9')
    intervals = _RESTART.split(coded[:end]) if restart else [coded[:end]]
    for interval in intervals:
        wanted = min(left, restart or left)
        if not _has(interval.replace(b'\xff\x00', b'\xff'), blocks, wanted):
            return False
        left -= wanted
        if not left:
            return True
    return False


def _has(coded: bytes, blocks: list[tuple[Table, Table]], wanted: int) -> bool:
    """Return whether bytes hold so many groups of blocks."""
    at, end = 0, 8 * len(coded)
    for _ in range(wanted):
        for first, others in blocks:
            place, table = 0, first
            while place < 64:
                start = at >> 3
                bits = int.from_bytes(coded[start : start + 4].ljust(4, b'\xff'), 'big')
                length, symbol = table[bits >> (16 - (at & 7)) & 0xFFFF]
                if not length:
                    return False
                at += length + (symbol & 15)
                if not place:
                    place, table = 1, others
                elif not symbol:
                    break  # the rest of the block is zero
                else:
                    place += (symbol >> 4) + 1
            if at > end:
                return False
    return True
