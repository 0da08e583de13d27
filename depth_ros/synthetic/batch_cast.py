# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
cast.py for batches: rays of many views against many solids, as one list of (tile, solid) pairs.

Solids come in groups of one shape: (shape, table (V, P, 21), row numbers (V, P)); the columns
of the table are centre 3, rotation 9, half sizes 3, casts a shadow, exists, bounding radius,
bounds 3.
Everything is seen from the eye, which is the origin.
"""

from __future__ import annotations

import math
from typing import Any

from depth_ros.synthetic import shade
from depth_ros.synthetic.scene import Shape
from depth_ros.synthetic.shapes import first_hit


class BatchCaster:
    """budget is how many ray-solid pairs are worked on at a time."""

    def __init__(self, torch: Any, budget: int) -> None:
        self.torch, self.budget = torch, budget

    def nearest(self, groups: Any, d: Any) -> tuple[Any, Any]:
        """Return t and row of the first hits, (V, T, R), of rays from the origin."""
        torch = self.torch
        rays = torch.stack(d)  # (3, V, T, R)
        length = torch.sqrt((rays * rays).sum(0))
        axis = (rays / length).mean(-1)
        axis = axis / torch.sqrt((axis * axis).sum(0))
        cosine = ((rays / length) * axis[..., None]).sum(0).amin(-1)
        opening = torch.arccos(torch.clip(cosine - 1e-6, -1.0, 1.0)) + 1e-3
        axis = axis.movedim(0, -1)  # (V, T, 3)
        best = torch.full_like(d[0], float('inf')).flatten(0, 1)
        row = torch.full_like(best, -1, dtype=torch.int32)
        rays = rays.flatten(1, 2)
        for shape, values, index in groups:
            towards = values[..., 0:3]
            distance = torch.sqrt((towards * towards).sum(-1)).clip(min=1e-9)
            radius = values[..., 17]
            angle = torch.arccos(
                torch.clip(axis @ (towards / distance[..., None]).movedim(1, 2), -1.0, 1.0)
            )
            size = torch.arcsin(torch.clip(radius / distance, 0.0, 1.0))
            size = torch.where(radius >= distance, math.pi, size)
            near = (angle <= opening[..., None] + size[:, None]) & (values[:, None, :, 16] > 0)
            view, tile, solid = near.nonzero(as_tuple=True)
            wide = opening[view, tile]
            margin = (distance + radius)[view, solid] * torch.tan(wide)
            margin = torch.where(wide > 1.0, float('inf'), margin)
            zero = torch.zeros_like(axis[view, tile])
            keep = self._meets_box(values[view, solid], zero, axis[view, tile], margin)
            view, tile, solid = view[keep], tile[keep], solid[keep]
            place = view * near.shape[1] + tile
            before = best.clone()
            parts = []
            for part in self._parts(len(view), rays.shape[2]):
                q, at = values[view[part], solid[part]], place[part]
                t = self._hits(shape, q, (0.0, 0.0, 0.0), rays[:, at])
                best.index_reduce_(0, at, t, 'amin')
                parts.append(t if len(view) * rays.shape[2] <= self.budget else None)
            found = torch.full_like(row, -1)
            for part, known in zip(self._parts(len(view), rays.shape[2]), parts):
                q, at = values[view[part], solid[part]], place[part]
                if known is None:
                    known = self._hits(shape, q, (0.0, 0.0, 0.0), rays[:, at])
                mine = (known <= best[at]) & (known < float('inf'))
                number = index[view[part], solid[part], None].to(torch.int32)
                found.index_reduce_(0, at, torch.where(mine, number, -1), 'amax')
            row = torch.where(best < before, found, row)
        return best.view_as(d[0]), row.view(d[0].shape).to(torch.int64)

    def _parts(self, pairs: int, rays: int) -> list[slice]:
        step = max(1, self.budget // rays)
        return [slice(i, i + step) for i in range(0, pairs, step)]

    def blocked(self, groups: Any, start: Any, away: Any, limit: Any, asked: Any) -> Any:
        """
        Return where a solid lies on start + t * away, 0 < t < limit; all are (V, T, R).

        limit is below 1 for a lamp, infinite for a sun; only rays that are asked for count.
        """
        torch = self.torch
        weight = asked / asked.sum(-1, keepdim=True).clip(min=1)
        middle = torch.stack([(s * weight).sum(-1) for s in start], dim=-1)  # (V, T, 3)
        off = [(s - middle[..., i, None]) * asked for i, s in enumerate(start)]
        spread = torch.sqrt(shade.dot(off, off)).amax(-1) + 1e-4
        blocked = torch.zeros_like(asked, dtype=torch.int8).flatten(0, 1)
        busy = asked.any(-1)
        # From a tile's middle all rays run towards one lamp, or side by side towards the sun.
        lamp = limit < float('inf')
        end = torch.stack([(s + a)[..., 0] for s, a in zip(start, away)], dim=-1)
        path = torch.stack([a[..., 0] for a in away], dim=-1)
        path = torch.where(lamp[..., 0, None], end - middle, path)
        reach = torch.sqrt((path * path).sum(-1))
        axis = path / reach.clip(min=1e-9)[..., None]
        reach = torch.where(lamp[..., 0], reach, float('inf'))
        starts = torch.stack(start).flatten(1, 2)
        rays, limits = torch.stack(away).flatten(1, 2), limit.expand_as(start[0]).flatten(0, 1)
        for shape, values, _ in groups:
            offset = values[:, None, :, 0:3] - middle[:, :, None]
            along = (offset * axis[:, :, None]).sum(-1)
            nearest = torch.minimum(along.clip(min=0.0), reach[..., None])
            gap = offset - nearest[..., None] * axis[:, :, None]
            wide = values[:, None, :, 17] + spread[..., None]
            near = ((gap * gap).sum(-1) <= wide * wide) & busy[..., None]
            near &= values[:, None, :, 15] > 0
            view, tile, solid = near.nonzero(as_tuple=True)
            keep = self._meets_box(
                values[view, solid], middle[view, tile], axis[view, tile], spread[view, tile]
            )
            view, tile, solid = view[keep], tile[keep], solid[keep]
            place = view * near.shape[1] + tile
            for part in self._parts(len(view), starts.shape[2]):
                at = place[part]
                t = self._hits(shape, values[view[part], solid[part]], starts[:, at], rays[:, at])
                hit = (t < limits[at]).to(torch.int8)
                blocked.index_reduce_(0, at, hit, 'amax')
        return blocked.view(asked.shape) > 0

    def _meets_box(self, q: Any, origin: Any, axis: Any, margin: Any) -> Any:
        """Return which rays (one per row) meet their solid's bounds made wider by a margin."""
        torch = self.torch
        rotation = [q[:, 3 + i] for i in range(9)]
        o = shade.rotate_back(rotation, [origin[:, i] - q[:, i] for i in range(3)])
        d = shade.rotate_back(rotation, [axis[:, i] for i in range(3)])
        enter, leave = -float('inf'), float('inf')
        for i in range(3):
            slope = torch.where(abs(d[i]) < 1e-9, 1e-9, d[i])
            middle, reach = -o[i] / slope, (q[:, 18 + i] + margin) / abs(slope)
            enter = (
                (middle - reach).clip(min=enter)
                if i == 0
                else torch.maximum(enter, middle - reach)
            )
            leave = (
                (middle + reach).clip(max=leave)
                if i == 0
                else torch.minimum(leave, middle + reach)
            )
        return (leave >= enter) & (leave > 0)

    def _hits(self, shape: Shape, q: Any, o: Any, d: Any) -> Any:
        """Return t (M, R) of the rays of M tiles, each with its own solid q (M, k)."""
        rotation = [q[:, 3 + i, None] for i in range(9)]
        local_o = shade.rotate_back(rotation, [o[i] - q[:, i, None] for i in range(3)])
        local_d = shade.rotate_back(rotation, d)
        half = [q[:, 12 + i, None] for i in range(3)]
        return first_hit(self.torch, shape, local_o, local_d, half)
