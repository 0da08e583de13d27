# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Read a rosbag2 SQLite file (.db3), whole or damaged.

A damaged file is read row by row, and the rows that its damaged pages held are lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from depth_ros.files.bags.content import BagError, Damage, Data, Message, Topic

_SCHEMAS = {'ros2msg': 'ros2msg', 'ros2idl': 'ros2idl'}


class SqliteFile:
    """
    One .db3 file; see BagFile.

    :param unpack: decompresses one message, where the recorder compressed each by itself.
    """

    def __init__(self, path: Path, unpack: Callable[[Data], Data] | None = None) -> None:
        self.path = path
        self.topics: dict[str, Topic] = {}
        self.damage: list[Damage] = []
        self._unpack = unpack
        try:
            if path.stat().st_size == 0:
                raise BagError(f'{path} is empty, expected a recording of rosbag2')
            self._base = _open(path)
            self._names = self._read_topics()
        except (OSError, sqlite3.Error) as error:
            raise BagError(
                f'{path} cannot be read as a recording of rosbag2 ({error}); check the file'
            ) from None
        self.start, self.end = self._read_times()

    def close(self) -> None:
        self._base.close()

    def messages(
        self, topics: Set[str] | None = None, start: int = 0, stop: int = 2**63 - 1
    ) -> Iterator[Message]:
        wanted = [i for i, name in self._names.items() if topics is None or name in topics]
        if not wanted:
            return
        marks = ','.join('?' * len(wanted))
        query = (
            f'SELECT id, topic_id, timestamp, data FROM messages WHERE topic_id IN ({marks}) '
            'AND timestamp >= ? AND timestamp < ? ORDER BY timestamp, id'
        )
        last: set[int] = set()
        reached = start
        try:
            for row, topic, time, data in self._base.execute(query, (*wanted, start, stop)):
                if time != reached:
                    last.clear()
                reached = time
                last.add(row)
                yield from self._message(row, topic, time, data)
        except sqlite3.DatabaseError:
            yield from self._row_by_row(set(wanted), reached, stop, last)

    def _message(self, row: int, topic: int, time: int, data: bytes) -> Iterator[Message]:
        payload: Data = data
        if self._unpack is not None:
            try:
                payload = self._unpack(data)
            except BagError:
                raise
            except Exception as error:
                self._damaged(row, f'message cannot be decompressed ({error})', time)
                return
        yield Message(time, self._names[topic], payload)

    def _row_by_row(
        self, wanted: Set[int], start: int, stop: int, seen: Set[int]
    ) -> Iterator[Message]:
        """Yield what can be read of the rest by the number of the row, which needs no index."""
        rows = []
        bad = []
        for row in range(1, self._last_row() + 1):
            try:
                found = self._base.execute(
                    'SELECT topic_id, timestamp FROM messages WHERE id = ?', (row,)
                ).fetchone()
            except sqlite3.DatabaseError:
                bad.append(row)
                continue
            if found and found[0] in wanted and start <= found[1] < stop and row not in seen:
                rows.append((found[1], row, found[0]))
        for time, row, topic in sorted(rows):
            try:
                (data,) = self._base.execute(
                    'SELECT data FROM messages WHERE id = ?', (row,)
                ).fetchone()
            except (sqlite3.DatabaseError, TypeError):
                bad.append(row)
                continue
            yield from self._message(row, topic, time, data)
        for first, final in _ranges(bad):
            rows_lost = f'row {first}' if first == final else f'rows {first} to {final}'
            self._damaged(first, f'{rows_lost} of the table messages are lost')

    def _last_row(self) -> int:
        """Return a row number that none exceeds, also where the table's end is damaged."""
        try:
            return int(self._base.execute('SELECT MAX(id) FROM messages').fetchone()[0] or 0)
        except sqlite3.DatabaseError:
            # No row takes less than some ten bytes.
            return min(self.path.stat().st_size // 16, 1 << 22)

    def _damaged(self, row: int, reason: str, time: int = 0) -> None:
        if all(damage.offset != row for damage in self.damage):
            self.damage.append(Damage(self.path.name, row, reason, time, time))

    def _read_topics(self) -> dict[int, str]:
        tables = {name for (name,) in self._base.execute('SELECT name FROM sqlite_master')}
        if not {'topics', 'messages'} <= tables:
            raise BagError(
                f'{self.path} has no tables topics and messages; give a .db3 of rosbag2'
            )
        definitions = {}
        if 'message_definitions' in tables:
            definitions = {
                kind: (text, schema)
                for kind, schema, text in self._base.execute(
                    'SELECT topic_type, encoding, encoded_message_definition '
                    'FROM message_definitions'
                )
            }
        columns = {row[1] for row in self._base.execute('PRAGMA table_info(topics)')}
        qos = 'offered_qos_profiles' if 'offered_qos_profiles' in columns else "''"
        names = {}
        for number, name, kind, coding, profiles in self._base.execute(
            f'SELECT id, name, type, serialization_format, {qos} FROM topics'
        ):
            if coding != 'cdr':
                continue
            names[number] = name
            text, schema = definitions.get(kind, ('', ''))
            count = self._count(number)
            self.topics.setdefault(
                name, Topic(name, kind, text, _SCHEMAS.get(schema, ''), profiles or '', count)
            )
        return names

    def _count(self, topic: int) -> int:
        try:
            query = 'SELECT COUNT(*) FROM messages WHERE topic_id = ?'
            return int(self._base.execute(query, (topic,)).fetchone()[0])
        except sqlite3.DatabaseError:
            return 0

    def _read_times(self) -> tuple[int, int]:
        try:
            query = 'SELECT MIN(timestamp), MAX(timestamp) FROM messages'
            low, high = self._base.execute(query).fetchone()
            return int(low or 0), int(high or 0)
        except sqlite3.DatabaseError:
            return 0, 2**63 - 1


def _open(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads."""
    uri = path.resolve().as_uri()
    base = sqlite3.connect(f'{uri}?mode=ro', uri=True, check_same_thread=False)
    try:
        base.execute('SELECT COUNT(*) FROM sqlite_master').fetchone()
    except sqlite3.OperationalError:  # a journal beside the file, in a folder without write bits
        base.close()
        base = sqlite3.connect(f'{uri}?immutable=1', uri=True, check_same_thread=False)
    return base


def _ranges(rows: list[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for row in sorted(set(rows)):
        if last is not None and row == last + 1:
            last = row
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = row
    if first is not None and last is not None:
        yield first, last
