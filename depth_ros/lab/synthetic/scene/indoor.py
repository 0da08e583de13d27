# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rooms, corridors and warehouses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from depth_ros.lab.synthetic.scene.build import Builder
from depth_ros.lab.synthetic.scene.tables import Air, Scene
from depth_ros.lab.synthetic.textures import materials
from depth_ros.lab.synthetic.things import indoor as things

Opening = tuple[float, float, float, float]  # along the wall from, to; height from, to
NOWHERE = np.eye(4)  # the start is chosen when the world is complete


def wall(
    b: Builder,
    start: Any,
    end: Any,
    height: float,
    material: int,
    openings: Sequence[Opening] = (),
    thickness: float = 0.16,
) -> None:
    """Build a wall that faces the left of start -> end, around openings from left to right."""
    p, q = np.asarray(start, np.float64), np.asarray(end, np.float64)
    along = (q - p) / np.linalg.norm(q - p)
    yaw = math.atan2(along[1], along[0])
    outwards = np.array([along[1], -along[0]]) * thickness / 2

    def piece(a0: float, a1: float, z0: float, z1: float) -> None:
        if a1 - a0 > 1e-6 and z1 - z0 > 1e-6:
            centre = p + along * (a0 + a1) / 2 + outwards
            size = (a1 - a0, thickness, z1 - z0)
            b.box((*centre, (z0 + z1) / 2), size, material, yaw)

    at = -thickness
    with b.thing((0, 0, 0)):
        for a0, a1, z0, z1 in openings:
            piece(at, a0, 0, height)
            piece(a0, a1, 0, z0)
            piece(a0, a1, z1, height)
            at = a1
        piece(at, float(np.linalg.norm(q - p)) + thickness, 0, height)


def window(b: Builder, start: Any, end: Any, opening: Opening, frame: int) -> None:
    """Set a frame with bars and a sill into an opening of the wall start -> end."""
    p, q = np.asarray(start, np.float64), np.asarray(end, np.float64)
    along = (q - p) / np.linalg.norm(q - p)
    a0, a1, z0, z1 = opening
    with b.thing((*p, 0.0), math.atan2(along[1], along[0])):
        for a in np.linspace(a0, a1, int(b.rng.integers(2, 5))):
            b.box((a, -0.08, (z0 + z1) / 2), (0.05, 0.06, z1 - z0), frame)
        for z in np.linspace(z0, z1, int(b.rng.integers(2, 4))):
            b.box(((a0 + a1) / 2, -0.08, z), (a1 - a0, 0.06, 0.05), frame)
        b.box(((a0 + a1) / 2, 0.06, z0 - 0.02), (a1 - a0 + 0.1, 0.2, 0.03), frame)


def door(b: Builder, start: Any, end: Any, at: float) -> None:
    """Add a closed door on the wall start -> end."""
    p, q = np.asarray(start, np.float64), np.asarray(end, np.float64)
    along = (q - p) / np.linalg.norm(q - p)
    leaf, frame, metal = materials.wood(b), materials.wood(b), materials.metal(b)
    with b.thing((*p, 0.0), math.atan2(along[1], along[0])):
        b.box((at, 0.01, 1.0), (0.85, 0.04, 2.0), leaf)
        for x in (-0.46, 0.46):
            b.box((at + x, 0.02, 1.02), (0.07, 0.07, 2.04), frame)
        b.box((at, 0.02, 2.05), (0.99, 0.07, 0.07), frame)
        b.rod((at + 0.34, 0.07, 1.0), (at + 0.24, 0.07, 1.0), 0.012, metal)


