# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where robots look from: random cameras and mounts, free poses, drives through a scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from depth_ros.lab.synthetic.render.cast import Caster
from depth_ros.lab.synthetic.render.view import Renderer
from depth_ros.lab.synthetic.scene.cameras import camera_pose
from depth_ros.lab.synthetic.scene.tables import Floats, Scene
from depth_ros.types import Camera, Distortion

# Fields of view (degrees, horizontal) and heights (metres) seen on vacuum cleaners, turtle-like
# platforms, arms, service robots, cars and small drones.
FIELDS = (45.0, 110.0)
HEIGHTS = (0.12, 1.9)
REACH = {'home': 8.0}  # metres; views beyond, through a window, are no better
PROBE = Camera.pinhole(32, 24, 26.0)
TOO_NEAR = 0.35  # metres; a robot stops before it
FEW = 4  # things in an image, walls and skirting boards too
USUAL_SPREAD = 0.4  # standard deviation of log depth in images of real robots and hands


@dataclass(frozen=True)
class Mount:
    """How a camera sits on its robot."""

    height: float  # metres above the ground
    pitch: float  # radians, down
    roll: float  # radians


def sample_mount(rng: np.random.Generator) -> Mount:
    """Return a mount as robots have them: low ones look level, high ones look down."""
    height = float(np.exp(rng.uniform(*np.log(HEIGHTS))))
    pitch = rng.normal(0.08 + 0.12 * height, 0.12)
    return Mount(height, float(np.clip(pitch, -0.25, 0.7)), float(rng.normal(0, 0.025)))


def sample_handheld(rng: np.random.Generator) -> Mount:
    """Return how a camera is held in a hand or on an arm: at any height, tilted any way."""
    height = float(rng.uniform(0.5, 1.9))
    pitch = float(np.clip(rng.normal(0.25, 0.3), -0.5, 1.1))
    return Mount(height, pitch, float(rng.normal(0, 0.12)))


def sample_camera(
    rng: np.random.Generator, width: int = 640, height: int = 480, distorted: float = 0.5
) -> Camera:
    """
    Return a camera as robots carry them; `distorted` is the share of raw, distorted lenses.

    Distorted ones are plumb_bob with the barrel distortion of cheap lenses, the widest ones
    equidistant fisheyes.
    """
    field = math.radians(rng.uniform(*FIELDS))
    fx = width / 2 / math.tan(field / 2)
    fy = fx * rng.uniform(0.99, 1.01)
    cx = (width - 1) / 2 + rng.normal(0, 0.01) * width
    cy = (height - 1) / 2 + rng.normal(0, 0.01) * height
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    if rng.random() >= distorted:
        return Camera(width, height, K)
    if field > math.radians(95) and rng.random() < 0.5:
        # An equidistant lens maps angle to radius linearly, so its focal length is another one.
        K[0, 0] = K[1, 1] = width / 2 / (field / 2)
        return Camera(width, height, K, rng.normal(0, 0.01, 4), Distortion.EQUIDISTANT)
    # Coefficients shrink with the field: what matters is the shift at the image's corner.
    radius = math.tan(field / 2) ** 2 * (1 + (height / width) ** 2)
    k1 = rng.uniform(-0.16, 0.03) / radius
    k2 = -k1 * rng.uniform(0.0, 0.25) / radius
    D = np.array([k1, k2, *rng.normal(0, 0.0008, 2), 0.0])
    return Camera(width, height, K, D, Distortion.PLUMB_BOB)


def probe(scene: Scene, caster: Caster, pose: Floats) -> tuple[Floats, int]:
    """Return Z along the rays of a coarse image, and how many things are in it."""
    x = (np.arange(PROBE.width) - PROBE.cx) / PROBE.fx
    y = (np.arange(PROBE.height) - PROBE.cy) / PROBE.fy
    u, v = np.meshgrid(x, y)
    d = (pose[:3, :3] @ np.stack([u, v, np.ones_like(u)]).reshape(3, -1)).astype(np.float32)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore', under='ignore'):
        t, row = caster.from_point(pose[:3, 3], d.reshape(3, 12, 64))
    return t.ravel().astype(np.float64), len(np.unique(scene.solids.instance[row[row >= 0]]))


def _random_pose(scene: Scene, rng: np.random.Generator, mount: Mount) -> Floats:
    """Return a pose in free space, if there is any, that looks where the world is built up."""
    x0, x1, y0, y1 = scene.area
    x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
    for _ in range(20):
        if scene.is_free(x, y, 0.3, max(mount.height + 0.2, 0.5)):
            break
        x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
    yaw = rng.uniform(-math.pi, math.pi)
    if scene.kind in ('street', 'corridor', 'outdoor', 'clutter'):
        yaw = rng.normal(0, 0.35)  # these were built to be looked at along x
    return camera_pose((x, y, mount.height), yaw, mount.pitch, mount.roll)


