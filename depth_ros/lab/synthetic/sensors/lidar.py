# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a laser would measure in a scene: a spinning LiDAR's points, a planar scanner's ranges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.render.cast import Caster
from depth_ros.lab.synthetic.scene.tables import Floats, Scene
from depth_ros.types import DepthError


@dataclass(frozen=True, eq=False)
class Sweep:
    """One turn of a LiDAR; only returns are listed."""

    points: Floats  # (N, 3) metres in the sensor's frame: x forward, y left, z up
    rings: npt.NDArray[np.int32]  # (N,), 0 is the lowest beam
    intensity: npt.NDArray[np.float32]  # (N,) 0..1, weaker from afar
    ids: npt.NDArray[np.int32]  # (N,) instances


def cast_rays(
    scene: Scene, origin: npt.ArrayLike, directions: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """
    Return the distance along each ray from one origin, +inf without a hit, and the instance.

    directions is (N, 3) in the world, of any length; distances are in metres. Rays that follow
    each other should be neighbours, for speed.
    """
    d = np.asarray(directions, np.float64)
    if d.ndim != 2 or d.shape[1] != 3:
        raise DepthError(f'directions have shape {d.shape}, expected (N, 3)')
    unit = d / np.linalg.norm(d, axis=1, keepdims=True)
    pad = -len(unit) % 64
    tiles = np.concatenate([unit, np.repeat(unit[-1:], pad, axis=0)]).T.reshape(3, -1, 64)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore', under='ignore'):
        t, row = Caster(scene.solids, np.float64).from_point(origin, tiles)
    ids = np.append(scene.solids.instance, 0)[row].astype(np.int32)
    return t.ravel()[: len(unit)], ids.ravel()[: len(unit)]


def lidar(
    scene: Scene,
    pose: Floats,
    channels: int = 16,
    columns: int = 900,
    elevation: tuple[float, float] = (math.radians(-15), math.radians(15)),
    max_range: float = 100.0,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Sweep:
    """
    Return one sweep of a spinning LiDAR at a pose: 4x4 sensor-to-world, x forward, z up.

    noise is the standard deviation of a range in metres.
    """
    beams = np.linspace(*elevation, channels)
    turn = np.arange(columns) * 2 * math.pi / columns - math.pi
    e, a = np.meshgrid(beams, turn, indexing='ij')
    rays = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], -1).reshape(-1, 3)
    ranges, ids = cast_rays(scene, pose[:3, 3], rays @ pose[:3, :3].T)
    keep = ranges <= max_range
    if noise > 0:
        ranges = ranges + (rng or np.random.default_rng(0)).normal(0, noise, len(ranges))
    rings = np.repeat(np.arange(channels, dtype=np.int32), columns)
    points = rays[keep] * ranges[keep, None]
    # A return weakens with the square of the distance; devices compensate most of it.
    intensity = np.clip(1.0 / (1.0 + 0.02 * ranges[keep]), 0, 1).astype(np.float32)
    return Sweep(points, rings[keep], intensity, ids[keep])


def laser_scan(
    scene: Scene,
    pose: Floats,
    angle_min: float = -math.pi * 0.75,
    angle_max: float = math.pi * 0.75,
    count: int = 720,
    max_range: float = 30.0,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> npt.NDArray[np.float32]:
    """
    Return ranges in metres as sensor_msgs/LaserScan orders them; +inf where nothing came back.

    The scanner turns in the x-y plane of its pose (4x4 sensor-to-world), counter-clockwise from
    angle_min to angle_max inclusive.
    """
    a = np.linspace(angle_min, angle_max, count)
    rays = np.stack([np.cos(a), np.sin(a), np.zeros_like(a)], axis=-1)
    ranges, _ = cast_rays(scene, pose[:3, 3], rays @ pose[:3, :3].T)
    ranges = np.where(ranges <= max_range, ranges, np.inf)
    if noise > 0:
        ranges = ranges + (rng or np.random.default_rng(0)).normal(0, noise, count)
    return ranges.astype(np.float32)


def body_pose(optical: Floats) -> Floats:
    """Return the pose with x forward, y left, z up of a sensor that looks as a camera does."""
    pose = np.array(optical, np.float64)
    pose[:3, :3] = optical[:3, :3] @ np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]], np.float64)
    return pose