def on_wall(b: Builder, start: Any, end: Any, height: float) -> None:
    """Hang a picture, a notice board, a clock or a radiator on the wall start -> end."""
    rng = b.rng
    p, q = np.asarray(start, np.float64), np.asarray(end, np.float64)
    length = float(np.linalg.norm(q - p))
    along = (q - p) / length
    at = rng.uniform(0.1, 0.9) * length
    with b.thing((*p, 0.0), math.atan2(along[1], along[0])):
        kind = rng.random()
        if kind < 0.65:
            w, h = rng.uniform(0.25, 1.3), rng.uniform(0.25, 1.0)
            z = min(rng.uniform(1.2, 1.9), height - h / 2 - 0.1)
            b.box((at, 0.012, z), (w + 0.06, 0.024, h + 0.06), materials.wood(b))
            b.rect((at, 0.028, z), (0, 1, 0), (w, h), materials.picture(b, w, h), fitted=True)
        elif kind < 0.85:
            m, w = materials.metal(b), rng.uniform(0.5, 1.4)
            for x in np.arange(-w / 2, w / 2, 0.09):
                b.box((at + x, 0.07, 0.42), (0.06, 0.09, 0.55), m)
        else:
            m = materials.plastic(b)
            b.box((at, 0.04, rng.uniform(0.9, 1.5)), (0.3, 0.08, rng.uniform(0.2, 0.6)), m)


def ceiling_lamps(b: Builder, x: tuple[float, float], y: tuple[float, float], z: float) -> None:
    """Hang one to four lamps; their light together is about the same."""
    rng = b.rng
    count = int(rng.integers(1, 4))
    warm = np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.55, 1.0)])
    glow = b.material('flat', [warm * 0.9], detail_amount=0.0, stain=0.0, emission=6.0)
    area = (x[1] - x[0]) * (y[1] - y[0])
    power = rng.uniform(0.2, 0.4) * (area + 8) / count
    for _ in range(count):
        at = rng.uniform(*x) * 0.7 + np.mean(x) * 0.3, rng.uniform(*y) * 0.7 + np.mean(y) * 0.3
        with b.thing((*at, z)):
            kind = rng.random()
            if kind < 0.4:
                b.add(0, (0, 0, -0.01), (0.6, 0.08, 0), glow, shadow=False)  # type: ignore[arg-type]
                b.lamp((0, 0, -0.1), warm * power)
            elif kind < 0.7:
                drop = rng.uniform(0.2, 0.7)
                b.rod((0, 0, 0), (0, 0, -drop), 0.008, materials.metal(b))
                b.ball((0, 0, -drop), 0.12, glow)
                b.lamp((0, 0, -drop - 0.16), warm * power)
            else:
                b.cylinder((0, 0, -0.05), 0.2, 0.05, glow)
                b.lamp((0, 0, -0.15), warm * power)


def daylight(b: Builder, sunny: float) -> None:
    """Perhaps let the sun in."""
    if b.rng.random() < sunny:
        a, rise = b.rng.uniform(0, 2 * math.pi), b.rng.uniform(0.25, 1.0)
        warm = np.array([1.0, 0.92, 0.8]) * b.rng.uniform(2.0, 5.0)
        b.sun((math.cos(a), math.sin(a), rise), warm)


def indoor_air(b: Builder) -> Air:
    tint = 1 + b.rng.uniform(-0.1, 0.1, 3)
    level = b.rng.uniform(0.12, 0.4)
    return Air(
        clouds=b.rng.uniform(0, 0.9), cloud_offset=b.rng.random(2), horizon=np.full(3, 1.6),
        zenith=np.array([0.6, 0.9, 1.6]), ambient_up=level * tint, ambient_down=level * 0.7 * tint,
        fog=0.0 if b.rng.random() < 0.85 else b.rng.uniform(0.005, 0.04),
    )  # fmt: skip


def place(
    b: Builder, taken: list[tuple[float, float, float]], x: tuple[float, float],
    y: tuple[float, float], radius: float, tries: int = 20,
) -> tuple[float, float] | None:  # fmt: skip
    """Return a free place for a circle, and take it."""
    for _ in range(tries):
        at = b.rng.uniform(*x), b.rng.uniform(*y)
        if all(math.hypot(at[0] - u, at[1] - v) > radius + r for u, v, r in taken):
            taken.append((*at, radius))
            return at
    return None


