# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From images and cameras to metres, for one frame: what nodes, commands and tests all call.

Nothing here knows ROS.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from depth_ros.files.region import Mask, read_region
from depth_ros.geometry.depth_values import clip_range
from depth_ros.geometry.disparity import prediction_to_depth
from depth_ros.geometry.edges import remove_flying_pixels
from depth_ros.geometry.fusion import PosedDepth
from depth_ros.geometry.predicted_pixels import image_of, seen_only
from depth_ros.geometry.rectified_views import PairedViews, SingleViews
from depth_ros.metric.adjusting import Adjuster
from depth_ros.metric.alignment import apply_scale_shift
from depth_ros.metric.image_filters import fill_holes, median_filter, remove_speckles
from depth_ros.metric.scaler import ScaleState
from depth_ros.metric.temporal import MODES, TemporalFilter, TemporalOptions
from depth_ros.models.protocol import DepthModel, ModelError
from depth_ros.types import (
    Camera,
    DepthError,
    DepthKind,
    FloatImage,
    Ground,
    Image,
    Matrix,
    Prediction,
    View,
    quoted,
)

RECTIFY_MODES = ('auto', 'always', 'never')
MEDIAN_SIZES = (0, 3, 5)
TEMPORAL_MODES = ('off', *MODES)


@dataclass(frozen=True)
class Options:
    """
    What happens around the model.

    :param rectify: 'auto' undistorts where D or R say so, 'always' does it anyway, 'never' takes
        the image as rectified already and uses P.
    :param min_depth: nearer depth becomes -Inf. :param max_depth: farther depth becomes +Inf.
    :param edge_threshold: relative jump in depth from which pixels that float between two
        surfaces are removed; 0 keeps them.
    :param min_confidence: pixels of lower confidence become NaN, where the model has one.
    :param scale: with `shift`, makes metres of a relative model: 1/Z = scale * value + shift;
        0 leaves it relative.
    :param median_size: side of the median filter in pixels. :param max_speckle: patches of at
        most so many pixels are removed. :param max_hole: holes of at most so many pixels are
        filled. 0 turns each of the three off.
    :param temporal: how depth is averaged over frames: off; pose, by the poses of the views;
        flow, by optical flow; still, for a camera that does not move.
    :param temporal_memory: frames that are averaged at most.
    :param region: the part of the image that counts, as x,y,width,height or a mask image, in
        pixels of the image as it arrives; the rest becomes NaN.
    """

    rectify: str = 'auto'
    min_depth: float = 0.0
    max_depth: float = math.inf
    edge_threshold: float = 0.05
    min_confidence: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    median_size: int = 0
    max_speckle: int = 0
    max_hole: int = 0
    temporal: str = 'off'
    temporal_memory: float = 10.0
    region: str = ''

    def __post_init__(self) -> None:
        if self.region:
            read_region(self.region)
        if self.rectify not in RECTIFY_MODES:
            raise DepthError(
                f'rectify is {quoted(self.rectify)}, expected one of {", ".join(RECTIFY_MODES)}'
            )
        if not 0 <= self.min_depth < self.max_depth:
            raise DepthError(
                f'min_depth {self.min_depth:g} and max_depth {self.max_depth:g} leave no range; '
                'expected 0 <= min_depth < max_depth'
            )
        if not self.edge_threshold >= 0:
            raise DepthError(
                f'edge_threshold is {self.edge_threshold:g}, expected 0 (off) or more'
            )
        if not 0 <= self.min_confidence <= 1:
            raise DepthError(f'min_confidence is {self.min_confidence:g}, expected 0 to 1')
        if not (math.isfinite(self.scale) and self.scale >= 0 and math.isfinite(self.shift)):
            raise DepthError(
                f'scale {self.scale:g} and shift {self.shift:g} are not usable; '
                'expected a finite scale >= 0 (0 = not known) and a finite shift'
            )
        if self.median_size not in MEDIAN_SIZES:
            raise DepthError(f'median_size is {self.median_size}, expected 0 (off), 3 or 5')
        for name in ('max_speckle', 'max_hole'):
            if getattr(self, name) < 0:
                raise DepthError(f'{name} is {getattr(self, name)}, expected 0 (off) or more')
        if self.temporal not in TEMPORAL_MODES:
            raise DepthError(
                f'temporal is {quoted(self.temporal)}, expected one of {", ".join(TEMPORAL_MODES)}'
            )
        TemporalOptions(memory=self.temporal_memory)


@dataclass(frozen=True, eq=False)
class StampedPose:
    """Where a camera was at a stamp in nanoseconds: 4x4 camera-to-world."""

    stamp: int
    pose: Matrix


