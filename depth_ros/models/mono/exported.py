# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Any network of one image that another program has exported, with a YAML file beside it.

`model: /path/net.onnx` reads /path/net.yaml, which says what the file does not: above all what
kind of depth it predicts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from depth_ros.files.settings import read_settings
from depth_ros.geometry.depth_values import valid_or_nan
from depth_ros.geometry.resize import resize_depth
from depth_ros.models.engine.graph import ENDINGS, GraphOptions, open_graph
from depth_ros.models.engine.graph_settings import IMAGE, GraphSettings, Wiring, settings_from
from depth_ros.models.engine.images import side_size
from depth_ros.models.options import option
from depth_ros.models.protocol import Family, ModelBase, ModelError, ModelInfo
from depth_ros.models.weights.verify import folder_named
from depth_ros.types import Camera, DepthError, DepthKind, FloatImage, Image, Prediction, View

KINDS = ('metric', 'scale_invariant', 'affine_inverse')


@dataclass(frozen=True)
class ExportedOptions(GraphOptions):
    """How an exported network of one image runs."""

    input_size: int = option(
        0, 'long side of the network input in pixels; 0 is that of the image', range=(0, 8192)
    )


class ExportedModel(ModelBase):
    """What an exported network predicts for an image."""

    def __init__(self, name: str, options: ExportedOptions) -> None:
        path = folder_named(name)
        self.options = options
        graph = open_graph(path, options)
        where = path.with_suffix('.yaml')
        self.settings = mono_settings(where)
        self._wiring: Wiring | None = Wiring(graph, self.settings, str(where), (IMAGE,))
        if self._wiring.size and options.input_size:
            raise ModelError(
                f'input_size is {options.input_size}, but {path.name} takes '
                f'{self._wiring.size[1]}x{self._wiring.size[0]} only; leave input_size at 0'
            )
        self.info = ModelInfo(
            name,
            DepthKind(self.settings.kind),
            licence=self.settings.licence,
            commercial=self.settings.commercial,
            description=self.settings.description,
            family='exported',
            input_multiple=self.settings.multiple,
            training_focal=self.settings.training_focal,
            device=graph.device,
            precision=graph.precision,
            runtime=graph.runtime,
        )

    def describe(self) -> str:
        """Return how the network runs, for diagnostics and benchmarks."""
        return f'{self.info.runtime} {self.info.precision} on {self.info.device}'

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        for camera in cameras:
            view = View(np.zeros((camera.height, camera.width), np.uint8), camera)
            for _ in range(2):  # the first run compiles
                self.predict([view])

    def close(self) -> None:
        self._wiring = None

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        if self._wiring is None:
            raise ModelError(f'{self.info.name} was closed; make the model again')
        view = views[0]
        clock = [time.perf_counter()]
        image, inside = self._framed(view.rgb)
        clock.append(time.perf_counter())
        found = [values[inside] for values in self._wiring.run({IMAGE: image})]
        clock.append(time.perf_counter())
        values = self._meaning(found[0], view.camera)
        confidence = None
        if self.settings.confidence:
            sized = cv2.resize(found[1], view.camera.size_wh, interpolation=cv2.INTER_LINEAR)
            confidence = np.asarray(sized, np.float32).clip(0, 1)
        clock.append(time.perf_counter())
        return Prediction(
            self.info.kind,
            values,
            view.camera,
            self.info.name,
            confidence=confidence,
            timings={
                'preprocess': clock[1] - clock[0],
                'inference': clock[2] - clock[1],
                'postprocess': clock[3] - clock[2],
            },
        )

    def _framed(self, image: Image) -> tuple[Image, tuple[slice, slice]]:
        """Return the input, and the rows and columns of it that are the image."""
        assert self._wiring is not None
        height, width = image.shape[:2]
        fixed, multiple = self._wiring.size, self.settings.multiple
        if fixed is None:
            long_side = self.options.input_size or max(height, width)
            size = canvas = side_size(height, width, long_side, 'long', multiple)
        else:
            factor = min(fixed[0] / height, fixed[1] / width)
            size = max(1, int(height * factor + 1e-9)), max(1, int(width * factor + 1e-9))
            size, canvas = (fixed if self.settings.fit == 'stretch' else size), fixed
        shrinks = size[0] * size[1] < height * width
        flag = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        sized = cv2.resize(image, size[::-1], interpolation=flag)
        top, left = (canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2
        border = cv2.BORDER_REPLICATE
        if self.settings.border == 'black':
            border = cv2.BORDER_CONSTANT
        framed = cv2.copyMakeBorder(
            sized, top, canvas[0] - size[0] - top, left, canvas[1] - size[1] - left, border
        )
        inside = slice(top, top + size[0]), slice(left, left + size[1])
        return np.asarray(framed, np.uint8), inside

    def _meaning(self, values: FloatImage, camera: Camera) -> FloatImage:
        """Return values at the size of the image, with what is invalid as NaN."""
        width, height = camera.size_wh
        values = values * np.float32(self.settings.sign)
        if self.info.kind is DepthKind.AFFINE_INVERSE:
            sized = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
            sized = np.asarray(sized, np.float32)
            return np.where(np.isfinite(sized), sized, np.float32(np.nan))
        if self.settings.training_focal:
            across, down = values.shape[1] / width, values.shape[0] / height
            focal = float(np.sqrt(camera.fx * across * camera.fy * down))
            values = values * np.float32(focal / self.settings.training_focal)
        return resize_depth(valid_or_nan(values), width, height)


def mono_settings(path: Path) -> GraphSettings:
    """Return the settings of a network of one image, checked."""
    settings = settings_from(read_settings(path), str(path))
    if settings.kind not in KINDS:
        raise ModelError(
            f'{path}: kind is {settings.kind!r}, expected {", ".join(KINDS)}, as the authors of '
            'the network describe its output; a file does not say it'
        )
    if settings.unit not in ('', 'metres') or (settings.unit and settings.kind != 'metric'):
        raise ModelError(
            f'{path}: unit is {settings.unit!r} and kind {settings.kind!r}; only metric depth has '
            'a unit, metres'
        )
    if settings.views not in (frozenset(), {IMAGE}):
        raise ModelError(
            f'{path}: the inputs take {", ".join(sorted(settings.views))}, expected image alone'
        )
    return settings


def accepts(name: str) -> bool:
    """Return whether a name is that of a network file whose settings are for one image."""
    if not name.endswith(ENDINGS):
        return False
    path = folder_named(name).with_suffix('.yaml')
    try:
        settings = settings_from(read_settings(path), str(path))
    except DepthError:
        return False  # the stereo family says what is wrong
    if settings.views:
        return IMAGE in settings.views
    return settings.kind in KINDS and settings.unit != 'metres'


FAMILY = Family(names={}, config=ExportedOptions, create=ExportedModel, accepts=accepts)
