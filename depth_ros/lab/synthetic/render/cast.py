# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Cast bundles of rays with NumPy: rays lie in small tiles, and a tile meets only solids near it.

All tiles are compared with all solids' bounds at once, then every pair that is left with the
solid's oriented box: all rays of a tile lie between two directions (or, towards a sun, begin
between two points), component by component. What is left after that is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.render.shapes import INFINITY, NEAR, SPAN
from depth_ros.lab.synthetic.scene.tables import Shape, Solids, rotation_to

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
SLACK = 2e-3  # metres by which bounds are widened, far above what rounding moves


class Caster:
    """The solids of a scene, prepared in one float type."""

    def __init__(self, solids: Solids, dtype: npt.DTypeLike = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self.typed: Any = self.dtype.type
        self.shape = [Shape(s) for s in solids.shape]
        self.centre = solids.centre  # float64: differences are taken before rounding
        self.rotation = solids.rotation
        self.inverse = np.swapaxes(solids.rotation, 1, 2)
        self.inverse_typed = np.ascontiguousarray(self.inverse.astype(dtype))
        self.half = solids.half.astype(dtype)
        self.radius = solids.radius
        self.bounds = solids.bounds
        self.casters = np.flatnonzero(solids.shadow)  # rows of those that cast shadows

    def _local(self, index: int, vectors: Array) -> Array:
        flat = self.inverse_typed[index] @ vectors.reshape(3, -1)
        return flat.reshape(vectors.shape)

    def from_point(self, origin: npt.ArrayLike, directions: Array) -> tuple[Array, Array]:
        """
        Return t and the solid's row (-1: none) of the first hit of rays that share an origin.

        directions is (3, tiles, rays); the hit is at origin + t * direction.
        """
        shape = directions.shape[1:]
        nearest = np.full(shape, INFINITY, self.dtype)
        row = np.full(shape, -1, np.int32)
        origin = np.asarray(origin, np.float64)
        length = np.sqrt((directions**2).sum(0))
        longest = length.max(1)
        far = np.full(shape[0], INFINITY)
        reached, start = self._cone_meets(origin, directions, length)
        for index in np.argsort(start, kind='stable'):
            # What begins behind everything a tile has already met cannot be seen in it.
            tiles = np.flatnonzero(reached[index] & (start[index] < far * longest))
            if not len(tiles):
                continue
            everywhere = len(tiles) == shape[0]
            d = self._local(index, directions if everywhere else directions[:, tiles])
            o = (self.inverse[index] @ (origin - self.centre[index])).astype(self.dtype)
            enter, leave = SPAN[self.shape[index]](np, o, d, self.half[index])
            t = np.where(enter > NEAR, enter, leave)
            before = nearest if everywhere else nearest[tiles]
            closer = leave >= np.maximum(enter, NEAR)
            closer &= t < before
            if not closer.any():
                continue
            nearest[tiles] = before = np.where(closer, t, before)
            row[tiles] = np.where(closer, index, row[tiles])
            far[tiles] = before.max(axis=1)
        return nearest, row

    def blocked_from_point(
        self,
        origin: npt.ArrayLike,
        directions: Array,
        limit: float = 1 - 1e-3,
        own: Array | None = None,
    ) -> Bools:
        """
        Return where a shadow caster lies between the origin and origin + limit * direction.

        origin is one point or one of each tile (tiles, 3); own is the solid of each tile that
        does not count in it, -1 for none.
        """
        origins = np.broadcast_to(np.asarray(origin, np.float64), (directions.shape[1], 3))
        low, high = directions.min(axis=2), directions.max(axis=2)
        at = origins.T.astype(self.dtype)
        near = self._boxes_meet(
            np.eye(3), at + limit * np.minimum(low, 0), at + limit * np.maximum(high, 0)
        )
        caster, tile = self._pairs(near, own)
        solid = self.casters[caster]
        meets = self._meet(
            self.rotation, solid, (origins[tile] - self.centre[solid]).T, 0.0,
            (low + high)[:, tile] * 0.5, (high - low)[:, tile] * 0.5, limit,
        )  # fmt: skip

        def hits(index: int, tiles: Indices) -> Bools:
            d = self._local(index, directions[:, tiles])
            o = (self.inverse[index] @ (origins[tiles] - self.centre[index]).T).astype(self.dtype)
            return _occludes(self.shape[index], o[:, :, None], d, self.half[index], limit)

        return _any_hit(solid[meets], tile[meets], directions.shape[1:], hits)

    def blocked_towards(
        self, direction: npt.ArrayLike, points: Array, own: Array | None = None
    ) -> Bools:
        """Return where a shadow caster lies between points (3, tiles, rays) and a far light."""
        frame = rotation_to(direction)  # in which the light is up
        axis = frame[:, 2]
        turned = (frame.T.astype(self.dtype) @ points.reshape(3, -1)).reshape(points.shape)
        low, high = turned.min(axis=2), turned.max(axis=2)
        upwards = np.array([0, 0, INFINITY], self.dtype)[:, None]
        near = self._boxes_meet(frame, low, high + upwards)
        caster, tile = self._pairs(near, own)
        solid = self.casters[caster]
        centre = self.centre @ frame
        meets = self._meet(
            frame.T @ self.rotation, solid,
            (low + high)[:, tile] * 0.5 - centre[solid].T, (high - low)[:, tile] * 0.5,
            np.array([[0.0], [0.0], [1.0]]), 0.0, INFINITY,
        )  # fmt: skip

        def hits(index: int, tiles: Indices) -> Bools:
            d = self.inverse_typed[index] @ axis.astype(self.dtype)
            relative = points[:, tiles] - self.centre[index, :, None, None].astype(self.dtype)
            o = self._local(index, relative)
            return _occludes(self.shape[index], o, d, self.half[index], INFINITY)

        return _any_hit(solid[meets], tile[meets], points.shape[1:], hits)

    def _boxes_meet(self, frame: Array, low: Array, high: Array) -> Bools:
        """Return (casters, tiles): whose upright boxes in a frame meet low to high (3, tiles)."""
        rows = self.casters
        extent = np.einsum('pij,pj->ip', np.abs(frame.T @ self.rotation[rows]), self.bounds[rows])
        centre = (self.centre[rows] @ frame).T
        top, bottom = (x.astype(self.dtype) for x in (centre + extent, centre - extent))
        near = np.ones((len(rows), low.shape[1]), bool)
        for i in range(3):
            near &= bottom[i][:, None] <= high[i] + self.typed(SLACK)
            near &= top[i][:, None] >= low[i] - self.typed(SLACK)
        return near

    def _pairs(self, near: Bools, own: Array | None) -> tuple[Indices, Indices]:
        """Return the pairs of (caster, tile), caster by caster, without a tile's own solid."""
        if own is not None:
            place = np.full(len(self.shape) + 1, -1)  # own may be -1
            place[self.casters] = np.arange(len(self.casters))
            caster = place[own]
            tiles = np.flatnonzero(caster >= 0)
            near[caster[tiles], tiles] = False
        caster, tile = np.nonzero(near)
        return caster, tile

    def _meet(
        self, rotation: Array, solid: Indices, o: Array, o_spread: Any, d: Array, d_spread: Any,
        limit: float,
    ) -> Bools:  # fmt: skip
        """
        Return for pairs whether any ray of a tile can meet the box of its solid, 0 < t < limit.

        A tile's rays begin at o +- o_spread, seen from the solid's centre, and run along
        d +- d_spread, all (3, pairs), in a frame where rotation is the solids'.
        """
        r = rotation.reshape(-1, 9).T.astype(self.dtype).take(solid, axis=1)
        spread = np.abs(r)
        enter: Any = self.typed(0)
        leave: Any = self.typed(limit)
        size = (self.bounds + SLACK).astype(self.dtype)
        for i in range(3):
            middle, run = _dot(r[i::3], o).astype(self.dtype), _dot(r[i::3], d)
            reach = size[:, i].take(solid) + SLACK * 1e-2 * np.abs(middle)
            if o_spread is not None and np.ndim(o_spread):
                reach = reach + _dot(spread[i::3], o_spread)
            wide = _dot(spread[i::3], d_spread) * 1.0001 if np.ndim(d_spread) else 0.0
            # The ray stays below reach and above -reach: slope * t <= room, twice.
            for slope, room in ((run - wide, reach - middle), (-run - wide, reach + middle)):
                slope = slope + self.typed(1e-20)
                t = room / slope
                rises = slope > 0
                enter = np.maximum(enter, np.where(rises, enter, t))
                leave = np.minimum(leave, np.where(rises, t, leave))
        return enter <= leave

    def _cone_meets(self, origin: Array, directions: Array, length: Array) -> tuple[Bools, Array]:
        """Return which solids tiles' rays may meet (solids, tiles), and how far each begins."""
        unit = directions / length
        axis = unit.mean(axis=2, dtype=np.float64)
        axis /= np.maximum(np.sqrt((axis**2).sum(0)), 1e-9)
        cosine = np.einsum('it,itn->tn', axis.astype(self.dtype), unit).min(1)
        opening = np.arccos(np.clip(cosine.astype(np.float64) - 1e-6, -1, 1)) + 1e-4
        towards = self.centre - origin
        distance = np.maximum(np.sqrt((towards**2).sum(1)), 1e-9)
        size = np.arcsin(np.clip(self.radius / distance, 0, 1))
        size[distance <= self.radius] = np.pi
        widest = np.minimum(opening + size[:, None], np.pi)
        near = towards / distance[:, None] @ axis >= np.cos(widest) - 1e-9
        # Spheres are loose around long and flat things: look again with the oriented box.
        solid, tile = np.nonzero(near)
        low, high = directions.min(axis=2), directions.max(axis=2)
        near[solid, tile] = self._meet(
            self.rotation, solid, -towards[solid].T, 0.0, (low + high)[:, tile] * 0.5,
            (high - low)[:, tile] * 0.5, INFINITY,
        )  # fmt: skip
        return near, np.maximum(distance - self.radius, 0)


def _dot(a: Array, b: Array) -> Array:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _occludes(shape: Shape, o: Array, d: Array, half: Array, limit: float) -> Bools:
    """Return where a solid is met for 0 < t < limit: `first_hit` < limit without its choices."""
    enter, leave = SPAN[shape](np, o, d, half)
    hit = leave >= np.maximum(enter, NEAR)
    hit &= enter < limit
    if limit < INFINITY:  # of a solid around the start, the way out counts
        hit &= (enter > NEAR) | (leave < limit)
    return hit


def _any_hit(
    solid: Indices, tile: Indices, shape: tuple[int, ...], hits: Callable[[int, Indices], Bools]
) -> Bools:
    """Return where any pair's solid is hit, of pairs sorted by solid."""
    blocked, done = np.zeros(shape, bool), np.zeros(shape[0], bool)
    for index, tiles in _rows(solid, tile, done):
        hit = hits(index, tiles)
        hit |= blocked[tiles]
        blocked[tiles], done[tiles] = hit, hit.all(axis=1)
    return blocked


def _rows(solid: Indices, tile: Indices, done: Bools) -> Iterator[tuple[int, Indices]]:
    """Yield solids and their tiles, those with most tiles first, without tiles that are done."""
    counts = np.bincount(solid)
    ends = np.cumsum(counts)
    for index in np.argsort(-counts, kind='stable')[: np.count_nonzero(counts)]:
        tiles = tile[ends[index] - counts[index] : ends[index]]
        tiles = tiles[~done[tiles]]
        if len(tiles):
            yield int(index), tiles
