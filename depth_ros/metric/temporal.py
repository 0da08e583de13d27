# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth that stands still where the scene does.

For every pixel of the new depth the filter asks where it was in the last image, by odometry or by
optical flow, and what depth was known there. Where both are one surface they are averaged by
their weights; where they are not (disoccluded, moved, another thing) the new depth is taken as it
is. The new depth says where edges are, so that edges do not smear.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np

from depth_ros.geometry.channels import as_grey
from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.distortion import ray_grid, rays_to_pixels
from depth_ros.metric.robust import middle
from depth_ros.metric.source import checked_transform
from depth_ros.types import Camera, DepthError, FloatImage, Image, Matrix

LOCAL = 31  # px, side of the window in which the noise is estimated
SLOW = 0.3  # share of a new innovation in the means that show a drift
FLOW_MEMORY = 4.0  # frames that are averaged by flow, whose errors add up
FLOW_STILL = 0.4  # px, flow that may be no motion at all
FLOW_ERROR = 0.7  # px, error of a flow there and back at which it has no weight
MODES = ('pose', 'flow', 'still')


@dataclass(frozen=True)
class TemporalOptions:
    """How long depth is remembered and what proves that it has changed."""

    memory: float = 10.0  # frames whose depth is averaged at most
    tolerance: float = 0.03  # relative difference of depth that is one surface without noise
    sigmas: float = 3.0  # by which noise may enlarge that difference
    image_tolerance: float = 30.0  # grey levels by which a pixel may change

    def __post_init__(self) -> None:
        if not (self.memory >= 0 and self.tolerance > 0 and self.sigmas >= 0):
            raise DepthError(
                f'memory is {self.memory:g} frames, tolerance {self.tolerance:g} and sigmas '
                f'{self.sigmas:g}; expected 0 or more, above 0 and 0 or more'
            )


@dataclass(frozen=True, eq=False)
class _Past:
    """The last filtered frame."""

    depth: FloatImage
    weight: FloatImage  # frames that the depth stands for
    drift: FloatImage  # mean of the last innovations, with their signs
    change: FloatImage  # mean of their sizes
    image: Image | None
    pose: Matrix | None
    camera: Camera


@dataclass(frozen=True, eq=False)
class _Seen:
    """The last frame as the new one's pixels see it; NaN where they do not."""

    ratio: FloatImage  # last depth there, by the depth expected there
    weight: FloatImage
    drift: FloatImage
    change: FloatImage
    image: FloatImage | None


