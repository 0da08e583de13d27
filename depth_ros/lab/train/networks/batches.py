# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Batches of clips: what batch number n holds depends on the seed and n alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from depth_ros.lab.train.networks.clips import Clip
from depth_ros.lab.train.networks.config import NetworkConfig
from depth_ros.lab.train.networks.followed import Followed, followed
from depth_ros.types import Camera, DepthError

MOVED = 0.1  # of the way that is usual between images: less is standing, or turning in place


@dataclass(frozen=True, eq=False)
class ClipBatch:
    """
    Images of one size, RGB in [0, 1], and what a loss may know about them.

    `sources` are other images of the same scenes, and `motions` takes points of the camera of
    `images` to those of each; None where the motion is not known. Where motions come from the
    images alone, `corners` holds the depth of some pixels in the unit of the motions.
    """

    images: Tensor  # (B, 3, H, W)
    K: Tensor  # (B, 3, 3)
    cameras: tuple[Camera, ...]
    depth: Tensor | None = None  # (B, H, W) metres, NaN unknown
    sources: tuple[Tensor, ...] = ()
    motions: tuple[Tensor | None, ...] = field(default=())
    corners: Tensor | None = None  # (B, H, W), NaN unknown

    def to(self, device: torch.device) -> ClipBatch:
        """Return the batch on a device."""
        return ClipBatch(
            self.images.to(device),
            self.K.to(device),
            self.cameras,
            None if self.depth is None else self.depth.to(device),
            tuple(source.to(device) for source in self.sources),
            tuple(None if motion is None else motion.to(device) for motion in self.motions),
            None if self.corners is None else self.corners.to(device),
        )


class Batches:
    """Endless random batches for one way of learning."""

    def __init__(self, clips: Sequence[Clip], config: NetworkConfig) -> None:
        self.clips, self.config = clips, config
        self.places = [
            (number, index)
            for number, clip in enumerate(clips)
            for index in range(*self._range(clip))
        ]
        if not self.places:
            raise DepthError(
                f'none of {len(clips)} sequences can be learned from with learn: {config.learn}; '
                + NEEDS[config.learn]
            )
        if config.odometry:
            self.places = self._moved()
        self._followed: dict[int, Followed | None] = {}

    def _range(self, clip: Clip) -> tuple[int, int]:
        """Return the first image of a clip that can be learned from, and where they end."""
        count = len(clip.images)
        if self.config.learn == 'labels':
            return (0, count if clip.depth is not None else 0)
        if self.config.learn == 'pairs':
            return (0, count if clip.right is not None else 0)
        return self.config.gap, count - self.config.gap

    def batch(self, number: int) -> ClipBatch:
        """Return batch `number`, the same every time."""
        rng = np.random.default_rng([self.config.seed, number])
        chosen = rng.choice(len(self.places), self.config.batch)
        return collated([self._sample(int(place), rng) for place in chosen], self.config.learn)

    def _sample(self, place: int, rng: np.random.Generator) -> Taken:
        config, motion = self.config, None
        if config.follows:
            place, motion = self._moving(place)
        number, index = self.places[place]
        taken = take(self.clips[number], index, config, motion)
        if config.flip and rng.random() < 0.5:
            taken = mirrored(taken, swapped=config.learn == 'pairs')
        if config.colour:
            taken = coloured(taken, config.colour, rng)
        return taken

    def _moved(self) -> list[tuple[int, int]]:
        """Return the images whose neighbours are elsewhere: the others say nothing about depth."""
        distances = []
        for number, index in self.places:
            poses, gap = self.clips[number].poses, self.config.gap
            if poses is None:
                raise DepthError('odometry needs poses.txt beside the images of every sequence')
            beside = poses[[index - gap, index + gap], :3, 3] - poses[index, :3, 3]
            distances.append(np.linalg.norm(beside, axis=1).max())
        shortest = MOVED * np.percentile(distances, 90)
        moved = [p for p, distance in zip(self.places, distances) if distance > shortest]
        if not moved:
            raise DepthError('by its odometry the camera stands in all images; check poses.txt')
        return moved

    def _moving(self, first: int) -> tuple[int, Followed]:
        """Return the first place, from one on, whose images show how the camera moved."""
        count = len(self.places)
        for place in (*range(first, count), *range(first)):
            if place not in self._followed:
                number, index = self.places[place]
                gap, original = self.config.gap, self.clips[number].original
                (image, camera), (before, _), (after, _) = (
                    original(index + step) for step in (0, -gap, gap)
                )
                self._followed[place] = followed(image, (before, after), camera)
            motion = self._followed[place]
            if motion is not None:
                return place, motion
        raise DepthError(
            f'none of {count} images shows how the camera moved, expected texture and a camera '
            'that does not only turn; set a larger gap or width, or odometry: true'
        )


