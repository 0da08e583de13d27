# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Homes and offices as people furnish them: what belongs together stands together."""

from __future__ import annotations

import math

import numpy as np

from depth_ros.lab.synthetic.scene.build import Builder
from depth_ros.lab.synthetic.scene.indoor import (
    NOWHERE,
    ceiling_lamps,
    daylight,
    indoor_air,
    on_wall,
    place,
    shell,
)
from depth_ros.lab.synthetic.scene.tables import Scene
from depth_ros.lab.synthetic.textures import materials
from depth_ros.lab.synthetic.things import indoor as things

Taken = list[tuple[float, float, float]]


def wooden_chair(b: Builder, wood: int, seat: int) -> None:
    """Add a chair with four square legs and a back of slats; it faces along x."""
    rng = b.rng
    w, h, top = rng.uniform(0.38, 0.48), rng.uniform(0.43, 0.48), rng.uniform(0.8, 1.1)
    leg = rng.uniform(0.03, 0.05)
    b.box((0, 0, h - 0.02), (w, w, rng.uniform(0.03, 0.08)), seat)
    for y in (-1, 1):
        b.box((w / 2 - leg / 2, y * (w - leg) / 2, h / 2), (leg, leg, h), wood)
        b.box((-w / 2, y * (w - leg) / 2, top / 2), (leg, leg, top), wood)
    b.box((-w / 2, 0, top - 0.04), (leg * 0.7, w, rng.uniform(0.06, 0.14)), wood)
    kind = rng.random()
    if kind < 0.4:
        for z in np.arange(h + 0.12, top - 0.12, rng.uniform(0.09, 0.16)):
            b.box((-w / 2, 0, z), (leg * 0.5, w, 0.05), wood)
    elif kind < 0.75:
        for y in np.linspace(-w / 2, w / 2, int(rng.integers(4, 8)))[1:-1]:
            b.box((-w / 2, y, (h + top) / 2), (leg * 0.5, 0.03, top - h), wood)
    else:
        b.box((-w / 2, 0, (h + top) / 2), (leg, w - leg, (top - h) * 0.8), seat)


def clutter_on(b: Builder, w: float, d: float, height: float, most: int) -> None:
    """Leave things on a top of size (x: d, y: w)."""
    for _ in range(int(b.rng.integers(0, most + 1))):
        at = b.rng.uniform(-0.4, 0.4) * d, b.rng.uniform(-0.45, 0.45) * w, height
        with b.thing(at, b.rng.uniform(0, 6)):
            things.small_thing(b, b.rng.uniform(0.7, 1.3))


def dining(b: Builder) -> None:
    """Add a table with chairs around it."""
    rng = b.rng
    w, d, h = rng.uniform(0.8, 2.2), rng.uniform(0.7, 1.0), rng.uniform(0.71, 0.77)
    wood = materials.wood(b)
    seat = wood if rng.random() < 0.5 else materials.cloth(b)
    leg = rng.uniform(0.05, 0.09)
    b.box((0, 0, h - 0.02), (d, w, rng.uniform(0.025, 0.06)), wood)
    b.box((0, 0, h - 0.09), (d * 0.85, w * 0.88, 0.09), wood)
    for i in (-1, 1):
        for j in (-1, 1):
            at = i * (d / 2 - 0.08), j * (w / 2 - 0.08), h / 2
            b.box(at, (leg, leg, h), wood)
    clutter_on(b, w, d, h, 6)
    side = max(1, int(w / 0.65))
    places = [(s * d / 2, (i + 0.5) / side * w - w / 2, s) for s in (-1, 1) for i in range(side)]
    for x, y, s in places:
        if rng.random() < 0.85:
            out = s * rng.uniform(-0.1, 0.4)
            yaw = (math.pi if s > 0 else 0.0) + rng.normal(0, 0.25)
            with b.thing((x + out, y), yaw):
                wooden_chair(b, wood, seat)
    for s in (-1, 1):
        if rng.random() < 0.4:
            with b.thing((0, s * (w / 2 + rng.uniform(0, 0.4))), -s * math.pi / 2):
                wooden_chair(b, wood, seat)


def desk(b: Builder) -> None:
    """Add a desk with what is worked with; its back is at x = -depth / 2."""
    rng = b.rng
    w, d, h = rng.uniform(1.1, 1.9), rng.uniform(0.6, 0.8), rng.uniform(0.7, 0.76)
    top = materials.wood(b) if rng.random() < 0.7 else materials.plastic(b)
    body = materials.anything(b)
    b.box((0, 0, h - 0.015), (d, w, 0.03), top)
    for y in (-1, 1):
        if rng.random() < 0.5:
            b.box((0, y * (w / 2 - 0.22), h / 2), (d * 0.9, 0.42, h - 0.04), body)
        else:
            b.box((0, y * (w / 2 - 0.03), h / 2), (d * 0.8, 0.05, h), body)
    clutter_on(b, w, d, h, 8)
    with b.thing((d / 2 + rng.uniform(-0.1, 0.5), rng.uniform(-0.3, 0.3)), math.pi):
        things.chair(b)


