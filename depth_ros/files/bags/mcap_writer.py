# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write an MCAP file that can be continued where it was left off.

The caller decides what a chunk holds, so the same messages give the same bytes however often the
work was interrupted. Large messages are written without being copied together. When the disk is
full, the chunk in progress is taken back and the index is written in its place.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_ros.files.bags import mcap_records as mcap
from depth_ros.files.bags.content import BagError, Data, Message, Topic, required

COMPRESSIONS = ('none', 'lz4', 'zstd')
LIBRARY = 'depth_ros'  # no version: the same content gives the same bytes after an update
Definition = tuple[str, str, str]  # type, text, language
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RECORD = struct.Struct('<BQ')
_MESSAGE = struct.Struct('<BQHIQQ')
_CHUNK = struct.Struct('<QQQI')


class DiskFull(BagError):
    """The disk is full; the file is whole up to the last chunk that had room."""


@dataclass(frozen=True)
class _Written:
    """What the index says about a chunk, and where the next one begins."""

    chunk: mcap.Chunk
    index: dict[int, int]  # where the message index of each channel lies
    index_size: int
    counts: dict[int, int]
    ids: tuple[int, ...]  # of the channels that were defined in it

    @property
    def end(self) -> int:
        return self.chunk.offset + self.chunk.size + self.index_size


