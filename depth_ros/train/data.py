# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Batches from folders of frames with depth, in the layout of docs/synthetic.md.

What batch number n holds depends on the seed and n alone, so a run that was killed goes on with
the very batches it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from depth_ros.files.calibration import read_camera
from depth_ros.files.images import read_image
from depth_ros.models.networks.compact import network_input
from depth_ros.train.augment import Sample, fit, vary_colour, vary_geometry
from depth_ros.train.config import TrainConfig
from depth_ros.types import Camera, DepthError

DEPTH_SCALE = 256.0  # of 16-bit depth files, per metre


@dataclass(frozen=True)
class Frame:
    """Where a picture, its depth and its camera are on disk."""

    image: Path
    depth: Path
    camera: Camera


def find_frames(folder: str | Path) -> list[Frame]:
    """Return every frame of every sequence below a folder."""
    root = Path(folder).expanduser()
    frames: list[Frame] = []
    for calibration in sorted(root.glob('*/camera.yaml')) + sorted(root.glob('camera.yaml')):
        sequence = calibration.parent
        camera = read_camera(calibration)
        for image in sorted((sequence / 'image_left').glob('*.png')):
            depth = sequence / 'depth' / image.name
            if depth.is_file():
                frames.append(Frame(image, depth, camera))
    if not frames:
        raise DepthError(
            f'{root} has no frames; expected SEQUENCE/image_left/*.png, SEQUENCE/depth/*.png and '
            'SEQUENCE/camera.yaml, as `depth_ros synth` writes them'
        )
    return frames


def read_frame(frame: Frame) -> Sample:
    """Return a frame from disk; depth of 0 means nothing is known."""
    image = read_image(frame.image)
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    stored = cv2.imread(str(frame.depth), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint16 or stored.shape != image.shape[:2]:
        raise DepthError(
            f'{frame.depth} is not a 16-bit depth picture of the size of {frame.image.name}'
        )
    depth = stored.astype(np.float32) / np.float32(DEPTH_SCALE)
    depth[stored == 0] = np.nan
    return Sample(image, depth, frame.camera)


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step sees: (B, 5, H, W) input, (B, H, W) depth, and focal lengths (B,)."""

    inputs: Tensor
    depth: Tensor
    focal: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(t.to(device) for t in (self.inputs, self.depth, self.focal)))


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack frames of one size."""
    inputs = [network_input(s.image, s.camera) for s in samples]
    return Batch(
        torch.from_numpy(np.stack(inputs)),
        torch.from_numpy(np.stack([s.depth for s in samples])),
        torch.tensor([np.sqrt(s.camera.fx * s.camera.fy) for s in samples], dtype=torch.float32),
    )


class Batches(IterableDataset):
    """Endless random batches from `first` on; each worker makes its share, in order."""

    def __init__(self, frames: Sequence[Frame], config: TrainConfig, first: int = 0) -> None:
        self.frames, self.config, self.first = frames, config, first

    def batch(self, number: int) -> Batch:
        """Return batch `number`, the same every time."""
        config = self.config
        rng = np.random.default_rng([config.seed, number])
        samples = []
        for index in rng.integers(0, len(self.frames), config.batch):
            sample = read_frame(self.frames[index])
            size = (config.width, config.height)
            sample = vary_geometry(sample, config.augment, *size, rng)
            image = vary_colour(sample.image, config.augment, rng)
            samples.append(Sample(image, sample.depth, sample.camera))
        return collate(samples)

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        offset, step = (worker.id, worker.num_workers) if worker else (0, 1)
        if worker:
            cv2.setNumThreads(0)
        number = self.first + offset
        while True:
            yield self.batch(number)
            number += step


def training_batches(
    frames: Sequence[Frame], config: TrainConfig, first: int = 0
) -> Iterator[Batch]:
    """Return batches from number `first` on, made ahead in worker processes."""
    data = Batches(frames, config, first)
    options: dict[str, Any] = (
        {'prefetch_factor': 4, 'persistent_workers': True} if config.workers else {}
    )
    return iter(DataLoader(data, batch_size=None, num_workers=config.workers, **options))


def validation_batches(frames: Sequence[Frame], config: TrainConfig) -> Iterator[Batch]:
    """Return every frame once, whole and unchanged."""
    for start in range(0, len(frames), config.batch):
        part = frames[start : start + config.batch]
        yield collate([fit(read_frame(f), config.width, config.height) for f in part])
