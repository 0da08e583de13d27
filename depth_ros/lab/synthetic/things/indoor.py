# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Things made of solids, indoors: each takes a Builder and stands at the frame's origin."""

from __future__ import annotations

import math

import numpy as np

from depth_ros.lab.synthetic.scene.build import Builder
from depth_ros.lab.synthetic.scene.tables import Shape, rotation_to
from depth_ros.lab.synthetic.textures import materials


def table(b: Builder) -> None:
    rng = b.rng
    w, d, h = rng.uniform(0.7, 2.0), rng.uniform(0.5, 1.0), rng.uniform(0.45, 0.95)
    top = materials.wood(b) if rng.random() < 0.7 else materials.plastic(b)
    leg = materials.metal(b) if rng.random() < 0.6 else top
    if rng.random() < 0.2:  # round, one foot
        b.add(Shape.CYLINDER, (0, 0, h), (d / 2, d / 2, 0.02), top)
        b.cylinder((0, 0, 0), 0.04, h, leg)
        b.cylinder((0, 0, 0), 0.25, 0.03, leg)
        w = d = d * 0.6
    else:
        b.box((0, 0, h), (w, d, 0.04), top)
        for x in (-1, 1):
            for y in (-1, 1):
                b.rod(
                    (x * (w / 2 - 0.05), y * (d / 2 - 0.05), 0),
                    (x * (w / 2 - 0.05), y * (d / 2 - 0.05), h),
                    rng.choice([0.015, 0.025, 0.04]), leg,
                )  # fmt: skip
    for _ in range(int(rng.integers(0, 5))):
        with b.thing((rng.uniform(-0.4, 0.4) * w, rng.uniform(-0.35, 0.35) * d, h + 0.02)):
            small_thing(b)


def small_thing(b: Builder, size: float = 1.0) -> None:
    """Add something that stands on a table or a shelf."""
    rng = b.rng
    s = size * rng.uniform(0.6, 1.4)
    kind = rng.integers(7)
    if kind == 0:
        b.cylinder((0, 0, 0), 0.04 * s, 0.11 * s, materials.plastic(b))
    elif kind == 1:
        b.box(
            (0, 0, 0.08 * s),
            (0.2 * s, 0.14 * s, 0.16 * s),
            materials.box_print(b),
            rng.uniform(0, 3),
        )
    elif kind == 2:
        b.ball((0, 0, 0.07 * s), 0.07 * s, materials.anything(b))
    elif kind == 3:  # bottle
        m = materials.plastic(b)
        b.cylinder((0, 0, 0), 0.035 * s, 0.2 * s, m)
        b.cylinder((0, 0, 0.2 * s), 0.012 * s, 0.08 * s, m)
    elif kind == 4:  # books, flat
        for i in range(int(rng.integers(1, 5))):
            b.box(
                (0, 0, 0.015 + 0.03 * i),
                (0.24, 0.17, 0.028),
                materials.box_print(b),
                rng.uniform(0, 1),
            )
    elif kind == 5:  # screen
        yaw = rng.uniform(-0.5, 0.5) + rng.choice([0, math.pi])
        w, h = 0.5, 0.3
        front = b.material(
            'screen', [materials.paint(rng) for _ in range(4)], (w, h), detail_amount=0.0,
            stain=0.0, emission=rng.choice([0.0, 0.6]), specular=0.4, gloss=150,
        )  # fmt: skip
        black = materials.plastic(b)
        with b.thing((0, 0, 0), yaw):
            b.box((0, 0, 0.3), (0.02, w + 0.02, h + 0.02), black)
            b.rect((0.012, 0, 0.3), (1, 0, 0), (w, h), front, fitted=True)
            b.rod((0, 0, 0), (0, 0, 0.2), 0.02, black)
            b.box((0, 0, 0.01), (0.16, 0.24, 0.02), black)
    else:  # lamp with a shade
        m = materials.metal(b)
        b.rod((0, 0, 0), (0, 0, 0.32 * s), 0.012, m)
        b.cylinder((0, 0, 0), 0.07 * s, 0.02, m)
        b.add(Shape.CONE, (0, 0, 0.38 * s), (0.13 * s, 0.13 * s, 0.1 * s), materials.cloth(b))


