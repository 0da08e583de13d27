# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random materials that look like something: walls, floors, wood, metal, cloth, print."""

from __future__ import annotations

import colorsys

import numpy as np

from depth_ros.lab.synthetic.scene.build import Builder
from depth_ros.lab.synthetic.scene.tables import Floats


def paint(
    rng: np.random.Generator,
    value: tuple[float, float] = (0.15, 0.95),
    saturation: tuple[float, float] = (0.0, 0.8),
    hue: tuple[float, float] = (0.0, 1.0),
) -> Floats:
    """Return a random colour in linear light."""
    hsv = rng.uniform(*hue) % 1.0, rng.uniform(*saturation), rng.uniform(*value)
    return np.array(colorsys.hsv_to_rgb(*hsv)) ** 2.2


def shades(rng: np.random.Generator, colour: Floats, spread: float = 0.35) -> list[Floats]:
    """Return a darker and a lighter neighbour of a colour."""
    tint = 1 + rng.uniform(-0.08, 0.08, 3)
    return [colour * (1 - spread), np.clip(colour * (1 + spread) * tint, 0, 0.95)]


def pick(rng: np.random.Generator, *names: str) -> str:
    return names[int(rng.integers(len(names)))]


def wall(b: Builder) -> int:
    """Return a material for an inner wall: often plain paint, which is what robots meet."""
    rng = b.rng
    kind = rng.random()
    base = paint(rng, (0.55, 0.98), (0.0, 0.25))
    if kind < 0.2:  # all but textureless
        return b.material('flat', [base], 1, detail_amount=rng.uniform(0, 0.03), stain=0.03)
    if kind < 0.5:
        return b.material(
            'plaster', shades(rng, base, 0.2), rng.uniform(0.5, 2), detail_amount=0.06, stain=0.12
        )
    if kind < 0.62:
        pair = paint(rng, (0.3, 0.7), (0.2, 0.6), (0.0, 0.1)), paint(rng, (0.5, 0.9), (0, 0.2))
        return b.material('brick', [*shades(rng, pair[0]), pair[1]], rng.uniform(0.9, 1.4))
    if kind < 0.72:
        return b.material(
            'tiles', [*shades(rng, base, 0.12), base * 0.5], rng.uniform(0.4, 1.2),
            detail_amount=0.03, specular=0.25, gloss=60,
        )  # fmt: skip
    if kind < 0.84:
        motif = np.clip(base * rng.uniform(0.5, 1.3), 0, 0.9)
        texture = pick(rng, 'wallpaper', 'stripes', 'dots', 'fabric')
        return b.material(texture, [*shades(rng, base, 0.1), motif], rng.uniform(0.6, 2))
    if kind < 0.93:
        return concrete(b)
    return wood(b, rng.uniform(1.0, 2.0))


def concrete(b: Builder) -> int:
    base = paint(b.rng, (0.4, 0.8), (0.0, 0.12))
    return b.material(
        'concrete', [*shades(b.rng, base, 0.3), base * 0.5], b.rng.uniform(1.5, 4), stain=0.25
    )


def floor(b: Builder) -> int:
    rng = b.rng
    base = paint(rng, (0.25, 0.8), (0.0, 0.35), (0.03, 0.14))
    glossy = rng.random() < 0.4
    specular = rng.uniform(0.1, 0.5) if glossy else 0.0
    texture = pick(
        rng, 'planks', 'planks', 'tiles', 'tiles', 'checker', 'carpet', 'fabric', 'terrazzo',
        'concrete', 'marble', 'flat', 'grain', 'stone_wall',
    )  # fmt: skip
    second = np.clip(base * rng.uniform(0.2, 1.6, 3), 0, 0.9)
    joints = base * 0.25 if texture in ('planks', 'tiles', 'stone_wall') else second
    return b.material(
        texture, [*shades(rng, base), *shades(rng, joints, 0.2)], rng.uniform(0.8, 2.6),
        pick(rng, 'grain', 'clouds', 'brushed'), rng.uniform(0.15, 0.6), rng.uniform(0.02, 0.25),
        specular=specular, gloss=rng.uniform(20, 120),
    )  # fmt: skip


def wood(b: Builder, scale: float | None = None) -> int:
    rng = b.rng
    base = paint(rng, (0.25, 0.85), (0.25, 0.7), (0.04, 0.12))
    return b.material(
        pick(rng, 'wood', 'wood', 'planks'), [*shades(rng, base), base * 0.3],
        (scale or rng.uniform(0.3, 0.9), rng.uniform(0.6, 1.6)), 'grain', 0.2, 0.08,
        specular=rng.choice([0.0, 0.15, 0.3]), gloss=rng.uniform(15, 60),
    )  # fmt: skip


def metal(b: Builder) -> int:
    rng = b.rng
    base = paint(rng, (0.3, 0.9), (0.0, 0.12 if rng.random() < 0.6 else 0.9))
    rusty = paint(rng, (0.3, 0.5), (0.6, 0.8), (0.03, 0.07))
    return b.material(
        pick(rng, 'brushed', 'flat', 'rust', 'corrugated', 'grain'),
        [*shades(rng, base, 0.2), rusty if rng.random() < 0.3 else base * 0.6],
        rng.uniform(0.3, 1.2), 'brushed', 0.4, 0.1, specular=rng.uniform(0.2, 0.9),
        gloss=rng.uniform(15, 150),
    )  # fmt: skip


