# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A robot drives through a rendered hall with people in it, and what its costmap says about that.

The depth is exact where a camera can measure it and wrong in the ways models are: noise, edges
smeared over a pixel, no depth of its own on glass, none in the sky. Two ways lead from there to
the costmap: the outputs of this package, and a plain cloud as the tutorial's node makes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from nav2_costmap import VoxelLayer

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.edges import remove_flying_pixels
from depth_ros.geometry.free_space import free_points
from depth_ros.geometry.ground_plane import find_ground
from depth_ros.geometry.obstacles import split_ground
from depth_ros.geometry.uncertainty import keep_confident
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.lab.synthetic.render.cast import Caster
from depth_ros.lab.synthetic.render.rays import camera_rays, from_tiles, to_tiles
from depth_ros.lab.synthetic.scene.build import Builder
from depth_ros.lab.synthetic.scene.cameras import camera_pose
from depth_ros.lab.synthetic.scene.indoor import NOWHERE, indoor_air
from depth_ros.lab.synthetic.scene.tables import Scene, Shape
from depth_ros.lab.synthetic.textures import materials
from depth_ros.lab.synthetic.things import indoor as things
from depth_ros.types import Camera, Ground

REPOSITORY = Path(__file__).resolve().parents[2]
RATE = 5.0  # updates per second, Nav2's update_frequency
SPEED = 0.25  # metres per second
HEIGHT, PITCH = 0.6, 0.15
RESOLUTION = 0.05
LENGTH, WIDTH, WALL = 9.0, 7.0, 2.6
PANE = (-2.4, -0.4, 0.05, 2.2)  # y from, y to, z from, z to, in the wall ahead
MARK_RANGE = 4.0  # metres in which obstacles are to be marked
MARGIN = 0.15  # metres: a cell so near a surface is no ghost

# From docs.nav2.org, tutorials/docs/depth_ai_integration.rst at commit 9d30140f: the numbers of
# its voxel layer. Its costmap is 3 x 3 m, on which a range of 8 m has no meaning; the figures are
# of this layer on the map that ours is on.
TUTORIAL = {
    'origin_z': 0.0,
    'z_resolution': 0.05,
    'z_voxels': 16,
    'max_obstacle_height': 2.0,
    'mark_threshold': 0,
    'observation_sources': 'pointcloud',
    'pointcloud': {
        'topic': '/points',
        'data_type': 'PointCloud2',
        'max_obstacle_height': 2.0,
        'min_obstacle_height': 0.2,
        'obstacle_max_range': 8.0,
        'obstacle_min_range': 0.0,
        'raytrace_max_range': 6.0,
        'raytrace_min_range': 0.0,
        'clearing': True,
        'marking': True,
    },
}


def shipped() -> dict[str, Any]:
    """Return the voxel layer of config/nav2_voxel_layer.yaml."""
    text = (REPOSITORY / 'config' / 'nav2_voxel_layer.yaml').read_text()
    layer: dict[str, Any] = yaml.safe_load(text)['local_costmap']['local_costmap'][
        'ros__parameters'
    ]['voxel_layer']
    return layer


@dataclass(frozen=True)
class Walk:
    """A person that walks in a straight line from one second to another and is gone after."""

    start: tuple[float, float]
    velocity: tuple[float, float]
    since: float
    until: float

    def at(self, time: float) -> tuple[float, float] | None:
        """Return where the person is."""
        if not self.since <= time < self.until:
            return None
        passed = time - self.since
        return self.start[0] + passed * self.velocity[0], self.start[1] + passed * self.velocity[1]


WALKS = (
    Walk((3.2, 1.6), (0.0, -0.8), 0.6, 4.4),  # across, from left to right
    Walk((2.6, 0.3), (0.0, 0.0), 2.0, 4.0),  # stands in the way, then is gone at once
    Walk((5.0, -1.2), (0.0, 0.0), 5.0, 7.0),  # before the pane of glass: sky behind
    Walk((5.4, 1.2), (-0.25, -0.55), 6.0, 10.0),  # comes towards the robot and past it
)


