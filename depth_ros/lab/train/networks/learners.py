# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A network in training: its input, its loss for each way of learning, and its depth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.lab.train.networks.batches import ClipBatch
from depth_ros.lab.train.networks.clips import Clip
from depth_ros.lab.train.networks.config import NetworkConfig
from depth_ros.lab.train.networks.initial import PLAIN, scale_plain_layers, start_above_zero
from depth_ros.lab.train.networks.labels import label_loss
from depth_ros.lab.train.networks.self_supervised import (
    METRES,
    pair_loss,
    predicted_motions,
    sized_motions,
    video_loss,
)
from depth_ros.models.engine.images import normalised_settings
from depth_ros.models.mono import (
    adabins,
    bts,
    builtin,
    densedepth,
    eigen2014,
    fastdepth,
    fcrn,
    midas_v21,
    monodepth,
    monodepth2,
)
from depth_ros.models.mono.builtin_weights import read_network
from depth_ros.models.mono.network_adapter import NetworkAdapter, Sizes
from depth_ros.models.mono.network_run import RunFacts, is_run_of, read_run
from depth_ros.models.networks.builtin.answer import DEPTHS
from depth_ros.models.networks.builtin.known import CHANNELS
from depth_ros.models.networks.builtin.scale import CANONICAL_FOCAL, LOG_DEPTH_BIAS
from depth_ros.models.networks.encoders.resnet import RESNETS
from depth_ros.models.networks.monodepth2 import PoseConfig, build_pose
from depth_ros.models.protocol import ModelInfo
from depth_ros.models.weights.fetch import converted_folder
from depth_ros.models.weights.official import read_shape, read_weights
from depth_ros.types import Camera, DepthError, DepthKind

ADAPTERS: Mapping[str, type[NetworkAdapter]] = {
    adapter.family: adapter
    for adapter in (
        adabins.AdaBins,
        bts.Bts,
        densedepth.DenseDepth,
        eigen2014.Eigen,
        fastdepth.FastDepth,
        fcrn.Fcrn,
        midas_v21.Midas,
        midas_v21.MidasSmall,
        monodepth.Monodepth,
        monodepth2.Monodepth2,
    )
}
VARIANTS = {'bts': 'resnet50_nyu', 'monodepth': 'vgg', 'monodepth2': 'resnet18'}  # by default
ALIKE = 0.01  # relative difference up to which cameras are the same
POSE = PoseConfig(dataclasses.replace(RESNETS['resnet18'], inputs=6, width=16))


@dataclass(frozen=True)
class RecordingRig:
    """The camera of the recordings at the size of the input, and what is known of its rig."""

    camera: Camera
    aspect: float  # height of the recorded images over their width
    baseline: float = 0.0  # metres; 0 where there is no right eye
    is_one: bool = True  # whether all sequences are of this camera

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> RecordingRig:
        """Return what is common to some sequences."""
        first = clips[0]
        seen = np.array(
            [(c.camera.fx, c.camera.fy, c.aspect * 100, 100 + 100 * c.baseline) for c in clips]
        )
        alike = bool((np.ptp(seen, 0) <= ALIKE * seen[0]).all())
        return cls(first.camera, first.aspect, first.baseline, alike)


