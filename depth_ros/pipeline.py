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

import cv2
import numpy as np

from depth_ros.files.region import Mask, read_region
from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.depth_values import clip_range
from depth_ros.geometry.disparity import prediction_to_depth
from depth_ros.geometry.edges import remove_flying_pixels
from depth_ros.geometry.rectify import (
    Rectifier,
    check_rectified,
    needs_rectification,
    seen_from_left,
    stereo_targets,
)
from depth_ros.metric.alignment import apply_scale_shift
from depth_ros.models.protocol import DepthModel, ModelError
from depth_ros.types import (
    Camera,
    DepthError,
    DepthKind,
    FloatImage,
    Image,
    Prediction,
    View,
    quoted,
)

RECTIFY_MODES = ('auto', 'always', 'never')


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


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """One frame, done: `depth`, `image` and `camera` describe the same pixels."""

    prediction: Prediction
    depth: FloatImage | None  # metres after REP-117; None while the prediction is relative
    camera: Camera
    image: Image
    timings: Mapping[str, float]  # seconds per stage


def _seen_only(prediction: Prediction, seen: Mask, camera: Camera) -> Prediction:
    """Remove what a model predicts where `seen`, an image of this camera, is False."""
    if seen.all():
        return prediction
    small = prediction.camera
    if prediction.image is not None:  # a part of the image, which the cameras tell
        columns = _places(small.width, small.fx, small.cx, camera.fx, camera.cx, camera.width)
        rows = _places(small.height, small.fy, small.cy, camera.fy, camera.cy, camera.height)
        seen = seen[rows][:, columns]
    elif seen.shape[::-1] != small.size_wh:
        shrunk = cv2.resize(seen.view(np.uint8), small.size_wh, interpolation=cv2.INTER_NEAREST)
        seen = shrunk.astype(np.bool_)
    confidence = prediction.confidence
    return replace(
        prediction,
        values=np.where(seen, prediction.values, np.float32(np.nan)),
        confidence=None if confidence is None else np.where(seen, confidence, np.float32(0)),
    )


def _places(
    count: int, focal: float, centre: float, to_focal: float, to_centre: float, limit: int
) -> np.ndarray:
    """Return the pixel of one axis of a camera that each pixel of another camera shows."""
    places = np.round((np.arange(count) - centre) * (to_focal / focal) + to_centre)
    return np.clip(places, 0, limit - 1).astype(np.intp)


def _finish(prediction: Prediction, image: Image, options: Options, clock: _Clock) -> DepthFrame:
    """Turn a prediction into metres where that is honest, and drop what cannot be trusted."""
    if not prediction.is_metric and options.scale > 0:
        prediction = apply_scale_shift(prediction, options.scale, options.shift)
    depth = None
    if prediction.is_metric:
        depth = prediction_to_depth(prediction)
        if options.edge_threshold > 0:
            depth = remove_flying_pixels(depth, options.edge_threshold)
        if options.min_confidence > 0 and prediction.confidence is not None:
            # Written so that an unknown confidence fails it as well.
            sure = prediction.confidence >= options.min_confidence
            depth = np.where(sure, depth, np.float32(np.nan))
        depth = clip_range(depth, options.min_depth, options.max_depth)
    camera = prediction.camera
    if prediction.image is not None:
        image = prediction.image
    elif image.shape[:2] != (camera.height, camera.width):
        image = cv2.resize(image, camera.size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8)
    clock.lap('depth')
    return DepthFrame(prediction, depth, camera, image, {**prediction.timings, **clock.laps})


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

    def __init__(self, model: DepthModel, options: Options | None = None) -> None:
        self.model = model
        self.options = options or Options()
        self._geometry = _Pair() if model.info.views == 2 else _Single()
        self._warm: tuple[Camera, ...] = ()
        self._previous: Prediction | None = None
        self._region: tuple[Any, Mask | None] = (None, None)  # what it was made for, the mask

    @property
    def makes_metres(self) -> bool:
        """Whether depth in metres comes out, or a relative prediction only."""
        metric = self.model.info.kind in (DepthKind.METRIC, DepthKind.DISPARITY)
        return metric or self.options.scale > 0

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

    def close(self) -> None:
        self.model.close()

    def __call__(self, views: Sequence[View]) -> DepthFrame:
        """
        Return depth of the first view.

        What is known about a view is that of its rectified image.
        """
        clock = _Clock()
        rectified, prediction = self._predict(views, clock)
        return self._finished(0, rectified[0], prediction, clock)

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
            frames.append(pipeline._finished(0, rectified[0], prediction, done))
        return frames

    def _remember(self, prediction: Prediction) -> None:
        """Keep what the model takes back with the next frame."""
        self._previous = None if prediction.carry is None else prediction

    def _finished(
        self, index: int, view: View, prediction: Prediction, clock: _Clock
    ) -> DepthFrame:
        seen = self._seen(index, view)
        if seen is not None:
            prediction = _seen_only(prediction, seen, view.camera)
        return _finish(prediction, view.image, self.options, clock)

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


class _Single:
    """Views that are rectified each for itself."""

    def __init__(self) -> None:
        self.rectifiers: list[Rectifier | None] = []
        self._prepared: tuple[tuple[Camera, ...], str] = ((), '')
        self._targets: tuple[Camera, ...] = ()

    def prepare(self, cameras: Sequence[Camera], mode: str) -> tuple[Camera, ...]:
        """Return the cameras that the model will see, with the maps to them in place."""
        if self._prepared != (tuple(cameras), mode):
            self.rectifiers, targets = self._decide(cameras, mode)
            self._prepared, self._targets = (tuple(cameras), mode), targets
        return self._targets

    def rectified(self, views: Sequence[View]) -> list[View]:
        """Return the views as the model sees them."""
        return [
            View(rectify(view.image) if rectify else view.image, camera, view.known)
            for view, rectify, camera in zip(views, self.rectifiers, self._targets)
        ]

    def _decide(
        self, cameras: Sequence[Camera], mode: str
    ) -> tuple[list[Rectifier | None], tuple[Camera, ...]]:
        rectifiers: list[Rectifier | None] = []
        targets = []
        for camera in cameras:
            raw = needs_rectification(camera, mode)
            rectifiers.append(Rectifier(camera) if raw else None)
            plain = rectified_camera(camera) if mode == 'never' else camera
            targets.append(rectifiers[-1].camera if rectifiers[-1] else plain)
        return rectifiers, tuple(targets)


class _Pair(_Single):
    """Two views that become a rectified pair together."""

    def _decide(
        self, cameras: Sequence[Camera], mode: str
    ) -> tuple[list[Rectifier | None], tuple[Camera, ...]]:
        left, right = cameras
        raw = needs_rectification(left, mode) or needs_rectification(right, mode)
        if mode == 'never' or not raw:
            targets = (rectified_camera(left), rectified_camera(right))
        else:
            targets = stereo_targets(left, right)
        # From here on the baseline is that of the right camera alone, whatever model reads it.
        targets = seen_from_left(*targets)
        if not raw and mode != 'never' and not _same_lens(*targets):
            # Undistorted eyes of different focal length: one of them is resampled to the other.
            targets, raw = seen_from_left(*stereo_targets(left, right)), True
        check_rectified(*targets)
        if not raw:
            return [None, None], targets
        return [Rectifier(left, targets[0]), Rectifier(right, targets[1])], targets


def _same_lens(left: Camera, right: Camera) -> bool:
    rows = (left.fx, left.fy, left.cy) == (right.fx, right.fy, right.cy)
    return rows and left.size_wh == right.size_wh