def hall(seed: int = 3) -> tuple[Scene, list[int], int]:
    """
    Return a hall whose wall ahead has a pane of glass, with sky and ground behind it.

    Also the instance of each of WALKS, which all stand at the origin, and that of the pane.
    """
    b = Builder(np.random.default_rng(seed))
    wall, floor = materials.wall(b), materials.floor(b)
    b.box((LENGTH / 2, 0, -0.1), (LENGTH + 2, WIDTH + 2, 0.2), floor, shadow=False)
    b.rect((0, 0, -0.3), (0, 0, 1), (400, 400), materials.ground(b), shadow=False)
    for y in (-WIDTH / 2, WIDTH / 2):
        b.box((LENGTH / 2, y, WALL / 2), (LENGTH + 2, 0.1, WALL), wall)
    low, high, sill, top = PANE
    for y0, y1, z0, z1 in (
        (-WIDTH / 2, low, 0, WALL),
        (high, WIDTH / 2, 0, WALL),
        (low, high, 0, sill),
        (low, high, top, WALL),
    ):
        centre = (LENGTH, (y0 + y1) / 2, (z0 + z1) / 2)
        b.box(centre, (0.1, y1 - y0, z1 - z0), wall)
    box = materials.box_print(b)
    for x, y, size in ((3.0, -1.9, 0.5), (4.5, 2.4, 0.8), (7.0, 1.6, 0.6)):
        b.box((x, y, size / 2), (size, size, size), box)
    with b.thing((6.5, 2.8, 0)):
        things.chair(b)
    walkers = []
    for _ in WALKS:
        with b.thing((0, 0, 0), yaw=0.3):
            things.person(b)
        walkers.append(b._instances)
    with b.thing((0, 0, 0)):
        size = (0.01, high - low, top - sill)
        b.box((LENGTH, (low + high) / 2, (sill + top) / 2), size, materials.plastic(b))
    return b.scene(indoor_air(b), NOWHERE), walkers, b._instances


@dataclass(frozen=True, eq=False)
class Moment:
    """One update: the truth and what a model makes of it."""

    time: float
    pose: np.ndarray  # 4x4 camera-to-world
    scene: Scene  # without the glass
    visible: list[int]  # pixels of each of WALKS
    truth: np.ndarray  # depth without noise, through the glass
    depth: np.ndarray  # as a model predicts it: +Inf is sky
    confidence: np.ndarray


