# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Things made of solids, outdoors: vehicles, trees, posts, fences, houses, rocks."""

from __future__ import annotations

import math

import numpy as np

from depth_ros.lab.synthetic.scene.build import Builder
from depth_ros.lab.synthetic.scene.tables import Shape, rotation_to
from depth_ros.lab.synthetic.textures import materials


def _wheels(b: Builder, xs: tuple[float, ...], width: float, radius: float) -> None:
    tyre = b.material('grain', [[0.02] * 3, [0.05] * 3], 0.2)
    rim = materials.metal(b)
    for x in xs:
        for side in (-1, 1):
            y = side * width / 2
            b.rod((x, y - 0.1, radius), (x, y + 0.1, radius), radius, tyre)
            b.rod((x, y - 0.11, radius), (x, y + 0.11, radius), radius * 0.6, rim)


def _paintwork(b: Builder) -> int:
    colour = materials.paint(b.rng, (0.1, 1.0), (0.0, 0.95))
    return b.material(
        'flat', materials.shades(b.rng, colour, 0.05), 1.0, 'grain', 0.2, 0.02, stain=0.06,
        specular=0.6, gloss=120,
    )  # fmt: skip


def _glass(b: Builder) -> int:
    return b.material(
        'clouds', [[0.01] * 3, [0.06, 0.07, 0.08]], 2.0, detail_amount=0.0, specular=0.9, gloss=200
    )


def car(b: Builder) -> None:
    rng = b.rng
    s = rng.uniform(0.85, 1.15)
    length, width, sill = 4.2 * s, 1.72 * s, rng.uniform(0.18, 0.32)
    body, glass = _paintwork(b), _glass(b)
    belt = sill + rng.uniform(0.55, 0.75)
    b.box((0, 0, (sill + belt) / 2), (length, width, belt - sill), body)
    b.rod(
        (length / 2, -width * 0.42, (sill + belt) / 2),
        (length / 2, width * 0.42, (sill + belt) / 2),
        0.2,
        body,
    )
    cabin = rng.uniform(0.45, 0.62) * length
    back, top = rng.uniform(-0.35, -0.05), rng.uniform(0.45, 0.7)
    b.box((back, 0, belt + top / 2), (cabin, width * 0.9, top), glass)
    b.box((back, 0, belt + top), (cabin * 0.88, width * 0.86, 0.06), body)
    for x in (-cabin / 2, 0, cabin / 2):
        for y in (-1, 1):
            b.box((back + x, y * width * 0.45, belt + top / 2), (0.07, 0.03, top), body)
    # Slanted screens before and behind the cabin.
    for side in (-1, 1):
        n = np.array([side * 0.75, 0, 0.66])
        at = (back + side * (cabin / 2 + 0.05), 0, belt + top * 0.45)
        b.add(Shape.BOX, at, (0.42 * top + 0.05, width * 0.42, 0.02), glass, _slanted(n))
    light = b.material('flat', [[0.9, 0.9, 0.85]], emission=rng.choice([0.0, 1.5]), specular=0.5)
    red = b.material('flat', [[0.6, 0.02, 0.02]], emission=rng.choice([0.0, 1.0]), specular=0.5)
    plate = b.material('big_text', [[0.8] * 3, [0.9] * 3, [0.05] * 3], (0.5, 0.2), specular=0.2)
    for side, lamp in ((1, light), (-1, red)):
        for y in (-1, 1):
            b.box(
                (side * (length / 2 + (0.17 if side > 0 else 0)), y * width * 0.36, belt - 0.2),
                (0.08, 0.3, 0.14),
                lamp,
            )
        b.box(
            (side * (length / 2 + (0.19 if side > 0 else 0.01)), 0, sill + 0.16),
            (0.03, 0.5, 0.12),
            plate,
        )
    _wheels(b, (-length * 0.31, length * 0.31), width * 0.92, 0.3 * s)


