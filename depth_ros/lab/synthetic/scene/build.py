# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Collect solids, materials and lights row by row, then freeze them into a Scene."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.scene.tables import (
    Air,
    Floats,
    Lights,
    Materials,
    Scene,
    Shape,
    Solids,
    rotation_to,
    rotation_z,
)
from depth_ros.lab.synthetic.textures.bank import index_of

Colour = npt.ArrayLike
Point = Any  # two or three numbers: a sequence or an array


class Builder:
    """
    A scene in the making.

    Solids added inside `with builder.thing(...)` share an instance and stand in its frame: a
    position on the ground and a yaw.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._solids: list[tuple[Any, ...]] = []
        self._materials: list[tuple[Any, ...]] = []
        self._lights: list[tuple[Any, ...]] = []
        self._frame = (np.zeros(3), np.eye(3), np.zeros(3))
        self._instance: int | None = None
        self._instances = 0

    def material(
        self,
        texture: str,
        colours: Sequence[Colour],
        scale: float | tuple[float, float] = 1.0,
        detail: str = 'grain',
        detail_scale: float = 0.3,
        detail_amount: float = 0.15,
        stain: float = 0.15,
        specular: float = 0.0,
        gloss: float = 20.0,
        emission: float = 0.0,
    ) -> int:
        """Add a material and return its number; fewer than four colours are repeated."""
        c = [np.broadcast_to(np.asarray(x, np.float64), 3) for x in colours]
        four = {1: [0, 0, 0, 0], 2: [0, 1, 0, 1], 3: [0, 1, 2, 2], 4: [0, 1, 2, 3]}[len(c)]
        pair = (scale, scale) if isinstance(scale, (int, float)) else scale
        self._materials.append(
            (
                np.stack([c[i] for i in four]), index_of(texture), pair, index_of(detail),
                detail_scale, detail_amount, stain, specular, gloss, emission,
            )
        )  # fmt: skip
        return len(self._materials) - 1

    @contextlib.contextmanager
    def thing(
        self,
        position: Point,
        yaw: float = 0.0,
        velocity: Point = (0.0, 0.0, 0.0),
    ) -> Iterator[None]:
        """Group what is added inside into one instance with its own frame."""
        before = self._frame, self._instance
        at, rotation, moving = self._frame
        place = np.zeros(3)
        place[: len(position)] = position
        self._frame = (
            at + rotation @ place, rotation @ rotation_z(yaw), moving + np.asarray(velocity)
        )  # fmt: skip
        if self._instance is None:
            self._instances += 1
            self._instance = self._instances
        try:
            yield
        finally:
            self._frame, self._instance = before

    def add(
        self,
        shape: Shape,
        centre: Point,
        half: Point,
        material: int,
        rotation: Floats | None = None,
        shadow: bool = True,
        offset: Point | None = None,
    ) -> None:
        """Add a solid by centre and half sizes in the current frame."""
        at, frame, velocity = self._frame
        if self._instance is None:
            self._instances += 1
        self._solids.append(
            (
                shape, at + frame @ np.asarray(centre, np.float64),
                frame @ (np.eye(3) if rotation is None else rotation),
                np.maximum(np.asarray(half, np.float64), 1e-4),
                self._instance or self._instances, material,
                self.rng.uniform(0, 10, 2) if offset is None else np.asarray(offset, float),
                velocity, shadow,
            )
        )  # fmt: skip

    def box(
        self,
        centre: Point,
        size: Point,
        material: int,
        yaw: float = 0.0,
        shadow: bool = True,
    ) -> None:
        """Add a box by its full sizes."""
        self.add(Shape.BOX, centre, np.asarray(size) / 2, material, rotation_z(yaw), shadow)

    def cylinder(self, base: Point, radius: float, height: float, material: int) -> None:
        """Add an upright cylinder that stands on a point."""
        centre = (base[0], base[1], base[2] + height / 2)
        self.add(Shape.CYLINDER, centre, (radius, radius, height / 2), material)

    def rod(
        self, a: Point, b: Point, radius: float, material: int,
        shape: Shape = Shape.CYLINDER,
    ) -> None:  # fmt: skip
        """Add a cylinder or capsule between two points."""
        p, q = np.asarray(a, np.float64), np.asarray(b, np.float64)
        half = (radius, radius, float(np.linalg.norm(q - p)) / 2)
        self.add(shape, (p + q) / 2, half, material, rotation_to(q - p))

    def ball(self, centre: Point, radius: Any, material: int) -> None:
        """Add an ellipsoid; radius is one number or three."""
        self.add(Shape.ELLIPSOID, centre, np.broadcast_to(radius, 3), material)

    def rect(
        self,
        centre: Point,
        normal: Point,
        size: Point,
        material: int,
        shadow: bool = True,
        fitted: bool = False,
    ) -> None:
        """Add an upright (u horizontal, v up) or level rectangle by its full width and height."""
        # Fitted: the texture, whose scale is the rectangle's size, begins at its upper left.
        offset = (size[0] / 2, -size[1] / 2) if fitted else None
        n = np.asarray(normal, np.float64) / np.linalg.norm(normal)
        u = np.array([-n[1], n[0], 0.0]) if abs(n[2]) < 0.99 else np.array([1.0, 0.0, 0.0])
        u /= np.linalg.norm(u)
        rotation = np.stack([u, np.cross(n, u), n], axis=1)
        half = (size[0] / 2, size[1] / 2, 0.0)
        self.add(Shape.RECT, centre, half, material, rotation, shadow, offset)

    def lamp(self, position: Point, colour: Colour) -> None:
        """Add a point light in the current frame; colour is its light at one metre."""
        at, frame, _ = self._frame
        colour = np.broadcast_to(np.asarray(colour, np.float64), 3)
        self._lights.append((at + frame @ np.asarray(position, np.float64), colour, False))

    def sun(self, direction: Point, colour: Colour) -> None:
        """Add a light at infinity; the direction points towards it."""
        colour = np.broadcast_to(np.asarray(colour, np.float64), 3)
        self._lights.append((np.asarray(direction, np.float64), colour, True))

    def scene(self, air: Air, start: Floats, **fields: Any) -> Scene:
        """Freeze what was collected."""
        s = list(zip(*self._solids))
        m = list(zip(*self._materials))
        lights: list[Any] = list(zip(*self._lights)) or [np.zeros((0, 3)), np.zeros((0, 3)), []]
        return Scene(
            Solids(
                np.array([int(x) for x in s[0]]), np.array(s[1]), np.array(s[2]), np.array(s[3]),
                np.array(s[4]), np.array(s[5]), np.array(s[6]), np.array(s[7]),
                np.array(s[8], bool),
            ),
            Materials(*(np.array(column) for column in m)),
            Lights(np.array(lights[0]), np.array(lights[1]), np.array(lights[2], bool)),
            air, start, **fields,
        )  # fmt: skip
