# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A model of Nav2's costmap layers that read point clouds, written after their source.

Files and functions are those of ros-navigation/navigation2 at commit a3a97043 (August 2026). What
decides which cell is lethal follows them exactly: the height filter, which points mark, where
rays end, how far and through which cells they clear, and when a column of voxels is lethal or
free. Timing, inflation and TF are left out; clouds come in world coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

# nav2_costmap_2d/include/nav2_costmap_2d/cost_values.hpp
FREE_SPACE, LETHAL_OBSTACLE, NO_INFORMATION = 0, 254, 255
# nav2_costmap_2d/plugins/voxel_layer.cpp
VOXEL_BITS = 16


class Observation(NamedTuple):
    """observation.hpp: the points of one cloud that passed the height filter, and their sensor."""

    points: np.ndarray  # (N, 3) world
    origin: np.ndarray  # (3,)


@dataclass
class ObservationBuffer:
    """
    observation_buffer.cpp with observation_persistence 0: the newest cloud only.

    The defaults are those of ObstacleLayer::onInitialize in obstacle_layer.cpp.
    """

    topic: str = ''
    data_type: str = 'LaserScan'
    marking: bool = True
    clearing: bool = False
    min_obstacle_height: float = 0.0
    max_obstacle_height: float = 0.0
    obstacle_min_range: float = 0.0
    obstacle_max_range: float = 2.5
    raytrace_min_range: float = 0.0
    raytrace_max_range: float = 3.0
    newest: Observation | None = None

    def buffer_cloud(self, points: np.ndarray, origin: np.ndarray) -> None:
        """Do what bufferCloud does: keep points between the heights; NaN is between nothing."""
        z = points[:, 2]
        with np.errstate(invalid='ignore'):
            inside = (z <= self.max_obstacle_height) & (z >= self.min_obstacle_height)
        self.newest = Observation(points[inside].astype(np.float64), origin)


_SOURCE = {
    'topic', 'data_type', 'marking', 'clearing', 'min_obstacle_height', 'max_obstacle_height',
    'obstacle_min_range', 'obstacle_max_range', 'raytrace_min_range', 'raytrace_max_range',
}  # fmt: skip


