# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Batches from folders of frames with depth, in any layout that `depth_ros eval` reads.

What batch number n holds depends on the seed and n alone, so a run that was killed goes on with
the very batches it would have seen.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from math import sqrt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from depth_ros.geometry.channels import as_rgb
from depth_ros.geometry.depth_values import in_range
from depth_ros.lab.eval.frames import Frame, Source
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.lab.synthetic.workers import serve_parent
from depth_ros.lab.train.augment import Sample, fit, vary_colour, vary_geometry, vary_ground
from depth_ros.lab.train.config import TrainConfig
from depth_ros.lab.train.limits import NEAREST
from depth_ros.models.mono.builtin import network_image
from depth_ros.models.networks.builtin.known import ground_log_depth, known_planes
from depth_ros.types import Camera, DepthError, FloatImage, Ground


def find_frames(folder: str | Path, *, sky: bool = False) -> list[Any]:
    """Return every frame of a folder in any layout that `depth_ros eval` knows."""
    found = list(open_dataset(os.path.expanduser(folder)).sources)
    return [WithSky(source) for source in found] if sky else found


@dataclass(frozen=True, eq=False)
class WithSky:
    """A frame in which what has no depth is infinitely far."""

    source: Source

    @property
    def name(self) -> str:
        return self.source.name

    def load(self) -> Frame:
        frame = self.source.load()
        if frame.depth is None:
            return frame
        return replace(frame, depth=np.nan_to_num(frame.depth, nan=np.inf, posinf=np.inf))


def read_frame(source: Source | WithSky) -> Sample:
    """Return a frame from disk; a set without depth cannot be learned from."""
    frame = source.load()
    if frame.depth is None:
        raise DepthError(
            f'frame {frame.name} has no depth in metres, training needs it; '
            'give a set whose calibration is known'
        )
    image = as_rgb(frame.image)
    return Sample(image, frame.depth, frame.camera, frame.ground)


@dataclass(frozen=True, eq=False)
class Batch:
    """
    What one step sees; images are (B, H, W).

    `floor` is the log depth of bare ground, NaN above the horizon and where the ground is unknown.
    """

    image: Tensor  # (B, 3, H, W)
    known: Tensor  # (B, 6, H/2, W/2)
    depth: Tensor  # metres, infinite in the sky, NaN where unknown
    focal: Tensor  # (B,)
    floor: Tensor
    bare: Tensor  # whether the ground itself is seen

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def collate(samples: Sequence[Sample], grounds: Sequence[Ground | None]) -> Batch:
    """Stack frames of one size, with the ground that the network takes as input."""
    height, width = samples[0].depth.shape
    size = width // 2, height // 2
    both = list(zip(samples, grounds, strict=True))
    return Batch(
        torch.from_numpy(np.stack([network_image(s.image) for s in samples])),
        torch.from_numpy(np.stack([known_planes(s.camera, g, *size) for s, g in both])),
        torch.from_numpy(np.stack([s.depth for s in samples])),
        torch.tensor([np.sqrt(s.camera.fx * s.camera.fy) for s in samples], dtype=torch.float32),
        torch.from_numpy(np.stack([_floor(s.camera, g) for s, g in both])),
        torch.from_numpy(np.stack([s.bare() for s in samples])),
    )


def _floor(camera: Camera, ground: Ground | None) -> FloatImage:
    if ground is None:
        return np.full((camera.height, camera.width), np.nan, np.float32)
    depth, slope = ground_log_depth(camera, ground, camera.width, camera.height)
    return np.where(slope > 0, depth, np.float32(np.nan))


