# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The reading side of one file of the output: frames in order, with what is known and copied.

Everything is decided by times within the recording, so a part gives what the whole gives.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from depth_ros.files.bags.content import Message
from depth_ros.files.bags.reader import Bag
from depth_ros.files.bags.serialise import Types
from depth_ros.reprocess.assemble import LEAD, Assembler, Frame, Lost
from depth_ros.reprocess.companions import Companion
from depth_ros.reprocess.topics import Eye
from depth_ros.shots import Resolver, Shot
from depth_ros.types import Camera, DepthError, Image, Known, View

COPIED_AT_ONCE = 32 << 20  # bytes of copied messages that become a chunk without a frame
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """The times of a recording that one file of the output covers: start <= time < stop."""

    number: int
    start: int
    stop: int


@dataclass(frozen=True)
class Item:
    """
    What is to be done next: a frame, or copied messages without one.

    :param views: what the pipeline takes; empty where `problem` says why there is nothing.
    :param again: the frame is written already; only what the model carries from it is needed.
    """

    frame: Frame | None
    views: list[View]
    copies: list[Message]
    problem: str = ''
    again: bool = False
    seconds: float = 0.0  # spent on converting the images


class Source:
    """
    The frames of a part of a recording.

    :param done: what the journal says is written already.
    :param lead: nanoseconds before the part that are read for its first frames.
    """

    def __init__(
        self,
        bag: Bag,
        part: Part,
        eyes: Sequence[Eye],
        tolerance: float,
        companions: Sequence[Companion],
        copied: frozenset[str],
        done: Sequence[Row],
        lead: int = LEAD,
    ) -> None:
        self._bag, self._part, self._eyes, self._lead = bag, part, eyes, lead
        self._companions, self._copied, self._rows = companions, copied, done
        self._types = Types(bag.topics)
        within = (part.start, part.stop)
        self._assembler = Assembler(eyes, self._first(), tolerance, self._decode, within)

    @property
    def lost(self) -> Lost:
        """What no frame came of, once all is read."""
        return self._assembler.lost

    def items(self) -> Iterator[Item]:
        """Yield what is left to do, in order."""
        resolvers = [Resolver() for _ in self._eyes]
        skip = Counter((row['t'], row['stamp']) for row in self._rows if 't' in row)
        carries = bool(self._rows and self._rows[-1].get('carry'))
        copies = _Copies(self._rows)
        for frame in self._owned(copies):
            if isinstance(frame, list):
                yield Item(None, [], frame)
                continue
            key = (frame.time, frame.shots[0].stamp)
            again = skip[key] > 0
            skip[key] -= again
            if again and not carries:
                continue
            begun = time.perf_counter()
            views, problem = self._views(frame, resolvers)
            seconds = time.perf_counter() - begun
            written = [] if again else copies.before(frame.time)
            yield Item(frame, views, written, problem, again, seconds)
        if rest := copies.rest():
            yield Item(None, [], rest)

    def _first(self) -> list[Any]:
        """Return the calibration of each eye from before this part, or else its first one."""
        begin = max(0, self._part.start - self._lead)
        first = []
        for eye in self._eyes:
            found = self._bag.last_before(eye.info, begin) if begin else None
            found = found or next(self._bag.messages({eye.info}), None)
            first.append(None if found is None else self._decode(found))
        return first

    def _decode(self, message: Message) -> Any:
        return self._types.read(message.topic, message.data)

    def _owned(self, copies: _Copies) -> Iterator[Frame | list[Message]]:
        """Yield the frames of this part once everything that belongs to them has been seen."""
        start, stop = self._part.start, self._part.stop
        patience = max((c.patience for c in self._companions), default=0)
        beside = {topic: c for c in self._companions for topic in c.topics}
        waiting: deque[Frame] = deque()
        wanted = self._assembler.topics | beside.keys() | self._copied
        messages = self._bag.messages(wanted, max(0, start - self._lead), stop + self._lead)
        for found in self._assembler.frames(messages):
            if isinstance(found, Frame):
                if start <= found.time < stop:
                    waiting.append(found)
                continue
            if found.topic in beside:
                beside[found.topic].add(found.topic, found.time, self._decode(found))
            while waiting and waiting[0].time + patience <= found.time:
                yield waiting.popleft()
            if found.topic in self._copied and start <= found.time < stop:
                full = copies.add(found)
                if full:
                    yield full
        yield from waiting

    def _views(self, frame: Frame, resolvers: list[Resolver]) -> tuple[list[View], str]:
        try:
            images = [resolve(s.image, s.info) for resolve, s in zip(resolvers, frame.shots)]
            return [self._view(shot, *pair) for shot, pair in zip(frame.shots, images)], ''
        except DepthError as error:
            return [], str(error)

    def _view(self, shot: Shot, image: Image, camera: Camera) -> View:
        known = Known()
        for companion in self._companions:
            more = companion.known(shot.stamp, camera)
            given = {name: value for name, value in vars(more).items() if value is not None}
            known = replace(known, **given)
        return View(image, camera, known)


class _Copies:
    """Copied messages that wait for the frame they are written with."""

    def __init__(self, rows: Sequence[Row]) -> None:
        last = next((row['copy'] for row in reversed(rows) if 'copy' in row), None)
        self._done: tuple[int, int] = tuple(last) if last else (-1, 0)  # time, messages of it
        self._skipped = 0
        self._waiting: deque[Message] = deque()
        self._bytes = 0

    def add(self, message: Message) -> list[Message]:
        """Take a message; return those that wait once there are too many."""
        time_done, count = self._done
        if message.time < time_done:
            return []
        if message.time == time_done and self._skipped < count:
            self._skipped += 1
            return []
        self._waiting.append(message)
        self._bytes += len(message.data)
        return self.rest() if self._bytes > COPIED_AT_ONCE else []

    def before(self, moment: int) -> list[Message]:
        """Return those that were recorded up to a moment."""
        found = []
        while self._waiting and self._waiting[0].time <= moment:
            found.append(self._waiting.popleft())
            self._bytes -= len(found[-1].data)
        return found

    def rest(self) -> list[Message]:
        """Return all that wait."""
        found = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return found