def _slanted(normal: np.ndarray) -> np.ndarray:
    """Return a rotation with z along the normal and y level."""
    z = normal / np.linalg.norm(normal)
    y = np.array([0.0, 1.0, 0.0])
    x = np.cross(y, z)
    return np.stack([x / np.linalg.norm(x), y, z], axis=1)


def truck(b: Builder) -> None:
    rng = b.rng
    cab, side = _paintwork(b), materials.box_print(b) if rng.random() < 0.6 else _paintwork(b)
    length, height = rng.uniform(3.5, 8), rng.uniform(2.2, 3.4)
    b.box((0, 0, 0.75), (length + 2, 0.9, 0.25), materials.metal(b))
    b.box((-1, 0, 0.9 + height / 2), (length, 2.3, height), side)
    front = length / 2 + 0.1
    b.box((front, 0, 1.45), (1.7, 2.1, 2.0), cab)
    b.box((front + 0.84, 0, 1.95), (0.06, 1.9, 0.8), _glass(b))
    b.box((front + 0.2, 0, 1.95), (0.9, 2.13, 0.6), _glass(b))
    _wheels(b, (-length / 2, -length / 2 + 1.1, front), 2.1, 0.45)


def bus(b: Builder) -> None:
    rng = b.rng
    body, glass, length = _paintwork(b), _glass(b), rng.uniform(7, 12)
    b.box((0, 0, 1.7), (length, 2.5, 2.7), body)
    b.box((0, 0, 2.1), (length * 0.94, 2.53, 0.95), glass)
    b.box((length / 2, 0, 1.95), (0.06, 2.2, 1.3), glass)
    for x in np.arange(-length / 2 + 1, length / 2, 1.5):
        b.box((x, 0, 2.1), (0.12, 2.55, 1.0), body)
    _wheels(b, (-length * 0.32, length * 0.34), 2.3, 0.48)


def forklift(b: Builder) -> None:
    m, dark = _paintwork(b), materials.metal(b)
    b.box((-0.2, 0, 0.6), (1.7, 1.1, 0.7), m)
    b.box((-0.7, 0, 1.05), (0.6, 1.0, 0.3), m)
    lift = b.rng.uniform(0.1, 1.5)
    for y in (-0.35, 0.35):
        b.box((0.75, y, 1.15), (0.1, 0.08, 2.2), dark)
        b.box((1.3, y * 0.8, lift), (1.1, 0.12, 0.05), dark)
        for x in (-0.55, 0.45):
            b.rod((x, y * 1.3, 0.9), (x, y * 1.3, 2.0), 0.03, dark)
    b.box((-0.05, 0, 2.02), (1.1, 1.0, 0.05), dark)
    if b.rng.random() < 0.5:
        b.box((1.35, 0, lift + 0.45), (0.9, 0.9, 0.8), materials.box_print(b))
    _wheels(b, (-0.65, 0.45), 1.0, 0.28)


def bicycle(b: Builder) -> None:
    frame, tyre = _paintwork(b), b.material('grain', [[0.03] * 3], 0.2)
    for x in (-0.5, 0.5):
        for a in np.arange(0, 2 * math.pi, math.pi / 5):
            c0, c1 = (0.33 * np.array([math.cos(v), math.sin(v)]) for v in (a, a + math.pi / 5))
            b.rod(
                (x + c0[0], 0, 0.34 + c0[1]),
                (x + c1[0], 0, 0.34 + c1[1]),
                0.02,
                tyre,
                Shape.CAPSULE,
            )
    points = [(-0.5, 0.34), (-0.15, 0.85), (0.4, 0.82), (0.5, 0.34), (0.38, 1.0)]
    for i, j in ((0, 1), (1, 2), (3, 4), (0, 2)):
        b.rod((points[i][0], 0, points[i][1]), (points[j][0], 0, points[j][1]), 0.02, frame)
    b.rod((0.38, -0.25, 1.0), (0.38, 0.25, 1.0), 0.015, frame)
    b.ball((-0.18, 0, 0.92), (0.13, 0.06, 0.04), tyre)