def chair(b: Builder) -> None:
    rng = b.rng
    seat, leg = materials.anything(b), materials.metal(b)
    h, w = rng.uniform(0.4, 0.5), rng.uniform(0.38, 0.5)
    b.box((0, 0, h), (w, w, rng.uniform(0.03, 0.1)), seat)
    b.box((-w / 2, 0, h + 0.28), (0.04, w, rng.uniform(0.2, 0.5)), seat)
    if rng.random() < 0.4:  # swivel chair
        b.rod((0, 0, 0.08), (0, 0, h), 0.025, leg)
        for i in range(5):
            a = i * 2 * math.pi / 5
            b.rod((0, 0, 0.1), (0.28 * math.cos(a), 0.28 * math.sin(a), 0.05), 0.02, leg)
    else:
        for x in (-1, 1):
            for y in (-1, 1):
                b.rod((x * w * 0.45, y * w * 0.45, 0), (x * w * 0.42, y * w * 0.42, h), 0.016, leg)
        for y in (-1, 1):
            b.rod((-w / 2, y * w * 0.4, h), (-w / 2, y * w * 0.4, h + 0.3), 0.012, leg)


def shelf(b: Builder, width: float = 0.0, filled: float = 0.7) -> None:
    """Add an open shelf with goods; its back is at x = -depth / 2."""
    rng = b.rng
    w = width or rng.uniform(0.6, 1.8)
    d, h = rng.uniform(0.25, 0.45), rng.uniform(0.8, 2.2)
    m = materials.wood(b) if rng.random() < 0.7 else materials.metal(b)
    levels = int(h / rng.uniform(0.3, 0.5)) + 1
    y: float
    for y in (-1, 1):
        b.box((0, y * w / 2, h / 2), (d, 0.025, h), m)
    if rng.random() < 0.6:
        b.box((-d / 2, 0, h / 2), (0.015, w, h), m)
    for i in range(levels + 1):
        z = 0.04 + i * (h - 0.06) / levels
        b.box((0, 0, z), (d, w, 0.025), m)
        room = (h - 0.06) / levels - 0.05
        if i == levels or rng.random() > filled:
            continue
        if rng.random() < 0.6:  # a row of books, as one block
            length, tall = rng.uniform(0.4, 0.95) * w, min(room, rng.uniform(0.18, 0.3))
            books = b.material(
                'books', [materials.paint(rng) for _ in range(4)],
                (rng.uniform(0.6, 1.2), 2 * tall), detail_amount=0.06,
            )  # fmt: skip
            y = rng.uniform(-1, 1) * (w * 0.95 - length) / 2
            b.box((0.03, y, z + 0.014 + tall / 2), (d * 0.7, length, tall), books)
        else:
            for y in np.arange(-w / 2 + 0.15, w / 2 - 0.1, 0.3):
                if rng.random() < 0.6:
                    s = rng.uniform(0.5, 1.0, 3) * (d * 0.8, 0.26, room)
                    b.box((0, y, z + 0.013 + s[2] / 2), s, materials.box_print(b))


def cupboard(b: Builder) -> None:
    rng = b.rng
    w, d, h = rng.uniform(0.5, 1.6), rng.uniform(0.35, 0.65), rng.uniform(0.6, 2.2)
    m, knob = materials.anything(b), materials.metal(b)
    b.box((0, 0, h / 2), (d, w, h), m)
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    front = materials.anything(b) if rng.random() < 0.4 else m
    for i in range(rows):
        for j in range(columns):
            y, z = (j + 0.5) / columns * w - w / 2, (i + 0.5) / rows * h
            b.box((d / 2 + 0.008, y, z), (0.016, w / columns - 0.02, h / rows - 0.02), front)
            b.box((d / 2 + 0.03, y + w / columns * 0.35, z), (0.03, 0.02, 0.1), knob)
    if rng.random() < 0.5:
        with b.thing((0, rng.uniform(-0.3, 0.3) * w, h)):
            small_thing(b, 1.5)


