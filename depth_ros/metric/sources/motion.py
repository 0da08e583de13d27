# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metres from the camera's own motion, which odometry measures in metres.

Corners are followed through the images, and triangulated between the current image and a window
of keyframes. Rotation and direction of each motion are refined by the images, because odometry
and its mounting are known less well than pixels; the length of the way is that of the odometry.
What moves by itself fails the epipolar gate or the reprojection into several views.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from depth_ros.geometry.channels import as_grey
from depth_ros.geometry.distortion import rays_to_pixels, unproject
from depth_ros.geometry.epipolar import (
    DIRECTION,
    ROTATION,
    Motion,
    essential_of,
    refine_motion,
    rotate_rays,
    sampson_distance,
)
from depth_ros.geometry.triangulation import Triangulated, triangulate
from depth_ros.metric.fit import FitOptions
from depth_ros.metric.source import MODEL, Points, checked_transform
from depth_ros.metric.tracks import TrackOptions, describe, find_corners, follow, match
from depth_ros.types import Camera, DepthError, Image, Matrix, Prediction


@dataclass(frozen=True)
class MotionOptions:
    """How corners are followed and which points are good enough."""

    tracks: TrackOptions = field(default_factory=TrackOptions)
    window: int = 6  # keyframes that are remembered
    keyframe_parallax: float = 10.0  # px by which tracks must move, apart from turning
    min_baseline: float = 0.02  # metres between a keyframe and the current view
    min_parallax: float = 0.5  # degrees between two rays to a point
    pixel_noise: float = 0.5  # px, standard deviation of a followed corner
    epipolar_gate: float = 1.0  # px
    reprojection_gate: float = 2.0  # px, root mean square over the keyframes
    max_deviation: float = 0.25  # relative standard deviation of a depth
    min_tracks: int = 100  # to a keyframe; with fewer, descriptors are matched as well
    search: float = 30.0  # px from the epipolar line of the odometry in which they may match
    min_agreeing: float = 0.4  # share of the tracks that must agree with one motion,
    min_matching: float = 0.2  # and of the matches by descriptor
    max_correction: float = math.radians(5)  # by which images may turn the odometry
    max_disagreement: float = 0.15  # relative, of depth between two keyframes
    max_speed: float = 20.0  # m/s; faster is a jump of the odometry
    max_refusals: int = 3  # images in a row without a common motion, before tracks begin anew
    max_gap: float = 3.0  # seconds between two images, after which tracks begin anew
    fit: FitOptions = field(default_factory=lambda: FitOptions(min_points=12, shared_error=0.01))


@dataclass(frozen=True, eq=False)
class Sight:
    """An image and where it was taken."""

    image: Image  # HxW or HxWx3
    pose: Matrix  # 4x4 camera-to-world of the optical frame, by odometry
    stamp: float  # seconds


