# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The classic networks and `builtin` in training: from labels, stereo pairs or video."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from depth_ros.lab.train.export import write_runtimes
from depth_ros.lab.train.networks.batches import Batches, validation_batches
from depth_ros.lab.train.networks.clips import Clip
from depth_ros.lab.train.networks.config import NetworkConfig
from depth_ros.lab.train.networks.learners import BuiltinLearner, RecordingRig, make_learner
from depth_ros.lab.train.networks.scores import judged
from depth_ros.lab.train.networks.task import Measure, save_weights
from depth_ros.models.mono.monodepth import Monodepth
from depth_ros.types import DepthKind


class ClipTask:
    """A network of one image, sequences to learn from and others to be judged on."""

    def __init__(
        self, config: NetworkConfig, train: Sequence[Clip], unseen: Sequence[Clip]
    ) -> None:
        self.config, self.unseen = config, list(unseen)
        self.learner = make_learner(config, RecordingRig.of(train))
        self.modules = self.learner.modules
        self.batches = Batches(train, config)
        self.images = len(self.batches.places)
        scale = 'at the best scale of each frame' if self.scaled else 'without scaling'
        self.measures = (
            Measure('error', f'AbsRel {scale}'),
            Measure('aligned', 'AbsRel at the scale that fits each frame best'),
            Measure('close', 'share of pixels within 25 %'),
        )

    @property
    def labels(self) -> str:
        """What is known of the images."""
        known = {'labels': 'depth', 'pairs': 'the right images', 'video': 'neighbouring images'}
        return known[self.config.learn] + (' and odometry' if self.config.odometry else '')

    @property
    def scaled(self) -> bool:
        """Whether depth is judged at the scale that fits it best."""
        kind = self.learner.kind
        if isinstance(self.learner, BuiltinLearner):
            return self.config.learn == 'video' and not self.config.odometry
        metric = isinstance(self.learner.adapter, Monodepth) and self.config.learn == 'pairs'
        return kind is not DepthKind.METRIC and not metric

    def train(self, progress: float) -> None:
        """Prepare for a step."""
        self.learner.train(progress)

    def loss(self, number: int, progress: float, device: torch.device) -> Tensor:
        """Return the loss of batch `number`."""
        return self.learner.loss(self.batches.batch(number).to(device), progress)

    def judge(self, device: torch.device) -> tuple[float, float, float]:
        """Return the measures on frames that were not learned from."""
        batches = validation_batches(self.unseen, self.config)
        found = judged(self.learner, batches, device, self.scaled)
        return found.error, found.aligned, found.close

    def leave(self, folder: Path) -> None:
        """Write the weights with what they are for."""
        if isinstance(self.learner, BuiltinLearner):
            facts = {
                'layout': self.learner.network.layout.as_dict(),
                'size': [self.config.width, self.config.height],
            }
            metadata = {key: json.dumps(value) for key, value in facts.items()}
        else:
            metadata = self.learner.facts.dumped()
        save_weights(self.learner.network, folder, metadata)
        if isinstance(self.learner, BuiltinLearner):
            write_runtimes(folder)