def tree(b: Builder) -> None:
    rng = b.rng
    bark = b.material(
        'wood', materials.shades(rng, materials.paint(rng, (0.2, 0.5), (0.1, 0.5), (0.05, 0.1))),
        (0.4, 0.8),
        'grain', 0.2, 0.3,
    )  # fmt: skip
    leaf = materials.foliage(b)
    h, r = rng.uniform(2.5, 8), rng.uniform(0.08, 0.28)
    b.cylinder((0, 0, 0), r, h * 0.75, bark)
    if rng.random() < 0.3:  # conifer
        for i in range(4):
            z = h * (0.35 + 0.2 * i)
            b.add(Shape.CONE, (0, 0, z), (h * (0.26 - 0.05 * i),) * 2 + (h * 0.2,), leaf)
        return
    for _ in range(int(rng.integers(4, 10))):
        a, out = rng.uniform(0, 2 * math.pi), rng.uniform(0.0, 0.28) * h
        tip = np.array([out * math.cos(a), out * math.sin(a), h * rng.uniform(0.6, 1.05)])
        b.rod((0, 0, h * rng.uniform(0.35, 0.6)), tip, r * 0.35, bark)
        b.ball(tip, rng.uniform(0.09, 0.22, 3) * h, leaf)


def bush(b: Builder) -> None:
    leaf = materials.foliage(b)
    s = b.rng.uniform(0.3, 1.0)
    for _ in range(int(b.rng.integers(2, 6))):
        at = (*b.rng.uniform(-0.5, 0.5, 2) * s, s * b.rng.uniform(0.2, 0.6))
        b.ball(at, b.rng.uniform(0.3, 0.65, 3) * s, leaf)


def rock(b: Builder) -> None:
    base = materials.paint(b.rng, (0.3, 0.7), (0.0, 0.2))
    m = b.material(
        'concrete', [*materials.shades(b.rng, base), base * 0.4], 1.2, 'clouds', 0.4, 0.3
    )
    s = b.rng.uniform(0.15, 0.9)
    for _ in range(int(b.rng.integers(1, 4))):
        at = (*b.rng.uniform(-0.5, 0.5, 2) * s, s * 0.15)
        turn = rotation_to(b.rng.normal(size=3))
        half = b.rng.uniform(0.3, 0.8, 3) * s
        b.add(Shape.ELLIPSOID if b.rng.random() < 0.6 else Shape.BOX, at, half, m, turn)


def post(b: Builder) -> None:
    """Add a street lamp, a sign, a traffic light or a bollard."""
    rng, m = b.rng, materials.metal(b)
    kind = rng.random()
    if kind < 0.35:
        h = rng.uniform(3.5, 7)
        b.rod((0, 0, 0), (0, 0, h), 0.06, m)
        b.rod((0, 0, h), (1.2, 0, h + 0.2), 0.04, m)
        b.box((1.3, 0, h + 0.18), (0.5, 0.2, 0.1), m)
    elif kind < 0.7:
        h = rng.uniform(2, 3)
        face = materials.picture(b, 0.6, 0.6)
        b.rod((0, 0, 0), (0, 0, h), 0.03, m)
        if rng.random() < 0.5:
            b.rod((0.04, 0, h - 0.3), (0.06, 0, h - 0.3), 0.32, face)
        else:
            b.box((0.05, 0, h - 0.3), (0.02, 0.6, rng.uniform(0.3, 0.9)), face)
    elif kind < 0.85:
        b.rod((0, 0, 0), (0, 0, 3), 0.05, m)
        b.box((0.1, 0, 2.7), (0.2, 0.28, 0.8), m)
        for i, c in enumerate(([0.9, 0.05, 0.02], [0.9, 0.5, 0.02], [0.05, 0.8, 0.2])):
            on = b.material('flat', [c], emission=float(rng.choice([0.0, 3.0])))
            b.ball((0.2, 0, 2.95 - 0.25 * i), 0.09, on)
    else:
        b.cylinder((0, 0, 0), 0.08, rng.uniform(0.6, 1.1), m)


