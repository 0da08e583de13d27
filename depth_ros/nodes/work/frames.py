# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From the messages of one moment to the messages that are published: the worker's side of a camera.

Everything here runs in the worker's thread, except `forget` and the reading of figures.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rclpy.clock import Clock

from depth_ros.metric.scaler import ScaleState
from depth_ros.nodes.health.health import Health
from depth_ros.nodes.publishing import Outputs, Settings
from depth_ros.pipeline import DepthFrame, Pipeline
from depth_ros.shots import Resolver, Shot
from depth_ros.types import Camera, DepthKind, Image, quoted

NS = 1e-9
Job = tuple[Shot, ...]  # one image per eye; the first one's header is that of the result


@dataclass(frozen=True)
class Begun:
    """A job that is worth its work."""

    job: Job
    topics: Sequence[str]
    images: Sequence[tuple[Image, Camera]]  # one per eye
    converting: float  # seconds that this took


class Frames:
    """Work on one job of a camera after the other; remember what the diagnostics ask about."""

    def __init__(self, clock: Clock, health: Health, outputs: Outputs, settings: Settings) -> None:
        self._clock, self._health, self._outputs = clock, health, outputs
        self._resolvers: list[Resolver] = []
        self._last_stamp = 0
        self._forget = False
        self._too_old = 0
        self.settings = settings
        self.age = float('nan')  # seconds, of the last image when its turn came
        self.relative = False  # the last frame had no metres
        self.scale: ScaleState | None = None  # of the last frame
        self.no_baseline = False  # because the distance between the eyes is not known
        self.seconds = 0.0  # that the last frame took to compute

    def forget(self) -> None:
        """Let the model start afresh with the next frame."""
        self._forget = True

    def take_too_old(self) -> int:
        """Return how many images were too old since this was last asked."""
        count, self._too_old = self._too_old, 0
        return count

    def begin(self, pipeline: Pipeline, job: Job) -> Begun | None:
        """Return what the model is to see; None where nothing is asked of this job."""
        stamp, settings = job[0].stamp, self.settings
        topics = self._outputs.due(stamp, settings)
        if not topics or self._is_too_old(stamp, settings):
            return None
        self._follow_time(pipeline, stamp)
        pipeline.stamp = stamp * NS
        for shot in job:
            self._look_at_header(shot)
        start = time.perf_counter()
        while len(self._resolvers) < len(job):
            self._resolvers.append(Resolver())
        n = settings.decimation
        images = [resolve(shot.image, shot.info, n) for resolve, shot in zip(self._resolvers, job)]
        return Begun(job, topics, images, time.perf_counter() - start)

    def finish(self, begun: Begun, frame: DepthFrame, computing: float) -> None:
        """Publish the frame of a job; :param computing: seconds that it took."""
        header, stamp = begun.job[0].image.header, begun.job[0].stamp
        timings = {'convert': begun.converting, 'pipeline': computing}
        self.seconds = sum(timings.values())
        self._look_at_values(frame)
        self.relative, self.scale = frame.depth is None, frame.scale
        self.no_baseline = self.relative and frame.prediction.kind is DepthKind.DISPARITY
        spent, empty = self._outputs.publish(begun.topics, frame, header, self.settings)
        for topic, sentence in empty.items():
            if sentence:
                self._health.warn(f'empty {topic}', sentence)
        if len(empty) < len(begun.topics):
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
