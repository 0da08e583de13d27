# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Read an MCAP file, whole or damaged.

A file that its recorder closed has an index of its chunks at its end. A file without one is
searched for chunks from its beginning, and where the bytes between two chunks make no sense, up
to the next chunk whose header does. A damaged chunk costs itself and nothing else.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from depth_ros.files.bags import mcap_records as mcap
from depth_ros.files.bags.content import BagError, Damage, Message, Stream, Topic, merged
from depth_ros.files.bags.mcap_records import Chunk

_SEARCH = 1 << 20  # bytes that are searched at a time


class McapFile:
    """One MCAP file; see BagFile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.topics: dict[str, Topic] = {}
        self.damage: list[Damage] = []
        self.start, self.end = 0, 0
        self._schemas: dict[int, Any] = {}
        self._channels: dict[int, str] = {}
        self._chunks: list[tuple[Chunk, frozenset[int] | None]] = []
        self._cut: Chunk | None = None  # the last chunk, where the file ends within it
        self._loose: list[tuple[int, int, int, int]] = []  # time, channel, offset, size
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise BagError(f'{path} cannot be read ({error.strerror}); check the path') from None
        try:
            self._size = os.fstat(self._file).st_size
            if mcap.read_at(self._file, 0, len(mcap.MAGIC)) != mcap.MAGIC:
                raise BagError(
                    f'{path} does not begin as an MCAP file; give a recording of rosbag2'
                )
            if not self._read_summary():
                self._scan()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def messages(
        self, topics: Set[str] | None = None, start: int = 0, stop: int = 2**63 - 1
    ) -> Iterator[Message]:
        wanted = {c for c, t in self._channels.items() if topics is None or t in topics}
        streams = [
            Stream(chunk.start, self._of_chunk(chunk, wanted, start, stop), chunk.offset)
            for chunk, channels in self._chunks
            if chunk.start < stop
            and chunk.end >= start
            and (channels is None or channels & wanted)
        ]
        streams += [
            Stream(time, self._of_record(time, channel, offset, size), offset)
            for time, channel, offset, size in self._loose
            if channel in wanted and start <= time < stop
        ]
        if self._cut is not None:
            data = mcap.unpack_beginning(self._file, self._cut)
            found = list(self._within(data, wanted, start, stop))
            streams.append(Stream(self._cut.start, found, self._cut.offset))
        return merged(streams)

    # -- messages --------------------------------------------------------------------------

    def _of_chunk(
        self, chunk: Chunk, wanted: Set[int], start: int, stop: int
    ) -> Iterator[Message]:
        data = self._unpacked(chunk)
        if data is not None:
            yield from self._within(data, wanted, start, stop)

    def _of_record(self, time: int, channel: int, offset: int, size: int) -> Iterator[Message]:
        content = mcap.read_at(self._file, offset, size)
        yield Message(time, self._channels[channel], mcap.message_in(memoryview(content))[2])

    def _within(self, data: bytes, wanted: Set[int], start: int, stop: int) -> list[Message]:
        found = []
        for kind, content in mcap.records_in(data):
            if kind == mcap.MESSAGE_OP:
                channel, time, payload = mcap.message_in(content)
                if channel in wanted and start <= time < stop:
                    found.append(Message(time, self._channels[channel], payload))
        return sorted(found, key=lambda message: message.time)

    def _unpacked(self, chunk: Chunk) -> bytes | None:
        try:
            return mcap.unpack_chunk(self._file, chunk)
        except BagError:
            raise
        except (ValueError, OSError) as error:
            self._damaged(chunk.offset, f'chunk lost: {error}', chunk.start, chunk.end)
            return None

    def _damaged(self, offset: int, reason: str, start: int = 0, end: int = 0) -> None:
        if all(damage.offset != offset for damage in self.damage):
            self.damage.append(Damage(self.path.name, offset, reason, start, end))

    # -- what is where ---------------------------------------------------------------------

    def _read_summary(self) -> bool:
        """Read the index at the end; return False where there is none that can be used."""
        tail = mcap.read_at(self._file, self._size - mcap.FOOTER, mcap.FOOTER)
        if len(tail) < mcap.FOOTER or not tail.endswith(mcap.MAGIC):
            return False
        if tail[0] != mcap.FOOTER_OP:
            return False
        footer = mcap.parsed(mcap.FOOTER_OP, tail[mcap.HEAD :])
        begin, end = footer.summary_start, self._size - mcap.FOOTER
        if not len(mcap.MAGIC) <= begin < end:
            return False
        summary = mcap.read_at(self._file, begin, end - begin)
        # The checksum covers the summary and the footer up to the checksum itself.
        checked = summary + tail[: mcap.HEAD + 16]
        if footer.summary_crc and zlib.crc32(checked) != footer.summary_crc:
            return False
        try:
            if self._take_summary(summary):
                return True
        except Exception:  # whatever a damaged index leads to, the chunks themselves may be good
            pass
        self._schemas, self._channels, self.topics, self._chunks = {}, {}, {}, []
        return False

    def _take_summary(self, summary: bytes) -> bool:
        statistics = None
        for kind, content in mcap.records_in(summary):
            if kind in (mcap.SCHEMA_OP, mcap.CHANNEL_OP):
                self._take_definition(kind, content)
            elif kind == mcap.CHUNK_INDEX_OP:
                index = mcap.parsed(kind, content)
                chunk = Chunk(
                    index.chunk_start_offset,
                    index.chunk_length,
                    index.message_start_time,
                    index.message_end_time,
                    index.uncompressed_size,
                    0,
                    index.compression,
                    index.compressed_size,
                )
                channels = frozenset(index.message_index_offsets)
                self._chunks.append((chunk, channels or None))
            elif kind == mcap.STATISTICS_OP:
                statistics = mcap.parsed(kind, content)
        if statistics is None:
            return False
        if statistics.message_count and not (self._chunks and self._channels):
            return False  # messages outside of chunks have no index
        counts = statistics.channel_message_counts
        self._count({channel: counts.get(channel, 0) for channel in self._channels})
        self.start, self.end = statistics.message_start_time, statistics.message_end_time
        return True

    def _take_definition(self, kind: int, content: memoryview) -> None:
        record = mcap.parsed(kind, content)
        if kind == mcap.SCHEMA_OP:
            self._schemas[record.id] = record
            return
        if record.message_encoding != 'cdr':
            return  # no message of ROS 2
        schema = self._schemas.get(record.schema_id)
        self._channels[record.id] = record.topic
        self.topics.setdefault(
            record.topic,
            Topic(
                record.topic,
                schema.name if schema else '',
                schema.data.decode('utf-8', 'replace') if schema else '',
                schema.encoding if schema else '',
                record.metadata.get('offered_qos_profiles', ''),
            ),
        )

    def _count(self, counts: dict[int, int]) -> None:
        totals: Counter[str] = Counter()
        for channel, count in counts.items():
            if channel in self._channels:
                totals[self._channels[channel]] += count
        self.topics = {n: replace(t, count=totals[n]) for n, t in self.topics.items()}

    def _scan(self) -> None:
        """Find everything without an index, and note where nothing could be made of the bytes."""
        counts: Counter[int] = Counter()
        offset, times = len(mcap.MAGIC), []
        while offset < self._size:
            record = mcap.record_at(self._file, offset)
            kind, length = record or (0, 0)
            if kind in (mcap.DATA_END_OP, mcap.FOOTER_OP) and length < 64:
                break
            chunk = mcap.chunk_at(self._file, offset) if kind == mcap.CHUNK_OP else None
            if chunk is not None:
                times += self._scan_chunk(chunk, counts)
                offset += chunk.size
                continue
            inside = offset + mcap.HEAD + length <= self._size
            if kind == mcap.CHUNK_OP or not 0 < kind <= mcap.LAST_OP or not inside:
                offset = self._resume_after(offset)
                continue
            times += self._scan_record(kind, offset + mcap.HEAD, length, counts)
            offset += mcap.HEAD + length
        self._count(dict(counts))
        self.start, self.end = (min(times), max(times)) if times else (0, 0)

    def _scan_chunk(self, chunk: Chunk, counts: Counter[int]) -> list[int]:
        if chunk.offset + chunk.size > self._size:
            self._cut = chunk
            self._damaged(
                chunk.offset,
                'the file ends within this chunk; its last messages are lost',
                chunk.start,
                chunk.end,
            )
            data: bytes | None = mcap.unpack_beginning(self._file, chunk)
        else:
            data = self._unpacked(chunk)
            if data is not None:
                self._chunks.append((chunk, None))
        times = []
        for kind, content in mcap.records_in(data or b''):
            if kind in (mcap.SCHEMA_OP, mcap.CHANNEL_OP):
                self._take_definition(kind, content)
            elif kind == mcap.MESSAGE_OP:
                channel, time, _ = mcap.message_in(content)
                counts[channel] += 1
                times.append(time)
        return times

    def _scan_record(self, kind: int, offset: int, size: int, counts: Counter[int]) -> list[int]:
        if kind in (mcap.SCHEMA_OP, mcap.CHANNEL_OP):
            self._take_definition(kind, memoryview(mcap.read_at(self._file, offset, size)))
        elif kind == mcap.MESSAGE_OP and size >= 22:
            channel, time, _ = mcap.message_in(memoryview(mcap.read_at(self._file, offset, 22)))
            self._loose.append((time, channel, offset, size))
            counts[channel] += 1
            return [time]
        return []

    def _resume_after(self, offset: int) -> int:
        """Return where the next chunk begins, or the end of the file."""
        place = offset + 1
        while place < self._size:
            block = mcap.read_at(self._file, place, _SEARCH)
            found = block.find(bytes([mcap.CHUNK_OP]))
            while found >= 0:
                if mcap.chunk_at(self._file, place + found) is not None:
                    self._damaged(offset, f'{place + found - offset} B make no records')
                    return place + found
                found = block.find(bytes([mcap.CHUNK_OP]), found + 1)
            place += len(block)
        self._damaged(offset, f'{self._size - offset} B at the end make no records')
        return self._size
