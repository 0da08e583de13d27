# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of worlds, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from depth_ros.synthetic.build import Builder
from depth_ros.synthetic.cameras import camera_pose
from depth_ros.synthetic.scene import Air, Scene, Shape, rotation_to
from depth_ros.types import DepthError


def _simple(rng: np.random.Generator) -> Scene:
    b = Builder(rng)
    wall = b.material('plaster', [0.7, 0.5], 1.0)
    bricks = b.material('brick', [[0.5, 0.2, 0.1], [0.6, 0.3, 0.2], 0.6], 1.0)
    floor = b.material('planks', [[0.5, 0.35, 0.2], [0.3, 0.2, 0.1], 0.05], 1.2, specular=0.1)
    b.box((0, 0, -0.5), (20, 20, 1), floor, shadow=False)
    b.box((0, 0, 3.5), (20, 20, 1), wall, shadow=False)
    for x, y in ((4, 0), (-4, 0), (0, 3), (0, -3)):
        b.box((x * 1.0, y * 1.0, 1.5), (0.2, 9, 3) if x else (9, 0.2, 3), bricks, shadow=False)
    for _ in range(20):
        x, y = rng.uniform(-1, 3.5), rng.uniform(-2.5, 2.5)
        colours = rng.uniform(0, 0.8, (3, 3))
        m = b.material(str(rng.choice(['tiles', 'grain', 'clouds', 'checker'])), colours, 0.5)
        size = rng.uniform(0.1, 0.6, 3)
        with b.thing((x, y, 0), rng.uniform(0, 6)):
            shape = rng.integers(0, 4)
            if shape == 0:
                b.box((0, 0, size[2] / 2), size, m)
            elif shape == 1:
                b.cylinder((0, 0, 0), size[0] / 2, size[2] * 2, m)
            elif shape == 2:
                b.ball((0, 0, size[0] / 2), size[0] / 2, m)
            else:
                b.rod((0, 0, 0.2), (0, 0, 1.5), 0.2, m, Shape.CAPSULE)
    b.lamp((0, 0, 2.7), (4.0, 3.8, 3.5))
    b.lamp((2.5, 1, 2.7), (3.0, 3.0, 3.0))
    return b.scene(Air(), camera_pose((-3, 0, 1.2), pitch=0.15), area=(-3.8, 3.8, -2.8, 2.8))


KINDS: dict[str, Callable[[np.random.Generator], Scene]] = dict.fromkeys(
    ('room', 'corridor', 'street', 'warehouse', 'outdoor'), _simple
)


def kinds() -> list[str]:
    """Return the names that make_scene takes."""
    return list(KINDS)


def make_scene(kind: str = 'room', seed: int = 0) -> Scene:
    """Return a world of a kind; the same seed gives the same world."""
    if kind not in KINDS:
        raise DepthError(f'scene kind is {kind!r}, expected one of {", ".join(KINDS)}')
    from dataclasses import replace

    scene = KINDS[kind](np.random.default_rng([seed, list(KINDS).index(kind)]))
    return replace(scene, kind=kind, seed=seed)


def plane_scene(normal: npt.ArrayLike, distance: float, seed: int = 0) -> Scene:
    """
    Return one textured plane and nothing else, given in the optical frame of the start pose.

    The start pose is the identity, so that world and optical frame are the same. The plane holds
    the points X with normal . X = distance in metres, the normal turned so that its z is not
    negative; the depth along a ray (x, y, 1) is distance / (normal . (x, y, 1)).
    """
    n = np.asarray(normal, np.float64)
    length = float(np.linalg.norm(n)) if n.shape == (3,) else 0.0
    if not length > 0 or not distance > 0:
        raise DepthError(
            f'plane has normal {normal} and distance {distance}; expected three numbers that are '
            'not all zero and a distance above 0 in metres'
        )
    n = n / length * (-1.0 if n[2] < 0 else 1.0)
    b = Builder(np.random.default_rng(seed))
    m = b.material('clouds', [0.05, 0.9], 0.7, 'clouds', 0.17, 0.6, stain=0.3)
    b.add(Shape.RECT, n * distance, (5000.0, 5000.0, 0.0), m, rotation_to(n), shadow=False)
    even = Air(ambient_up=np.full(3, 0.9), ambient_down=np.full(3, 0.9))
    return b.scene(even, np.eye(4), kind='plane', seed=seed)