def batch_size(config: TrainConfig, number: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return width and height of a batch: cameras differ in shape, a batch cannot."""
    early = number < config.early_steps
    if not config.aspects and not early:
        return config.width, config.height
    aspects = config.aspects or (config.width / config.height,)
    aspect = aspects[rng.integers(len(aspects))]
    area = config.width * config.height * (config.early_area if early else 1.0)
    width, height = (round(s / 32) * 32 for s in (sqrt(area * aspect), sqrt(area / aspect)))
    return max(width, 32), max(height, 32)


def depth_spread(depth: FloatImage, max_depth: float) -> float:
    """Return the standard deviation of log depth; 0 where next to nothing is known."""
    some = depth[::4, ::4]
    known = some[in_range(some, NEAREST, max_depth)]
    return float(np.log(known).std()) if len(known) > some.size // 10 else 0.0


def chances(spreads: np.ndarray, wanted: float, width: float = 0.4) -> np.ndarray:
    """
    Return how often each frame is drawn, so that log spreads follow a normal about the wanted one.

    Rendered frames have their own density of spreads, by which the wanted one is divided.
    """
    log = np.log(np.maximum(spreads, 1e-3))
    counts, edges = np.histogram(log, 40)
    # A bin of few frames must not make each of them come too often.
    density = counts[np.clip(np.digitize(log, edges) - 1, 0, 39)] + len(log) / 2000
    weights = np.exp(-0.5 * ((log - np.log(wanted)) / width) ** 2) / density
    return np.asarray(weights / weights.sum())


class Batches(IterableDataset):
    """Endless random batches from `first` on; each worker makes its share, in order."""

    def __init__(self, frames: Sequence[Source], config: TrainConfig, first: int = 0) -> None:
        self.frames, self.config, self.first = frames, config, first
        self.kept: dict[int, Sample] = {}
        # OpenCV and NumPy release the interpreter; worker processes are parallel by themselves.
        self.threads = 1 if config.workers else torch.get_num_threads()
        self.chances: np.ndarray | None = None
        if config.data.spread:
            with ThreadPoolExecutor(torch.get_num_threads()) as pool:
                spreads = pool.map(self._spread, range(len(frames)))
            self.chances = chances(np.array(list(spreads)), config.data.spread)

    def batch(self, number: int) -> Batch:
        """Return batch `number`, the same every time."""
        config = self.config
        rng = np.random.default_rng([config.seed, number])
        size = batch_size(config, number, rng)
        chosen = rng.choice(len(self.frames), config.batch, p=self.chances)

        def varied(place: int) -> tuple[Sample, Ground | None]:
            rng = np.random.default_rng([config.seed, number, place])
            index = int(chosen[place])
            sample = vary_geometry(self._read(index), config.augment, *size, rng)
            image = vary_colour(sample.image, config.augment, rng)
            ground = vary_ground(sample.ground, config.augment, rng)
            return replace(sample, image=image), ground

        # Each frame has its own numbers, so it does not matter which thread is first.
        with ThreadPoolExecutor(self.threads) as pool:
            return collate(*zip(*pool.map(varied, range(config.batch)), strict=True))

    def _spread(self, index: int) -> float:
        # What is kept belongs to the process that makes batches; it is not sent to others.
        sample = read_frame(self.frames[index]) if self.config.workers else self._read(index)
        return depth_spread(sample.depth, self.config.data.max_depth)

    def _read(self, index: int) -> Sample:
        if not self.config.data.keep:
            return read_frame(self.frames[index])
        if index not in self.kept:
            sample = read_frame(self.frames[index])
            with np.errstate(over='ignore'):  # beyond 65 km is as good as infinite
                self.kept[index] = replace(sample, depth=sample.depth.astype(np.float16))
        sample = self.kept[index]
        return replace(sample, depth=sample.depth.astype(np.float32))

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        offset, step = (worker.id, worker.num_workers) if worker else (0, 1)
        if worker:
            cv2.setNumThreads(0)
            with contextlib.suppress(OSError, AttributeError):
                os.nice(10)  # made ahead, from what the steps leave
        number = self.first + offset
        while True:
            yield self.batch(number)
            number += step


def serve(_: int) -> None:
    """Prepare a worker of the loader."""
    serve_parent()


def training_batches(
    frames: Sequence[Source], config: TrainConfig, first: int = 0
) -> Iterator[Batch]:
    """Return batches from number `first` on, made ahead in worker processes."""
    data = Batches(frames, config, first)
    options: dict[str, Any] = {}
    if config.workers:
        options = {'prefetch_factor': 4, 'persistent_workers': True}
        options['worker_init_fn'] = serve
    return iter(DataLoader(data, batch_size=None, num_workers=config.workers, **options))


def validation_batches(frames: Sequence[Source], config: TrainConfig) -> Iterator[Batch]:
    """Return every frame once, whole, with its ground where the run uses it as an input."""

    for start in range(0, len(frames), config.batch):
        some = frames[start : start + config.batch]
        samples = [fit(read_frame(source), config.width, config.height) for source in some]
        yield collate(samples, [s.ground if config.augment.ground else None for s in samples])
