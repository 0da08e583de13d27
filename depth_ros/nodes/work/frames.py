# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From the messages of one moment to the messages that are published: the worker's side of a node.

Everything here runs in the worker's thread, except `forget` and the reading of figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rclpy.clock import Clock

from depth_ros.nodes.health.health import Health
from depth_ros.nodes.publishing import Outputs, Settings
from depth_ros.nodes.work.loading import Loaded
from depth_ros.pipeline import DepthFrame, Pipeline
from depth_ros.shots import Resolver, Shot
from depth_ros.threads import use
from depth_ros.types import Camera, DepthKind, Image, quoted

NS = 1e-9
Job = tuple[Shot, ...]  # one picture per eye; the first one's header is that of the result
Compute = Callable[[Pipeline, Sequence[tuple[Image, Camera]], int], DepthFrame]


class Frames:
    """
    Work on one job after the other, and remember what the diagnostics ask about.

    :param compute: calls the pipeline with one (picture, camera) per eye, of a stamp.
    """

    def __init__(
        self,
        clock: Clock,
        health: Health,
        outputs: Outputs,
        compute: Compute,
        settings: Settings,
    ) -> None:
        self._clock, self._health, self._outputs = clock, health, outputs
        self._compute = compute
        self._resolvers: list[Resolver] = []
        self._last_stamp = 0
        self._forget = False
        self._too_old = 0
        self.settings = settings
        self.age = float('nan')  # seconds, of the last picture when its turn came
        self.relative = False  # the last frame had no metres
        self.no_baseline = False  # because the distance between the eyes is not known
        self.seconds = 0.0  # that the last frame took to compute
        self.threads = 0  # that the libraries are to use; 0 leaves them as they are
        self._threads_used = 0

    def forget(self) -> None:
        """Let the model start afresh with the next frame."""
        self._forget = True

    def take_too_old(self) -> int:
        """Return how many pictures were too old since this was last asked."""
        count, self._too_old = self._too_old, 0
        return count

    def work(self, loaded: Loaded, job: Job, wanted: Callable[[], bool]) -> None:
        """Compute what somebody asks of this job, and publish it if it still is `wanted` then."""
        stamp, settings = job[0].stamp, self.settings
        topics = self._outputs.due(stamp, settings)
        if not topics or self._is_too_old(stamp, settings):
            return
        self._follow_time(loaded.pipeline, stamp)
        for shot in job:
            self._look_at_header(shot)
        if self.threads != self._threads_used:
            self._threads_used = use(self.threads)  # in this thread: OpenMP keeps it per thread
        frame, timings = self._predict(loaded.pipeline, job)
        self.seconds = sum(timings.values())
        if not wanted():
            return
        self._look_at_values(frame)
        self.relative = frame.depth is None
        self.no_baseline = self.relative and frame.prediction.kind is DepthKind.DISPARITY
        spent, empty = self._outputs.publish(topics, frame, job[0].image.header, settings)
        for topic, sentence in empty.items():
            if sentence:
                self._health.warn(f'empty {topic}', sentence)
        if len(empty) < len(topics):
            age = (self._clock.now().nanoseconds - stamp) * NS
            self._health.finished(time.monotonic(), age, {**timings, **frame.timings, **spent})

    def _is_too_old(self, stamp: int, settings: Settings) -> bool:
        self.age = (self._clock.now().nanoseconds - stamp) * NS if stamp else 0.0
        if settings.max_age <= 0 or self.age <= settings.max_age:
            return False
        self._too_old += 1
        self._health.dropped('too old')
        return True

    def _follow_time(self, pipeline: Pipeline, stamp: int) -> None:
        if 0 < stamp < self._last_stamp:
            back = (self._last_stamp - stamp) * NS
            self._health.warn(
                'backwards', f'stamps went back by {back:.3g} s; the model starts afresh'
            )
            self._forget = True
        if self._forget:
            self._forget = False
            pipeline.forget()
        self._last_stamp = stamp

    def _predict(self, pipeline: Pipeline, job: Job) -> tuple[DepthFrame, Mapping[str, float]]:
        start = time.perf_counter()
        while len(self._resolvers) < len(job):
            self._resolvers.append(Resolver())
        n = self.settings.decimation
        pictures = [
            resolve(shot.image, shot.info, n) for resolve, shot in zip(self._resolvers, job)
        ]
        converted = time.perf_counter()
        frame = self._compute(pipeline, pictures, job[0].stamp)
        done = time.perf_counter()
        return frame, {'convert': converted - start, 'pipeline': done - converted}

    def _look_at_values(self, frame: DepthFrame) -> None:
        """Warn of a frame in which no pixel is valid: a calibration or a model that is wrong."""
        depth = frame.prediction.values if frame.depth is None else frame.depth
        # A sample first: nearly every frame has a valid pixel in it.
        if np.isfinite(depth[::16, ::16]).any() or np.isfinite(depth).any():
            return
        shares = np.isnan(depth).mean(), np.isposinf(depth).mean(), np.isneginf(depth).mean()
        self._health.warn(
            'no_valid',
            'no pixel has a valid depth, expected some ({:.0%} NaN, {:.0%} beyond max_depth, '
            '{:.0%} nearer than min_depth); check P of camera_info, the exposure, min_depth, '
            'max_depth and min_confidence'.format(*shares),
        )

    def _look_at_header(self, shot: Shot) -> None:
        header = shot.image.header
        if shot.stamp == 0:
            self._health.warn(
                'zero_stamp',
                'image has stamp 0, expected the time of its acquisition; set it in the driver',
            )
        if not header.frame_id:
            self._health.warn(
                'no_frame',
                'image has no frame_id, expected an optical frame; set it in the driver',
            )
        elif shot.info.header.frame_id not in ('', header.frame_id):
            self._health.warn(
                'frames',
                f'image is in frame {quoted(header.frame_id)}, its camera_info in '
                f'{quoted(shot.info.header.frame_id)}; the result is in that of the image',
            )