class Drive:
    """All moments of the drive, one after the other; the same each time."""

    def __init__(self, camera: Camera, seconds: float = 12.0, seed: int = 0) -> None:
        self.camera = camera
        self.count = round(seconds * RATE)
        self.ground = Ground.below_mount(HEIGHT, PITCH)
        self._scene, self._walkers, self._pane = hall()
        self._rays = to_tiles(camera_rays(camera).astype(np.float32))
        self._random = np.random.default_rng(seed)
        self._moments: list[Moment] = []

    def __iter__(self) -> Iterator[Moment]:
        while len(self._moments) < self.count:
            self._moments.append(self._moment(len(self._moments) / RATE))
        yield from self._moments

    def _placed(self, time: float) -> Scene:
        """Return the scene at a time; walkers that are absent lie below the ground."""
        solids = self._scene.solids
        centre = solids.centre.copy()
        for walk, instance in zip(WALKS, self._walkers):
            place = walk.at(time)
            offset = (0.0, 0.0, -100.0) if place is None else (*place, 0.0)
            centre[solids.instance == instance] += offset
        return replace(self._scene, solids=replace(solids, centre=centre))

    def _cast(self, scene: Scene, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rotation = pose[:3, :3].astype(np.float32)
        xy = self._rays
        d = np.stack(
            [rotation[i, 0] * xy[0] + rotation[i, 1] * xy[1] + rotation[i, 2] for i in range(3)]
        )
        with np.errstate(all='ignore'):
            t, row = Caster(scene.solids, np.float32).from_point(pose[:3, 3], d)
        ids = np.append(scene.solids.instance, 0)[row]
        width, height = self.camera.size_wh
        return from_tiles(t, width, height), from_tiles(ids, width, height)

    def _moment(self, time: float) -> Moment:
        pose = camera_pose((SPEED * time, 0.0, HEIGHT), 0.0, PITCH)
        scene = self._placed(time)
        _, ids = self._cast(scene, pose)
        kept = scene.solids.instance != self._pane
        scene = replace(
            scene,
            solids=replace(
                scene.solids,
                **{k: v[kept] for k, v in vars(scene.solids).items()},
            ),
        )
        truth, seen = self._cast(scene, pose)
        visible = [int((seen == walker).sum()) for walker in self._walkers]
        depth, confidence = self._predicted(truth, ids == self._pane)
        return Moment(time, pose, scene, visible, truth, depth, confidence)

    def _predicted(self, truth: np.ndarray, glass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return depth and confidence as a model would give them.

        One per cent of noise in patches and half of it by pixel; an edge is smeared by a pixel;
        a fifth of the patches of glass is anywhere from 2.7 to 6.3 m with a low confidence, and a
        tenth is missing.
        """
        random, shape = self._random, truth.shape

        def patches(low: float, high: float) -> np.ndarray:
            small = random.uniform(low, high, (shape[0] // 8 + 1, shape[1] // 8 + 1))
            return np.kron(small, np.ones((8, 8)))[: shape[0], : shape[1]].astype(np.float32)

        inverse = 1 / truth
        smeared = cv2.blur(inverse, (3, 3))
        edge = np.abs(smeared - inverse) > 0.02 * np.maximum(smeared, inverse)
        edge &= random.random(shape) < 0.5
        with np.errstate(divide='ignore'):
            depth = 1 / np.where(edge, smeared, inverse)
        depth *= 1 + 0.01 * patches(-1.7, 1.7) + 0.005 * random.standard_normal(shape)
        confidence = np.full(shape, 0.9, np.float32)
        kind, anywhere = patches(0, 1), patches(0.3, 0.7)
        wrong = glass & (kind < 0.2)
        depth = np.where(wrong, LENGTH * anywhere, depth)
        confidence[wrong] = 0.2
        depth[glass & (kind > 0.9)] = np.nan
        return depth.astype(np.float32), confidence


def world(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Return points (N, 3) of the optical frame in the world."""
    return points.reshape(-1, 3) @ pose[:3, :3].T.astype(np.float32) + pose[:3, 3]


def ours(moment: Moment, camera: Camera, mount: Ground, step: int = 1) -> dict[str, np.ndarray]:
    """Return what ~/obstacles and ~/free_points hold, in the optical frame."""
    depth = remove_flying_pixels(moment.depth, 0.05)
    depth = keep_confident(depth, moment.confidence, 0.5)
    plane = find_ground(depth, camera, mount)
    assert plane is not None
    split = split_ground(depth, camera, plane.ground, min_height=0.1, max_height=1.0)
    points = depth_to_points(depth, camera)[::step, ::step]
    return {
        'obstacles': points[split.obstacle[::step, ::step]],
        'free_points': free_points(depth, camera, 8.0, step=step),
    }


def plain(moment: Moment, camera: Camera) -> dict[str, np.ndarray]:
    """Return a cloud of all pixels with the sky filled with the 99th percentile of the depth."""
    valid = is_valid(moment.depth)
    depth = np.where(
        np.isposinf(moment.depth), np.percentile(moment.depth[valid], 99), moment.depth
    )
    points = depth_to_points(depth.astype(np.float32), camera).reshape(-1, 3)
    return {'points': points[np.isfinite(points[:, 2])]}


def filtered(moment: Moment, camera: Camera) -> dict[str, np.ndarray]:
    """Return the cloud of what this package keeps of the depth, without sky: ~/points."""
    depth = remove_flying_pixels(moment.depth, 0.05)
    depth = keep_confident(depth, moment.confidence, 0.5)
    points = depth_to_points(depth, camera).reshape(-1, 3)
    return {'points': points[np.isfinite(points[:, 2])]}


def near_solids(
    cells: np.ndarray, scene: Scene, low: float, high: float, margin: float = MARGIN
) -> np.ndarray:
    """Return which cells (N, 2) have a solid within the margin between two heights."""
    z = np.arange(low, high, 0.1)
    column = np.repeat(cells, len(z), axis=0)
    points = np.column_stack([column, np.tile(z, len(cells))])
    near = np.zeros(len(points), np.bool_)
    solids = scene.solids
    for centre, rotation, half, shape in zip(
        solids.centre, solids.rotation, solids.bounds, solids.shape
    ):
        level = shape == Shape.RECT or (half[:2].max() > LENGTH / 2 and half[2] < 0.2)
        if level and abs(centre[2]) < 0.5:  # floors
            continue
        near |= (np.abs((points - centre) @ rotation) <= half + margin).all(axis=1)
    return near.reshape(len(cells), len(z)).any(axis=1)


@dataclass
class Report:
    """
    Figures of a drive.

    A ghost is a cell that is lethal and was so for two updates before, with nothing there. A seen
    ghost is one that the camera looks through, in this update and the one before.
    """

    layer: VoxelLayer
    marked_after: list[int | None]  # updates from in view to marked, of each of WALKS
    ghosts: list[int] = field(default_factory=list)  # cells, at each update
    seen_ghosts: list[int] = field(default_factory=list)
    lethal: list[int] = field(default_factory=list)
    cells: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))  # the last ghosts
    robot: tuple[float, float] = (0.0, 0.0)
    scene: Scene | None = None


Outputs = Callable[[Moment], dict[str, np.ndarray]]


