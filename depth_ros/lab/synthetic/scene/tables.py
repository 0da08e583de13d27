# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A scene as plain tables: solids, materials, lights, sky and fog. The world is z up, in metres.

Tables instead of objects, because a renderer reads a column of all solids at once and a batch of
scenes is the same tables padded and stacked.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Shape(enum.IntEnum):
    """Solids in their own frame, with half sizes (a, b, c)."""

    RECT = 0  # |x| <= a, |y| <= b, z = 0
    BOX = 1  # |x| <= a, |y| <= b, |z| <= c
    ELLIPSOID = 2  # semi-axes a, b, c
    CYLINDER = 3  # elliptic, semi-axes a, b, along z, |z| <= c, with caps
    CAPSULE = 4  # radius a around the segment |z| <= c
    CONE = 5  # base radius a at z = -c, apex at z = +c, with its base


@dataclass(frozen=True, eq=False)
class Solids:
    """One row per solid; several rows may share an instance number (a table and its legs)."""

    shape: npt.NDArray[np.int64]  # (P,)
    centre: Floats  # (P, 3)
    rotation: Floats  # (P, 3, 3), local to world
    half: Floats  # (P, 3)
    instance: npt.NDArray[np.int64]  # (P,), from 1; 0 is the sky
    material: npt.NDArray[np.int64]  # (P,)
    offset: Floats  # (P, 2) metres, shifts the texture so that equal solids look different
    velocity: Floats  # (P, 3) metres per second
    shadow: npt.NDArray[np.bool_]  # (P,), whether it casts a shadow

    def __len__(self) -> int:
        return len(self.shape)

    @property
    def bounds(self) -> Floats:
        """Half sizes of the bounding boxes in the solids' own frames, (P, 3)."""
        half = self.half.copy()
        half[self.shape == Shape.RECT, 2] = 0
        capsule = self.shape == Shape.CAPSULE
        half[capsule, 1] = half[capsule, 0]
        half[capsule, 2] += half[capsule, 0]
        cone = self.shape == Shape.CONE
        half[cone, 1] = half[cone, 0]
        return half

    @property
    def radius(self) -> Floats:
        """Radii of the bounding spheres, (P,)."""
        bounds = self.bounds
        radius = np.sqrt((bounds**2).sum(1))
        smooth = (self.shape == Shape.ELLIPSOID) | (self.shape == Shape.CAPSULE)
        radius[smooth] = bounds[smooth].max(1)
        round_ = (self.shape == Shape.CYLINDER) | (self.shape == Shape.CONE)
        radius[round_] = np.hypot(bounds[round_, :2].max(1), bounds[round_, 2])
        return radius


@dataclass(frozen=True, eq=False)
class Materials:
    """One row per material; colours are linear light, 0 to 1."""

    colours: Floats  # (M, 4, 3): the corners of the square that a texture's two channels span
    texture: npt.NDArray[np.int64]  # (M,), index into the bank of textures.py
    scale: Floats  # (M, 2), metres of one repetition along u and v
    detail: npt.NDArray[np.int64]  # (M,), texture of the fine layer
    detail_scale: Floats  # (M,), metres
    detail_amount: Floats  # (M,), relative strength, 0 none
    stain_amount: Floats  # (M,), relative strength of large-scale dirt
    specular: Floats  # (M,), strength of highlights and reflected surroundings
    gloss: Floats  # (M,), exponent of the highlight
    emission: Floats  # (M,), light of its own, times its colour

    def __len__(self) -> int:
        return len(self.texture)


@dataclass(frozen=True, eq=False)
class Lights:
    """Point lights (position in metres) and suns (direction towards them, distant True)."""

    position: Floats  # (L, 3)
    colour: Floats  # (L, 3); a point light's at one metre
    distant: npt.NDArray[np.bool_]  # (L,)

    def __len__(self) -> int:
        return len(self.colour)


@dataclass(frozen=True, eq=False)
class Air:
    """Sky, ambient light and fog."""

    zenith: Floats = field(default_factory=lambda: np.array([0.25, 0.45, 0.85]))
    horizon: Floats = field(default_factory=lambda: np.array([0.75, 0.82, 0.9]))
    clouds: float = 0.3  # 0 clear, 1 overcast
    cloud_offset: Floats = field(default_factory=lambda: np.zeros(2))
    ambient_up: Floats = field(default_factory=lambda: np.full(3, 0.4))  # on what faces up
    ambient_down: Floats = field(default_factory=lambda: np.full(3, 0.25))  # on what faces down
    fog: float = 0.0  # per metre
    fog_colour: Floats = field(default_factory=lambda: np.array([0.7, 0.73, 0.77]))


@dataclass(frozen=True, eq=False)
class Scene:
    """A world at one moment."""

    solids: Solids
    materials: Materials
    lights: Lights
    air: Air
    start: Floats  # 4x4 camera-to-world of a good first view
    area: tuple[float, float, float, float] = (-1e9, 1e9, -1e9, 1e9)  # x0, x1, y0, y1 to move in
    exposure: float = 1.0
    kind: str = ''
    seed: int = 0
    time: float = 0.0

    def at(self, time: float) -> Scene:
        """Return the scene at another time, in seconds: what moves has moved."""
        step = (time - self.time) * self.solids.velocity
        solids = replace(self.solids, centre=self.solids.centre + step)
        return replace(self, solids=solids, time=time)

    def is_free(self, x: float, y: float, radius: float = 0.3, height: float = 2.0) -> bool:
        """Say whether an upright cylinder on the ground fits at x, y without touching a solid."""
        x0, x1, y0, y1 = self.area
        if not (x0 + radius <= x <= x1 - radius and y0 + radius <= y <= y1 - radius):
            return False
        solids = self.solids
        # The axis-aligned box of every solid in the world, and the gap from the point to it.
        extent = np.einsum('pij,pj->pi', np.abs(solids.rotation), solids.bounds)
        low = (solids.centre - extent)[:, 2]
        high = (solids.centre + extent)[:, 2]
        gap = np.abs(np.array([x, y]) - solids.centre[:, :2]) - extent[:, :2]
        near = np.hypot(*np.maximum(gap, 0).T) < radius
        return not bool((near & (high > 0.05) & (low < height)).any())


def rotation_z(angle: float) -> Floats:
    """Return the rotation by an angle in radians about the upward axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def rotation_to(axis: npt.ArrayLike) -> Floats:
    """Return a rotation that takes z to the given direction."""
    z = np.asarray(axis, np.float64)
    z = z / np.linalg.norm(z)
    helper = np.array([1.0, 0, 0]) if abs(z[0]) < 0.9 else np.array([0, 1.0, 0])
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)
