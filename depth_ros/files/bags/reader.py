# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Open a recording: a folder of rosbag2 or a single file, MCAP or SQLite, split, compressed.

The metadata.yaml of a folder is used where it can be read, for the compression alone; the files
themselves say what they hold, so a folder whose recorder was killed is read as well.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from depth_ros.files.bags.content import (
    BagError,
    BagFile,
    Damage,
    Data,
    Message,
    Stream,
    Topic,
    merged,
    required,
)
from depth_ros.files.bags.mcap_reader import McapFile
from depth_ros.files.bags.sqlite_reader import SqliteFile

SUFFIXES = ('.mcap', '.db3')
METADATA = 'metadata.yaml'


def is_bag(path: Path) -> bool:
    """Return whether a path is named like a recording, without opening it."""
    return bool(_is_bag_file(path) if path.is_file() else path.is_dir() and _files_in(path))


def find_bags(path: Path) -> list[Path]:
    """Return the recordings at a path: itself, or those one folder below it."""
    if is_bag(path):
        return [path]
    if not path.exists():
        raise BagError(f'there is no {path}; give a recording of rosbag2')
    below = sorted(path.iterdir()) if path.is_dir() else []
    found = [p for p in below if is_bag(p)]
    if not found:
        raise BagError(f'{path} holds no recording; expected .mcap or .db3 files of rosbag2')
    return found


def _is_bag_file(path: Path) -> bool:
    return path.name.removesuffix('.zstd').endswith(SUFFIXES)


def _files_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and _is_bag_file(p))


class Bag:
    """
    A recording of one file or several.

    `damage` grows while messages are read: it lists what could not be.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.files: list[BagFile] = []
        self._unreadable: list[Damage] = []
        self._folders: list[tempfile.TemporaryDirectory[str]] = []
        if not is_bag(self.path):
            raise BagError(
                f'{self.path} is no recording; expected a folder of rosbag2, .mcap or .db3'
            )
        paths, each = [self.path], False
        if self.path.is_dir():
            paths = _files_in(self.path)
            each = _compression_mode(self.path) == 'message'
        try:
            for file in paths:
                self._open(file, each, alone=len(paths) == 1)
        except BaseException:
            self.close()
            raise
        if not self.files:
            raise BagError(str(self._unreadable[0].reason))
        self.files.sort(key=lambda f: (f.start, f.path.name))
        self.topics = _all_topics(self.files)
        filled = [file for file in self.files if file.end]
        self.start = min((file.start for file in filled), default=0)
        self.end = max((file.end for file in filled), default=0)

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The name of the recording without its suffixes."""
        name = self.path.name.removesuffix('.zstd')
        return name if self.path.is_dir() else name.rsplit('.', 1)[0]

    @property
    def damage(self) -> list[Damage]:
        """What could not be read so far."""
        return self._unreadable + [damage for file in self.files for damage in file.damage]

    def messages(
        self, topics: Set[str] | None = None, start: int = 0, stop: int = 2**63 - 1
    ) -> Iterator[Message]:
        """Yield the messages with start <= time < stop, by time; None is every topic."""
        return merged(
            Stream(file.start, file.messages(topics, start, stop), order)
            for order, file in enumerate(self.files)
            if file.start < stop and file.end >= start
        )

    def last_before(self, topic: str, time: int) -> Message | None:
        """Return the last message of a topic that was recorded before a time."""
        last = deque(self.messages({topic}, 0, time), maxlen=1)
        return last[0] if last else None

    def close(self) -> None:
        """Close all files."""
        for file in self.files:
            file.close()
        for folder in self._folders:
            folder.cleanup()
        self._folders.clear()

    def _open(self, path: Path, each_compressed: bool, *, alone: bool) -> None:
        try:
            if path.suffix == '.zstd':
                path = self._decompressed(path)
            unpack = _unpack if each_compressed else None
            file: BagFile = McapFile(path) if path.suffix == '.mcap' else SqliteFile(path, unpack)
            self.files.append(file)
        except BagError as error:
            if alone:
                raise
            # One file of a split recording that cannot be read does not cost the others.
            self._unreadable.append(Damage(path.name, 0, str(error)))

    def _decompressed(self, path: Path) -> Path:
        folder = tempfile.TemporaryDirectory(prefix='depth_ros_bag_')
        self._folders.append(folder)
        target = Path(folder.name) / path.name.removesuffix('.zstd')
        zstd = required('zstandard')
        with path.open('rb') as packed, target.open('wb') as plain:
            try:
                shutil.copyfileobj(zstd.ZstdDecompressor().stream_reader(packed), plain)
            except zstd.ZstdError as error:  # what came before the damage is read
                self._unreadable.append(Damage(path.name, packed.tell(), str(error)))
        return target


def _compression_mode(folder: Path) -> str:
    metadata = read_metadata(folder)
    return str(metadata.get('compression_mode', '')).lower()


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return what metadata.yaml of a folder says; empty where it cannot be read."""
    try:
        text = (folder / METADATA).read_text(encoding='utf-8')
        document = yaml.safe_load(text)['rosbag2_bagfile_information']
    except (OSError, yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError):
        return {}
    return document if isinstance(document, dict) else {}


def _unpack(data: Data) -> bytes:
    return bytes(required('zstandard').ZstdDecompressor().decompressobj().decompress(data))


def _all_topics(files: list[BagFile]) -> dict[str, Topic]:
    topics: dict[str, Topic] = {}
    for file in files:
        for name, topic in file.topics.items():
            known = topics.get(name, replace(topic, count=0))
            best = known if known.definition or not topic.definition else topic
            topics[name] = replace(best, count=known.count + topic.count)
    return topics