def shell(b: Builder, w: float, d: float, h: float, windows: float = 0.45) -> None:
    """Build four walls with windows, doors and pictures, a floor and a ceiling."""
    rng = b.rng
    paint, other = materials.wall(b), materials.wall(b)
    b.box((w / 2, d / 2, -0.1), (w + 1, d + 1, 0.2), materials.floor(b), shadow=False)
    ceiling = materials.wall(b) if rng.random() < 0.4 else b.material(
        'plaster', [[0.6] * 3, [0.8] * 3], 1.2, detail_amount=0.02
    )  # fmt: skip
    b.box((w / 2, d / 2, h + 0.1), (w + 1, d + 1, 0.2), ceiling)
    outside = materials.ground(b)
    b.rect((0, 0, -0.4), (0, 0, 1), (400, 400), outside, shadow=False)
    corners = [(0, 0), (w, 0), (w, d), (0, d)]
    frame = materials.wood(b) if rng.random() < 0.5 else materials.metal(b)
    skirting = materials.wood(b)
    for i in range(4):
        p, q = corners[i], corners[(i + 1) % 4]
        length = math.dist(p, q)
        material = other if i == 0 and rng.random() < 0.5 else paint
        openings: list[Opening] = []
        if rng.random() < windows:
            at, low = 0.4, rng.choice([0.05, 0.9])
            while at + 1.0 < length - 0.3 and len(openings) < 3:
                width = rng.uniform(0.8, min(2.2, length - at - 0.2))
                openings.append((at, at + width, low, min(h - 0.25, rng.uniform(1.9, 2.4))))
                at += width + rng.uniform(0.3, 1.2)
        wall(b, p, q, h, material, openings)
        for opening in openings:
            window(b, p, q, opening, frame)
        if not openings:
            if rng.random() < 0.5:
                door(b, p, q, rng.uniform(0.2, 0.8) * length)
            for _ in range(int(rng.integers(0, 4))):
                on_wall(b, p, q, h)
        middle = np.array([*np.add(p, q)]) / 2
        yaw = math.atan2(q[1] - p[1], q[0] - p[0])
        b.box((*middle, 0.04), (length, 0.03, 0.08), skirting, yaw)


def room(rng: np.random.Generator) -> Scene:
    """Build a lived-in room or an office."""
    b = Builder(rng)
    w, d, h = rng.uniform(3, 9), rng.uniform(3, 8), rng.uniform(2.3, 3.6)
    shell(b, w, d, h)
    taken: list[tuple[float, float, float]] = []
    # Tall things stand along the walls, the rest anywhere.
    for _ in range(int(rng.integers(2, 6))):
        side = int(rng.integers(4))
        yaw = (math.pi / 2, math.pi, -math.pi / 2, 0.0)[side]
        x = (w * 0.5, w - 0.3, w * 0.5, 0.3)[side] + (side % 2 == 0) * rng.uniform(-0.35, 0.35) * w
        y = (0.3, d * 0.5, d - 0.3, d * 0.5)[side] + (side % 2 == 1) * rng.uniform(-0.35, 0.35) * d
        if all(math.hypot(x - u, y - v) > 0.8 + r for u, v, r in taken):
            taken.append((x, y, 0.8))
            with b.thing((x, y, 0), yaw):
                (things.shelf, things.cupboard)[int(rng.integers(2))](b)
    for _ in range(int(rng.integers(4, 13))):
        spot = place(b, taken, (0.4, w - 0.4), (0.4, d - 0.4), rng.uniform(0.35, 0.7))
        if spot:
            with b.thing((*spot, 0), rng.uniform(0, 2 * math.pi)):
                things.FURNITURE[int(rng.integers(len(things.FURNITURE)))](b)
    for _ in range(int(rng.integers(0, 8))):  # left lying about
        spot = place(b, taken, (0.3, w - 0.3), (0.3, d - 0.3), 0.15)
        if spot:
            with b.thing((*spot, 0), rng.uniform(0, 6)):
                things.small_thing(b, rng.uniform(0.8, 2.0))
    ceiling_lamps(b, (0, w), (0, d), h)
    daylight(b, 0.5)
    return b.scene(indoor_air(b), NOWHERE, area=(0.0, w, 0.0, d))