def sofa(b: Builder) -> None:
    rng = b.rng
    w, m = rng.uniform(0.8, 2.2), materials.cloth(b)
    y: float
    b.box((0, 0, 0.22), (0.85, w, 0.4), m)
    b.box((-0.36, 0, 0.55), (0.2, w, 0.55), m)
    for y in (-1, 1):
        b.rod((-0.4, y * w / 2, 0.5), (0.42, y * w / 2, 0.5), 0.12, m, Shape.CAPSULE)
        b.box((0, y * w / 2, 0.24), (0.84, 0.2, 0.48), m)
    for y in np.arange(-w / 2 + 0.35, w / 2 - 0.2, 0.55):
        if rng.random() < 0.6:
            b.ball((-0.15, y, 0.58), (0.11, 0.22, 0.2), materials.cloth(b))


def bed(b: Builder) -> None:
    frame, sheet = materials.wood(b), materials.cloth(b)
    w = b.rng.uniform(0.9, 1.8)
    b.box((0, 0, 0.2), (2.05, w, 0.25), frame)
    b.box((0, 0, 0.4), (2.0, w - 0.04, 0.2), sheet)
    b.box((-1.03, 0, 0.55), (0.06, w, 0.8), frame)
    b.box((0.35, 0, 0.51), (1.2, w, 0.05), materials.cloth(b))
    b.ball((-0.7, 0, 0.55), (0.2, w * 0.35, 0.1), materials.cloth(b))


def plant(b: Builder) -> None:
    rng = b.rng
    m = materials.foliage(b)
    r, h = rng.uniform(0.12, 0.22), rng.uniform(0.2, 0.4)
    b.cylinder((0, 0, 0), r, h, materials.anything(b))
    tall = rng.uniform(0.3, 1.2)
    for _ in range(int(rng.integers(4, 10))):
        a, lean = rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 0.45)
        tip = np.array([lean * math.cos(a), lean * math.sin(a), h + tall * rng.uniform(0.5, 1)])
        b.rod((0, 0, h), tip, 0.008, m)
        size = (rng.uniform(0.05, 0.12), 0.03, rng.uniform(0.1, 0.2))
        b.add(Shape.ELLIPSOID, tip, size, m, rotation_to(tip - (0, 0, h * 0.8)))


def person(b: Builder) -> None:
    """Add a person made of capsules, standing or walking."""
    rng = b.rng
    s = rng.uniform(0.85, 1.12) * (0.65 if rng.random() < 0.12 else 1.0)
    top, bottom, skin = materials.cloth(b), materials.cloth(b), materials.skin(b)
    hair = b.material('grain', [materials.paint(rng, (0.1, 0.6), (0, 0.6), (0.03, 0.12))], 0.1)
    step, swing = rng.uniform(-0.3, 0.3), rng.uniform(-0.4, 0.4)
    for side in (-1, 1):
        foot = np.array([side * step, side * 0.1, 0.06]) * s
        knee = np.array([side * step * 0.6 + 0.03, side * 0.1, 0.5]) * s
        hip = np.array([0, side * 0.09, 0.92]) * s
        b.rod(foot, knee, 0.06 * s, bottom, Shape.CAPSULE)
        b.rod(knee, hip, 0.08 * s, bottom, Shape.CAPSULE)
        b.box(foot + np.array([0.06, 0, -0.02]), (0.26 * s, 0.09 * s, 0.08 * s), hair)
        shoulder = np.array([0, side * 0.2, 1.42]) * s
        elbow = np.array([-side * swing * 0.4, side * 0.26, 1.14]) * s
        hand = np.array([-side * swing + 0.1, side * 0.25, 0.92]) * s
        b.rod(shoulder, elbow, 0.05 * s, top, Shape.CAPSULE)
        b.rod(elbow, hand, 0.038 * s, skin, Shape.CAPSULE)
    b.add(Shape.ELLIPSOID, np.array([0, 0, 1.18]) * s, np.array([0.13, 0.2, 0.32]) * s, top)
    b.add(Shape.CAPSULE, np.array([0, 0, 1.5]) * s, np.array([0.05, 0.05, 0.06]) * s, skin)
    b.add(Shape.ELLIPSOID, np.array([0.01, 0, 1.64]) * s, np.array([0.1, 0.08, 0.12]) * s, skin)
    b.add(Shape.ELLIPSOID, np.array([-0.02, 0, 1.68]) * s, np.array([0.1, 0.09, 0.1]) * s, hair)


