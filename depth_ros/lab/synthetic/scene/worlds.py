# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of worlds, by name; a world comes with a good first view and an exposure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.scene.build import Builder
from depth_ros.lab.synthetic.scene.homes import home
from depth_ros.lab.synthetic.scene.indoor import NOWHERE, corridor, room, warehouse
from depth_ros.lab.synthetic.scene.outdoor import outdoor, street, weather
from depth_ros.lab.synthetic.scene.tables import Air, Scene, Shape, rotation_to
from depth_ros.lab.synthetic.scene.views import measured_exposure, sample_pose
from depth_ros.lab.synthetic.textures import materials
from depth_ros.types import DepthError


def clutter(rng: np.random.Generator) -> Scene:
    """Fill the air with solids of every kind: nothing there can be guessed, only seen."""
    b = Builder(rng)
    if rng.random() < 0.6:
        b.rect((0, 0, 0), (0, 0, 1), (2000, 2000), materials.ground(b), shadow=False)
    if rng.random() < 0.5:
        b.box((rng.uniform(8, 20), 0, 5), (0.3, 60, 12), materials.wall(b), rng.uniform(-0.5, 0.5))
    bank = [materials.anything(b) for _ in range(24)]
    for _ in range(int(rng.integers(25, 80))):
        far = rng.uniform(1.2, 16) ** 1.0
        at = (far, rng.uniform(-0.8, 0.8) * far, max(0.1, 1.2 + rng.uniform(-0.6, 0.6) * far))
        half = rng.uniform(0.03, 0.22, 3) * far ** rng.uniform(0.4, 1.0)
        shape = Shape(int(rng.integers(len(Shape))))
        if rng.random() < 0.3:  # thin: a pole, a board, a rod
            half[int(rng.integers(3))] *= 6
        with b.thing(at, 0.0, rng.normal(0, 0.3, 3)):
            turn = rotation_to(rng.normal(size=3))
            b.add(shape, (0, 0, 0), half, bank[int(rng.integers(24))], turn)
    return b.scene(weather(b), NOWHERE, area=(-1.0, 1.0, -1.0, 1.0))


KINDS: dict[str, Callable[[np.random.Generator], Scene]] = {
    'room': room,
    'corridor': corridor,
    'warehouse': warehouse,
    'street': street,
    'outdoor': outdoor,
    'clutter': clutter,
    'home': home,
}


def kinds() -> list[str]:
    """Return the names that make_scene takes."""
    return list(KINDS)


def make_scene(kind: str = 'room', seed: int = 0) -> Scene:
    """Return a world of a kind; the same seed gives the same world."""
    if kind not in KINDS:
        raise DepthError(f'scene kind is {kind!r}, expected one of {", ".join(KINDS)}')
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    scene = replace(KINDS[kind](rng), kind=kind, seed=seed)
    scene = replace(scene, start=sample_pose(scene, rng))
    return replace(scene, exposure=measured_exposure(scene) * float(rng.uniform(0.8, 1.25)))


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
            f'plane has normal {n.tolist()} and distance {distance}; expected three numbers that '
            'are not all zero and a distance above 0 in metres'
        )
    n = n / length * (-1.0 if n[2] < 0 else 1.0)
    b = Builder(np.random.default_rng(seed))
    m = b.material('clouds', [0.05, 0.9], 0.7, 'clouds', 0.17, 0.6, stain=0.3)
    b.add(Shape.RECT, n * distance, (5000.0, 5000.0, 0.0), m, rotation_to(n), shadow=False)
    even = Air(ambient_up=np.full(3, 0.9), ambient_down=np.full(3, 0.9))
    return b.scene(even, np.eye(4), kind='plane', seed=seed)