class ObstacleLayer:
    """obstacle_layer.cpp in a rolling window, with the 2D grid of costmap_2d.cpp below it."""

    def __init__(
        self, layer: Mapping[str, Any], width: float, height: float, resolution: float
    ) -> None:
        self.resolution = resolution
        self.size_x, self.size_y = round(width / resolution), round(height / resolution)
        self.origin_x = self.origin_y = 0.0
        self.cost = np.full(self.size_x * self.size_y, FREE_SPACE, np.uint8)  # the layer's
        self.master = self.cost.copy()  # what planners see
        self.min_obstacle_height = float(layer.get('min_obstacle_height', 0.0))
        self.max_obstacle_height = float(layer.get('max_obstacle_height', 2.0))
        names = str(layer.get('observation_sources', '')).split()
        self.buffers = [
            ObservationBuffer(**{k: v for k, v in layer[name].items() if k in _SOURCE})
            for name in names
        ]
        self.bounds = [math.inf, math.inf, -math.inf, -math.inf]

    def receive(self, topic: str, points: np.ndarray, origin: np.ndarray) -> None:
        """Take a cloud in world coordinates from a topic."""
        for buffer in self.buffers:
            if buffer.topic == topic:
                buffer.buffer_cloud(points.reshape(-1, 3), origin)

    def update(self, robot_x: float, robot_y: float) -> None:
        """Do a cycle of LayeredCostmap::updateMap: updateBounds, then updateCosts in them."""
        self.bounds = [math.inf, math.inf, -math.inf, -math.inf]
        self._update_origin(
            robot_x - self.size_x * self.resolution / 2,
            robot_y - self.size_y * self.resolution / 2,
        )
        # raytrace freespace, then place the new obstacles
        for buffer in self.buffers:
            if buffer.clearing and buffer.newest is not None:
                self._raytrace(buffer, buffer.newest)
        for buffer in self.buffers:
            if buffer.marking and buffer.newest is not None:
                self._mark(buffer, buffer.newest)
        self._touch(robot_x, robot_y)
        self._update_costs()

    @property
    def lethal(self) -> np.ndarray:
        """World x, y (N, 2) of the middles of lethal cells."""
        y, x = np.divmod(np.flatnonzero(self.master == LETHAL_OBSTACLE), self.size_x)
        corner = (self.origin_x, self.origin_y)
        return np.stack([x + 0.5, y + 0.5], axis=-1) * self.resolution + corner

    # -- costmap_2d.cpp ------------------------------------------------------------------------

    def _update_origin(self, x: float, y: float) -> None:
        # updateOrigin: whole cells only, so that the grid stays aligned.
        dx = int((x - self.origin_x) / self.resolution)
        dy = int((y - self.origin_y) / self.resolution)
        self.origin_x += dx * self.resolution
        self.origin_y += dy * self.resolution
        self._move(dx, dy)

    def _move(self, dx: int, dy: int) -> None:
        self.cost = self._shifted(self.cost, dx, dy, FREE_SPACE)
        self.master = self._shifted(self.master, dx, dy, FREE_SPACE)

    def _shifted(self, values: np.ndarray, dx: int, dy: int, fill: Any) -> np.ndarray:
        grid = values.reshape(*values.shape[:-1], self.size_y, self.size_x)
        moved = np.full_like(grid, fill)
        source, target = [], []
        for step, size in ((dy, self.size_y), (dx, self.size_x)):
            low, high = min(max(step, 0), size), min(max(step + size, 0), size)
            source.append(slice(low, high))
            target.append(slice(low - step, high - step))
        moved[..., target[0], target[1]] = grid[..., source[0], source[1]]
        return moved.reshape(values.shape)

    def _world_to_map(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return mx, my and which are inside: worldToMap."""
        fx, fy = (x - self.origin_x) / self.resolution, (y - self.origin_y) / self.resolution
        with np.errstate(invalid='ignore'):
            inside = (x >= self.origin_x) & (y >= self.origin_y)
            inside &= (fx < self.size_x) & (fy < self.size_y)
            mx, my = fx.astype(np.int64), fy.astype(np.int64)
        return mx, my, inside

    def _cell_distance(self, distance: float) -> int:
        # Costmap2D::cellDistance
        return int(max(0.0, math.ceil(distance / self.resolution)))

    def _touch(self, x: Any, y: Any) -> None:
        # Layer bounds: the part of the master grid that this cycle writes.
        if np.size(x):
            low_x, low_y, high_x, high_y = self.bounds
            self.bounds = [
                min(low_x, float(np.min(x))), min(low_y, float(np.min(y))),
                max(high_x, float(np.max(x))), max(high_y, float(np.max(y))),
            ]  # fmt: skip

    def _touch_ray_ends(self, o: np.ndarray, x: np.ndarray, y: np.ndarray, b: Any) -> None:
        # ObstacleLayer::updateRaytraceBounds
        dx, dy = x - o[0], y - o[1]
        full = np.hypot(dx, dy)
        with np.errstate(divide='ignore', invalid='ignore'):
            scale = np.minimum(1.0, np.where(full > 0, b.raytrace_max_range / full, 1.0))
        far = full >= b.raytrace_min_range
        self._touch((o[0] + dx * scale)[far], (o[1] + dy * scale)[far])

    def _update_costs(self) -> None:
        # LayeredCostmap::updateMap resets the window and updateWithMax fills it.
        low_x, low_y, high_x, high_y = self.bounds
        if low_x > high_x:
            return
        window = []
        for low, high, origin, size in (
            (low_y, high_y, self.origin_y, self.size_y),
            (low_x, high_x, self.origin_x, self.size_x),
        ):
            first = min(max(int((low - origin) / self.resolution), 0), size - 1)
            last = min(max(int((high - origin) / self.resolution), 0), size - 1)
            window.append(slice(first, min(size, last + 1)))
        master = self.master.reshape(self.size_y, self.size_x)
        cost = self.cost.reshape(self.size_y, self.size_x)
        part = cost[window[0], window[1]]
        master[window[0], window[1]] = np.where(part == NO_INFORMATION, FREE_SPACE, part)

    # -- obstacle_layer.cpp --------------------------------------------------------------------

    def _in_layer(self, points: np.ndarray) -> np.ndarray:
        z = points[:, 2]
        return points[(z >= self.min_obstacle_height) & (z <= self.max_obstacle_height)]

    def _mark(self, buffer: ObservationBuffer, seen: Observation) -> None:
        # ObstacleLayer::updateBounds
        points = self._in_layer(seen.points)
        mx, my, inside = self._world_to_map(points[:, 0], points[:, 1])
        x0, y0, _ = self._world_to_map(*seen.origin[:2, None])
        flat = (points[:, :2] - seen.origin[:2]) ** 2
        square = flat[:, 0] + flat[:, 1]
        inside &= square <= buffer.obstacle_max_range**2
        inside &= square >= buffer.obstacle_min_range**2
        cells = np.hypot(mx - x0, my - y0).astype(np.int64)
        inside &= cells <= self._cell_distance(buffer.obstacle_max_range)
        inside &= cells >= self._cell_distance(buffer.obstacle_min_range)
        self.cost[my[inside] * self.size_x + mx[inside]] = LETHAL_OBSTACLE
        self._touch(points[inside, 0], points[inside, 1])

    def _raytrace(self, buffer: ObservationBuffer, seen: Observation) -> None:
        # ObstacleLayer::raytraceFreespace
        o = seen.origin
        x0, y0, origin_inside = self._world_to_map(*o[:2, None])
        if not origin_inside[0]:
            return
        self._touch(o[0], o[1])
        wx, wy = seen.points[:, 0].copy(), seen.points[:, 1].copy()
        a, b = wx - o[0], wy - o[1]
        end_x = self.origin_x + self.size_x * self.resolution
        end_y = self.origin_y + self.size_y * self.resolution
        with np.errstate(divide='ignore', invalid='ignore'):
            out = wx < self.origin_x
            wx = np.where(out, self.origin_x, wx)
            wy = np.where(out, o[1] + b * ((self.origin_x - o[0]) / a), wy)
            out = wy < self.origin_y
            wx = np.where(out, o[0] + a * ((self.origin_y - o[1]) / b), wx)
            wy = np.where(out, self.origin_y, wy)
            out = wx > end_x
            wx = np.where(out, end_x - 0.001, wx)
            wy = np.where(out, o[1] + b * ((end_x - o[0]) / a), wy)
            out = wy > end_y
            wx = np.where(out, o[0] + a * ((end_y - o[1]) / b), wx)
            wy = np.where(out, end_y - 0.001, wy)
        x1, y1, inside = self._world_to_map(wx, wy)
        cells = raytrace_line_2d(
            int(x0[0]), int(y0[0]), x1[inside], y1[inside], self.size_x,
            self._cell_distance(buffer.raytrace_max_range),
            self._cell_distance(buffer.raytrace_min_range),
        )  # fmt: skip
        self.cost[cells] = FREE_SPACE
        self._touch_ray_ends(o, wx[inside], wy[inside], buffer)


def _bresenham(first: np.ndarray, last: np.ndarray, most: np.ndarray) -> list[np.ndarray]:
    """
    Return the coordinates of the cells of lines (N, axes), at most `most` steps of each.

    The longest axis takes a step each time. The error of another begins with da // 2, grows by
    its own length with each step, and loses da with each step aside; so after i steps it has
    taken (da // 2 + i * length) // da. Lines that are the same are followed once.
    """
    size = np.abs(last - first)
    end = np.minimum(most, size.max(axis=1))
    axes = first.shape[1]
    if len(first) and (first == first[0]).all():  # from one cell, which is the rule
        key = end.copy()
        for axis in range(axes):
            key = key << 14 | last[:, axis]
        once = np.unique(key, return_index=True)[1]
        first, last, end = first[once], last[once], end[once]
    first, last, count = first.astype(np.int32), last.astype(np.int32), end + 1
    step = np.arange(int(count.sum()), dtype=np.int32)
    step -= np.repeat((np.cumsum(count) - count).astype(np.int32), count)
    da = np.maximum(np.abs(last - first).max(axis=1), 1)
    half, da = np.repeat(da // 2, count), np.repeat(da, count)
    places = []
    for axis in range(axes):
        delta = last[:, axis] - first[:, axis]
        moved = (half + step * np.repeat(np.abs(delta), count)) // da
        sign = np.where(delta > 0, 1, -1).astype(np.int32)
        places.append(np.repeat(first[:, axis], count) + np.repeat(sign, count) * moved)
    return places


def raytrace_line_2d(
    x0: int, y0: int, x1: np.ndarray, y1: np.ndarray, step: int, most: int, least: int
) -> np.ndarray:
    """Return the cells of lines from one cell: raytraceLine of nav2_util/raytrace_line_2d.hpp."""
    ends = np.stack([x1, y1], axis=-1)
    full = ends - (x0, y0)
    dist = np.hypot(full[:, 0], full[:, 1])
    keep = dist >= least
    ends, full, dist = ends[keep], full[keep], dist[keep]
    safe = np.where(dist > 0, dist, 1.0)
    first = ((x0, y0) + full / safe[:, None] * least).astype(np.int64)
    scale = np.where(dist > 0, np.minimum(1.0, most / safe), 1.0)
    length = np.abs(ends - first).max(axis=1, initial=0)
    x, y = _bresenham(first, ends, (scale * length).astype(np.int64))
    return np.unique(y * step + x)


@dataclass
class Columns:
    """
    voxel_grid.hpp: up to 16 voxels per cell, each free, unknown or marked.

    Nav2 keeps two bits of an integer per voxel; here they are two arrays (16, cells).
    """

    cells: int
    marked: np.ndarray = field(init=False)
    unknown: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.marked = np.zeros((VOXEL_BITS, self.cells), np.bool_)
        self.unknown = np.ones((VOXEL_BITS, self.cells), np.bool_)


class VoxelLayer(ObstacleLayer):
    """voxel_layer.cpp over nav2_voxel_grid."""

    def __init__(
        self, layer: Mapping[str, Any], width: float, height: float, resolution: float
    ) -> None:
        super().__init__(layer, width, height, resolution)
        # Defaults of VoxelLayer::onInitialize.
        self.size_z = int(layer.get('z_voxels', 10))
        self.origin_z = float(layer.get('origin_z', 0.0))
        self.z_resolution = float(layer.get('z_resolution', 0.2))
        self.mark_threshold = int(layer.get('mark_threshold', 0))
        self.unknown_threshold = int(layer.get('unknown_threshold', 15))
        self.unknown_threshold += VOXEL_BITS - self.size_z
        self.columns = Columns(self.size_x * self.size_y)

    def _move(self, dx: int, dy: int) -> None:
        # VoxelLayer::updateOrigin
        super()._move(dx, dy)
        columns = self.columns
        columns.marked = self._shifted(columns.marked, dx, dy, False)
        columns.unknown = self._shifted(columns.unknown, dx, dy, True)

    def _world_to_map_3d(self, x: Any, y: Any, z: Any) -> tuple[np.ndarray, ...]:
        """Return mx, my, mz as numbers and which are inside: worldToMap3DFloat."""
        mx = (x - self.origin_x) / self.resolution
        my = (y - self.origin_y) / self.resolution
        mz = (z - self.origin_z) / self.z_resolution
        inside = (x >= self.origin_x) & (y >= self.origin_y) & (z >= self.origin_z)
        inside = inside & (mx < self.size_x) & (my < self.size_y) & (mz < self.size_z)
        return mx, my, mz, inside

    def _mark(self, buffer: ObservationBuffer, seen: Observation) -> None:
        # VoxelLayer::updateBounds: ranges are distances in space here, and the last one is out.
        points = self._in_layer(seen.points)
        square = ((points - seen.origin) ** 2).sum(axis=1)
        near = (square < buffer.obstacle_max_range**2) & (square >= buffer.obstacle_min_range**2)
        points = points[near]
        z = np.maximum(points[:, 2], self.origin_z)
        mx, my, mz, inside = self._world_to_map_3d(points[:, 0], points[:, 1], z)
        mx, my, mz = (m[inside].astype(np.int64) for m in (mx, my, mz))
        # VoxelGrid::markVoxelInMap
        cells = my * self.size_x + mx
        self.columns.marked[mz, cells] = True
        self.columns.unknown[mz, cells] = False
        touched = np.unique(cells)
        count = self.columns.marked[:, touched].sum(axis=0)
        self.cost[touched[count > self.mark_threshold]] = LETHAL_OBSTACLE
        self._touch(points[inside, 0], points[inside, 1])

    def _raytrace(self, buffer: ObservationBuffer, seen: Observation) -> None:
        # VoxelLayer::raytraceFreespace
        o = seen.origin
        sensor = self._world_to_map_3d(*o)
        if not sensor[3] or not len(seen.points):
            return
        ends = self._ray_ends(o, seen.points)
        *point, inside = self._world_to_map_3d(*ends.T)
        visited = raytrace_line_3d(
            np.array([float(s) for s in sensor[:3]]),
            np.stack([p[inside] for p in point], axis=-1),
            self.size_x,
            self.columns.marked.shape,
            self._cell_distance(buffer.raytrace_max_range),
            self._cell_distance(buffer.raytrace_min_range),
        )
        # ClearVoxelInMap, whose last visit of a column decides.
        self.columns.marked[visited] = False
        self.columns.unknown[visited] = False
        cells = np.flatnonzero(visited.any(axis=0))
        marked = self.columns.marked[:, cells].sum(axis=0)
        unknown = self.columns.unknown[:, cells].sum(axis=0)
        clear = marked <= self.mark_threshold
        self.cost[cells[clear & (unknown <= self.unknown_threshold)]] = FREE_SPACE
        self.cost[cells[clear & (unknown > self.unknown_threshold)]] = NO_INFORMATION
        self._touch_ray_ends(o, ends[inside, 0], ends[inside, 1], buffer)

    def _ray_ends(self, o: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return where rays end: two cells before their point, and inside the map."""
        ray = points - o
        distance = np.linalg.norm(ray, axis=1)
        with np.errstate(divide='ignore', invalid='ignore'):
            shorter = np.minimum(1.0, (distance - 2 * self.resolution) / distance)
            ray = ray * np.maximum(shorter, 0.0)[:, None]
            a, b, c = ray.T
            x, y, z = (ray + o).T
            t = np.ones(len(points))
            map_end = (
                self.origin_x + self.size_x * self.resolution,
                self.origin_y + self.size_y * self.resolution,
                self.origin_z + self.size_z * self.z_resolution,
            )
            above, below = z > map_end[2], z < self.origin_z
            at_top = np.maximum(0.0, np.minimum(t, (map_end[2] - 0.01 - o[2]) / c))
            t = np.where(above, at_top, t)
            t = np.where(below & ~above, np.minimum(t, (self.origin_z - o[2]) / c), t)
            outside = above | below
            for value, slope, start, low, high in (
                (x, a, o[0], self.origin_x, map_end[0]),
                (y, b, o[1], self.origin_y, map_end[1]),
            ):
                t = np.where(value < low, np.minimum(t, (low - start) / slope), t)
                t = np.where(value > high, np.minimum(t, (high - start) / slope), t)
                outside = outside | (value < low) | (value > high)
            t = np.where(outside & (t > 0), t - 1e-5, np.where(outside & (t < 0), t + 1e-5, t))
        return o + ray * t[:, None]


def raytrace_line_3d(
    start: np.ndarray,
    ends: np.ndarray,
    step: int,
    shape: tuple[int, int],
    most: int,
    least: int,
) -> np.ndarray:
    """
    Return (16, cells) True where lines pass: raytraceLine and bresenham3D of voxel_grid.hpp.

    Distances mix cells and layers as they do there: a step in z counts like one in x.
    """
    visited = np.zeros(shape, np.bool_)
    dist = np.sqrt(((ends - start) ** 2).sum(axis=1))
    keep = dist.astype(np.int64) >= least
    ends, dist = ends[keep], dist[keep]
    if not len(ends):
        return visited
    safe = np.where(dist > 0, dist, 1.0)
    scale = np.where(dist > 0, np.minimum(1.0, most / safe), 1.0)
    first = (start + (ends - start) / safe[:, None] * least).astype(np.int64)
    last = ends.astype(np.int64)
    length = np.abs(last - first).max(axis=1)
    x, y, z = _bresenham(first, last, (scale * length).astype(np.int64))
    visited[z, y * step + x] = True
    return visited
