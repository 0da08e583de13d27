# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3 in training: several views with poses, or single images with depth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depth_ros.files.writing import write_text
from depth_ros.lab.train import losses
from depth_ros.lab.train.networks.config import NetworkConfig
from depth_ros.lab.train.networks.reader import Reader
from depth_ros.lab.train.networks.scenes import SceneBatch, Scenes
from depth_ros.lab.train.networks.task import Measure, mean_rows, save_weights
from depth_ros.lab.train.networks.views_loss import (
    camera_errors,
    known_depth,
    objective,
    truth_of,
)
from depth_ros.models.multi_view import depth_anything_3_weights as weights
from depth_ros.models.multi_view.depth_anything_3 import (
    CONFIGURATION_OF,
    ENTRIES,
    METRIC,
)
from depth_ros.models.networks.depth_anything_3.camera import relative_extrinsics
from depth_ros.models.networks.depth_anything_3.configurations import (
    CONFIGURATIONS,
    PATCH,
    Configuration,
)
from depth_ros.models.networks.depth_anything_3.metric import CANONICAL_FOCAL
from depth_ros.models.networks.depth_anything_3.network import build
from depth_ros.models.networks.depth_anything_3.preprocess import DEVIATION, MEAN
from depth_ros.models.networks.shapes import reshaped
from depth_ros.models.protocol import ModelInfo
from depth_ros.models.weights.source import Hub
from depth_ros.models.weights.verify import CONFIG
from depth_ros.types import DepthError, DepthKind

RAYS = 8  # cells of the ray map for one patch, along each side
FOCUS = 0.5  # how much the error of the scale is forgiven by metric networks; 1 is wholly
EDGES = 0.5
SKY = 0.5
FEWEST = 100  # known pixels of a scene that is judged