def boxes(b: Builder) -> None:
    """Add a pile of packed goods."""
    rng = b.rng
    z = 0.0
    for _ in range(int(rng.integers(1, 5))):
        size = rng.uniform(0.2, 0.6, 3)
        b.box((0, 0, z + size[2] / 2), size, materials.box_print(b), rng.uniform(-0.4, 0.4))
        z += size[2]


def barrel(b: Builder) -> None:
    m, r = materials.metal(b), b.rng.uniform(0.2, 0.3)
    h = b.rng.uniform(0.5, 0.9)
    b.cylinder((0, 0, 0), r, h, m)
    for z in (0.0, 0.33, 0.66, 0.97):
        b.cylinder((0, 0, z * h), r * 1.04, 0.025, m)


def traffic_cone(b: Builder) -> None:
    orange = materials.paint(b.rng, (0.8, 1.0), (0.8, 1.0), (0.01, 0.09))
    m = b.material('stripes', [orange, orange, [0.9] * 3], 0.3, stain=0.1)
    b.add(Shape.CONE, (0, 0, 0.33), (0.15, 0.15, 0.32), m)
    b.box((0, 0, 0.015), (0.36, 0.36, 0.03), m)


def stairs(b: Builder) -> None:
    rng = b.rng
    m, width = materials.anything(b), rng.uniform(0.8, 1.6)
    rise, run = rng.uniform(0.14, 0.2), rng.uniform(0.24, 0.32)
    steps = int(rng.integers(3, 11))
    for i in range(steps):
        b.box((i * run + run / 2, 0, (i + 1) * rise / 2), (run, width, (i + 1) * rise), m)
    if rng.random() < 0.6:
        rail = materials.metal(b)
        end = steps * run
        for y in (-1, 1):
            for i in range(0, steps, 2):
                x = i * run + run / 2
                b.rod(
                    (x, y * width / 2, (i + 1) * rise),
                    (x, y * width / 2, (i + 1) * rise + 0.9),
                    0.015,
                    rail,
                )
            b.rod((0, y * width / 2, 0.95), (end, y * width / 2, steps * rise + 0.9), 0.022, rail)


def column(b: Builder, height: float = 3.0) -> None:
    m = materials.wall(b)
    r = b.rng.uniform(0.1, 0.3)
    if b.rng.random() < 0.5:
        b.cylinder((0, 0, 0), r, height, m)
    else:
        b.box((0, 0, height / 2), (2 * r, 2 * r, height), m)


def ball_toy(b: Builder) -> None:
    r = b.rng.uniform(0.06, 0.4)
    b.ball((0, 0, r), r, materials.anything(b))


def step_ladder(b: Builder) -> None:
    m, h = materials.metal(b), b.rng.uniform(1.2, 2.4)
    for y in (-0.22, 0.22):
        b.rod((0, y, 0), (0.3, y * 0.8, h), 0.02, m)
        b.rod((0.75, y, 0), (0.32, y * 0.8, h), 0.02, m)
    for i in range(1, int(h / 0.28)):
        f = i * 0.28 / h
        b.box((0.3 * f, 0, i * 0.28), (0.08, 0.44 * (1 - 0.2 * f), 0.02), m)


FURNITURE = (
    table, table, chair, chair, chair, shelf, shelf, cupboard, cupboard, sofa, bed, plant, plant,
    person, person, boxes, boxes, ball_toy, barrel, stairs, step_ladder, traffic_cone,
)  # fmt: skip