def corridor(rng: np.random.Generator) -> Scene:
    """Build a long passage with doors, pipes, lamps and things that are in the way."""
    b = Builder(rng)
    length, w, h = rng.uniform(12, 40), rng.uniform(1.4, 3.2), rng.uniform(2.2, 3.2)
    paint = materials.wall(b)
    b.box((length / 2, w / 2, -0.1), (length + 1, w + 1, 0.2), materials.floor(b), shadow=False)
    b.box((length / 2, w / 2, h + 0.1), (length + 1, w + 1, 0.2), materials.wall(b), shadow=False)
    b.rect((0, 0, -0.4), (0, 0, 1), (400, 400), materials.ground(b), shadow=False)
    sides = [((0.0, 0.0), (length, 0.0)), ((length, w), (0.0, w))]
    sunny = rng.random() < 0.35
    for n, (p, q) in enumerate(sides):
        openings: list[Opening] = []
        if sunny and n == 0:
            step = rng.uniform(1.5, 3.0)
            openings = [(a, a + step * 0.55, 0.9, h - 0.3) for a in np.arange(1, length - 2, step)]
        wall(b, p, q, h, paint, openings)
        frame = materials.metal(b)
        for opening in openings:
            window(b, p, q, opening, frame)
        if not openings:
            for at in np.arange(rng.uniform(1, 3), length - 1, rng.uniform(2.2, 5)):
                door(b, p, q, float(at))
            for _ in range(int(rng.integers(2, 9))):
                on_wall(b, p, q, h)
        m = materials.wood(b)
        b.box((length / 2, n * w, 0.05), (length, 0.04, 0.1), m)
    end = materials.wall(b)
    wall(b, (length, 0), (length, w), h, end, [(w * 0.2, w * 0.8, 0.0, 2.1)] if sunny else ())
    wall(b, (0, w), (0, 0), h, end)
    if rng.random() < 0.6:
        pipe = materials.metal(b)
        for _ in range(int(rng.integers(1, 5))):
            y, z = rng.uniform(0.1, w - 0.1), h - rng.uniform(0.08, 0.3)
            b.rod((0, y, z), (length, y, z), rng.uniform(0.02, 0.08), pipe)
    if rng.random() < 0.4:
        beam = materials.wall(b)
        for x in np.arange(2, length, rng.uniform(2, 5)):
            b.box((x, w / 2, h - 0.12), (0.2, w, 0.24), beam)
    warm = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 1.0)])
    glow = b.material('flat', [warm * 0.9], detail_amount=0.0, stain=0.0, emission=6.0)
    step = rng.uniform(2.5, 6)
    lit = np.arange(step / 2, length, step)
    for x in lit:
        b.box((x, w / 2, h - 0.02), (rng.choice([0.3, 1.2]), 0.15, 0.03), glow, shadow=False)
    for x in lit[:4]:  # farther lamps are seen but too weak to matter where the camera starts
        b.lamp((x, w / 2, h - 0.12), warm * rng.uniform(1.0, 3.0))
    taken: list[tuple[float, float, float]] = []
    for _ in range(int(rng.integers(3, 14))):
        spot = place(b, taken, (2.0, length - 0.5), (0.25, w - 0.25), 0.4)
        if spot:
            with b.thing((*spot, 0), rng.choice([0, math.pi / 2, math.pi, rng.uniform(0, 6)])):
                things.FURNITURE[int(rng.integers(len(things.FURNITURE)))](b)
    daylight(b, 0.7 if sunny else 0.0)
    area = (0.0, min(length, 8.0), 0.0, w)
    return b.scene(indoor_air(b), NOWHERE, area=area)


def rack(
    b: Builder, length: float, height: float, posts: Any, beam: int, goods: list[int]
) -> None:
    """Add a pallet rack along x."""
    rng = b.rng
    depth, bay = 1.0, 2.4
    count = max(1, int(length / bay))
    levels = max(1, int(height / rng.uniform(1.3, 1.9)))
    for i in range(count + 1):
        for y in (-1, 1):
            b.box((i * bay, y * depth / 2, height / 2), (0.09, 0.07, height), posts)
    for level in range(levels):
        z = level * height / levels
        if level:
            for y in (-1, 1):
                b.box((count * bay / 2, y * depth / 2, z), (count * bay, 0.05, 0.12), beam)
            b.box((count * bay / 2, 0, z + 0.03), (count * bay, depth * 0.9, 0.03), goods[0])
        for i in range(count):
            if rng.random() < 0.75:
                size = rng.uniform((1.0, 0.6, 0.4), (2.1, 0.95, height / levels - 0.3))
                at = (i + 0.5) * bay, rng.uniform(-0.05, 0.05), z + 0.05 + size[2] / 2
                b.box(at, size, goods[int(rng.integers(len(goods)))], rng.uniform(-0.03, 0.03))


