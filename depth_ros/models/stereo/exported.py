# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Any stereo network that another program has exported, with a YAML file beside it.

`model: /path/net.onnx` reads /path/net.yaml, which says what the file does not.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from depth_ros.files.settings import read_settings
from depth_ros.geometry.resize import resize_depth
from depth_ros.models.engine.graph import ENDINGS, GraphOptions, open_graph
from depth_ros.models.engine.graph_settings import (
    LEFT,
    RIGHT,
    GraphSettings,
    Wiring,
    settings_from,
)
from depth_ros.models.options import option
from depth_ros.models.protocol import Family, ModelBase, ModelError, ModelInfo
from depth_ros.models.stereo.pair import check_pair, finished_pair
from depth_ros.models.stereo.preparation import Plan, Preparation, plan_for, resized
from depth_ros.models.weights.verify import folder_named
from depth_ros.types import Camera, DepthKind, FloatImage, Image, Prediction, View


@dataclass(frozen=True)
class ExportedPairOptions(GraphOptions):
    """How an exported stereo network runs."""

    input_size: int = option(
        0, 'long side of the network input in pixels; 0 is that of the image', range=(0, 8192)
    )
    left_right_check: float = option(
        0.0,
        'largest difference of left and right disparity that is kept, px, which also gives a '
        'confidence; 0 = no check and half the time',
        range=(0.0, 1e4),
    )


class ExportedPairModel(ModelBase):
    """What an exported network predicts for the left view."""

    def __init__(self, name: str, options: ExportedPairOptions) -> None:
        path = folder_named(name)
        self.options = options
        graph = open_graph(path, options)
        where = path.with_suffix('.yaml')
        self.settings = pair_settings(where)
        self._wiring: Wiring | None = Wiring(graph, self.settings, str(where), (LEFT, RIGHT))
        if self._wiring.size and options.input_size:
            raise ModelError(
                f'input_size is {options.input_size}, but {path.name} takes '
                f'{self._wiring.size[1]}x{self._wiring.size[0]} only; leave input_size at 0'
            )
        if options.left_right_check and self.settings.unit == 'metres':
            raise ModelError(
                f'left_right_check compares disparity, {path.name} predicts metres; set it to 0'
            )
        self._preparation = Preparation(
            'bytes',
            multiple=self.settings.multiple,
            place=self.settings.place,
            size=self._wiring.size,
            stretch=self.settings.fit == 'stretch',
        )
        self._plans: dict[tuple[bytes, bytes], Plan] = {}
        self.info = ModelInfo(
            name,
            DepthKind.METRIC if self.settings.unit == 'metres' else DepthKind.DISPARITY,
            views=2,
            licence=self.settings.licence,
            commercial=self.settings.commercial,
            description=self.settings.description,
            family='exported',
            input_multiple=self.settings.multiple,
            device=graph.device,
            precision=graph.precision,
            runtime=graph.runtime,
        )

    def describe(self) -> str:
        """Return how the network runs, for diagnostics and benchmarks."""
        return f'{self.info.runtime} {self.info.precision} on {self.info.device}'

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        for _ in range(2):  # the first run compiles
            self.predict([View(np.zeros((c.height, c.width), np.uint8), c) for c in cameras])

    def close(self) -> None:
        self._wiring = None

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        if self._wiring is None:
            raise ModelError(f'{self.info.name} was closed; make the model again')
        check_pair(self.info.name, views)
        left, right = (view.camera for view in views)
        plan = self._plan(left, right)
        clock = [time.perf_counter()]
        eyes = [self._framed(view.rgb, plan, eye) for eye, view in enumerate(views)]
        clock.append(time.perf_counter())
        found = self._wiring.run(dict(zip((LEFT, RIGHT), eyes, strict=True)))
        clock.append(time.perf_counter())
        confidence = None
        if self.settings.confidence:
            confidence = plan.enlarged(found[1]).clip(0, 1)
        if self.settings.unit == 'metres':
            return self._metres(found[0], views, plan, confidence)
        whole = self._pixels(found[0])
        of_right = None
        if self.options.left_right_check:
            # Mirrored, the right eye is the left one.
            mirrored = [np.ascontiguousarray(eye[:, ::-1]) for eye in eyes]
            other = self._wiring.run({LEFT: mirrored[1], RIGHT: mirrored[0]})[0]
            of_right = np.ascontiguousarray(self._pixels(other)[:, ::-1])
        limit, reach = self.options.left_right_check, self.settings.reach or plan.input[1]
        prediction = finished_pair(self.info.name, views, plan, whole, of_right, limit, reach)
        clock.append(time.perf_counter())
        names = ('preprocess', 'inference', 'postprocess')
        timings = dict(zip(names, map(float, np.diff(clock)), strict=True))
        if prediction.confidence is not None:
            confidence = prediction.confidence
        return replace(prediction, confidence=confidence, timings=timings)

    def _plan(self, left: Camera, right: Camera) -> Plan:
        key = left.key, right.key
        if key not in self._plans:
            self._plans[key] = plan_for(self._preparation, left, right, self.options.input_size)
        return self._plans[key]

    def _framed(self, image: Image, plan: Plan, eye: int) -> Image:
        """Return an image at the size of the input, with its border."""
        left, right, top, bottom = plan.borders[eye]
        border = cv2.BORDER_REPLICATE
        if self.settings.border == 'black':
            border = cv2.BORDER_CONSTANT
        framed = cv2.copyMakeBorder(resized(image, plan.resized), top, bottom, left, right, border)
        return np.asarray(framed, np.uint8)

    def _pixels(self, values: FloatImage) -> FloatImage:
        """Return disparity in pixels of the input, positive."""
        factor = self.settings.sign
        if self.settings.unit == 'width':
            factor *= values.shape[1]
        return values * np.float32(factor)

    def _metres(
        self,
        values: FloatImage,
        views: Sequence[View],
        plan: Plan,
        confidence: FloatImage | None,
    ) -> Prediction:
        inside = values[plan.window(0)] * np.float32(self.settings.sign)
        metres = np.where(np.isfinite(inside) & (inside > 0), inside, np.float32(np.nan))
        if plan.resized != plan.source:
            metres = resize_depth(metres, *plan.source[::-1])
        return Prediction(
            DepthKind.METRIC, metres, views[0].camera, self.info.name, confidence=confidence
        )


def pair_settings(path: Path) -> GraphSettings:
    """Return the settings of a stereo network, checked."""
    if not path.is_file():
        raise ModelError(
            f'{path} does not exist; expected a YAML file beside the network that says what its '
            'inputs and its output are; docs/stereo.md has examples'
        )
    settings = settings_from(read_settings(path), str(path))
    wanted = {LEFT, RIGHT}
    if settings.views and settings.views != wanted:
        raise ModelError(
            f'{path}: the inputs take {", ".join(sorted(settings.views))}, expected left and '
            'right; a network of one image needs its kind, see docs/mono_depth.md'
        )
    metric = settings.unit == 'metres'
    if settings.kind not in ('', 'metric' if metric else 'disparity'):
        raise ModelError(
            f'{path}: kind is {settings.kind!r} and unit {settings.unit!r}, expected disparity '
            'with px or width, or metric with metres'
        )
    if not settings.unit:
        raise ModelError(f'{path}: unit is missing, expected px, width or metres')
    return settings


def accepts(name: str) -> bool:
    """Return whether a name is that of a network file; one of one view is asked for before."""
    return name.endswith(ENDINGS)


FAMILY = Family(names={}, config=ExportedPairOptions, create=ExportedPairModel, accepts=accepts)