def cloth(b: Builder) -> int:
    rng = b.rng
    base = paint(rng)
    texture = pick(rng, 'fabric', 'flat', 'grain', 'stripes', 'blobs', 'dots', 'checker', 'carpet')
    return b.material(
        texture, [*shades(rng, base), *shades(rng, paint(rng))], rng.uniform(0.15, 0.7),
        'clouds', rng.uniform(0.3, 1.0), rng.uniform(0.15, 0.45), stain=0.1,
    )  # fmt: skip


def plastic(b: Builder) -> int:
    rng = b.rng
    return b.material(
        pick(rng, 'flat', 'flat', 'clouds', 'machine', 'stripes', 'hazard', 'big_text'),
        [*shades(rng, paint(rng), 0.15), *shades(rng, paint(rng), 0.2)], rng.uniform(0.3, 1.0),
        detail_amount=rng.uniform(0, 0.06), stain=0.05, specular=rng.uniform(0.1, 0.6),
        gloss=rng.uniform(30, 200),
    )  # fmt: skip


def box_print(b: Builder) -> int:
    """Return what goods are packed in."""
    rng = b.rng
    if rng.random() < 0.45:
        base = paint(rng, (0.45, 0.75), (0.3, 0.55), (0.06, 0.1))
        return b.material(
            'cardboard', [base * 0.75, base * 1.2, base * 0.15], rng.uniform(0.35, 0.8),
            'clouds', 0.3, 0.12,
        )  # fmt: skip
    return b.material(
        pick(rng, 'text', 'big_text', 'poster_one', 'poster_two', 'stripes', 'machine', 'crates'),
        [paint(rng) for _ in range(4)], rng.uniform(0.3, 0.9), detail_amount=0.08,
        specular=rng.choice([0.0, 0.2]),
    )  # fmt: skip


def anything(b: Builder) -> int:
    return (wood, metal, cloth, plastic, box_print, wall)[int(b.rng.integers(6))](b)


def skin(b: Builder) -> int:
    base = paint(b.rng, (0.3, 0.9), (0.3, 0.55), (0.03, 0.09))
    return b.material('clouds', shades(b.rng, base, 0.1), 0.3, detail_amount=0.04)


def foliage(b: Builder) -> int:
    rng = b.rng
    autumn = rng.random() < 0.2
    base = paint(rng, (0.3, 0.7), (0.4, 0.8), (0.04, 0.12) if autumn else (0.18, 0.36))
    return b.material(
        'leaves', [*shades(rng, base, 0.5), base * 0.08, base * 0.2], rng.uniform(0.5, 1.6),
        'grain', 0.15, 0.35, stain=0.25,
    )  # fmt: skip


def ground(b: Builder, texture: str | None = None) -> int:
    """Return what lies outdoors: lawn, earth, gravel, paving, asphalt, sand, snow."""
    rng = b.rng
    texture = texture or pick(
        rng, 'grass', 'grass', 'gravel', 'cobbles', 'asphalt', 'concrete', 'grain', 'stone_wall'
    )
    hue = {'grass': (0.16, 0.33)}.get(texture, (0.05, 0.14))
    base = paint(rng, (0.3, 0.75), (0.25, 0.7) if texture == 'grass' else (0.0, 0.35), hue)
    earth = paint(rng, (0.2, 0.5), (0.2, 0.5), (0.06, 0.1))
    scale = {'gravel': 1.2, 'cobbles': 1.6, 'asphalt': 1.8, 'grass': 1.5}.get(texture, 2.5)
    return b.material(
        texture, [*shades(rng, base, 0.45), *shades(rng, earth, 0.3)],
        scale * rng.uniform(0.7, 1.4), pick(rng, 'clouds', 'grain'), rng.uniform(0.4, 9.0),
        rng.uniform(0.15, 0.45), stain=0.35,
    )  # fmt: skip


def asphalt(b: Builder) -> int:
    base = paint(b.rng, (0.2, 0.5), (0.0, 0.1))
    return b.material(
        'asphalt', [*shades(b.rng, base, 0.4), base * 0.2], b.rng.uniform(1.2, 2.5), 'clouds',
        b.rng.uniform(2.0, 12.0), 0.2, stain=0.25, specular=b.rng.choice([0.0, 0.1, 0.5]),
    )  # fmt: skip


def picture(b: Builder, width: float, height: float) -> int:
    """Return a picture, poster, notice or screen fitted to one rectangle."""
    rng = b.rng
    texture = pick(
        rng, 'poster_one', 'poster_two', 'poster_three', 'landscape', 'text', 'big_text'
    )
    return b.material(
        texture, [paint(rng) for _ in range(4)], (width, height), detail_amount=0.04, stain=0.0,
        specular=rng.choice([0.0, 0.3]), gloss=100,
    )  # fmt: skip
