# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network that ships with the package, and any other that `depth_ros train` has made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from depth_ros.geometry.camera import resize_camera
from depth_ros.geometry.resize import resize_depth
from depth_ros.models.mono.builtin_runners import RUNTIMES, Runner, open_runner
from depth_ros.models.networks.builtin.answer import Answer, read_answer
from depth_ros.models.networks.builtin.known import ground_log_depth, known_planes
from depth_ros.models.networks.builtin.scale import log_focal
from depth_ros.models.options import MountOptions, option
from depth_ros.models.protocol import Family, ModelBase, ModelError, ModelInfo
from depth_ros.models.weights.verify import WEIGHTS, folder_named, is_folder
from depth_ros.types import Camera, DepthKind, FloatImage, Ground, Image, Prediction, View

NAME = 'builtin'
RELATIVE = 'builtin-relative'
SHIPPED = Path(__file__).parents[1] / 'data' / NAME
CARD = 'model_card.md'
SKY = (
    1.0  # log odds from which it is sky: a wall that is taken for sky costs more than the reverse
)
WITHIN = math.log(1.25)  # confidence is the chance of an error below this, in log depth


@dataclass(frozen=True)
class BuiltinOptions(MountOptions):
    """How the network runs, and what is known of the camera."""

    runtime: str = option(
        'auto',
        'what executes it; auto is torch on a GPU, onnxruntime where it is installed, else opencv',
        choices=RUNTIMES,
    )
    device: str = option('auto', 'where it runs: auto, cpu, cuda or cuda:N')
    precision: str = option(
        'auto',
        'number format; auto is the fastest of torch on a GPU, float32 elsewhere',
        choices=('auto', 'float32', 'bfloat16'),
    )
    input_size: int = option(
        0, 'long side of the network input in pixels; 0 is the size it was trained at',
        range=(0, 2048),
    )  # fmt: skip