@dataclass(frozen=True, eq=False)
class Scene:
    """Several views in metres, in one world."""

    world: str
    """Frame of the poses; empty is the frame of the image."""
    pose: Matrix
    """Of the camera of the frame, 4x4 camera-to-world."""
    views: tuple[PosedDepth, ...]
    """That of the frame first."""
    path: tuple[StampedPose, ...]
    """Where the camera was, oldest first, up to the frame."""


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """One frame, done: `depth`, `image` and `camera` describe the same pixels."""

    prediction: Prediction
    depth: FloatImage | None  # metres after REP-117; None while the prediction is relative
    camera: Camera
    image: Image
    timings: Mapping[str, float]  # seconds per stage
    raw: Prediction | None = None  # what the model predicted, where an adjuster was at work
    scale: ScaleState | None = None  # what is known about the scale, where a source gives it
    mount_is_live: bool = False  # `mount` counts, and not what parameters say
    mount: Ground | None = None  # the level ground below the camera now; None: not known
    scene: Scene | None = None  # what is known beside it, where it is one of several views


def _depth_of(prediction: Prediction, options: Options) -> FloatImage | None:
    """Return metres where the prediction has any, without what cannot be trusted."""
    if not prediction.is_metric:
        return None
    depth = prediction_to_depth(prediction)
    if options.edge_threshold > 0:
        depth = remove_flying_pixels(depth, options.edge_threshold)
    if options.min_confidence > 0 and prediction.confidence is not None:
        # Written so that an unknown confidence fails it as well.
        sure = prediction.confidence >= options.min_confidence
        depth = np.where(sure, depth, np.float32(np.nan))
    if options.max_speckle:
        depth = remove_speckles(depth, options.max_speckle)
    if options.median_size:
        depth = median_filter(depth, options.median_size)
    if options.max_hole:
        depth = fill_holes(depth, options.max_hole)
    return depth


class _Clock:
    """Seconds between laps, after those that were measured before."""

    def __init__(self, laps: Mapping[str, float] | None = None) -> None:
        self.laps: dict[str, float] = dict(laps or {})
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = now - self._last
        self._last = now


