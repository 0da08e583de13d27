# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The records of an MCAP file that are found, checked and decoded one by one.

Chunks are located here by hand, because a damaged file has to be searched for them and an
unfinished one is continued; schemas, channels and indexes are parsed by the library `mcap`.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from depth_ros.files.bags.content import BagError, Data, required

MAGIC = b'\x89MCAP0\r\n'
HEAD = 9  # bytes before the content of a record: its kind and its length
FOOTER = HEAD + 20 + len(MAGIC)
HEADER_OP, FOOTER_OP, SCHEMA_OP, CHANNEL_OP, MESSAGE_OP, CHUNK_OP, MESSAGE_INDEX_OP = range(1, 8)
CHUNK_INDEX_OP, STATISTICS_OP, SUMMARY_OFFSET_OP, DATA_END_OP = 0x08, 0x0B, 0x0E, 0x0F
LAST_OP = 0x0F
COMPRESSIONS = ('', 'lz4', 'zstd')
LARGEST_CHUNK = 1 << 32  # bytes; no recorder makes chunks of gigabytes

_RECORD = struct.Struct('<BQ')
_CHUNK = struct.Struct('<QQQII')  # start, end, uncompressed size, crc, length of compression
_MESSAGE = struct.Struct('<HIQQ')


@dataclass(frozen=True)
class Chunk:
    """
    Where a chunk lies and what its header states.

    `size` is the whole record with its head; it ends behind the file where it was cut off.
    """

    offset: int
    size: int
    start: int
    end: int
    uncompressed: int
    crc: int
    compression: str
    packed: int  # bytes of the compressed records

    @property
    def data_offset(self) -> int:
        return self.offset + self.size - self.packed


def read_at(file: int, offset: int, size: int) -> bytes:
    """Return bytes of a file by its descriptor; fewer at the end of the file."""
    pieces = []
    while size > 0:
        piece = os.pread(file, min(size, 1 << 30), offset)
        if not piece:
            break
        pieces.append(piece)
        offset, size = offset + len(piece), size - len(piece)
    return pieces[0] if len(pieces) == 1 else b''.join(pieces)


def record_at(file: int, offset: int) -> tuple[int, int] | None:
    """Return kind and length of the record at an offset; None at the end of the file."""
    head = read_at(file, offset, HEAD)
    return _RECORD.unpack(head) if len(head) == HEAD else None


def chunk_at(file: int, offset: int) -> Chunk | None:
    """Return the chunk at an offset; None where there is no chunk whose sizes agree."""
    raw = read_at(file, offset, HEAD + _CHUNK.size + 12)
    if len(raw) < HEAD + _CHUNK.size + 8:
        return None
    kind, length = _RECORD.unpack_from(raw)
    start, end, uncompressed, crc, name = _CHUNK.unpack_from(raw, HEAD)
    if kind != CHUNK_OP or name > 4 or start > end or uncompressed > LARGEST_CHUNK:
        return None
    place = HEAD + _CHUNK.size
    compression = raw[place : place + name].decode('ascii', 'replace')
    if compression not in COMPRESSIONS or len(raw) < place + name + 8:
        return None
    (packed,) = struct.unpack_from('<Q', raw, place + name)
    if length != _CHUNK.size + name + 8 + packed:
        return None
    return Chunk(offset, HEAD + length, start, end, uncompressed, crc, compression, packed)


def unpack_chunk(file: int, chunk: Chunk) -> bytes:
    """Return the records of a whole chunk; raises ValueError for damage."""
    again = chunk_at(file, chunk.offset)
    if again is None:
        raise ValueError('there is no chunk where the index expects one')
    data = read_at(file, again.data_offset, again.packed)
    if len(data) < again.packed:
        raise ValueError(f'the file ends within the chunk, {again.packed - len(data)} B missing')
    try:
        if again.compression == 'lz4':
            data = required('lz4.frame').decompress(data)
        elif again.compression == 'zstd':
            zstd = required('zstandard').ZstdDecompressor()
            data = zstd.decompress(data, max_output_size=again.uncompressed)
    except BagError:
        raise
    except Exception as error:
        raise ValueError(f'the chunk cannot be decompressed ({error})') from error
    if len(data) != again.uncompressed:
        raise ValueError(f'the chunk has {len(data)} B, expected {again.uncompressed}')
    if again.crc and zlib.crc32(data) != again.crc:
        raise ValueError('the checksum of the chunk differs')
    return data


def unpack_beginning(file: int, chunk: Chunk) -> bytes:
    """Return what is there of the records of a chunk that was cut off."""
    data = read_at(file, chunk.data_offset, chunk.packed)
    try:
        if chunk.compression == 'lz4':
            return bytes(required('lz4.frame').LZ4FrameDecompressor().decompress(data))
        if chunk.compression == 'zstd':
            zstd = required('zstandard').ZstdDecompressor()
            return bytes(zstd.decompressobj().decompress(data))
    except BagError:
        raise
    except Exception:
        return b''
    return data


def records_in(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """Yield kind and content of the complete records in the data of a chunk."""
    view, place = memoryview(data), 0
    while place + HEAD <= len(view):
        kind, length = _RECORD.unpack_from(view, place)
        place += HEAD
        if length > len(view) - place:
            return
        yield kind, view[place : place + length]
        place += length


def message_in(content: memoryview) -> tuple[int, int, Data]:
    """Return channel, time in nanoseconds and data of a message record."""
    channel, _, time, _ = _MESSAGE.unpack_from(content)
    return channel, time, content[_MESSAGE.size :]


def parsed(kind: int, content: Data) -> Any:
    """Return a schema, channel, chunk index, statistics or footer record of the library."""
    records = required('mcap.records')
    names = {
        SCHEMA_OP: 'Schema',
        CHANNEL_OP: 'Channel',
        CHUNK_INDEX_OP: 'ChunkIndex',
        STATISTICS_OP: 'Statistics',
        FOOTER_OP: 'Footer',
    }
    stream = required('mcap.data_stream').ReadDataStream(BytesIO(bytes(content)))
    return getattr(records, names[kind]).read(stream)