def kitchen(b: Builder, width: float) -> None:
    """Add a row of kitchen units along y; its back is at x = -0.3."""
    rng = b.rng
    front, worktop, metal = materials.anything(b), materials.anything(b), materials.metal(b)
    body = front if rng.random() < 0.6 else materials.wood(b)
    tall = 0.6 if rng.random() < 0.5 else 0.0  # a fridge at the end
    low = width - tall
    b.box((0, -tall / 2, 0.47), (0.58, low, 0.8), body)
    b.box((0.02, -tall / 2, 0.9), (0.64, low, 0.04), worktop)
    units = max(1, round(low / 0.6))
    above = rng.random() < 0.6
    for i in range(units):
        y = (i + 0.5) / units * low - width / 2
        b.box((0.3, y, 0.47), (0.02, low / units - 0.015, 0.78), front)
        b.box((0.325, y, 0.8), (0.025, 0.14, 0.015), metal)
        if above and rng.random() < 0.85:
            b.box((-0.13, y, 1.75), (0.34, low / units - 0.01, 0.7), front)
    if tall:
        b.box((0, (width - tall) / 2, 1.0), (0.62, tall - 0.02, 2.0), materials.anything(b))
    with b.thing((0, -tall / 2, 0)):
        clutter_on(b, low, 0.5, 0.92, 9)


def lounge(b: Builder) -> None:
    """Add a sofa with a low table before it."""
    rng = b.rng
    things.sofa(b)
    if rng.random() < 0.8:
        with b.thing((rng.uniform(0.9, 1.3), rng.uniform(-0.3, 0.3))):
            w, h, wood = rng.uniform(0.6, 1.2), rng.uniform(0.35, 0.5), materials.wood(b)
            b.box((0, 0, h), (0.55, w, 0.04), wood)
            for y in (-1, 1):
                b.box((0, y * w * 0.42, h / 2), (0.45, 0.05, h), wood)
            clutter_on(b, w, 0.5, h + 0.02, 4)


def curtain(b: Builder, height: float, width: float) -> None:
    """Add a hanging cloth in folds along y."""
    cloth, at = materials.cloth(b), -width / 2
    while at < width / 2:
        radius = b.rng.uniform(0.03, 0.07)
        b.rod((0, at, 0.03), (0, at, height - 0.15), radius, cloth)
        at += 1.7 * radius


def stand(b: Builder, w: float, d: float, side: int, depth: float) -> tuple[float, float, float]:
    """Return x, y and yaw of what stands with its back to a wall, somewhere along it."""
    along = b.rng.uniform(0.2, 0.8)
    x = (w * along, w - depth, w * along, depth)[side]
    y = (depth, d * along, d - depth, d * along)[side]
    return x, y, (math.pi / 2, math.pi, -math.pi / 2, 0.0)[side]


def home(rng: np.random.Generator) -> Scene:
    """Build a kitchen, a dining room, a study or a living room, or some of each."""
    b = Builder(rng)
    w, d, h = rng.uniform(2.8, 7), rng.uniform(2.8, 6.5), rng.uniform(2.2, 3.0)
    shell(b, w, d, h, windows=0.2)
    taken: Taken = []
    free = list(rng.permutation(4))  # walls that nothing stands along yet
    if rng.random() < 0.45:
        side = int(free.pop())
        length = (w, d, w, d)[side]
        x, y, yaw = stand(b, w, d, side, 0.32)
        width = rng.uniform(0.5, 0.97) * length
        x, y = (x, d / 2) if side % 2 else (w / 2, y)
        with b.thing((x, y), yaw):
            kitchen(b, width)
        reach = np.linspace(-width / 2, width / 2, max(2, int(width / 0.6)))
        taken += [(x + (side % 2 == 0) * r, y + (side % 2) * r, 0.45) for r in reach]
    along_walls = (
        (desk, 0.36, 0.8), (lounge, 0.45, 1.1), (things.bed, 1.05, 1.1),
        (things.shelf, 0.25, 0.7), (things.shelf, 0.25, 0.7),
        (things.cupboard, 0.32, 0.7), (things.cupboard, 0.32, 0.7),
    )  # fmt: skip
    for _ in range(int(rng.integers(2, 7))):
        thing, depth, radius = along_walls[int(rng.integers(len(along_walls)))]
        x, y, yaw = stand(b, w, d, int(rng.choice(free)), depth)
        if all(math.hypot(x - u, y - v) > radius + r for u, v, r in taken):
            taken.append((x, y, radius))
            with b.thing((x, y), yaw):
                thing(b)
    for group, radius, share in ((dining, 1.2, 0.65), (lounge, 1.1, 0.3), (desk, 0.9, 0.25)):
        if rng.random() < share:
            spot = place(b, taken, (1.0, w - 1.0), (1.0, d - 1.0), radius)
            if spot:
                with b.thing(spot, rng.choice([0, math.pi / 2]) + rng.normal(0, 0.2)):
                    group(b)
    for _ in range(int(rng.integers(1, 7))):
        spot = place(b, taken, (0.4, w - 0.4), (0.4, d - 0.4), rng.uniform(0.3, 0.5))
        if spot:
            with b.thing(spot, rng.uniform(0, 2 * math.pi)):
                things.FURNITURE[int(rng.integers(len(things.FURNITURE)))](b)
    for side in free:
        if rng.random() < 0.3:
            x, y, yaw = stand(b, w, d, int(side), 0.08)
            with b.thing((x, y), yaw):
                curtain(b, min(h, rng.uniform(2.0, 2.8)), rng.uniform(0.4, 1.6))
    corners = [(0, 0), (w, 0), (w, d), (0, d)]
    for i in range(4):
        if rng.random() < 0.4:
            on_wall(b, corners[i], corners[(i + 1) % 4], h)
    ceiling_lamps(b, (0, w), (0, d), h)
    daylight(b, 0.3)
    return b.scene(indoor_air(b), NOWHERE, area=(0.0, w, 0.0, d))
