# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Change a frame as another camera would have seen it, and keep its depth exact.

Cropping, mirroring, resizing and turning about the optical axis leave Z of every point as it is;
only the camera changes, and it is changed along. Colours change without any effect on depth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from depth_ros.geometry.unproject import depth_to_points
from depth_ros.lab.train.config import AugmentConfig
from depth_ros.types import Camera, FloatImage, Ground, Image

# The error of a measured mount on a robot that drives.
GROUND_TILT = 0.01  # radians
GROUND_STEP = 0.03  # of the height
BARE = 0.04  # of the camera's height: less than this above the ground is ground


@dataclass(frozen=True, eq=False)
class Sample:
    """An image, its exact depth (not finite where unknown) and its pinhole, all alike in size."""

    image: Image
    depth: FloatImage
    camera: Camera
    ground: Ground | None = None

    def bare(self) -> np.ndarray:
        """Return where the ground itself is seen."""
        if self.ground is None:
            return np.zeros(self.depth.shape, bool)
        depth = np.where(np.isfinite(self.depth), self.depth, np.float32(np.nan))
        below = depth_to_points(depth, self.camera) @ self.ground.down.astype(np.float32)
        return np.asarray(np.abs(below - self.ground.height) < BARE * self.ground.height)


def resample(sample: Sample, matrix: np.ndarray, width: int, height: int) -> Sample:
    """
    Return the frame under an affine map of its pixels (2x3, old to new), which must be a
    scaling, a shift, a mirror and a turn about the principal point, in any order. Where the
    ground is then, is left to the caller.

    Depth is taken from the nearest pixel: an average across an edge belongs to no surface.
    """
    size = (width, height)
    shrink = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    image: np.ndarray = sample.image
    if shrink < 0.75:  # warpAffine does not average; take the high frequencies away first
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / shrink)
    border = cv2.BORDER_REFLECT_101
    image = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)
    depth = cv2.warpAffine(
        sample.depth,
        matrix,
        size,
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=float('nan'),
    )
    old = sample.camera
    centre = matrix @ np.array([old.cx, old.cy, 1.0])
    # Columns of the linear part are the images of the unit vectors: their lengths are the scales.
    fx, fy = old.fx * np.linalg.norm(matrix[:, 0]), old.fy * np.linalg.norm(matrix[:, 1])
    camera = Camera.pinhole(width, height, fx, fy, centre[0], centre[1])
    return Sample(image.astype(np.uint8), depth.astype(np.float32), camera)


def fit(sample: Sample, width: int, height: int) -> Sample:
    """Return the whole frame at another size, as inference does it."""
    sx, sy = width / sample.camera.width, height / sample.camera.height
    matrix = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2]])
    return replace(resample(sample, matrix, width, height), ground=sample.ground)


def vary_geometry(
    sample: Sample, config: AugmentConfig, width: int, height: int, rng: np.random.Generator
) -> Sample:
    """Return a random crop, mirrored and turned a little, at the given size."""
    camera = sample.camera
    zoom = np.exp(rng.uniform(0, np.log(max(config.zoom, 1.0))))
    stretch = np.exp(rng.uniform(-0.08, 0.08))
    # Another shape is cut out, not squeezed in.
    scale = max(width / camera.width, height / camera.height) * zoom
    sx, sy = scale * stretch, scale / stretch
    sx, sy = max(sx, width / camera.width), max(sy, height / camera.height)
    x0 = rng.uniform(0, camera.width * sx - width) if camera.width * sx > width else 0.0
    y0 = rng.uniform(0, camera.height * sy - height) if camera.height * sy > height else 0.0
    mirror = rng.random() < 0.5
    angle = rng.normal(0, config.roll) if config.roll > 0 else 0.0
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if mirror else 1.0, 1.0])
    # Turn the rays, not the pixels: with unequal focal lengths a turn of pixels is a shear.
    focal = np.diag([camera.fx, camera.fy])
    linear = np.diag([sx, sy]) @ focal @ turn @ np.linalg.inv(focal)
    centre = np.array([camera.cx, camera.cy])
    moved = np.array([(camera.cx + 0.5) * sx - 0.5 - x0, (camera.cy + 0.5) * sy - 0.5 - y0])
    if mirror:
        moved[0] = width - 1 - moved[0]
    matrix = np.hstack([linear, (moved - linear @ centre)[:, None]])
    result = resample(sample, matrix, width, height)
    exact = Camera.pinhole(width, height, camera.fx * sx, camera.fy * sy, *moved)
    ground = sample.ground
    if ground is not None:
        ground = Ground(np.append(turn @ ground.down[:2], ground.down[2]), ground.height)
    return Sample(result.image, result.depth, exact, ground)


def vary_ground(
    ground: Ground | None, config: AugmentConfig, rng: np.random.Generator
) -> Ground | None:
    """Return the ground as it is known, which is often not at all and never exactly."""
    if ground is None or rng.random() >= config.ground:
        return None
    down = ground.down + rng.normal(0, GROUND_TILT, 3)
    height = ground.height * float(np.exp(rng.normal(0, GROUND_STEP)))
    return Ground(down / np.linalg.norm(down), height)


def _saturation(amount: float) -> np.ndarray:
    """Return the colour matrix that leaves grey as it is; 0 takes all colour away."""
    return amount * np.eye(3) + (1 - amount) / 3


def _field(
    shape: tuple[int, ...], cells: int, amount: float, rng: np.random.Generator
) -> FloatImage:
    """Return a smooth random field (H, W, 1) with so many cells along the image's width."""
    height, width = shape[:2]
    coarse = rng.standard_normal((max(2, cells * height // width), cells), np.float32)
    strength = np.float32(rng.uniform(0, amount))
    field = cv2.resize(coarse * strength, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field, np.float32)[..., None]


def vary_colour(image: Image, config: AugmentConfig, rng: np.random.Generator) -> Image:
    """Return the image as another sensor, lens and light would have given it."""
    amount = config.colour
    mix, offset, gamma = np.eye(3), 0.0, 1.0
    if amount > 0:
        gamma = np.exp(rng.uniform(-amount, amount))
        mix = np.diag(np.exp(rng.uniform(-amount, amount) / 2 + rng.normal(0, amount / 5, 3)))
        mix = _saturation(np.exp(rng.uniform(-2 * amount, amount))) @ mix
        contrast = np.exp(rng.uniform(-amount, amount))
        offset = 0.5 - 0.5 * contrast + rng.uniform(-amount, amount) / 4
        mix = contrast * mix
    if rng.random() < config.grey:
        mix = _saturation(0.0) @ mix
    if rng.random() < config.swap:
        mix = mix[rng.permutation(3)]
    curve = ((np.arange(256) / 255) ** gamma).astype(np.float32)
    matrix = np.hstack([mix, np.full((3, 1), offset)])
    x: np.ndarray = cv2.transform(cv2.LUT(image, curve), matrix)
    if config.light > 0:
        x = x * np.exp(_field(x.shape, int(rng.integers(2, 6)), config.light, rng))
    if config.texture > 0 and rng.random() < 0.5:
        x = x * np.exp(_field(x.shape, int(rng.integers(12, 80)), config.texture, rng))
    if rng.random() < config.blur:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.6))
    if config.noise > 0:
        noise = np.float32(rng.uniform(0, config.noise))
        x = x + noise * rng.standard_normal(x.shape, np.float32)
    changed = np.asarray(np.clip(x * 255 + 0.5, 0, 255), np.uint8)
    if rng.random() < config.jpeg:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        _, packed = cv2.imencode('.jpg', changed, quality)
        changed = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return changed