def sample_pose(
    scene: Scene, rng: np.random.Generator, mount: Mount | None = None, tries: int = 8
) -> Floats:
    """
    Return a camera-to-world pose in free space that has something to look at.

    Of a few random ones the best is taken: nothing right before the lens, near and far mixed.
    """
    caster = Caster(scene.solids)
    best, best_score = np.eye(4), -math.inf
    for _ in range(tries):
        pose = _random_pose(scene, rng, mount or sample_mount(rng))
        depth, things = probe(scene, caster, pose)
        # The spread of log depth says that there is structure; a wall before the nose has none.
        log = np.log(np.clip(depth, 0.05, REACH.get(scene.kind, 60.0)))
        score = log.std() + 0.2 * np.median(log) + 0.6 * math.log(1 + things)
        score -= 6.0 * (depth < TOO_NEAR).mean()
        score -= 1.5 * max(
            0.0, float(np.isinf(depth).mean()) - (0.1 if scene.kind in REACH else 0.5)
        )
        if score > best_score:
            best, best_score = pose, score
    return best


def sample_glance(
    scene: Scene, rng: np.random.Generator, mount: Mount | None = None, tries: int = 12
) -> Floats:
    """
    Return a camera-to-world pose that has near and far as cameras in use have them.

    An image that was chosen for its structure has about twice as much; a network that learns from
    chosen
    ones only, sees depth where there is none. A blank wall, which random poses find often, has
    too little. Of a few random poses the one is taken whose spread of log depth is closest to
    what is drawn for it.
    """
    caster = Caster(scene.solids)
    wanted = math.exp(rng.normal(math.log(USUAL_SPREAD), 0.35))
    best, best_cost = np.eye(4), math.inf
    for _ in range(tries):
        pose = _random_pose(scene, rng, mount or sample_mount(rng))
        depth, things = probe(scene, caster, pose)
        seen = depth[np.isfinite(depth)]
        if len(seen) < depth.size // 3:  # sky, or out of a window
            continue
        spread = float(np.log(np.clip(seen, 0.05, 80.0)).std())
        cost = abs(math.log(max(spread, 0.01) / wanted)) + 3.0 * float((seen < TOO_NEAR).mean())
        cost += 0.2 * max(0, FEW - things)
        if cost < best_cost:
            best, best_cost = pose, cost
        if cost < 0.1:
            break
    return best if best_cost < math.inf else sample_pose(scene, rng, mount)


def measured_exposure(scene: Scene, key: float = 0.26) -> float:
    """Return the exposure that an automatic camera would choose at the scene's start."""
    luminance = Renderer(scene).radiance(PROBE, scene.start).mean(axis=-1)
    average = float(np.exp(np.log(np.clip(luminance, 1e-3, 4.0)).mean()))
    return key / average


def trajectory(
    scene: Scene,
    rng: np.random.Generator,
    count: int,
    rate: float = 10.0,
    start: Floats | None = None,
    speed: float = 0.7,
) -> Floats:
    """
    Return `count` camera-to-world poses (count, 4, 4) of a drive, `rate` poses a second.

    The camera keeps its height and tilt, drives where it looks, and turns away from what it
    would hit; where there is no room it turns on the spot.
    """
    first = scene.start if start is None else start
    position = first[:3, 3].astype(np.float64).copy()
    forward, right = first[:3, 2], first[:3, 0]
    yaw = math.atan2(forward[1], forward[0])
    pitch = -math.asin(float(np.clip(forward[2], -1, 1)))
    level_right = np.array([math.sin(yaw), -math.cos(yaw), 0.0])
    down = np.cross(forward, level_right)
    roll = math.atan2(float(right @ down), float(right @ level_right))
    turn = 0.0
    poses = np.empty((count, 4, 4))
    for i in range(count):
        # Shake: wheels on a real floor.
        tremble = rng.normal(0, 0.002, 2)
        poses[i] = camera_pose(position, yaw, pitch + tremble[0], roll + tremble[1])
        if i == 0:
            poses[i] = first
        turn = 0.85 * turn + rng.normal(0, 0.12)
        ahead = position[:2] + 0.45 * np.array([math.cos(yaw), math.sin(yaw)])
        free = scene.at(scene.time + i / rate).is_free(ahead[0], ahead[1], 0.2, position[2] + 0.2)
        if free:
            step = speed / rate
            position[:2] += step * np.array([math.cos(yaw), math.sin(yaw)])
            yaw += turn / rate
        else:
            turn = 0.0
            yaw += math.copysign(0.6 / rate, math.sin(scene.seed + 0.5))
    return poses


def odometry(poses: Floats) -> Floats:
    """Return each pose in the frame of the first: what a robot that starts at zero would say."""
    return np.linalg.inv(poses[0]) @ poses