def warehouse(rng: np.random.Generator) -> Scene:
    """Build a hall with racks, pallets, barrels, marked lanes, people and a fork-lift."""
    from depth_ros.lab.synthetic.things.outdoor import forklift

    b = Builder(rng)
    w, d, h = rng.uniform(16, 40), rng.uniform(12, 26), rng.uniform(5, 9)
    base = materials.concrete(b) if rng.random() < 0.6 else materials.floor(b)
    b.box((w / 2, d / 2, -0.1), (w + 1, d + 1, 0.2), base, shadow=False)
    roof = materials.metal(b)
    b.box((w / 2, d / 2, h + 0.1), (w + 1, d + 1, 0.2), roof, shadow=False)
    outer = materials.metal(b) if rng.random() < 0.5 else materials.wall(b)
    b.rect((0, 0, -0.4), (0, 0, 1), (400, 400), materials.asphalt(b), shadow=False)
    corners = [(0, 0), (w, 0), (w, d), (0, d)]
    for i in range(4):
        p, q = corners[i], corners[(i + 1) % 4]
        length = math.dist(p, q)
        gate: list[Opening] = []
        if rng.random() < 0.4:
            at = rng.uniform(0.2, 0.6) * length
            gate = [(at, at + rng.uniform(2.5, 4), 0.0, rng.uniform(2.5, 4))]
        wall(b, p, q, h, outer, gate, 0.25)
    beam, post = materials.metal(b), materials.metal(b)
    for x in np.arange(3, w, rng.uniform(4, 7)):
        b.box((x, d / 2, h - 0.2), (0.2, d, 0.4), beam)
    goods = [materials.wood(b)] + [materials.box_print(b) for _ in range(6)]
    aisle = rng.uniform(2.8, 4.2)
    y = rng.uniform(0.8, 2.0)
    while y < d - 0.8:
        with b.thing((rng.uniform(1.5, 4), y, 0)):
            rack(
                b, rng.uniform(5, w - 6) if w > 12 else 5, rng.uniform(2, h - 1), post, beam, goods
            )
        y += aisle + 1.2
    line = b.material(
        'flat', [materials.paint(rng, (0.7, 1), (0, 1), (0.1, 0.16))], detail_amount=0.1
    )
    for y in np.arange(2.0, d, aisle):
        b.rect((w / 2, y, 0.003), (0, 0, 1), (w, 0.1), line, shadow=False)
    taken: list[tuple[float, float, float]] = []
    choices = (
        things.boxes, things.boxes, things.barrel, things.person, things.traffic_cone,
        things.step_ladder, things.column, forklift, things.stairs, things.shelf,
    )  # fmt: skip
    for _ in range(int(rng.integers(6, 18))):
        spot = place(b, taken, (1, w - 1), (1, d - 1), 0.6)
        if spot:
            with b.thing((*spot, 0), rng.uniform(0, 2 * math.pi)):
                choices[int(rng.integers(len(choices)))](b)
    warm = np.array([1.0, rng.uniform(0.85, 1.0), rng.uniform(0.7, 1.0)])
    glow = b.material('flat', [warm * 0.9], detail_amount=0.0, stain=0.0, emission=6.0)
    for x in np.arange(3, w, 6):
        for y in np.arange(3, d, 6):
            b.box((x, y, h - 0.5), (1.2, 0.2, 0.06), glow, shadow=False)
    for x in (w * 0.25, w * 0.75):
        b.lamp((x, d / 2 + rng.uniform(-2, 2), h - 0.7), warm * rng.uniform(12, 30))
    daylight(b, 0.3)
    return b.scene(indoor_air(b), NOWHERE, area=(0.0, w, 0.0, d))
