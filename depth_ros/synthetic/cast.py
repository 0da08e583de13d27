# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Cast bundles of rays with NumPy: rays lie in small tiles, and a tile meets only solids near it.

A tile is a cone (rays from one point) or a cylinder (parallel rays, for a sun) that is compared
with bounding spheres, all tiles with all solids at once; what is left is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.synthetic.scene import Shape, Solids
from depth_ros.synthetic.shapes import INFINITY, INTERSECT

Array = npt.NDArray[Any]


class Caster:
    """The solids of a scene, prepared in one float type."""

    def __init__(self, solids: Solids, dtype: npt.DTypeLike = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self.shape = [Shape(s) for s in solids.shape]
        self.centre = solids.centre  # float64: differences are taken before rounding
        self.inverse = np.swapaxes(solids.rotation, 1, 2)
        self.inverse_typed = np.ascontiguousarray(self.inverse.astype(dtype))
        self.half = solids.half.astype(dtype)
        self.radius = solids.radius
        self.shadow = solids.shadow
        self.bounds = solids.bounds

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
            tiles = np.flatnonzero(reached[:, index] & (start[index] < far * longest))
            if not len(tiles):
                continue
            everywhere = len(tiles) == shape[0]
            d = self._local(index, directions if everywhere else directions[:, tiles])
            o = (self.inverse[index] @ (origin - self.centre[index])).astype(self.dtype)
            t = INTERSECT[self.shape[index]](np, o, d, self.half[index])
            before = nearest if everywhere else nearest[tiles]
            closer = t < before
            if not closer.any():
                continue
            nearest[tiles] = np.where(closer, t, before)
            row[tiles] = np.where(closer, index, row[tiles])
            far[tiles] = nearest[tiles].max(1)
        return nearest, row

    def blocked_from_point(
        self,
        origin: npt.ArrayLike,
        directions: Array,
        limit: float = 1 - 1e-3,
        own: Array | None = None,
    ) -> npt.NDArray[np.bool_]:
        """
        Return where a shadow caster lies between the origin and origin + direction.

        own is the solid of each tile that does not count in it, -1 for none.
        """
        origin = np.asarray(origin, np.float64)
        blocked = np.zeros(directions.shape[1:], bool)
        length = np.sqrt((directions**2).sum(0))
        reached, start = self._cone_meets(origin, directions, length, self.shadow)
        reached &= start[None] < length.max(1)[:, None]
        _leave_out(reached, own)
        done = np.zeros(len(reached), bool)
        for index, tiles in _rows(reached, done):
            d = self._local(index, directions[:, tiles])
            o = (self.inverse[index] @ (origin - self.centre[index])).astype(self.dtype)
            hit = INTERSECT[self.shape[index]](np, o, d, self.half[index]) < limit
            hit |= blocked[tiles]
            blocked[tiles], done[tiles] = hit, hit.all(axis=1)
        return blocked

    def blocked_towards(
        self, direction: npt.ArrayLike, points: Array, own: Array | None = None
    ) -> npt.NDArray[np.bool_]:
        """Return where a shadow caster lies between points (3, tiles, rays) and a far light."""
        axis = np.asarray(direction, np.float64)
        axis = axis / np.linalg.norm(axis)
        blocked = np.zeros(points.shape[1:], bool)
        middle = points.mean(axis=2, dtype=np.float64)
        spread = np.sqrt(((points - middle[:, :, None]) ** 2).sum(0).max(1))
        offset = self.centre[None] - middle.T[:, None]
        along = offset @ axis
        across = np.sqrt(np.maximum((offset**2).sum(2) - along**2, 0))
        reach = self.radius[None] + spread[:, None]
        near = (across < reach) & (along > -reach) & self.shadow
        _leave_out(near, own)
        tile, solid = np.nonzero(near)
        near[tile, solid] = self._meets_box(
            solid, middle.T[tile], np.broadcast_to(axis, (len(tile), 3)), spread[tile]
        )
        done = np.zeros(len(near), bool)
        for index, tiles in _rows(near, done):
            local = self.inverse_typed[index] @ axis.astype(self.dtype)
            relative = points[:, tiles] - self.centre[index, :, None, None].astype(self.dtype)
            o = self._local(index, relative)
            hit = INTERSECT[self.shape[index]](np, o, local, self.half[index]) < INFINITY
            hit |= blocked[tiles]
            blocked[tiles], done[tiles] = hit, hit.all(axis=1)
        return blocked

    def _cone_meets(
        self, origin: Array, directions: Array, length: Array, among: Array | None = None
    ) -> tuple[npt.NDArray[np.bool_], Array]:
        """Return which tiles' cones touch which solids' bounds, and how far each solid begins."""
        unit = directions / length
        axis = unit.mean(axis=2, dtype=np.float64)
        axis /= np.maximum(np.sqrt((axis**2).sum(0)), 1e-9)
        cosine = np.einsum('it,itn->tn', axis.astype(self.dtype), unit).min(1)
        opening = np.arccos(np.clip(cosine.astype(np.float64) - 1e-6, -1, 1)) + 1e-4
        towards = self.centre - origin
        distance = np.maximum(np.sqrt((towards**2).sum(1)), 1e-9)
        angle = np.arccos(np.clip(towards / distance[:, None] @ axis, -1, 1)).T
        inside = distance <= self.radius
        size = np.where(inside, np.pi, np.arcsin(np.clip(self.radius / distance, 0, 1)))
        near = angle <= opening[:, None] + size
        if among is not None:
            near &= among
        # Spheres are loose around long and flat things: look again with the oriented box, made
        # wider by what the cone has opened to at the solid's far end.
        tile, solid = np.nonzero(near & (opening < 1.0)[:, None])
        reach = (distance + self.radius)[solid] * np.tan(opening[tile])
        at = np.broadcast_to(origin, (len(tile), 3))
        near[tile, solid] = self._meets_box(solid, at, axis.T[tile], reach)
        return near, np.maximum(distance - self.radius, 0)

    def _meets_box(
        self, solid: npt.NDArray[np.int64], origin: Array, axis: Array, margin: Array
    ) -> npt.NDArray[np.bool_]:
        """Return which rays (one per row) meet their solid's box made wider by a margin."""
        inverse = self.inverse[solid]
        o = np.einsum('nij,nj->ni', inverse, origin - self.centre[solid])
        d = np.einsum('nij,nj->ni', inverse, axis)
        d = np.where(np.abs(d) < 1e-12, 1e-12, d)
        reach = (self.bounds[solid] + margin[:, None]) / np.abs(d)
        middle = -o / d
        enter, leave = (middle - reach).max(1), (middle + reach).min(1)
        return (leave >= enter) & (leave > 0)


def _leave_out(table: npt.NDArray[np.bool_], own: Array | None) -> None:
    if own is not None:
        tiles = np.flatnonzero(own >= 0)
        table[tiles, own[tiles]] = False


def _rows(
    table: npt.NDArray[np.bool_], done: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield solids and their tiles, those with most tiles first, without tiles that are done."""
    counts = table.sum(axis=0)
    for index in np.argsort(-counts, kind='stable')[: np.count_nonzero(counts)]:
        tiles = np.flatnonzero(table[:, index] & ~done)
        if len(tiles):
            yield int(index), tiles
