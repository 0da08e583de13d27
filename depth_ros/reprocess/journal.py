# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What is done of one file of an output, one line per chunk: the file is continued behind it.

A line is written when its chunk is, so a kill between the two costs the chunk, and no chunk
without its line counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depth_ros.files.bags.content import BagError

FOLDER = '.depth_ros'


class Journal:
    """The lines of one file: what it is about, the chunks, and the end."""

    def __init__(self, folder: Path, number: int, key: str) -> None:
        self.path = folder / FOLDER / f'{number}.jsonl'
        self.rows: list[dict[str, Any]] = []
        self.frames = 0  # rows that are about a frame
        self.ending: dict[str, Any] | None = None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            size = self._read(key)
        except BaseException:
            os.close(self._file)
            raise
        self.frames = sum('t' in row for row in self.rows)
        os.ftruncate(self._file, size)
        os.lseek(self._file, 0, os.SEEK_END)
        if not size:
            self._append({'key': key})

    def last(self, name: str) -> Any:
        """Return the last value of this name; None where no row has one."""
        return next((row[name] for row in reversed(self.rows) if name in row), None)

    def _read(self, key: str) -> int:
        """Take the lines that are whole and return where they end."""
        text = b''
        while piece := os.read(self._file, 1 << 20):
            text += piece
        size = 0
        for line in text.splitlines(keepends=True):
            if not line.endswith(b'\n'):
                break
            try:
                entry = json.loads(line)
            except ValueError:
                break
            if not size and entry.get('key') != key:
                raise BagError(
                    f'{self.path.parent.parent} was begun with another recording, model or '
                    'settings; give the same again, another --out, or --overwrite'
                )
            if 'ending' in entry:
                self.ending = entry['ending']
            elif size:
                self.rows.append(entry)
            size += len(line)
        return size

    def add(self, row: Mapping[str, Any]) -> None:
        """Note that a chunk is written."""
        self.rows.append(dict(row))
        self.frames += 't' in row
        self._append(row)

    def end(self, facts: Mapping[str, Any]) -> None:
        """Note that the file is finished."""
        self.ending = dict(facts)
        self._append({'ending': facts})

    def forget_after(self, count: int) -> None:
        """Drop the rows after the first ones: their chunks are lost."""
        head = self._first_line()
        self.rows, self.ending = self.rows[:count], None
        self.frames = sum('t' in row for row in self.rows)
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        self._append(head)
        for row in self.rows:
            self._append(row)

    def _first_line(self) -> dict[str, Any]:
        with self.path.open(encoding='utf-8') as stream:
            return dict(json.loads(stream.readline()))

    def _append(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry, separators=(',', ':')).encode() + b'\n'
        while line:
            line = line[os.write(self._file, line) :]

    def close(self) -> None:
        os.close(self._file)


def read_rows(folder: Path, number: int) -> list[dict[str, Any]]:
    """Return the rows of one file of an output, as far as it is done."""
    path = folder / FOLDER / f'{number}.jsonl'
    if not path.exists():
        return []
    entries = []
    for line in path.read_text(encoding='utf-8').splitlines()[1:]:
        try:
            entries.append(json.loads(line))
        except ValueError:
            break
    return [entry for entry in entries if 'ending' not in entry]
