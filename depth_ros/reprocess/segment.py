# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
One file of an output: read, computed and written at the same time, and continued after a kill.

A thread reads and converts images, the caller's thread computes, a thread writes. Each frame is
one chunk of the file, with the copied messages that were recorded before it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from depth_ros.files.bags.content import BagError
from depth_ros.files.bags.mcap_writer import McapWriter
from depth_ros.files.bags.reader import Bag
from depth_ros.pipeline import DepthFrame, Pipeline
from depth_ros.reprocess.companions import Companion
from depth_ros.reprocess.journal import Journal
from depth_ros.reprocess.settings import BagJob, Engine
from depth_ros.reprocess.sink import Computed, Sink
from depth_ros.reprocess.source import Item, Part, Source
from depth_ros.reprocess.topics import Eye
from depth_ros.types import DepthError, View

AHEAD = 3  # frames that are read before their turn, and that wait to be written
Watch = Callable[[int], None]  # called with the time of each frame that is written


def file_of(job: BagJob, number: int) -> Path:
    """Return where a part of the output is written."""
    return Path(job.out) / f'{job.name}_{number}.mcap'


def run_part(
    job: BagJob,
    part: Part,
    bag: Bag,
    engine: Engine,
    eyes: tuple[Eye, ...],
    companions: Sequence[Companion] = (),
    image_every: int = 0,
    watch: Watch = lambda time: None,
) -> Mapping[str, Any]:
    """Do what is left to do of one file of the output; return what its journal ends with."""
    path = file_of(job, part.number)
    journal = Journal(Path(job.out), part.number, job.key)
    try:
        if journal.ending is None or not path.exists():
            sink = Sink(job, bag, engine, path, image_every, watch)
            writer = sink.open(journal)
            source = Source(
                bag, part, eyes, engine.tolerance, companions, sink.copied, journal.rows.copy()
            )
            _Work(source, engine.pipeline(eyes), sink, writer, journal).run()
            journal.end(_ending(source, writer, bag))
        assert journal.ending is not None
        return journal.ending
    finally:
        journal.close()


def _ending(source: Source, writer: McapWriter, bag: Bag) -> dict[str, Any]:
    start, end = writer.times
    return {
        'images': source.lost.images,
        'without camera_info': source.lost.no_camera_info,
        'unreadable': source.lost.unreadable,
        'start': start,
        'end': end,
        'counts': writer.counts,
        'topics': [vars(topic) for topic in writer.topics],
        'damage': [str(damage) for damage in bag.damage],
    }


class _Work:
    """The three threads of one file; what fails in one of them ends all."""

    def __init__(
        self, source: Source, pipeline: Pipeline, sink: Sink, writer: McapWriter, journal: Journal
    ) -> None:
        self._source, self._pipeline, self._sink = source, pipeline, sink
        self._writer, self._journal = writer, journal
        self._ready: queue.Queue[Item | None] = queue.Queue(AHEAD)
        self._done: queue.Queue[Computed | None] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Work until all is written; a file that is left unfinished can be read and continued."""
        threads = [
            threading.Thread(target=self._guarded, args=(target,), daemon=True)
            for target in (self._read, self._write)
        ]
        try:
            for thread in threads:
                thread.start()
            self._compute()
            self._put(self._done, None)
            self._join(threads)
            if self._failure is not None:
                raise self._failure
            self._writer.finish()
        except BaseException as error:
            self._stop.set()
            self._join(threads)
            with suppress(OSError, BagError):
                self._writer.finish()
            if isinstance(error, _Stopped) and self._failure is not None:
                raise self._failure from None
            raise
        finally:
            self._writer.close()

    def _guarded(self, target: Callable[[], None]) -> None:
        try:
            target()
        except _Stopped:
            pass
        except BaseException as error:
            self._failure = self._failure or error
            self._stop.set()

    def _read(self) -> None:
        for item in self._source.items():
            self._put(self._ready, item)
        self._put(self._ready, None)

    def _compute(self) -> None:
        rows = self._journal.rows
        carries = bool(rows and rows[-1].get('carry'))  # then all frames are computed again
        last = 0 if carries else self._journal.last('stamp') or 0
        while (item := self._get(self._ready)) is not None:
            if item.frame is None:
                self._put(self._done, Computed(item, None, [], '', 0.0))
                continue
            stamp = item.frame.shots[0].stamp
            if 0 < stamp < last:
                self._pipeline.forget()  # as a node does when its stamps jump back
            last = stamp
            begun = time.perf_counter()
            result, rectified, problem = self._result(item)
            if not item.again:
                seconds = time.perf_counter() - begun
                self._put(self._done, Computed(item, result, rectified, problem, seconds))

    def _result(self, item: Item) -> tuple[DepthFrame | None, list[View], str]:
        if not item.views:
            return None, [], item.problem
        try:
            result = self._pipeline(item.views)
            exported = self._sink.frames is not None
            return result, self._pipeline.rectified(item.views) if exported else [], ''
        except DepthError as error:
            return None, [], str(error)

    def _write(self) -> None:
        while (computed := self._get(self._done)) is not None:
            self._sink.write(computed, self._writer, self._journal)

    def _put(self, target: queue.Queue[Any], item: Any) -> None:
        while True:
            self._check()
            with suppress(queue.Full):
                return target.put(item, timeout=0.1)

    def _get(self, source: queue.Queue[Any]) -> Any:
        while True:
            with suppress(queue.Empty):
                return source.get(timeout=0.1)
            self._check()

    def _check(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    @staticmethod
    def _join(threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.1)


class _Stopped(Exception):
    """Another thread has failed, or the user stops."""