@dataclass(eq=False)
class _Keyframe:
    """A remembered view, and where the current tracks were in it (NaN where not)."""

    image: Image
    pose: Matrix
    places: Matrix  # (n, 2) x, y
    count: int  # corners that it began with
    described: tuple[Matrix, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class _Pair:
    """Matched rays of the current view and one keyframe, and the motion between them."""

    motion: Motion
    tracks: np.ndarray  # indices of tracks; -1 for matches by descriptor
    places: Matrix  # (m, 2) pixels in the current view
    here: Matrix  # (m, 2) rays
    there: Matrix  # (m, 2) rays in the keyframe


class MotionSource:
    """
    Metres from motion. `observe` every image; `measure` where metres are wanted.

    One source serves one camera.
    """

    name = 'motion'

    def __init__(self, options: MotionOptions | None = None) -> None:
        self.options = options or MotionOptions()
        self.fit_options = self.options.fit
        self.camera: Camera | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all tracks and keyframes."""
        self.keyframes: list[_Keyframe] = []
        self.refusals = 0
        self.places: Matrix = np.zeros((0, 2))
        self.last: Sight | None = None
        self.described: tuple[Matrix, np.ndarray] | None = None

    def measure(self, reading: Sight, prediction: Prediction) -> Points:
        """Return triangulated points of the image that the prediction was made of."""
        if not self.observe(reading, prediction.camera):
            raise DepthError(
                f'the image at {reading.stamp:.3f} s came after a later one and was dropped; '
                'check the stamps'
            )
        return self.points()

    def observe(self, sight: Sight, camera: Camera) -> bool:
        """Follow the tracks into an image; False where it is not newer than the last one."""
        pose = checked_transform(sight.pose, 'the pose')
        sight = Sight(as_grey(sight.image), pose, float(sight.stamp))
        if sight.image.shape != (camera.height, camera.width):
            raise DepthError(
                f'the image is {sight.image.shape[1]}x{sight.image.shape[0]} but its camera is '
                f'{camera.width}x{camera.height}; publish a matching camera_info'
            )
        if self.last is not None and sight.stamp <= self.last.stamp:
            return False
        if self.camera != camera:
            self.reset()
            self.camera = camera
        if self.last is not None:
            self._continue(sight)
        self.last, self.described = sight, None
        if not self.keyframes or self._has_moved(self.keyframes[-1]):
            self._add_keyframe()
        return True

    def points(self) -> Points:
        """Return the triangulated points of the last image; DepthError where there are none."""
        last, _ = self._now()
        # The last keyframe may be this very image.
        older = [k for k in self.keyframes if k.image is not last.image]
        pairs = [pair for k in older if (pair := self._pair(k)) is not None]
        if not pairs:
            self.refusals += 1
            if self.refusals >= self.options.max_refusals:
                self.reset()
            raise DepthError(
                'no keyframe shows a motion that images and odometry agree on; move the camera, '
                'or check the odometry and the mounting of the camera'
            )
        points = self._triangulated(self._consistent(pairs))
        self.refusals = 0
        if not len(points):
            raise DepthError('no corner has enough parallax; move the camera sideways or closer')
        return points

    def _now(self) -> tuple[Sight, Camera]:
        """Return the last image and its camera."""
        if self.last is None or self.camera is None:
            raise DepthError('no image was observed, expected one; give images with poses first')
        return self.last, self.camera

    def _continue(self, sight: Sight) -> None:
        """Follow the tracks from the last image to a new one."""
        last, _ = self._now()
        moved = float(np.linalg.norm(sight.pose[:3, 3] - last.pose[:3, 3]))
        gap = sight.stamp - last.stamp
        if gap > self.options.max_gap or moved > self.options.max_speed * gap:
            self.reset()
            return
        turn = sight.pose[:3, :3].T @ last.pose[:3, :3]
        guess = self._turned(self.places, turn)
        places, found = follow(last.image, sight.image, self.places, guess, self.options.tracks)
        self.places = places[found]
        for keyframe in self.keyframes:
            keyframe.places = keyframe.places[found]

    def _turned(self, places: Matrix, rotation: Matrix) -> Matrix:
        """Return where pixels of infinitely far points are after a rotation of the camera."""
        _, camera = self._now()
        if not len(places):
            return places
        return rays_to_pixels(camera, rotate_rays(unproject(camera, places), rotation))

    def _has_moved(self, keyframe: _Keyframe) -> bool:
        """Return whether the tracks have moved on from a keyframe, or were lost."""
        last, _ = self._now()
        both = np.isfinite(keyframe.places).all(axis=1)
        if np.count_nonzero(both) < min(self.options.tracks.corners // 4, keyframe.count // 2):
            return True
        turn = last.pose[:3, :3].T @ keyframe.pose[:3, :3]
        still = self._turned(keyframe.places[both], turn)
        return float(np.nanmedian(np.linalg.norm(still - self.places[both], axis=1))) > (
            self.options.keyframe_parallax
        )

    def _add_keyframe(self) -> None:
        """Remember the last image, and find new corners in it."""
        last, _ = self._now()
        fresh = find_corners(last.image, self.options.tracks, self.places)
        unknown = np.full((len(fresh), 2), np.nan)
        for keyframe in self.keyframes:
            keyframe.places = np.concatenate([keyframe.places, unknown])
        self.places = np.concatenate([self.places, fresh])
        self.keyframes.append(
            _Keyframe(last.image, last.pose, self.places.copy(), len(self.places))
        )
        self.keyframes = self.keyframes[-self.options.window :]

    def _pair(self, keyframe: _Keyframe) -> _Pair | None:
        """Return the matches of the last image with a keyframe; None without a common motion."""
        last, _ = self._now()
        relative = np.linalg.inv(keyframe.pose) @ last.pose
        if np.linalg.norm(relative[:3, 3]) < self.options.min_baseline:
            return None
        both = np.isfinite(keyframe.places).all(axis=1)
        tracks = np.flatnonzero(both)
        pair = self._matched(tracks, self.places[tracks], keyframe.places[tracks], relative)
        if tracks.size >= self.options.min_tracks and pair is not None:
            return pair
        places, others = self._described(keyframe, relative)
        other = self._matched(np.full(len(places), -1), places, others, relative)
        return max((p for p in (pair, other) if p), key=lambda p: len(p.here), default=None)

    def _matched(
        self, tracks: np.ndarray, places: Matrix, others: Matrix, relative: Matrix
    ) -> _Pair | None:
        """Return what agrees with one motion; None where too little does."""
        _, camera = self._now()
        here, there = unproject(camera, places), unproject(camera, others)
        good = np.isfinite(here).all(axis=1) & np.isfinite(there).all(axis=1)
        if np.count_nonzero(good) < 12:
            return None
        here, there, tracks = here[good], there[good], tracks[good]
        followed = bool((tracks >= 0).all())
        least = self.options.min_agreeing if followed else self.options.min_matching
        motion = self._motion(here, there, relative, least)
        if motion is None:
            return None
        keep = motion.inliers
        return _Pair(motion, tracks[keep], places[good][keep], here[keep], there[keep])

    def _described(self, keyframe: _Keyframe, relative: Matrix) -> tuple[Matrix, Matrix]:
        """Return pixels of the last image and of a keyframe that look alike."""
        last, camera = self._now()
        if keyframe.described is None:
            keyframe.described = describe(keyframe.image)
        if self.described is None:
            self.described = describe(last.image)
        (places, descriptors), (others, known) = self.described, keyframe.described
        here, there = unproject(camera, places), unproject(camera, others)
        a = np.concatenate([here, np.ones((len(here), 1))], axis=1)
        b = np.concatenate([there, np.ones((len(there), 1))], axis=1)
        lines = a @ essential_of(relative[:3, :3], relative[:3, 3]).T
        with np.errstate(divide='ignore', invalid='ignore'):
            away = np.abs(lines @ b.T) / np.linalg.norm(lines[:, :2], axis=1)[:, None]
        first, second = match(descriptors, known, away < self.options.search / camera.fx)
        return places[first], others[second]

    def _motion(
        self, here: Matrix, there: Matrix, odometry: Matrix, least: float
    ) -> Motion | None:
        """Return the motion from the last image to a keyframe that the matches agree with."""
        _, camera = self._now()
        options = self.options
        gate = options.epipolar_gate / camera.fx
        rotation, translation = odometry[:3, :3], odometry[:3, 3]
        length = float(np.linalg.norm(translation))
        error = np.abs(sampson_distance(essential_of(rotation, translation / length), here, there))
        if np.median(error) < 0.5 * gate:
            return Motion(rotation, translation, error <= 2 * gate, float(np.median(error)))
        motion = refine_motion(here, there, rotation, translation, gate, ROTATION, DIRECTION)
        agreeing = np.count_nonzero(motion.inliers)
        if agreeing < max(12, least * len(here)):
            return None
        turn = 0.5 * (np.trace(motion.rotation @ rotation.T) - 1)
        if math.acos(float(np.clip(turn, -1, 1))) > options.max_correction:
            return None
        return motion

    def _consistent(self, pairs: list[_Pair]) -> list[_Pair]:
        """Drop keyframes whose baseline disagrees with the others'; refuse where none agree."""
        tracked = [p for p in pairs if (p.tracks >= 0).all()]
        if len(tracked) < 2:
            return pairs
        depths = []
        for pair in tracked:
            found = self._triangulate(pair.here, [pair], pair.there[None])
            good = found.deviation < self.options.max_deviation * np.abs(found.inverse_depth)
            depths.append(dict(zip(pair.tracks[good].tolist(), found.inverse_depth[good])))
        votes = np.zeros((len(tracked), len(tracked)))
        known = np.zeros_like(votes)
        for i, one in enumerate(depths):
            for j, other in enumerate(depths):
                common = one.keys() & other.keys()
                if i == j or len(common) < 8:
                    continue
                ratio = [math.log(max(one[k] / other[k], 1e-9)) for k in common]
                known[i, j] = 1
                votes[i, j] = abs(float(np.median(ratio))) < self.options.max_disagreement
        if not known.any():
            return pairs
        share = votes.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        kept = [p for p, s, k in zip(tracked, share, known.sum(axis=1)) if k == 0 or s >= 0.5]
        kept += [p for p in pairs if not (p.tracks >= 0).all()]
        if not kept or (votes.sum() == 0 and known.any()):
            self.reset()
            raise DepthError(
                'keyframes disagree about the depth of the same corners: the odometry jumped; '
                'tracking begins anew'
            )
        return kept

    def _triangulate(self, here: Matrix, pairs: list[_Pair], there: Matrix) -> Triangulated:
        _, camera = self._now()
        return triangulate(
            here,
            there,
            np.array([p.motion.rotation for p in pairs]),
            np.array([p.motion.translation for p in pairs]),
            self.options.pixel_noise / camera.fx,
        )

    def _triangulated(self, pairs: list[_Pair]) -> Points:
        """Return the points of all pairs: of tracks over several keyframes, of matches by two."""
        tracked = [p for p in pairs if (p.tracks >= 0).all()]
        parts = [self._gated(p.places, p.here, [p], p.there[None]) for p in pairs
                 if not (p.tracks >= 0).all()]  # fmt: skip
        if tracked:
            tracks = np.unique(np.concatenate([p.tracks for p in tracked]))
            here, places = np.zeros((tracks.size, 2)), self.places[tracks]
            there = np.full((len(tracked), tracks.size, 2), np.nan)
            for index, pair in enumerate(tracked):
                at = np.searchsorted(tracks, pair.tracks)
                here[at], there[index, at] = pair.here, pair.there
            parts.append(self._gated(places, here, tracked, there))
        joined = [np.concatenate(column) for column in zip(*parts)]
        return Points(*joined)

    def _gated(
        self, places: Matrix, here: Matrix, pairs: list[_Pair], there: Matrix
    ) -> tuple[Matrix, Matrix, Matrix, Matrix]:
        """Return rows, columns, metres and weights of the points that pass the gates."""
        _, camera = self._now()
        options = self.options
        found = self._triangulate(here, pairs, there)
        metres = found.depth
        with np.errstate(invalid='ignore'):
            relative = found.deviation * metres
            good = np.isfinite(metres) & (relative <= options.max_deviation)
            good &= found.residual * camera.fx <= options.reprojection_gate
            good &= found.parallax >= math.radians(options.min_parallax)
        weights = MODEL**2 / (MODEL**2 + relative[good] ** 2)
        return places[good, 1], places[good, 0], metres[good], weights