class McapWriter:
    """
    One MCAP file of ROS 2 messages.

    :param keep: bytes of an unfinished file to continue behind; 0 starts anew.
    """

    def __init__(self, path: Path, compression: str = 'none', keep: int = 0) -> None:
        if compression not in COMPRESSIONS:
            raise BagError(
                f'compression is {compression!r}, expected one of {", ".join(COMPRESSIONS)}'
            )
        self.path = path
        self._compression = '' if compression == 'none' else compression
        self._topics: dict[int, Topic] = {}
        self._ids: dict[str, int] = {}
        self._schemas: dict[Definition, int] = {}
        self._chunks: list[_Written] = []
        self._sequences: Counter[int] = Counter()
        flags = os.O_RDWR | os.O_CREAT | (0 if keep else os.O_TRUNC)
        self._file = os.open(path, flags, 0o644)
        try:
            if keep:
                self._continue(keep)
            else:
                self._end = self._put(0, [mcap.MAGIC, _header()])
        except BaseException:
            os.close(self._file)
            raise

    @property
    def end(self) -> int:
        """Where the next chunk begins: so many bytes of the file are whole."""
        return self._end

    @property
    def counts(self) -> dict[str, int]:
        """How many messages of each topic are written."""
        totals: Counter[str] = Counter()
        for written in self._chunks:
            for channel, count in written.counts.items():
                totals[self._topics[channel].name] += count
        return {topic.name: totals[topic.name] for topic in self._topics.values()}

    @property
    def topics(self) -> list[Topic]:
        """The topics, in the order in which they came."""
        return list(self._topics.values())

    @property
    def times(self) -> tuple[int, int]:
        """The times of the first and the last message; zeros where there is none."""
        if not self._chunks:
            return 0, 0
        return (
            min(written.chunk.start for written in self._chunks),
            max(written.chunk.end for written in self._chunks),
        )

    def write(self, messages: Sequence[Message], topics: dict[str, Topic]) -> None:
        """Append one chunk; `topics` describes at least those of the messages."""
        if not messages:
            return
        defined, new = self._define(messages, topics)
        pieces: list[Data] = [defined] if defined else []
        size = len(defined)
        index: dict[int, list[tuple[int, int]]] = {}
        sequences = self._sequences.copy()
        for message in messages:
            channel = self._ids[message.topic]
            index.setdefault(channel, []).append((message.time, size))
            sequences[channel] += 1
            length = _MESSAGE.size - _RECORD.size + len(message.data)
            pieces.append(
                _MESSAGE.pack(
                    *(mcap.MESSAGE_OP, length, channel, sequences[channel]),
                    *(message.time, message.time),
                )
            )
            pieces.append(message.data)
            size += _RECORD.size + length
        try:
            self._write_chunk(pieces, size, index, messages, new)
        except OSError as error:
            self._undo(new)
            if error.errno not in _FULL:
                raise
            with suppress(DiskFull):
                self.finish()
            raise self._full(error) from error
        self._sequences = sequences

    def finish(self) -> None:
        """
        Write the index.

        Where even that has no room, chunks are taken back until it has, and DiskFull is raised.
        """
        full: OSError | None = None
        while True:
            try:
                size = self._put(self._end, [_data_end(), *self._summary()])
                os.ftruncate(self._file, size)
                break
            except OSError as error:
                if error.errno not in _FULL or not self._chunks:
                    raise
                full = error
                last = self._chunks.pop()
                self._end = last.chunk.offset
                self._undo(list(last.ids))
                os.ftruncate(self._file, self._end)
        if full is not None:
            raise self._full(full) from full

    def close(self) -> None:
        """Close the file as it is."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _full(self, error: OSError) -> DiskFull:
        return DiskFull(
            f'there is no room left for {self.path} ({error.strerror}); it is readable up to '
            'there: free some space and run the same command again to continue'
        )

    # -- chunks ----------------------------------------------------------------------------

    def _define(
        self, messages: Iterable[Message], topics: dict[str, Topic]
    ) -> tuple[bytes, list[int]]:
        """Return the schemas and channels that these messages need first, and their ids."""
        records: list[bytes] = []
        new: list[int] = []
        for name in dict.fromkeys(message.topic for message in messages):
            if name not in self._ids:
                topic = topics[name]
                key = _key(topic)
                if key not in self._schemas:
                    self._schemas[key] = len(self._schemas) + 1
                    records.append(_schema(self._schemas[key], topic))
                channel = len(self._topics) + 1
                self._ids[name], self._topics[channel] = channel, topic
                records.append(_channel(channel, self._schemas[key], topic))
                new.append(channel)
        return b''.join(records), new

    def _undo(self, new: list[int]) -> None:
        for channel in new:
            del self._ids[self._topics.pop(channel).name]
        used = {_key(topic) for topic in self._topics.values()}
        self._schemas = {key: n for key, n in self._schemas.items() if key in used}

    def _write_chunk(
        self,
        pieces: list[Data],
        size: int,
        index: dict[int, list[tuple[int, int]]],
        messages: Sequence[Message],
        new: list[int],
    ) -> None:
        crc = 0
        for piece in pieces:
            crc = zlib.crc32(piece, crc)
        packed = pieces if not self._compression else [_compress(self._compression, pieces)]
        packed_size = sum(map(len, packed))
        times = [message.time for message in messages]
        name = self._compression.encode()
        body = _CHUNK.pack(min(times), max(times), size, crc)
        body += struct.pack('<I', len(name)) + name + struct.pack('<Q', packed_size)
        head = _RECORD.pack(mcap.CHUNK_OP, len(body) + packed_size) + body
        chunk = mcap.Chunk(
            *(self._end, len(head) + packed_size, min(times), max(times), size, crc),
            *(self._compression, packed_size),
        )
        place, offsets, indexes = self._end + chunk.size, {}, b''
        for channel, entries in index.items():
            offsets[channel] = place + len(indexes)
            flat = b''.join(struct.pack('<QQ', *entry) for entry in entries)
            content = struct.pack('<HI', channel, len(flat)) + flat
            indexes += _RECORD.pack(mcap.MESSAGE_INDEX_OP, len(content)) + content
        end = self._put(self._end, [head, *packed, indexes])
        counts = {channel: len(entries) for channel, entries in index.items()}
        self._chunks.append(_Written(chunk, offsets, len(indexes), counts, tuple(new)))
        self._end = end

    def _put(self, offset: int, pieces: Sequence[Data]) -> int:
        """Write at an offset and return where it ends; nothing is left of a write that fails."""
        views = [memoryview(piece) for piece in pieces if len(piece)]
        start = offset
        try:
            while views:
                done = os.pwritev(self._file, views[:256], offset)
                offset += done
                while views and done >= len(views[0]):
                    done -= len(views.pop(0))
                if done:
                    views[0] = views[0][done:]
        except OSError:
            os.ftruncate(self._file, start)
            raise
        return offset

    # -- continue --------------------------------------------------------------------------

    def _continue(self, keep: int) -> None:
        """Check the chunks of an unfinished file, read what they define, drop what follows."""
        offset = len(mcap.MAGIC) + len(_header())
        if mcap.read_at(self._file, 0, offset) != mcap.MAGIC + _header():
            raise BagError(f'{self.path} was written by another program; remove it to start anew')
        while offset < keep:
            chunk = mcap.chunk_at(self._file, offset)
            try:
                data = mcap.unpack_chunk(self._file, chunk) if chunk is not None else None
            except ValueError as error:
                raise BagError(f'{self.path} is damaged at {offset}: {error}') from error
            if chunk is None or data is None:
                raise BagError(f'{self.path} has no chunk at {offset}; remove it to start anew')
            written = self._take(chunk, data)
            self._chunks.append(written)
            self._sequences.update(written.counts)
            offset = written.end
        if offset != keep:
            raise BagError(f'{self.path} has a chunk that ends at {offset}, expected {keep}')
        self._end = keep
        os.ftruncate(self._file, keep)

    def _take(self, chunk: mcap.Chunk, data: bytes) -> _Written:
        new = []
        schemas: dict[int, Any] = {n: key for key, n in self._schemas.items()}
        for kind, content in mcap.records_in(data):
            if kind == mcap.SCHEMA_OP:
                record = mcap.parsed(kind, content)
                key = (record.name, record.data.decode(), record.encoding)
                self._schemas[key] = record.id
                schemas[record.id] = key
            elif kind == mcap.CHANNEL_OP:
                record = mcap.parsed(kind, content)
                name, text, coding = schemas[record.schema_id]
                qos = record.metadata.get('offered_qos_profiles', '')
                self._topics[record.id] = Topic(record.topic, name, text, coding, qos)
                self._ids[record.topic] = record.id
                new.append(record.id)
            elif kind == mcap.MESSAGE_OP:
                break  # definitions stand before the messages
        counts: dict[int, int] = {}
        offsets: dict[int, int] = {}
        begin = place = chunk.offset + chunk.size
        while (record := mcap.record_at(self._file, place)) is not None:
            kind, length = record
            if kind != mcap.MESSAGE_INDEX_OP:
                break
            entry = mcap.read_at(self._file, place + mcap.HEAD, 6)
            channel, size = struct.unpack('<HI', entry)
            counts[channel], offsets[channel] = size // 16, place
            place += mcap.HEAD + length
        return _Written(chunk, offsets, place - begin, counts, tuple(new))

    # -- index -----------------------------------------------------------------------------

    def _summary(self) -> list[bytes]:
        groups: list[tuple[int, bytes]] = []
        schemas = {n: key for key, n in self._schemas.items()}
        by_key = {_key(topic): topic for topic in self._topics.values()}
        groups.append(
            (mcap.SCHEMA_OP, b''.join(_schema(n, by_key[key]) for n, key in schemas.items()))
        )
        channels = (_channel(n, self._schemas[_key(t)], t) for n, t in self._topics.items())
        groups.append((mcap.CHANNEL_OP, b''.join(channels)))
        groups.append((mcap.STATISTICS_OP, self._statistics()))
        groups.append((mcap.CHUNK_INDEX_OP, b''.join(map(_chunk_index, self._chunks))))
        start = self._end + len(_data_end())
        place, offsets = start, b''
        for kind, text in groups:
            if text:
                content = struct.pack('<BQQ', kind, place, len(text))
                offsets += _RECORD.pack(mcap.SUMMARY_OFFSET_OP, len(content)) + content
            place += len(text)
        summary = b''.join(text for _, text in groups)
        footer = _RECORD.pack(mcap.FOOTER_OP, 20) + struct.pack('<QQ', start, place)
        crc = zlib.crc32(summary + offsets + footer)
        return [summary, offsets, footer + struct.pack('<I', crc), mcap.MAGIC]

    def _statistics(self) -> bytes:
        totals: Counter[int] = Counter()
        for written in self._chunks:
            totals.update(written.counts)
        counts = b''.join(struct.pack('<HQ', *item) for item in totals.items())
        content = struct.pack(
            '<QHIIIIQQI',
            *(totals.total(), len(self._schemas), len(self._topics), 0, 0, len(self._chunks)),
            *(*self.times, len(counts)),
        )
        return _RECORD.pack(mcap.STATISTICS_OP, len(content + counts)) + content + counts


def _key(topic: Topic) -> Definition:
    return topic.type, topic.definition, topic.schema or 'ros2msg'


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack('<I', len(raw)) + raw


def _header() -> bytes:
    content = _text('ros2') + _text(LIBRARY)
    return _RECORD.pack(mcap.HEADER_OP, len(content)) + content


def _data_end() -> bytes:
    return _RECORD.pack(mcap.DATA_END_OP, 4) + struct.pack('<I', 0)


def _schema(number: int, topic: Topic) -> bytes:
    coding = topic.schema or 'ros2msg'
    content = struct.pack('<H', number) + _text(topic.type) + _text(coding)
    content += _text(topic.definition)
    return _RECORD.pack(mcap.SCHEMA_OP, len(content)) + content


def _channel(number: int, schema: int, topic: Topic) -> bytes:
    metadata = _text('offered_qos_profiles') + _text(topic.qos)
    content = struct.pack('<HH', number, schema) + _text(topic.name) + _text('cdr')
    content += struct.pack('<I', len(metadata)) + metadata
    return _RECORD.pack(mcap.CHANNEL_OP, len(content)) + content


def _chunk_index(written: _Written) -> bytes:
    chunk = written.chunk
    offsets = b''.join(struct.pack('<HQ', *item) for item in written.index.items())
    content = struct.pack('<QQQQI', chunk.start, chunk.end, chunk.offset, chunk.size, len(offsets))
    content += offsets + struct.pack('<Q', written.index_size) + _text(chunk.compression)
    content += struct.pack('<QQ', chunk.packed, chunk.uncompressed)
    return _RECORD.pack(mcap.CHUNK_INDEX_OP, len(content)) + content


def _compress(name: str, pieces: Sequence[Data]) -> bytes:
    whole = b''.join(pieces)
    if name == 'lz4':
        return bytes(required('lz4.frame').compress(whole))
    return bytes(required('zstandard').ZstdCompressor(level=1).compress(whole))