class Learner:
    """
    One of the classic networks, and a pose network where the motion is not known.

    `modules` holds everything that learns.
    """

    def __init__(self, config: NetworkConfig, rig: RecordingRig) -> None:
        self.config = config
        self.family = config.network
        self.modules = nn.ModuleDict()
        self._build(rig)
        if config.learn == 'video' and not config.odometry and not config.follows:
            self.modules['pose'] = build_pose(POSE)

    def _build(self, rig: RecordingRig) -> None:
        config = self.config
        if config.network not in ADAPTERS:
            known = ', '.join(['builtin', *ADAPTERS])
            raise DepthError(f'network is {config.network!r}, expected one of {known}')
        if config.network.startswith('midas') and config.learn != 'labels':
            raise DepthError(
                f'{config.network} predicts no scale, so it cannot learn from {config.learn}; '
                'set learn to labels, or choose another network'
            )
        if config.network == 'monodepth' and config.learn == 'labels':
            raise DepthError('monodepth predicts the disparity of a pair; set learn to pairs')
        if config.network == 'monodepth2' and config.learn == 'labels':
            raise DepthError('monodepth2 learns from video or pairs; set learn to one of them')
        self.adapter = self._adapter(rig)
        self.network = self.adapter.network()
        self.modules['depth'] = self.network
        self._start()
        settings = normalised_settings(self.adapter.pixels)
        scale = 1.0 if settings['do_rescale'] else 255.0
        plain = not settings['do_normalize']
        mean = torch.zeros(3) if plain else torch.tensor(settings['image_mean'])
        std = torch.ones(3) if plain else torch.tensor(settings['image_std'])
        self._mean, self._std, self._scale = mean[:, None, None], std[:, None, None], scale

    def _adapter(self, rig: RecordingRig) -> NetworkAdapter:
        config, camera = self.config, rig.camera
        family = ADAPTERS[config.network]
        one_camera = rig.is_one and self.kind is DepthKind.METRIC
        self.facts = RunFacts(
            config.network,
            config.variant or VARIANTS.get(config.network, ''),
            self._shape(family),
            config.width,
            config.height,
            self.kind.value,
            focal=float((camera.fx * camera.fy) ** 0.5) if one_camera else 0.0,
            depth_range=(0.0, config.max_depth) if self.kind is DepthKind.METRIC else None,
            more=self._more(rig),
        )
        info = ModelInfo(config.name, self.kind, depth_range=(0.0, config.max_depth))
        sizes = Sizes(config.width, config.height, family.multiple, 'fixed', fewest=family.fewest)
        return family(info, sizes, self.facts.variant, self.facts.shape, self.facts.more)

    @property
    def kind(self) -> DepthKind:
        """What the numbers of the network mean after this way of learning."""
        config = self.config
        if config.network.startswith('midas'):
            return DepthKind.AFFINE_INVERSE
        if config.network == 'monodepth':  # metres for the rig only, which the adapter knows
            return DepthKind.SCALE_INVARIANT
        unscaled = config.learn == 'video' and not config.odometry
        return DepthKind.SCALE_INVARIANT if unscaled else DepthKind.METRIC

    def _shape(self, family: type[NetworkAdapter]) -> dict[str, Any]:
        """Return what the configuration changes of the network, or what the first weights have."""
        config = self.config
        if config.start:
            if config.shape:
                raise DepthError('shape is that of the weights of `start`; leave it out')
            if is_run_of(config.network, config.start):
                return dict(read_run(Path(config.start).expanduser())[0].shape)
            return read_shape(converted_folder(config.start), config.start)
        shape = dict(config.shape)
        if config.network in ('adabins', 'bts'):
            shape.setdefault('max_depth', config.max_depth)
        return shape

    def _more(self, rig: RecordingRig) -> dict[str, Any]:
        if self.config.network != 'monodepth' or not rig.baseline:
            return {}
        if self.config.learn == 'pairs' and not rig.is_one:
            raise DepthError(
                'monodepth learns the disparity of one rig, and the recordings have several '
                'cameras or baselines; give those of one'
            )
        share = (rig.camera.fx / rig.camera.width, rig.aspect, rig.baseline)
        return {'rig': dict(zip(('focal', 'aspect', 'baseline'), share))}

    def _start(self) -> None:
        start = self.config.start
        if not start:
            if self.family in PLAIN:
                scale_plain_layers(self.network)
            if self.family.startswith('midas'):
                start_above_zero(self.network)
            return
        if is_run_of(self.config.network, start):
            facts, tensors = read_run(Path(start).expanduser())
            if facts.variant != self.facts.variant:
                raise DepthError(
                    f'{start} is a {facts.variant or facts.family}, variant says '
                    f'{self.facts.variant}; set variant to that of the weights'
                )
        else:
            tensors = read_weights(converted_folder(start), start)
        self.network.load_state_dict({key: value.float() for key, value in tensors.items()})

    def train(self, progress: float) -> None:
        """Prepare for a step."""
        self.modules.train(not self.config.still)
        if self.family == 'eigen2014' and self.config.learn == 'labels':
            # The coarse network learns alone, then the fine one behind it.
            fine = progress >= 0.5
            self.network.coarse.requires_grad_(not fine)
            self.network.coarse.train(not fine)

    def result(self, images: Tensor) -> Any:
        """Return what the network gives for images in [0, 1]."""
        mean, std = self._mean.to(images.device), self._std.to(images.device)
        return self.network((images * self._scale - mean) / std)

    def loss(self, batch: ClipBatch, progress: float) -> Tensor:
        """Return the loss of a batch; `progress` is the share of the steps that are done."""
        config = self.config
        result = self.result(batch.images)
        if config.learn == 'labels':
            assert batch.depth is not None
            return label_loss(self.family, result, batch.depth, config.max_depth, progress)
        if self.family == 'monodepth' and config.learn == 'pairs':
            return pair_loss(tuple(result), batch.images, batch.sources[0], config.smoothness)
        depths = self.scales(result, batch)
        return video_loss(depths, batch, self.motions(batch, depths[0]), config.smoothness)

    def motions(self, batch: ClipBatch, depth: Tensor) -> tuple[Tensor, ...]:
        """Return the motions to the sources: known ones, or those of the pose network."""
        if batch.corners is not None:
            return sized_motions(depth, batch)
        known = tuple(motion for motion in batch.motions if motion is not None)
        if len(known) == len(batch.sources):
            return known
        unit = 1.0 if self.family == 'monodepth2' else METRES
        return predicted_motions(self.modules['pose'], batch, unit)

    def scales(self, result: Any, batch: ClipBatch) -> list[Tensor]:
        """Return depth at every scale at which a network predicts it, the finest first."""
        if self.family == 'monodepth2':
            networks = self.adapter.networks()
            config = self.adapter.config()
            return [networks.depth(disparity[:, 0], config) for disparity in result]
        return [self.depth_of(result, batch)]

    def depth_of(self, result: Any, batch: ClipBatch) -> Tensor:
        """Return depth (batch, height, width) of a result at the size of the input."""
        size = (batch.images.shape[-2], batch.images.shape[-1])
        named = {name: getattr(result, name) for name in self.adapter.outputs}
        values: Tensor = self.adapter.values(named, *size)
        if isinstance(self.adapter, monodepth.Monodepth):
            rig = self.adapter.rig
            scale = rig.focal * rig.baseline if rig is not None else 1.0
            return scale / values.clamp(min=1e-4)
        return values

    @torch.inference_mode()
    def predict(self, batch: ClipBatch) -> Tensor:
        """Return depth (batch, height, width), or inverse depth of a relative network."""
        self.modules.eval()
        return self.depth_of(self.result(batch.images), batch)


