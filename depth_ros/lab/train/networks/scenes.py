# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Views of a scene with depth and poses, or single images with depth, read when needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from depth_ros.geometry.channels import as_rgb
from depth_ros.lab.train.augment import Sample, fit
from depth_ros.lab.train.networks.batches import Taken, coloured
from depth_ros.lab.train.networks.config import NetworkConfig
from depth_ros.lab.train.networks.reader import Reader
from depth_ros.types import DepthError


@dataclass(frozen=True, eq=False)
class SceneBatch:
    """
    Views of some scenes, B scenes of N views.

    `poses` are camera-to-world in metres; of single images they are the identity.
    """

    images: Tensor  # (B, N, 3, H, W), RGB in [0, 1]
    depth: Tensor  # (B, N, H, W), metres, NaN unknown
    K: Tensor  # (B, N, 3, 3), the middle of the first pixel is (0, 0)
    poses: Tensor  # (B, N, 4, 4)

    def to(self, device: torch.device) -> SceneBatch:
        """Return the batch on a device."""
        return SceneBatch(*(getattr(self, f.name).to(device) for f in fields(self)))


@dataclass(frozen=True, eq=False)
class OneView:
    """An image with its camera, its depth and its place in the world."""

    sample: Sample
    pose: np.ndarray


class Scenes:
    """Endless random batches, and every scene once."""

    def __init__(self, reader: Reader, config: NetworkConfig, views: int) -> None:
        self.reader, self.config, self.views = reader, config, views
        span = (views - 1) * config.gap
        self.starts = [
            sequence[place : place + span + 1 : config.gap]
            for sequence in reader.sequences()
            for place in range(len(sequence) - span)
        ]
        if not self.starts:
            raise DepthError(
                f'no sequence has {views} views that lie {config.gap} apart; give longer ones, or '
                'set views and gap'
            )

    def batch(self, number: int) -> SceneBatch:
        """Return batch `number`, the same every time."""
        config = self.config
        rng = np.random.default_rng([config.seed, number])
        chosen = rng.choice(len(self.starts), config.batch)
        return collated([self._scene(self.starts[int(place)], rng) for place in chosen])

    def whole(self) -> Iterator[SceneBatch]:
        """Yield scenes without common views, unchanged."""
        step = (self.views - 1) * self.config.gap + 1
        taken: list[list[int]] = []
        for indices in self.starts:
            if not taken or indices[0] >= taken[-1][0] + step or indices[0] < taken[-1][0]:
                taken.append(indices)
        for start in range(0, len(taken), self.config.batch):
            some = taken[start : start + self.config.batch]
            yield collated([self._scene(indices, None) for indices in some])

    def _scene(self, indices: Sequence[int], rng: np.random.Generator | None) -> list[OneView]:
        """Return the views of a scene, for learning in any order and other colours."""
        if rng is None:
            return [self._view(index) for index in indices]
        scene = [self._view(indices[int(place)]) for place in rng.permutation(len(indices))]
        if not self.config.colour:
            return scene
        images = [view.sample.image.astype(np.float32) / 255 for view in scene]
        first = Taken(images[0], scene[0].sample.camera, None, tuple(images[1:]))
        found = coloured(first, self.config.colour, rng)
        others = [np.rint(255 * image).astype(np.uint8) for image in (found.image, *found.others)]
        return [
            OneView(Sample(image, view.sample.depth, view.sample.camera), view.pose)
            for image, view in zip(others, scene, strict=True)
        ]

    def _view(self, index: int) -> OneView:
        frame = self.reader[index]
        if frame.depth is None:
            raise DepthError(f'frame {frame.name} has no depth in metres; give a set that has it')
        if frame.pose is None and self.views > 1:
            raise DepthError(
                f'frame {frame.name} has no pose, several views need one each; give a set with '
                'poses'
            )
        sample = Sample(as_rgb(frame.image), frame.depth, frame.camera)
        small = fit(sample, self.config.width, self.config.height)
        return OneView(small, np.eye(4) if frame.pose is None else frame.pose)


def collated(scenes: Sequence[Sequence[OneView]]) -> SceneBatch:
    """Return scenes of equally many views as one batch."""

    def stacked(values: Sequence[Sequence[np.ndarray]]) -> Tensor:
        return torch.from_numpy(np.stack([np.stack(part) for part in values]).astype(np.float32))

    images = stacked([[view.sample.image for view in scene] for scene in scenes]) / 255
    return SceneBatch(
        images.permute(0, 1, 4, 2, 3).contiguous(),
        stacked([[view.sample.depth for view in scene] for scene in scenes]),
        stacked([[view.sample.camera.K for view in scene] for scene in scenes]),
        stacked(
            [[np.linalg.inv(scene[0].pose) @ view.pose for view in scene] for scene in scenes]
        ),
    )