def follow(drive: Drive, layer: VoxelLayer, outputs: Outputs, topics: dict[str, str]) -> Report:
    """Return the report of one drive; topics maps outputs to the topics of the layer."""
    report = Report(layer, [None] * len(WALKS))
    visible: list[int | None] = [None] * len(WALKS)
    # The updates from which cells are lethal for nothing, and are looked through besides.
    since: dict[tuple[int, ...], int] = {}
    seen: dict[tuple[int, ...], int] = {}
    for index, moment in enumerate(drive):
        origin = moment.pose[:3, 3]
        for name, points in outputs(moment).items():
            layer.receive(topics[name], world(points, moment.pose), origin)
        layer.update(*origin[:2])
        cells = layer.lethal
        cells = cells[~near_solids(cells, moment.scene, 0.05, 2.0)]
        since = _continued(since, cells, index)
        report.cells = cells[[index - first >= 2 for first in since.values()]]
        report.ghosts.append(len(report.cells))
        through = cells[looked_at(cells, layer, moment, drive.camera)]
        seen = _continued(seen, through, index)
        report.seen_ghosts.append(sum(index - first >= 1 for first in seen.values()))
        cells = layer.lethal
        report.lethal.append(len(cells))
        report.robot, report.scene = (float(origin[0]), float(origin[1])), moment.scene
        for person, walk in enumerate(WALKS):
            place = walk.at(moment.time)
            if place is None or report.marked_after[person] is not None:
                continue
            distance = math.dist(place, origin[:2])
            if moment.visible[person] < drive.camera.width or distance > MARK_RANGE - 0.3:
                continue
            visible[person] = index if visible[person] is None else visible[person]
            if len(cells) and np.hypot(*(cells - place).T).min() < 0.4:
                report.marked_after[person] = index - int(visible[person] or 0) + 1
    return report


def _continued(
    before: dict[tuple[int, ...], int], cells: np.ndarray, index: int
) -> dict[tuple[int, ...], int]:
    """Return since which update each of these cells was there without a break."""
    keys = [tuple(key) for key in np.floor(cells / RESOLUTION).astype(int).tolist()]
    return {key: before.get(key, index) for key in keys}


def looked_at(cells: np.ndarray, layer: VoxelLayer, moment: Moment, camera: Camera) -> np.ndarray:
    """
    Return which lethal cells (N, 2) have an occupied voxel that the camera looks through.

    Such a voxel is in the image, in range, and the surface behind it is farther by more than the
    two cells that Nav2 stops before the end of a ray, and a voxel.
    """
    mx, my, _ = layer._world_to_map(cells[:, 0], cells[:, 1])
    occupied = layer.columns.marked[:, my * layer.size_x + mx]
    z, which = np.nonzero(occupied)
    height = layer.origin_z + (z + 0.5) * layer.z_resolution
    voxels = np.column_stack([cells[which], height])
    inverse = np.linalg.inv(moment.pose)
    points = voxels @ inverse[:3, :3].T + inverse[:3, 3]
    with np.errstate(divide='ignore', invalid='ignore'):
        u = np.rint(points[:, 0] / points[:, 2] * camera.fx + camera.cx)
        v = np.rint(points[:, 1] / points[:, 2] * camera.fy + camera.cy)
    seen = (points[:, 2] > 0.3) & (u >= 1) & (u < camera.width - 1)
    seen &= (v >= 1) & (v < camera.height - 1) & (np.linalg.norm(points, axis=1) < MARK_RANGE)
    column, row = (np.where(seen, x, 0).astype(int) for x in (u, v))
    # A pixel beside an edge may be smeared, and is unknown where the filter finds it.
    behind = cv2.erode(moment.truth, np.ones((5, 5), np.uint8))[row, column]
    seen &= behind > points[:, 2] + 3 * RESOLUTION + layer.z_resolution
    result = np.zeros(len(cells), np.bool_)
    result[which[seen]] = True
    return result


def with_ours(drive: Drive, step: int = 1, size: float = 10.0) -> Report:
    """Return the report of our outputs with the shipped configuration."""
    layer = shipped()
    topics = {'obstacles': layer['mark']['topic'], 'free_points': layer['clear']['topic']}
    make = partial(ours, camera=drive.camera, mount=drive.ground, step=step)
    return follow(drive, VoxelLayer(layer, size, size, RESOLUTION), make, topics)


def with_tutorial(
    drive: Drive, size: float = 10.0, cloud: Callable[..., dict[str, np.ndarray]] = plain
) -> Report:
    """Return the report of one cloud with the configuration of the tutorial."""
    layer = VoxelLayer(TUTORIAL, size, size, RESOLUTION)
    make = partial(cloud, camera=drive.camera)
    return follow(drive, layer, make, {'points': '/points'})