class BuiltinModel(ModelBase):
    """Metric depth and confidence from one image and its camera."""

    def __init__(self, name: str, folder: Path, options: BuiltinOptions) -> None:
        self.options = options
        self.runner: Runner | None = open_runner(
            folder, options.runtime, options.device, options.precision
        )
        caution = CAUTION.format(scale='' if options.ground else NO_SCALE)
        self.info = ModelInfo(
            name,
            DepthKind.METRIC,
            device=self.runner.device,
            description=DESCRIPTION,
            **(FACTS if name in (NAME, RELATIVE) else {}),
            precision=self.runner.precision,
            runtime=self.runner.runtime,
            caution=caution if name == NAME else '',
        )

    def describe(self) -> str:
        """Return how the network runs, for diagnostics and benchmarks."""
        return f'{self.info.runtime} {self.info.precision} on {self.info.device}'

    def input_size(self, camera: Camera) -> tuple[int, int]:
        """Return width and height of the network's input for a camera: multiples of 32."""
        assert self.runner is not None
        if self.options.input_size:
            factor = self.options.input_size / max(camera.width, camera.height)
        else:
            factor = math.sqrt(math.prod(self.runner.size) / (camera.width * camera.height))
        width, height = (
            max(32, round(side * factor / 32) * 32) for side in (camera.width, camera.height)
        )
        return width, height

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        for camera in cameras:
            image = np.zeros((camera.height, camera.width, 3), np.uint8)
            for _ in range(2):
                self._forward(image, camera, self.options.ground)

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        camera = views[0].camera
        ground = views[0].known.ground or self.options.ground
        answer = self._forward(views[0].rgb, camera, ground)
        depth = resize_depth(np.exp(answer.log_depth), camera.width, camera.height)
        if ground is not None:
            depth = with_bare_ground(depth, _sized(answer.bare, camera), camera, ground)
        depth[_sized(answer.sky, camera) > SKY] = np.inf
        sure = 1 - np.exp(-WITHIN / np.exp(answer.log_error))
        return Prediction(
            DepthKind.METRIC, depth, camera, self.info.name, confidence=_sized(sure, camera)
        )

    def _forward(self, image: Image, camera: Camera, ground: Ground | None) -> Answer:
        """Return the answer in log metres for the camera itself."""
        if self.runner is None:
            raise ModelError(f'{self.info.name} was closed; make the model again')
        width, height = self.input_size(camera)
        shrinks = width * height < camera.width * camera.height
        flag = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        resized = np.asarray(cv2.resize(image, (width, height), interpolation=flag), np.uint8)
        seen = resize_camera(camera, width, height)
        known = known_planes(seen, ground, width // 2, height // 2)
        answer = read_answer(self.runner.run(network_image(resized), known))
        return answer._replace(log_depth=answer.log_depth + np.float32(log_focal(seen)))

    def close(self) -> None:
        self.runner = None


def network_image(image: Image) -> FloatImage:
    """Return the network's first input (3, H, W) for an RGB image."""
    return np.asarray(cv2.dnn.blobFromImage(image, 1 / 128, mean=(127, 127, 127))[0], np.float32)


def with_bare_ground(
    depth: FloatImage, bare: FloatImage, camera: Camera, ground: Ground
) -> FloatImage:
    """
    Return depth where the ground itself is seen as it follows from the mount.

    :param bare: log odds of bare ground, of the size of the image.
    """
    floor, slope = ground_log_depth(camera, ground, camera.width, camera.height)
    share = (slope > 0) / (1 + np.exp(-bare))
    moved = np.exp(share * (floor - np.log(depth)))
    return np.asarray(depth * moved, np.float32)


def _sized(values: FloatImage, camera: Camera) -> FloatImage:
    sized = cv2.resize(values, camera.size_wh, interpolation=cv2.INTER_LINEAR)
    return np.asarray(sized, np.float32)


class RelativeBuiltinModel(BuiltinModel):
    """
    The inverse depth that the network sees, without its scale.

    The smallest stand-in for relative networks: it shows what a source of scale does.
    """

    def __init__(self, name: str, folder: Path, options: BuiltinOptions) -> None:
        super().__init__(name, folder, options)
        self.info = dataclasses.replace(
            self.info, kind=DepthKind.AFFINE_INVERSE, description=DESCRIPTION_RELATIVE, caution=''
        )

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        metric = super().predict(views, previous)
        with np.errstate(divide='ignore'):
            values = np.float32(1) / metric.values
        middle = np.float32(np.nanmedian(values[::8, ::8]))
        return dataclasses.replace(
            metric, kind=DepthKind.AFFINE_INVERSE, values=values / middle + np.float32(1)
        )


def is_trained_here(name: str) -> bool:
    """Return whether a name is a folder that `depth_ros train` has written."""
    return is_folder(name, WEIGHTS, CARD)


def weights_folder(name: str) -> Path:
    """Return where the weights of a model of this family are."""
    return SHIPPED if name in (NAME, RELATIVE) else folder_named(name)


def _create(name: str, options: BuiltinOptions) -> BuiltinModel:
    made = RelativeBuiltinModel if name == RELATIVE else BuiltinModel
    return made(name, weights_folder(name), options)


DESCRIPTION = 'small metric network, taught depth by rendered images only; no download'
DESCRIPTION_RELATIVE = 'what builtin sees, as inverse depth without scale; to try scale.source'
FACTS: dict[str, Any] = {'input_size': 256, 'input_multiple': 32, 'parameters': 3_900_000}
# The numbers are those of the card, where the command stands that gives them.
CAUTION = (
    'builtin is small and has learned depth from rendered images only: on real ones it is '
    'wrong by 20 % with the scale corrected (a tilted plane: 29 %){scale}; '
    'for real work: depth_ros fetch depth-anything-v2-metric-indoor-small'
)
NO_SCALE = ', and its scale by more until camera_height is set'

FAMILY = Family(
    names={
        NAME: ModelInfo(NAME, DepthKind.METRIC, description=DESCRIPTION, **FACTS),
        RELATIVE: ModelInfo(
            RELATIVE, DepthKind.AFFINE_INVERSE, description=DESCRIPTION_RELATIVE, **FACTS
        ),
    },
    config=BuiltinOptions,
    create=_create,
    accepts=is_trained_here,
)