class Pipeline:
    """
    A model and everything around it, for one camera, a pair, or many views.

    The result belongs to the first view. One pipeline serves one camera (or pair): it keeps what
    depends on the calibration, and the last prediction for a model that starts from it. Several
    pipelines may share one model.
    """

    def __init__(
        self,
        model: DepthModel,
        options: Options | None = None,
        adjuster: Adjuster | None = None,
    ) -> None:
        self.model = model
        self.options = options or Options()
        self.adjuster = adjuster
        self.stamp = 0.0  # seconds, of the image that comes next
        self.mount_is_live = False  # its mount is `mount`, and not what parameters say
        self.mount: Ground | None = None
        self._temporal = TemporalFilter()
        self._geometry = PairedViews() if model.info.views == 2 else SingleViews()
        self._warm: tuple[Camera, ...] = ()
        self._previous: Prediction | None = None
        self._region: tuple[Any, Mask | None] = (None, None)  # what it was made for, the mask

    @property
    def makes_metres(self) -> bool:
        """Whether depth in metres comes out, or a relative prediction only."""
        metric = self.model.info.kind in (DepthKind.METRIC, DepthKind.DISPARITY)
        return metric or self.options.scale > 0 or self.adjuster is not None

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        """Build maps and warm the model, so that the first frame is as fast as the others."""
        self._check_count(len(cameras))
        targets = self._geometry.prepare(cameras, self.options.rectify)
        if self._warm != targets:
            self.model.warm_up(targets)
            self._warm = targets

    def forget(self) -> None:
        """Let the next frame start without the one before: time jumped or the scene changed."""
        self._previous = None
        self._temporal.reset()
        if self.adjuster is not None:
            self.adjuster.forget()

    def close(self) -> None:
        self.model.close()
        if self.adjuster is not None:
            self.adjuster.close()

    def __call__(self, views: Sequence[View], stamp: float | None = None) -> DepthFrame:
        """
        Return depth of the first view, which was taken at a stamp in seconds.

        What is known about a view is that of its rectified image.
        """
        if stamp is not None:
            self.stamp = stamp
        clock = _Clock()
        rectified, prediction = self._predict(views, clock)
        return self._finished(0, rectified[0], prediction, clock, self.stamp)

    def scene(self, views: Sequence[View]) -> list[DepthFrame]:
        """Return depth of every view that the model predicts, in the order given."""
        clock = _Clock()
        rectified, prediction = self._predict(views, clock)
        each = prediction.views or (prediction,)
        whole = dict(prediction.timings)
        return [
            self._finished(index, rectified[index], replace(one, timings=whole), clock)
            for index, one in enumerate(each)
        ]

    def _predict(self, views: Sequence[View], clock: _Clock) -> tuple[list[View], Prediction]:
        rectified = self.rectified(views)
        clock.lap('rectify')
        prediction = self.model.predict(rectified, self._previous)
        self._remember(prediction)
        clock.lap('model')
        return rectified, prediction

    @staticmethod
    def together(
        pipelines: Sequence[Pipeline], batch: Sequence[Sequence[View]]
    ) -> list[DepthFrame]:
        """Return the depth of one frame for each of the pipelines, which share their model."""
        if len(pipelines) == 1:
            return [pipelines[0](batch[0])]
        begun = []
        for pipeline, views in zip(pipelines, batch):
            clock = _Clock()
            begun.append((pipeline.rectified(views), clock))
            clock.lap('rectify')
        shared = _Clock()
        predictions = pipelines[0].model.predict_batch(
            [rectified for rectified, _ in begun], [pipeline._previous for pipeline in pipelines]
        )
        shared.lap('model')
        frames = []
        for pipeline, (rectified, clock), prediction in zip(pipelines, begun, predictions):
            pipeline._remember(prediction)
            done = _Clock(clock.laps | shared.laps)
            frames.append(pipeline._finished(0, rectified[0], prediction, done, pipeline.stamp))
        return frames

    def _remember(self, prediction: Prediction) -> None:
        """Keep what the model takes back with the next frame."""
        self._previous = None if prediction.carry is None else prediction

    def _finished(
        self,
        index: int,
        view: View,
        prediction: Prediction,
        clock: _Clock,
        stamp: float | None = None,
    ) -> DepthFrame:
        """Turn a prediction into metres where that is honest; a stamp makes it one of a video."""
        options = self.options
        mask = self._seen(index, view)
        if mask is not None:
            prediction = seen_only(prediction, mask, view.camera)
        raw = prediction
        seen = View(image_of(prediction, view.image), prediction.camera, view.known)
        scale = None
        if self.adjuster is not None and stamp is not None:
            prediction, scale = self.adjuster.adjust(prediction, seen, stamp)
        elif not prediction.is_metric and options.scale > 0:
            prediction = apply_scale_shift(prediction, options.scale, options.shift)
        depth = _depth_of(prediction, options)
        if depth is not None and stamp is not None:
            depth = self._steady(depth, seen, prediction.confidence)
        if depth is not None:
            depth = clip_range(depth, options.min_depth, options.max_depth)
        clock.lap('depth')
        return DepthFrame(
            prediction,
            depth,
            seen.camera,
            seen.image,
            {**prediction.timings, **clock.laps},
            None if self.adjuster is None else raw,
            scale,
            self.mount_is_live,
            self.mount,
        )

    def _steady(self, depth: FloatImage, view: View, confidence: FloatImage | None) -> FloatImage:
        """Return depth averaged over the frames so far, as the options say."""
        mode, memory, pose = self.options.temporal, self.options.temporal_memory, view.known.pose
        if self._temporal.options.memory != memory:
            self._temporal = TemporalFilter(TemporalOptions(memory=memory))
        if mode == 'off' or (mode == 'pose' and pose is None):
            self._temporal.reset()
            return depth
        return self._temporal.step(depth, view.camera, view.image, pose, confidence, mode)

    def _seen(self, index: int, view: View) -> Mask | None:
        """Return the pixels of a rectified view that its camera saw and that count."""
        rectifier, region = self._geometry.rectifiers[index], self.options.region
        border = None if rectifier is None else rectifier.valid
        if index or not region:
            return border
        key = (region, rectifier, view.camera)
        if self._region[0] != key:
            size = (rectifier.source if rectifier is not None else view.camera).size_wh
            counts = read_region(region).mask(*size)
            if rectifier is not None:
                counts = (rectifier(255 * counts.astype(np.uint8)) == 255) & rectifier.valid
            self._region = (key, counts)
        return self._region[1]

    def rectified(self, views: Sequence[View]) -> list[View]:
        """Return the views as the model sees them."""
        self._check_count(len(views))
        self._geometry.prepare([view.camera for view in views], self.options.rectify)
        return self._geometry.rectified(views)

    def _check_count(self, count: int) -> None:
        info = self.model.info
        if info.views not in (0, count) or not count:
            where = (
                'mono_depth, or in `infer` without --right',
                'stereo_depth, or in `infer` with --right',
            )[info.views == 2]
            raise ModelError(
                f'model {info.name!r} takes {info.views} view(s), {count} given; use it in {where}'
            )
