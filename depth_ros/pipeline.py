# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From pictures and cameras to metres, for one frame: what nodes, commands and tests all call.

A pipeline owns its model and what depends only on the camera (rectification maps), and nothing
that ROS knows about.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.depth_values import clip_range
from depth_ros.geometry.disparity import prediction_to_depth
from depth_ros.geometry.edges import remove_flying_pixels
from depth_ros.geometry.rectify import (
    Rectifier,
    check_rectified,
    needs_rectification,
    stereo_targets,
)
from depth_ros.metric.alignment import apply_scale_shift
from depth_ros.models.base import DepthModel, ModelError
from depth_ros.types import (
    Camera,
    DepthError,
    DepthKind,
    FloatImage,
    Ground,
    Image,
    Prediction,
    View,
)

RECTIFY_MODES = ('auto', 'always', 'never')


@dataclass(frozen=True)
class Options:
    """
    What happens around the model.

    :param rectify: 'auto' undistorts where D or R say so, 'always' does it anyway, 'never' takes
        the picture as rectified already and uses P.
    :param min_depth: nearer depth becomes -Inf. :param max_depth: farther depth becomes +Inf.
    :param edge_threshold: relative jump in depth from which pixels that float between two
        surfaces are removed; 0 keeps them.
    :param min_confidence: pixels of lower confidence become NaN, where the model has one.
    :param scale: with `shift`, makes metres of a relative model: 1/Z = scale * value + shift;
        0 leaves it relative.
    """

    rectify: str = 'auto'
    min_depth: float = 0.0
    max_depth: float = math.inf
    edge_threshold: float = 0.0
    min_confidence: float = 0.0
    scale: float = 0.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        if self.rectify not in RECTIFY_MODES:
            raise DepthError(
                f'rectify is {self.rectify!r}, expected one of {", ".join(RECTIFY_MODES)}'
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


def _seen(prediction: Prediction, rectifier: Rectifier | None) -> Prediction:
    """Take back what a model says about the black border that rectification leaves."""
    if rectifier is None or rectifier.valid.all():
        return prediction
    seen, size_wh = rectifier.valid, prediction.camera.size_wh
    if seen.shape[::-1] != size_wh:
        shrunk = cv2.resize(seen.view(np.uint8), size_wh, interpolation=cv2.INTER_NEAREST)
        seen = shrunk.astype(np.bool_)
    confidence = prediction.confidence
    return replace(
        prediction,
        values=np.where(seen, prediction.values, np.float32(np.nan)),
        confidence=None if confidence is None else np.where(seen, confidence, np.float32(0)),
    )


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
            depth = np.where(
                prediction.confidence < options.min_confidence, np.float32(np.nan), depth
            )
        depth = clip_range(depth, options.min_depth, options.max_depth)
    camera = prediction.camera
    if image.shape[:2] != (camera.height, camera.width):
        image = cv2.resize(image, camera.size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8)
    clock.lap('depth')
    return DepthFrame(prediction, depth, camera, image, {**prediction.timings, **clock.laps})


class _Clock:
    """Seconds between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = now - self._last
        self._last = now


class _Pipeline:
    """What one eye and two have in common: the model's life."""

    views = 1

    def __init__(self, model: DepthModel, options: Options | None = None) -> None:
        if model.info.views not in (0, self.views):
            where = (
                'mono_depth, or in `infer` without --right',
                'stereo_depth, or in `infer` with --right',
            )[model.info.views == 2]
            raise ModelError(
                f'model {model.info.name!r} takes {model.info.views} view(s), '
                f'{self.views} given; use it in {where}'
            )
        self.model = model
        self.options = options or Options()

    @property
    def makes_metres(self) -> bool:
        """Whether depth in metres comes out, or a relative prediction only."""
        metric = self.model.info.kind in (DepthKind.METRIC, DepthKind.DISPARITY)
        return metric or self.options.scale > 0

    def reset(self) -> None:
        """Forget what was carried from frame to frame."""
        self.model.reset()

    def close(self) -> None:
        self.model.close()


class MonoPipeline(_Pipeline):
    """One camera."""

    views = 1
    _rectifier: Rectifier | None = None
    _source: Camera | None = None
    _warm: Camera | None = None

    def _target(self, camera: Camera) -> Camera:
        """Return the camera the model will see, with the maps to it in place."""
        if self.options.rectify == 'never':
            self._rectifier = None
            return rectified_camera(camera)
        if not needs_rectification(camera, self.options.rectify):
            self._rectifier = None
            return camera
        if self._rectifier is None or self._source != camera:
            self._rectifier, self._source = Rectifier(camera), camera
        return self._rectifier.camera

    def warm_up(self, camera: Camera) -> None:
        """Build maps and warm the model for this camera, so that the first frame is as fast."""
        target = self._target(camera)
        if self._warm != target:
            self.model.warm_up([target])
            self._warm = target

    def __call__(
        self,
        image: Image,
        camera: Camera,
        prompt: FloatImage | None = None,
        ground: Ground | None = None,
    ) -> DepthFrame:
        """
        Return depth.

        `prompt`, metres that were measured, and `ground` are those of the rectified view, for
        models that use them.
        """
        clock = _Clock()
        View(image, camera)  # refuse before any work is done
        target = self._target(camera)
        if self._rectifier is not None:
            image = self._rectifier(image)
        clock.lap('rectify')
        prediction = self.model.predict([View(image, target, ground=ground, prompt=prompt)])
        clock.lap('model')
        prediction = _seen(prediction, self._rectifier)
        return _finish(prediction, image, self.options, clock)


class StereoPipeline(_Pipeline):
    """Two cameras; the result belongs to the left one."""

    views = 2
    _prepared: tuple[Camera, Camera, str] | None = None
    _targets: tuple[Camera, Camera]
    _rectifiers: tuple[Rectifier | None, Rectifier | None] = (None, None)
    _warm: tuple[Camera, Camera] | None = None

    def _prepare(self, left: Camera, right: Camera) -> None:
        """Decide once per pair of cameras how both eyes become a rectified pair."""
        mode = self.options.rectify
        if self._prepared == (left, right, mode):
            return
        raw = needs_rectification(left, mode) or needs_rectification(right, mode)
        if mode == 'never' or not raw:
            targets = (rectified_camera(left), rectified_camera(right))
        else:
            targets = stereo_targets(left, right)
        if not raw and mode != 'never' and not _same_lens(*targets):
            # Undistorted eyes of different focal length: one of them is resampled to the other.
            targets, raw = stereo_targets(left, right), True
        check_rectified(*targets)
        self._rectifiers = (
            (Rectifier(left, targets[0]), Rectifier(right, targets[1])) if raw else (None, None)
        )
        self._prepared, self._targets = (left, right, mode), targets

    def warm_up(self, left: Camera, right: Camera) -> None:
        """Build maps and warm the model for this pair, so that the first frame is as fast."""
        self._prepare(left, right)
        if self._warm != self._targets:
            self.model.warm_up(self._targets)
            self._warm = self._targets

    def __call__(
        self, left: Image, right: Image, left_camera: Camera, right_camera: Camera
    ) -> DepthFrame:
        clock = _Clock()
        View(left, left_camera), View(right, right_camera)  # refuse before any work is done
        self._prepare(left_camera, right_camera)
        if self._rectifiers[0] is not None and self._rectifiers[1] is not None:
            left, right = self._rectifiers[0](left), self._rectifiers[1](right)
        clock.lap('rectify')
        views = [View(left, self._targets[0]), View(right, self._targets[1])]
        prediction = self.model.predict(views)
        clock.lap('model')
        prediction = _seen(prediction, self._rectifiers[0])
        return _finish(prediction, left, self.options, clock)


def _same_lens(left: Camera, right: Camera) -> bool:
    rows = (left.fx, left.fy, left.cy) == (right.fx, right.fy, right.cy)
    return rows and left.size_wh == right.size_wh