def bench(b: Builder) -> None:
    m, leg = materials.wood(b), materials.metal(b)
    for i in range(4):
        b.box((i * 0.11, 0, 0.45), (0.09, 1.6, 0.03), m)
        b.box((-0.08 - 0.03 * i, 0, 0.55 + 0.11 * i), (0.03, 1.6, 0.09), m)
    for y in (-0.65, 0.65):
        b.box((0.15, y, 0.22), (0.4, 0.05, 0.44), leg)


def fence(b: Builder, length: float = 6.0) -> None:
    rng = b.rng
    m, h = materials.wood(b) if rng.random() < 0.5 else materials.metal(b), rng.uniform(0.7, 1.6)
    step = rng.uniform(0.25, 0.6)
    for x in np.arange(0, length, step):
        b.box((x, 0, h / 2), (0.07, 0.03, h), m)
    for z in (0.3, 0.85):
        b.box((length / 2, 0, z * h), (length, 0.025, 0.06), m)


def house(b: Builder, width: float, depth: float, height: float) -> None:
    """Add a building whose front faces -y of its frame."""
    rng = b.rng
    base = materials.paint(rng, (0.4, 0.95), (0.0, 0.5), (0.0, 0.15))
    pane = materials.paint(rng, (0.1, 0.5), (0.1, 0.6), (0.5, 0.65))
    kind = rng.random()
    if kind < 0.6:
        m = b.material(
            'facade', [base * 0.8, base, pane * 0.3, pane], rng.uniform(7, 13), 'plaster', 2.0,
            0.2, stain=0.2, specular=0.05,
        )  # fmt: skip
    elif kind < 0.75:
        m = b.material(
            'glass_front', [pane * 0.3, pane, base], rng.uniform(6, 12), specular=0.6, gloss=150
        )
    else:
        m = materials.wall(b)
    b.box((0, depth / 2, height / 2), (width, depth, height), m)
    b.box((0, depth / 2, 0.25), (width + 0.1, depth + 0.1, 0.5), materials.concrete(b))
    leaf, shop = materials.wood(b), materials.picture(b, 3.0, 0.6)
    at = rng.uniform(-0.3, 0.3) * width
    b.box((at, -0.06, 1.1), (1.2, 0.1, 2.2), leaf)
    if rng.random() < 0.5:
        b.box((at, -0.5, 2.7), (3.0, 1.0, 0.12), materials.cloth(b))
        b.rect((at, -0.08, 3.3), (0, -1, 0), (3.0, 0.6), shop, fitted=True)
    if height < 8 and rng.random() < 0.7:
        tiles = materials.paint(rng, (0.3, 0.6), (0.2, 0.7), (0.0, 0.07))
        roof = b.material('roof', [*materials.shades(rng, tiles), tiles * 0.3], 2.5, stain=0.3)
        for side in (-1, 1):
            n = np.array([0, side * 0.6, 0.8])
            at_y = depth / 2 + side * depth * 0.27
            rotation = np.stack([[1, 0, 0], np.cross(n, [1, 0, 0]), n], axis=1)
            half = (width / 2 + 0.3, depth * 0.37, 0.08)
            b.add(Shape.BOX, (0, at_y, height + depth * 0.18), half, roof, rotation)
    else:
        b.box((0, 0.05, height), (width + 0.2, 0.4, 0.4), materials.concrete(b))
        for _ in range(int(rng.integers(0, 4))):  # balconies
            x, z = rng.uniform(-0.35, 0.35) * width, rng.uniform(3, max(height - 2, 3.5))
            b.box((x, -0.5, z), (2.2, 1.0, 0.12), materials.concrete(b))
            b.box((x, -0.98, z + 0.5), (2.2, 0.04, 1.0), materials.metal(b))
