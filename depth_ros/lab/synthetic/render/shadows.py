# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which of an image's points the lights do not reach, all lamps asked at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.render.cast import Caster
from depth_ros.lab.synthetic.render.rays import TILE
from depth_ros.lab.synthetic.scene.tables import Lights

Array = npt.NDArray[Any]
BUNDLE = 64  # shadow rays that are culled together: a part of a tile, so that bounds are tight


def hidden(
    caster: Caster, lights: Lights, points: Array, rows: Array, wanted: list[Array],
    places: Any, tiles: int,
) -> list[Array]:  # fmt: skip
    """
    Return for each light which of the wanted points (3, n) a solid hides from it.

    rows are the points' own solids; places, an index, says where they are in so many tiles;
    wanted holds a mask of the points for each light.
    """
    size = tiles * TILE * TILE
    spread = np.zeros((3, size), caster.dtype)
    spread[:, places] = points
    row = np.zeros(size, rows.dtype)
    row[places] = rows
    bundles = [
        _Bundles(spread.reshape(3, -1, BUNDLE), row.reshape(-1, BUNDLE), mask, places)
        for mask in wanted
    ]
    answers: list[Any] = [None] * len(lights)
    for i in np.flatnonzero(lights.distant):
        b = bundles[i]
        if len(b.busy):
            answers[i] = caster.blocked_towards(lights.position[i], b.points, b.own)
    lamps = [i for i in np.flatnonzero(~lights.distant) if len(bundles[i].busy)]
    if lamps:
        counts = [len(bundles[i].busy) for i in lamps]
        origins = np.repeat(lights.position[lamps], counts, axis=0)
        from_lamp = np.concatenate(
            [
                bundles[i].points - lights.position[i].astype(caster.dtype)[:, None, None]
                for i in lamps
            ],
            axis=1,
        )
        own = np.concatenate([bundles[i].own for i in lamps])
        blocked = caster.blocked_from_point(origins, from_lamp, own=own)
        for i, part in zip(lamps, np.split(blocked, np.cumsum(counts)[:-1])):
            answers[i] = part
    return [b.unpacked(a, places) for b, a in zip(bundles, answers)]


class _Bundles:
    """The points that one light asks about, in bundles without gaps."""

    def __init__(self, points: Array, rows: Array, wanted: Array, places: Any) -> None:
        self.wanted = wanted
        full = np.zeros(rows.shape, bool)
        full.reshape(-1)[places] = wanted
        self.count = len(full)
        self.busy = np.flatnonzero(full.any(axis=1))
        full, self.points, rows = full[self.busy], points[:, self.busy], rows[self.busy]
        # Places that hold no wanted point repeat one of their bundle, to keep its bounds tight.
        gaps = np.flatnonzero(~full.all(axis=1))
        first = full[gaps].argmax(axis=1)
        keep = full[gaps]
        self.points[:, gaps] = np.where(
            keep, self.points[:, gaps], self.points[:, gaps, first][:, :, None]
        )
        rows[gaps] = np.where(keep, rows[gaps], rows[gaps, first][:, None])
        # Solids are convex: none shades what of it faces the light. A bundle on one skips it.
        self.own = np.where(rows.min(axis=1) == rows.max(axis=1), rows[:, 0], -1)

    def unpacked(self, blocked: Array | None, places: Any) -> Array:
        """Return the answers, given for the busy bundles, for every point."""
        if blocked is None:
            return np.zeros_like(self.wanted)
        table = np.zeros((self.count, BUNDLE), bool)
        table[self.busy] = blocked
        return table.reshape(-1)[places] & self.wanted
