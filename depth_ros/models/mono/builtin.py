# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network that ships with the package, and any other that `depth_ros train` has made."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from depth_ros.geometry.camera import resize_camera
from depth_ros.geometry.resize import resize_depth
from depth_ros.models.engine.device import choose_device, choose_precision, guard
from depth_ros.models.options import MountOptions, option
from depth_ros.models.protocol import Family, ModelBase, ModelError, ModelInfo, required_library
from depth_ros.models.weights.verify import (
    WEIGHTS,
    check_finite,
    check_safetensors,
    folder_named,
    is_folder,
)
from depth_ros.types import (
    Camera,
    DepthKind,
    FloatImage,
    Ground,
    Image,
    Prediction,
    View,
    quoted,
)

NAME = 'builtin'
RELATIVE = 'builtin-relative'
SHIPPED = Path(__file__).parents[1] / 'data' / NAME
CARD = 'model_card.md'
PRECISIONS = ('float32', 'bfloat16')  # float16 would overflow
LARGEST_AREA = 2048 * 2048  # pixels of the network's input
WITHIN = math.log(1.25)  # confidence is the chance of an error below this, in log depth


@dataclass(frozen=True)
class BuiltinOptions(MountOptions):
    """How the network runs, and what is known of the camera."""

    device: str = option('auto', 'where it runs: auto, cpu, cuda or cuda:N')
    precision: str = option(
        'auto', 'number format of the forward pass', choices=('auto', *PRECISIONS)
    )
    input_size: int = option(
        0, 'long side of the network input in pixels; 0 is the size it was trained at',
        range=(0, 2048),
    )  # fmt: skip


class BuiltinModel(ModelBase):
    """Metric depth and confidence from one image and its camera."""

    def __init__(self, name: str, folder: Path, options: BuiltinOptions) -> None:
        for needed in ('torch', 'safetensors'):
            required_library(needed, f'model {quoted(name)}', 'torch safetensors')
        import torch

        from depth_ros.models.networks.builtin.network import fold_normalisation

        self.options = options
        self.device = choose_device(options.device)
        self.dtype = getattr(torch, choose_precision(options.precision, self.device, PRECISIONS))
        with guard(self.device):
            self.trained = read_network(folder)
            network = self.trained.network.to(self.device).to(memory_format=torch.channels_last)
            self.network: Any = fold_normalisation(network)
        caution = CAUTION.format(scale='' if options.ground else NO_SCALE)
        self.info = ModelInfo(
            name,
            DepthKind.METRIC,
            device=str(self.device),
            description=DESCRIPTION,
            **(FACTS if name in (NAME, RELATIVE) else {}),
            precision=str(self.dtype).removeprefix('torch.'),
            caution=caution if name == NAME else '',
        )

    def input_size(self, camera: Camera, ground: Ground | None = None) -> tuple[int, int]:
        """Return width and height of the network's input for a camera: multiples of 32."""
        if self.options.input_size:
            factor = self.options.input_size / max(camera.width, camera.height)
        else:
            size = self.trained.size if ground is None else self.trained.size_with_ground
            factor = math.sqrt(math.prod(size) / (camera.width * camera.height))
        width, height = (
            max(32, round(side * factor / 32) * 32) for side in (camera.width, camera.height)
        )
        return width, height

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        for camera in cameras:
            image = np.zeros((camera.height, camera.width, 3), np.uint8)
            for _ in range(3):
                self._forward(image, camera, self.options.ground)

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        camera = views[0].camera
        ground = views[0].known.ground or self.options.ground
        log_depth, log_error = self._forward(views[0].rgb, camera, ground)
        small = np.exp(log_depth)
        depth = resize_depth(small, camera.width, camera.height)
        sure = 1 - np.exp(-WITHIN / np.exp(log_error))
        confidence = cv2.resize(sure, camera.size_wh, interpolation=cv2.INTER_LINEAR)
        return Prediction(
            DepthKind.METRIC,
            depth,
            camera,
            self.info.name,
            confidence=np.asarray(confidence, np.float32),
        )

    def _forward(
        self, image: Image, camera: Camera, ground: Ground | None = None
    ) -> tuple[FloatImage, FloatImage]:
        """Return log metres and the log of its expected error, at the size of the answer."""
        import torch

        from depth_ros.models.networks.builtin.network import network_input
        from depth_ros.models.networks.builtin.scale import metric_log_depth

        width, height = self.input_size(camera, ground)
        shrinks = width * height < camera.width * camera.height
        flag = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        resized = np.asarray(cv2.resize(image, (width, height), interpolation=flag), np.uint8)
        seen = resize_camera(camera, width, height)
        inputs = torch.from_numpy(network_input(resized, seen, ground))[None]
        with guard(self.device), torch.inference_mode():
            inputs = inputs.to(self.device, memory_format=torch.channels_last)
            with torch.autocast(
                self.device.type, self.dtype, enabled=self.dtype is not torch.float32
            ):
                log_depth, log_error, _ = self.network(inputs)
            focal = torch.tensor([math.sqrt(seen.fx * seen.fy)], device=self.device)
            both = torch.cat([metric_log_depth(log_depth, focal), log_error]).float().cpu()
        return both[0].numpy(), both[1].numpy()

    def close(self) -> None:
        self.network = None


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


class Trained(NamedTuple):
    """A network in float32, and the width and height of images that it was trained at."""

    network: Any
    size: tuple[int, int]
    size_with_ground: tuple[int, int]  # of those with a known ground


def read_network(folder: Path) -> Trained:
    """Return what `depth_ros train` left in a folder."""
    import torch
    from safetensors import SafetensorError, safe_open

    from depth_ros.models.networks.builtin.network import CompactDepth, Layout
    from depth_ros.models.networks.unfilled import without_weights

    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(
            f'{path} is missing; give a folder that `depth_ros train` wrote'
            + (', or install depth_ros again' if folder == SHIPPED else '')
        )
    check_safetensors(path)
    try:
        with safe_open(path, 'pt') as file:
            facts = {k: json.loads(v) for k, v in (file.metadata() or {}).items()}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        with without_weights():  # a layout may ask for more memory than there is
            network = CompactDepth(Layout(**facts['layout']))
        network.load_state_dict(tensors, assign=True)
        sizes = [facts['size'], facts.get('size_told', facts['size'])]
        for width, height in sizes:
            if not (width >= 1 <= height and width * height <= LARGEST_AREA):
                raise ValueError(
                    f'its input has {width * height} pixels, expected up to {LARGEST_AREA}'
                )
    except (
        *(SafetensorError, KeyError, TypeError, ValueError, RuntimeError),
        *(AttributeError, OSError, RecursionError),
    ) as error:
        why = ' '.join(str(error).split())[:160]  # torch lists every tensor
        raise ModelError(
            f'{path} does not hold a network of depth_ros ({why}); '
            'use what `depth_ros train` wrote'
        ) from error
    check_finite(tensors.items(), path)
    (width, height), (ground_width, ground_height) = sizes
    return Trained(
        network.to(torch.float32),
        (int(width), int(height)),
        (int(ground_width), int(ground_height)),
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


DESCRIPTION = 'small metric network, trained on rendered images only; no download'
DESCRIPTION_RELATIVE = 'what builtin sees, as inverse depth without scale; to try scale.source'
FACTS: dict[str, Any] = {'input_size': 192, 'input_multiple': 32, 'parameters': 5_000_000}
# The numbers are those of the card, where the command stands that gives them.
CAUTION = (
    'builtin is small and was trained on rendered images only: on real ones its depth is '
    'wrong by 22 % with the scale corrected (a tilted plane: 29 %){scale}; '
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