class BuiltinLearner(Learner):
    """The network of this package, which sees the rays of every pixel beside its colours."""

    def _build(self, rig: RecordingRig) -> None:
        if self.config.learn == 'labels':
            raise DepthError(
                'builtin learns from labels by config/train/builtin.yaml, see docs/train.md; '
                'set learn to video or pairs'
            )
        if self.config.shape or self.config.variant:
            raise DepthError('builtin has neither shape nor variant here; leave them out')
        folder = builtin.weights_folder(self.config.start or builtin.NAME)
        self.network = read_network(folder)
        self.modules['depth'] = self.network

    def result(self, images: Tensor) -> Any:
        raise NotImplementedError  # it needs the camera

    def loss(self, batch: ClipBatch, progress: float) -> Tensor:
        """Return the loss of a batch; `progress` is not used."""
        depth = self.depth_of(None, batch)
        return video_loss([depth], batch, self.motions(batch, depth), self.config.smoothness)

    def depth_of(self, result: Any, batch: ClipBatch) -> Tensor:
        images, K = batch.images, batch.K
        count, _, height, width = images.shape
        image = (images * 255 - 127) / 128
        known = images.new_zeros(count, CHANNELS, height // 2, width // 2)  # without a ground
        x, y = (
            2 * torch.arange(side // 2, device=images.device, dtype=images.dtype) + 0.5
            for side in (width, height)
        )
        known[:, 0] = ((x - K[:, 0, 2, None]) / K[:, 0, 0, None])[:, None]
        known[:, 1] = ((y - K[:, 1, 2, None]) / K[:, 1, 1, None])[:, :, None]
        output = self.network(image, known)
        log_depth = functional.pixel_shuffle(output[:, :DEPTHS], 2)[:, 0] + LOG_DEPTH_BIAS
        focal = (K[:, 0, 0] * K[:, 1, 1]).sqrt()
        return (log_depth + (focal / CANONICAL_FOCAL).log()[:, None, None]).exp()

    @torch.inference_mode()
    def predict(self, batch: ClipBatch) -> Tensor:
        self.modules.eval()
        return self.depth_of(None, batch)


def make_learner(config: NetworkConfig, rig: RecordingRig) -> Learner:
    """Return what learns by a configuration."""
    torch.manual_seed(config.seed)
    kind = BuiltinLearner if config.network == 'builtin' else Learner
    return kind(config, rig)