class TemporalFilter:
    """Averages the depth of one camera over time."""

    def __init__(self, options: TemporalOptions | None = None) -> None:
        self.options = options or TemporalOptions()
        self._past: _Past | None = None

    def reset(self) -> None:
        """Forget the last frame."""
        self._past = None

    def step(
        self,
        depth: FloatImage,
        camera: Camera,
        image: Image | None = None,
        pose: Matrix | None = None,
        confidence: FloatImage | None = None,
        mode: str = 'pose',
    ) -> FloatImage:
        """
        Return the filtered depth (H, W) of a new frame, in metres.

        `mode` pose warps by `pose`, the 4x4 camera-to-world; flow by the optical flow of
        `image`; still assumes that the camera does not move. Pixels without valid depth stay
        as they are. confidence is 0..1.
        """
        depth = np.ascontiguousarray(depth, np.float32)
        if mode not in MODES:
            raise DepthError(f'temporal mode is {mode!r}, expected one of {", ".join(MODES)}')
        if depth.shape != (camera.height, camera.width):
            raise DepthError(
                f'depth is {depth.shape[::-1]} but its camera is {camera.size_wh} (width, '
                'height); resize the camera with the image'
            )
        if mode == 'pose':
            if pose is None:
                raise DepthError('the mode is pose but no pose came; publish odometry or use flow')
            pose = checked_transform(pose, 'the pose')
        pixels = None if image is None else as_grey(image)
        if mode == 'flow' and pixels is None:
            raise DepthError('the mode is flow but no image came; give the image with the depth')
        fresh = np.ones_like(depth) if confidence is None else np.clip(confidence, 0.01, 1)
        now = _Past(
            depth.copy(),
            fresh.astype(np.float32),
            np.zeros_like(depth),
            np.full_like(depth, self.options.tolerance),
            pixels,
            pose,
            camera,
        )
        past = self._past
        if past is not None and past.camera == camera and self.options.memory > 0:
            seen = self._seen(past, depth, pixels, pose, mode)
            if seen is not None:
                now = self._merged(now, fresh, seen)
        weight = np.where(is_valid(depth), now.weight, np.float32(0))
        self._past = dataclasses.replace(now, weight=weight)
        return now.depth.copy()

    def _merged(self, now: _Past, fresh: FloatImage, seen: _Seen) -> _Past:
        """Return the new frame after averaging."""
        options = self.options
        known = np.isfinite(seen.ratio) & (seen.ratio > 0) & is_valid(now.depth)
        step = np.log(np.where(known, seen.ratio, np.float32(1)))
        sigma = _local_sigma(step, known)
        limit = np.sqrt(options.tolerance**2 + (options.sigmas * sigma) ** 2)
        agree = np.maximum(1 - (step / limit) ** 2, 0)
        # Noise changes its sign; innovations of one sign are a change that goes on.
        drift = (1 - SLOW) * seen.drift + SLOW * step
        change = (1 - SLOW) * seen.change + SLOW * np.abs(step)
        one_sided = np.abs(drift) / np.maximum(change, np.float32(1e-6))
        agree *= 1 - one_sided**4
        if now.image is not None and seen.image is not None:
            agree *= self._alike(now.image, seen.image, known)
        held = np.where(known, np.minimum(seen.weight, options.memory - 1) * agree, np.float32(0))
        held = np.maximum(held, 0)
        share = held / (held + fresh)
        depth = np.where(known, now.depth * np.exp(share * step), now.depth)
        return dataclasses.replace(
            now,
            depth=depth.astype(np.float32),
            weight=(held + fresh).astype(np.float32),
            drift=np.where(known, drift, np.float32(0)),
            change=np.where(known, change, np.float32(options.tolerance)),
        )

    def _alike(self, image: Image, before: FloatImage, known: np.ndarray) -> FloatImage:
        """Return 1 where a pixel looks as it did, falling to 0 where it does not."""
        change = image.astype(np.float32) - before
        both = known & np.isfinite(change)
        offset = float(np.median(change[both][::7])) if both.any() else 0.0
        changed = np.where(both, np.abs(change - np.float32(offset)), np.float32(0))
        smooth = np.asarray(cv2.blur(changed, (3, 3)), np.float32)
        ratio = smooth * np.float32(1 / self.options.image_tolerance)
        return np.maximum(1 - ratio * ratio, np.float32(0))

    def _flow_memory(self, x: FloatImage, y: FloatImage) -> FloatImage:
        """Return how many frames are averaged: fewer where the flow is not zero."""
        rows, columns = _pixels(x.shape)
        still = np.exp(-((x - columns) ** 2 + (y - rows) ** 2) / np.float32(FLOW_STILL**2))
        least = min(FLOW_MEMORY, self.options.memory)
        return np.float32(least) + still * np.float32(self.options.memory - least)

    def _seen(
        self, past: _Past, depth: FloatImage, image: Image | None, pose: Matrix | None, mode: str
    ) -> _Seen | None:
        """Return the last frame at the places where the new pixels were."""
        sure = None
        if mode == 'pose':
            if past.pose is None or pose is None:
                return None
            x, y, expected = _by_pose(depth, past.camera, np.linalg.inv(past.pose) @ pose)
        elif mode == 'flow':
            if past.image is None or image is None:
                return None
            x, y, sure = _by_flow(image, past.image)
            expected = depth
        else:
            y, x = _pixels(depth.shape)
            expected = depth
        with np.errstate(divide='ignore', invalid='ignore'):
            inverse = np.where(
                is_valid(past.depth), np.float32(1) / past.depth, np.float32(np.nan)
            ).astype(np.float32)
            before = np.float32(1) / _sample(inverse, x, y, np.nan)
            ratio: FloatImage = before / expected
            if mode == 'flow':
                ratio = _without_own_motion(ratio, before, past.camera)
        weight = _sample(past.weight, x, y, 0.0)
        if sure is not None:
            weight = np.minimum(weight, self._flow_memory(x, y) - 1) * sure
        drift, change = _sample(past.drift, x, y, 0.0), _sample(past.change, x, y, 0.0)
        seen = None if past.image is None else _sample(past.image.astype(np.float32), x, y, np.nan)
        return _Seen(ratio, weight, drift, change, seen)


def _pixels(shape: tuple[int, ...]) -> tuple[FloatImage, FloatImage]:
    """Return the row and the column of every pixel."""
    rows, columns = np.indices(shape, np.float32)
    return rows.astype(np.float32), columns.astype(np.float32)


def _sample(image: FloatImage, x: FloatImage, y: FloatImage, outside: float) -> FloatImage:
    return np.asarray(
        cv2.remap(
            image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=outside
        ),
        np.float32,
    )


