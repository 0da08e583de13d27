# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a recording holds: topics, messages, and what could not be read of it."""

from __future__ import annotations

import heapq
import importlib
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from depth_ros.types import DepthError

Data = bytes | memoryview


class BagError(DepthError):
    """A recording cannot be used; the message says what was expected and what to do."""


def required(name: str) -> Any:
    """Return an optional library of the extra `bags`."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BagError(
            f'recordings need {name.split(".")[0]}, which cannot be imported ({error}); '
            "run: pip install '.[bags]'"
        ) from error


@dataclass(frozen=True)
class Topic:
    """
    One topic: its name, its type as package/msg/Name, and the definition of the type.

    `schema` names the language of the definition (ros2msg, ros2idl; empty where the recording
    has none); `qos` is the YAML text that the recorder stored.
    """

    name: str
    type: str
    definition: str = ''
    schema: str = ''
    qos: str = ''
    count: int = 0


class Message(NamedTuple):
    """One recorded message; `time` is when it was recorded, in nanoseconds, `data` is CDR."""

    time: int
    topic: str
    data: Data


@dataclass(frozen=True)
class Damage:
    """A part of a file that cannot be read."""

    file: str
    offset: int  # bytes; for SQLite the number of the row
    reason: str
    start: int = 0  # nanoseconds; 0 where it is not known
    end: int = 0

    def __str__(self) -> str:
        when = ''
        if self.start:
            when = f', recorded from {self.start * 1e-9:.3f} to {self.end * 1e-9:.3f} s'
        return f'{self.file} at {self.offset}{when}: {self.reason}'


class BagFile(Protocol):
    """One file of a recording."""

    path: Path
    topics: dict[str, Topic]
    start: int
    end: int
    damage: list[Damage]

    def messages(
        self, topics: Set[str] | None = None, start: int = 0, stop: int = 2**63 - 1
    ) -> Iterator[Message]:
        """Yield the messages with start <= time < stop, by time; None is every topic."""

    def close(self) -> None:
        """Close the file."""


@dataclass
class Stream:
    """A source of messages in order of time, of which the earliest possible time is known."""

    start: int
    messages: Iterable[Message]
    order: int = field(default=0)


def merged(streams: Iterable[Stream]) -> Iterator[Message]:
    """
    Yield the messages of all streams by time; equal times keep the order of the streams.

    A stream is opened when its time has come, so that many files need little memory.
    """
    waiting = sorted(streams, key=lambda s: (s.start, s.order), reverse=True)
    heap: list[tuple[int, int, int, Message, Iterator[Message]]] = []
    count = 0

    def push(order: int, source: Iterator[Message]) -> None:
        nonlocal count
        found = next(source, None)
        if found is not None:
            count += 1
            heapq.heappush(heap, (found.time, order, count, found, source))

    while heap or waiting:
        while waiting and (not heap or waiting[-1].start <= heap[0][0]):
            stream = waiting.pop()
            push(stream.order, iter(stream.messages))
        if not heap:
            continue
        _, order, _, message, source = heapq.heappop(heap)
        yield message
        push(order, source)
