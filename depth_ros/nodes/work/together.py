# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
One turn of the worker: frames of one camera, or of several that share a forward pass.

What goes wrong with one camera is reported for that camera and costs the others nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from depth_ros.models.protocol import ModelInfo
from depth_ros.nodes.stream import Stream
from depth_ros.nodes.work.frames import Begun, Job
from depth_ros.nodes.work.loading import Loaded
from depth_ros.pipeline import DepthFrame, Pipeline
from depth_ros.threads import use
from depth_ros.types import View

ALL = 64  # cameras
Turn = tuple[int, Job]  # the camera's place among the streams


def batch_of(info: ModelInfo, wanted: int) -> int:
    """Return how many frames are computed together; 0 is all on a GPU and 1 on a CPU."""
    return wanted or (1 if info.device == 'cpu' else ALL)


@dataclass(frozen=True)
class _Started:
    """A job whose views are ready."""

    stream: Stream
    pipeline: Pipeline
    begun: Begun
    views: Sequence[View]


class Together:
    """Work on the jobs of one turn."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = streams
        self.threads = 0  # that the libraries are to use; 0 leaves them as they are
        self._threads_used = 0

    def __call__(self, loaded: Loaded, turns: Sequence[Turn], wanted: Callable[[], bool]) -> None:
        """Compute what is asked of these jobs, and publish it if it still is `wanted` then."""
        if self.threads != self._threads_used:
            self._threads_used = use(self.threads)  # in this thread: OpenMP keeps it per thread
        for one, frame, seconds in self._frames(self._started(loaded, turns)):
            if not wanted():
                return
            if not one.stream.enabled:
                continue
            try:
                one.stream.look_at(frame, one.begun.images)
                one.stream.frames.finish(one.begun, frame, seconds)
            except Exception as error:
                one.stream.failed(error)

    def _started(self, loaded: Loaded, turns: Sequence[Turn]) -> list[_Started]:
        started = []
        for index, job in turns:
            stream, pipeline = self._streams[index], loaded.pipelines[index]
            try:
                begun = stream.frames.begin(pipeline, job)
                if begun is not None:
                    views = stream.views_of(pipeline, begun.images, job)
                    started.append(_Started(stream, pipeline, begun, views))
            except Exception as error:
                stream.failed(error)
        return started

    def _frames(self, started: Sequence[_Started]) -> Iterator[tuple[_Started, DepthFrame, float]]:
        """Yield the frame of each, and the seconds that it took."""
        if len(started) > 1:
            try:
                start = time.perf_counter()
                frames = Pipeline.together(
                    [one.pipeline for one in started], [one.views for one in started]
                )
                share = (time.perf_counter() - start) / len(started)
            except Exception:
                pass  # which of them it was shows when each is computed alone
            else:
                yield from ((one, frame, share) for one, frame in zip(started, frames))
                return
        for one in started:
            start = time.perf_counter()
            try:
                frame = one.stream.compute(one.pipeline, one.views, one.begun.job)
            except Exception as error:
                one.stream.failed(error)
                continue
            yield one, frame, time.perf_counter() - start