class ViewsTask:
    """A network of Depth Anything 3, scenes to learn from and others to be judged on."""

    def __init__(
        self, config: NetworkConfig, folders: Sequence[str], unseen: Sequence[str]
    ) -> None:
        if config.learn != 'labels' or config.variant:
            raise DepthError(
                f'{config.network} learns from depth and its name says the variant; leave out '
                'learn and variant'
            )
        if config.width % PATCH or config.height % PATCH:
            raise DepthError(
                f'width and height are {config.width}x{config.height}, {config.network} takes '
                f'multiples of {PATCH}; choose those'
            )
        self.config = config
        self.official = CONFIGURATION_OF[config.network]
        self.shape: dict[str, Any] = {}
        torch.manual_seed(config.seed)
        self.network: Any = self._first_network()
        self.modules = nn.ModuleDict({'network': self.network})
        self.alone = self.network.configuration.head.kind == 'sky'
        views = 1 if self.alone else config.views
        self.scenes = Scenes(Reader(folders), config, views)
        self.unseen = Scenes(Reader(unseen), config, views)
        self.images = len(self.scenes.reader)
        # Whether the sky is known: rendered frames have depth everywhere else.
        self.sky = config.data.unknown_is_sky or not config.data.folders
        if self.alone and not self.sky:
            self.network.head.scratch.sky_output_conv2.requires_grad_(False)
        scale = 'without scaling' if self.metric else 'at the scale that fits a scene best'
        self.measures = (
            (
                Measure('error', f'AbsRel {scale}'),
                Measure('aligned', 'AbsRel at the scale that fits each frame best'),
                Measure('close', 'share of pixels within 25 %'),
            )
            if self.alone
            else (
                Measure('error', f'AbsRel {scale}'),
                Measure('rotation', 'error of the rotation between views, degrees'),
                Measure('position', 'error of the position over the distance of the views'),
            )
        )

    @property
    def metric(self) -> bool:
        """Whether the network predicts metres of a canonical camera."""
        return self.official == METRIC

    @property
    def labels(self) -> str:
        """What is known of the images."""
        return 'depth' if self.alone else f'depth and poses, {self.config.views} views at once'

    def _first_network(self) -> Any:
        config = self.config
        made = CONFIGURATIONS[self.official]
        if not isinstance(made, Configuration):
            raise DepthError(
                f'{config.network} is two networks; train da3-giant and da3-metric-large instead'
            )
        if not config.start:
            self.shape = dict(config.shape)
            network: Any = build(reshaped(made, self.shape))
            if network.cam_dec is not None:
                # A field of view that is not above 0 would never learn: its gradient is 0.
                nn.init.ones_(network.cam_dec.fc_fov[0].bias)
            return network
        if config.shape:
            raise DepthError('shape is that of the weights of `start`; leave it out')
        entry = ENTRIES.get(config.start)
        place = '' if entry else config.start
        source = entry.source if entry else None
        assert source is None or isinstance(source, Hub)
        files = weights.locate(place, source, ModelInfo(config.start, DepthKind.SCALE_INVARIANT))
        self.shape = dict(files.shape)
        stated = weights.stated_configuration(files) or made
        return weights.load_network(files.weights, stated).requires_grad_(True)

    def train(self, progress: float) -> None:
        """Prepare for a step."""
        self.modules.train(not self.config.still)

    def loss(self, number: int, progress: float, device: torch.device) -> Tensor:
        """Return the loss of batch `number`."""
        batch = self.scenes.batch(number).to(device)
        if self.alone:
            return self.loss_alone(batch)
        draw = torch.rand(()).item()  # the loop has seeded it by the number
        return self.loss_together(batch, draw < self.config.known_cameras)

    def loss_together(self, batch: SceneBatch, cameras_known: bool) -> Tensor:
        """Return the loss of several views, whose cameras the network may be given."""
        known: tuple[Tensor, ...] = ()
        if cameras_known:
            half = batch.K.new_tensor([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
            known = relative_extrinsics(torch.linalg.inv(batch.poses)), batch.K + half
        scene = self.network(_normalised(batch.images), *known)
        assert scene.rays is not None
        grid = (scene.rays.shape[2], scene.rays.shape[3])
        return objective(scene, truth_of(batch, scene.reference, grid, self.config.max_depth))

    def loss_alone(self, batch: SceneBatch) -> Tensor:
        """Return the loss of single images: depth, its edges, and the sky where it is known."""
        scene = self.network(_normalised(batch.images))
        depth, truth = scene.depth[:, 0], batch.depth[:, 0]
        mask = known_depth(truth, self.config.max_depth)
        target = torch.where(mask, truth, torch.ones_like(truth))
        if self.metric:
            target = target / _stretch(batch)
        logs = depth.clamp(min=1e-6).log()
        focus = FOCUS if self.metric else 1.0
        total = losses.scale_invariant_log(logs, target, mask, focus)
        total = total + EDGES * losses.gradient_matching(logs, target.log(), mask, align=False)
        if self.sky:
            is_sky = (~truth.isfinite()).float()
            total = total + SKY * (scene.sky[:, 0] - is_sky).abs().mean()
        return total

    @torch.inference_mode()
    def judge(self, device: torch.device) -> tuple[float, float, float]:
        """Return the measures, means over the scenes."""
        self.modules.eval()
        rows: list[Sequence[float]] = []
        for batch in self.unseen.whole():
            moved = batch.to(device)
            scene = self.network(_normalised(moved.images))
            rows += self._rows_alone(scene, moved) if self.alone else self._rows(scene, moved)
        if self.alone:
            return mean_rows(rows)
        error, rotation, position = mean_rows([row[:3] for row in rows])
        # Over that of all scenes: a camera that turns in place has no distance of its own.
        distance = sum(row[3] for row in rows) / max(len(rows), 1)
        return error, rotation, position / (distance or 1.0)

    def _rows_alone(self, scene: Any, batch: SceneBatch) -> list[Sequence[float]]:
        rows: list[Sequence[float]] = []
        found = scene.depth * (_stretch(batch)[:, None] if self.metric else 1.0)
        masks = known_depth(batch.depth, self.config.max_depth)
        for one, truth, mask in zip(found, batch.depth, masks, strict=True):
            if int(mask.sum()) < FEWEST:
                continue
            values, target = one[mask], truth[mask]
            fitted = values * (target.median() / values.median().clamp(min=1e-9))
            used = values if self.metric else fitted
            errors = [float((v / target - 1).abs().mean()) for v in (used, fitted)]
            ratio = torch.maximum(used / target, target / used.clamp(min=1e-9))
            rows.append((*errors, float((ratio < 1.25).float().mean())))
        return rows

    def _rows(self, scene: Any, batch: SceneBatch) -> list[Sequence[float]]:
        """Return error, rotation, position and distance of each scene."""
        rows: list[Sequence[float]] = []
        grid = (scene.rays.shape[2], scene.rays.shape[3])
        truth = truth_of(batch, scene.reference, grid, self.config.max_depth)
        scales = []
        errors = []
        for found, target, mask in zip(scene.depth, truth.depth, truth.mask, strict=True):
            values, wanted = found[mask], target[mask]
            scale = wanted.median() / values.median().clamp(min=1e-9) if mask.any() else mask.sum()
            scales.append(scale.float())
            errors.append(float((scale * values / wanted - 1).abs().mean()))
        cameras = camera_errors(scene.extrinsics, truth, torch.stack(scales))
        enough = truth.mask.flatten(1).sum(1) >= FEWEST
        for error, *camera, counts in zip(errors, *cameras, enough, strict=True):
            if counts:
                rows.append((error, *map(float, camera)))
        return rows

    def leave(self, folder: Path) -> None:
        """Write a folder like those of the authors: a model, and a value of `weights`."""
        stated = {
            'model_name': self.official,
            'shape': self.shape,
            'input_size': max(self.config.width, self.config.height),
        }
        write_text(folder / CONFIG, json.dumps(stated, indent=2) + '\n')
        save_weights(self.network, folder, {'format': 'pt'})


def _normalised(images: Tensor) -> Tensor:
    """Return images in [0, 1] as the networks take them."""
    mean, deviation = (images.new_tensor(v)[:, None, None] for v in (MEAN, DEVIATION))
    return (images - mean) / deviation


def _stretch(batch: SceneBatch) -> Tensor:
    """Return what makes metres of the output of a metric network, (B, 1, 1)."""
    focal = (batch.K[:, 0, 0, 0] + batch.K[:, 0, 1, 1]) / 2
    return (focal / CANONICAL_FOCAL)[:, None, None]