NEEDS = {
    'labels': 'they have no depth/',
    'pairs': 'they have no image_right/ with camera_right.yaml',
    'video': 'they are shorter than three images',
}


@dataclass(frozen=True, eq=False)
class Taken:
    """One image out of a clip, and those beside it: float32 (H, W, 3) in [0, 1]."""

    image: np.ndarray
    camera: Camera
    depth: np.ndarray | None = None
    others: tuple[np.ndarray, ...] = ()
    motions: tuple[np.ndarray | None, ...] = ()
    corners: np.ndarray | None = None


def take(clip: Clip, index: int, config: NetworkConfig, motion: Followed | None = None) -> Taken:
    """Return one image of a clip with what its way of learning needs."""

    def at(stack: np.ndarray, place: int) -> np.ndarray:
        return stack[place].astype(np.float32) / 255

    image = at(clip.images, index)
    if config.learn == 'pairs' and clip.right is not None:
        across = np.eye(4)
        across[0, 3] = -clip.baseline
        return Taken(image, clip.camera, None, (at(clip.right, index),), (across,))
    if config.learn == 'video':
        places = (index - config.gap, index + config.gap)
        others = tuple(at(clip.images, p) for p in places)
        if motion is not None:
            depth = motion.image(clip.camera)
            return Taken(image, clip.camera, None, others, motion.motions, depth)
        known = clip.poses is not None and config.odometry
        motions = tuple(
            np.linalg.inv(clip.poses[p]) @ clip.poses[index] if known else None  # type: ignore[index]
            for p in places
        )
        return Taken(image, clip.camera, None, others, motions)
    return Taken(image, clip.camera, None if clip.depth is None else clip.depth[index])


def mirrored(taken: Taken, swapped: bool) -> Taken:
    """
    Return the sample as in a mirror.

    Of a pair the mirrored right image is the left one of the mirrored pair (`swapped`).
    """
    camera = taken.camera
    seen = Camera.pinhole(
        *camera.size_wh, camera.fx, camera.fy, camera.width - 1 - camera.cx, camera.cy
    )
    image = taken.image[:, ::-1]
    others = tuple(other[:, ::-1] for other in taken.others)
    if swapped:
        return Taken(others[0], seen, None, (image,), taken.motions)
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    motions = tuple(None if m is None else mirror @ m @ mirror for m in taken.motions)
    depth, corners = (
        None if values is None else values[:, ::-1] for values in (taken.depth, taken.corners)
    )
    return Taken(image, seen, depth, others, motions, corners)


def coloured(taken: Taken, amount: float, rng: np.random.Generator) -> Taken:
    """Return the sample in other colours; all of its images change alike."""
    gain = np.exp(rng.normal(0, 0.4 * amount, 3) + rng.normal(0, amount)).astype(np.float32)
    gamma = float(np.exp(rng.normal(0, 0.5 * amount)))

    def changed(image: np.ndarray) -> np.ndarray:
        return np.clip(gain * image**gamma, 0, 1)

    others = tuple(map(changed, taken.others))
    return replace(taken, image=changed(taken.image), others=others)


def collated(samples: Sequence[Taken], learn: str) -> ClipBatch:
    """Return samples as one batch."""

    def stacked(images: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy())

    first = samples[0]
    depths = [sample.depth for sample in samples if sample.depth is not None]
    corners = [sample.corners for sample in samples if sample.corners is not None]
    motions: list[Tensor | None] = []
    for place in range(len(first.motions)):
        moved = [sample.motions[place] for sample in samples]
        known = [motion for motion in moved if motion is not None]
        motions.append(
            torch.from_numpy(np.stack(known)).float() if len(known) == len(samples) else None
        )
    return ClipBatch(
        stacked([sample.image for sample in samples]),
        torch.from_numpy(np.stack([sample.camera.K for sample in samples])).float(),
        tuple(sample.camera for sample in samples),
        torch.from_numpy(np.stack(depths)) if len(depths) == len(samples) else None,
        tuple(
            stacked([sample.others[place] for sample in samples])
            for place in range(len(first.others))
        ),
        tuple(motions),
        torch.from_numpy(np.stack(corners)) if corners else None,
    )


def validation_batches(clips: Sequence[Clip], config: NetworkConfig) -> Iterator[ClipBatch]:
    """Yield every image with depth once, unchanged."""
    places = [
        (clip, index)
        for clip in clips
        if clip.depth is not None
        for index in range(len(clip.images))
    ]
    for start in range(0, len(places), config.batch):
        some = places[start : start + config.batch]
        samples = [
            Taken(clip.images[i].astype(np.float32) / 255, clip.camera, clip.depth[i])
            for clip, i in some
            if clip.depth is not None
        ]
        yield collated(samples, 'labels')