def _local_sigma(step: FloatImage, known: np.ndarray) -> FloatImage:
    """Return the standard deviation of innovations around each pixel, robust against edges."""
    size = np.abs(step)
    if not known.any():
        return np.ones_like(step)
    typical = max(middle(size[known][::5].astype(np.float64)), 1e-5)
    clipped = np.where(known, np.minimum(size, np.float32(4 * typical)), np.float32(0))
    total = cv2.blur(clipped, (LOCAL, LOCAL))
    mass = cv2.blur(known.astype(np.float32), (LOCAL, LOCAL))
    sigma = np.asarray(total, np.float32) / np.maximum(np.asarray(mass, np.float32), 1e-3)
    return np.maximum(sigma * np.float32(1.25), np.float32(1e-5))


def _by_pose(
    depth: FloatImage, camera: Camera, motion: Matrix
) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Return where each pixel was (x, y) and at which depth, for a motion from new to last."""
    rays = ray_grid(camera)
    valid = is_valid(depth)
    z = np.where(valid, depth, np.float32(np.nan))
    r, t = motion[:3, :3].astype(np.float32), motion[:3, 3].astype(np.float32)
    moved = [
        (rays[..., 0] * r[i, 0] + rays[..., 1] * r[i, 1] + r[i, 2]) * z + t[i] for i in range(3)
    ]
    with np.errstate(divide='ignore', invalid='ignore'):
        expected = np.where(moved[2] > 0, moved[2], np.float32(np.nan))
        u, v = moved[0] / expected, moved[1] / expected
    if camera.is_distorted:
        pixels = rays_to_pixels(camera, np.stack([u, v], axis=-1)).astype(np.float32)
        u, v = pixels[..., 0], pixels[..., 1]
    else:
        k = camera.K.astype(np.float32)
        u, v = k[0, 0] * u + k[0, 1] * v + k[0, 2], k[1, 1] * v + k[1, 2]
    far = np.float32(-1e4)  # remap has no place for NaN
    return np.nan_to_num(u, nan=far), np.nan_to_num(v, nan=far), expected


def _by_flow(image: Image, before: Image) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Return where each pixel was in the last image (x, y), and how sure that is, 0..1."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    back, ahead = (np.zeros((*image.shape, 2), np.float32) for _ in range(2))
    search.calc(image, before, back)
    search.calc(before, image, ahead)
    rows, columns = _pixels(image.shape)
    x, y = columns + back[..., 0], rows + back[..., 1]
    missed = np.hypot(
        back[..., 0] + _sample(np.ascontiguousarray(ahead[..., 0]), x, y, 1e3),
        back[..., 1] + _sample(np.ascontiguousarray(ahead[..., 1]), x, y, 1e3),
    )
    sure = np.maximum(1 - (missed * np.float32(1 / FLOW_ERROR)) ** 2, np.float32(0))
    return x, y, sure.astype(np.float32)


def _without_own_motion(ratio: FloatImage, before: FloatImage, camera: Camera) -> FloatImage:
    """
    Return last depth by new depth with what the camera's own motion changed taken out.

    The ratio of new to last depth of things that stand still is 1 + a x + b y - c / last depth
    for the rotations a, b and the step c of the camera; the three are fitted.
    """
    rays = ray_grid(camera)
    with np.errstate(divide='ignore', invalid='ignore'):
        grid = np.s_[2::5, 2::5]
        target = (1 / ratio[grid] - 1).ravel().astype(np.float64)
        columns = np.stack(
            [rays[grid][..., 0].ravel(), rays[grid][..., 1].ravel(), -1 / before[grid].ravel()],
            axis=1,
        ).astype(np.float64)
    good = np.isfinite(target) & np.isfinite(columns).all(axis=1) & (np.abs(target) < 0.5)
    if np.count_nonzero(good) < 50:
        return ratio
    target, columns = target[good], columns[good]
    theta = np.zeros(3)
    for _ in range(5):
        error = target - columns @ theta
        scale = max(1.4826 * middle(np.abs(error)), 1e-6)
        weight = np.maximum(1 - (error / (4 * scale)) ** 2, 0) ** 2
        normal = (columns * weight[:, None]).T @ columns
        normal += 1e-9 * np.trace(normal) * np.eye(3)
        theta = np.linalg.solve(normal, (columns * weight[:, None]).T @ target)
    a, b, c = theta.astype(np.float32).tolist()
    with np.errstate(divide='ignore', invalid='ignore'):
        expected = 1 + a * rays[..., 0] + b * rays[..., 1] - c / before
        return np.where(expected > 0.2, ratio * expected, np.float32(np.nan))
