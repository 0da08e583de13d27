# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Laws of ray against solid: the hit lies on the ray, on the surface, and nothing is nearer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.lab.synthetic.render.cast import Caster
from depth_ros.lab.synthetic.render.shapes import first_hit, surface
from depth_ros.lab.synthetic.scene.tables import Shape, Solids, rotation_to

# A ray that misses something round gives NaN on the way.
pytestmark = pytest.mark.filterwarnings('ignore:invalid value encountered in sqrt')
HALF = np.array([0.7, 0.4, 0.9])


def inside(shape: Shape, p: np.ndarray, half: np.ndarray, grow: float = 0.0) -> np.ndarray:
    """Say by the definition of each solid, not by its intersection, which points are in it."""
    a, b, c = half + grow
    x, y, z = p
    if shape is Shape.RECT:
        return (np.abs(x) <= a) & (np.abs(y) <= b) & (np.abs(z) <= max(grow, 0))
    if shape is Shape.BOX:
        return (np.abs(x) <= a) & (np.abs(y) <= b) & (np.abs(z) <= c)
    if shape is Shape.ELLIPSOID:
        return (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 <= 1
    if shape is Shape.CYLINDER:
        return ((x / a) ** 2 + (y / b) ** 2 <= 1) & (np.abs(z) <= c)
    if shape is Shape.CAPSULE:
        beyond = z - np.clip(z, -half[2], half[2])
        return np.sqrt(x**2 + y**2 + beyond**2) <= a
    radius = half[0] * (half[2] - z) / (2 * half[2])
    return (np.hypot(x, y) <= radius + grow) & (np.abs(z) <= c)


def random_rays(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    origin = rng.normal(size=(3, count))
    origin *= rng.uniform(2.5, 6, count) / np.linalg.norm(origin, axis=0)
    target = rng.uniform(-1, 1, (3, count))
    return origin, (target - origin) * rng.uniform(0.3, 3, count)


@pytest.mark.parametrize('shape', list(Shape), ids=lambda s: s.name.lower())
@given(seed=st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_the_hit_is_the_first_point_of_the_solid(shape: Shape, seed: int) -> None:
    o, d = random_rays(seed, 200)
    t = first_hit(np, shape, o, d, HALF)
    hit = np.isfinite(t)
    p = o[:, hit] + t[hit] * d[:, hit]
    assert inside(shape, p, HALF, 1e-6).all()
    # Walk along every ray: no step before the hit may lie within the solid.
    for s in np.linspace(0.001, 0.999, 60):
        before = np.where(hit, t * s, 12 * s)
        assert not inside(shape, o + before * d, HALF, -1e-6).any()


@pytest.mark.parametrize('shape', list(Shape), ids=lambda s: s.name.lower())
def test_normals_are_perpendicular_to_the_surface(shape: Shape) -> None:
    o, d = random_rays(3, 4000)
    t = first_hit(np, shape, o, d, HALF)
    p = (o + t * d)[:, np.isfinite(t)]
    assert p.shape[1] > 100
    n, u, v = surface(np, shape, p, HALF)
    n = np.stack(n) / np.linalg.norm(np.stack(n), axis=0)
    step = 1e-3
    if shape is Shape.RECT:
        assert (np.abs(n[2]) == 1).all()
    else:  # outwards is out, inwards is in, except in the last millimetre to an edge
        assert (~inside(shape, p + step * n, HALF)).mean() > 0.99
        assert inside(shape, p - step * n, HALF).mean() > 0.97
    assert np.isfinite(u).all()
    assert np.isfinite(v).all()


@pytest.mark.parametrize('shape', list(Shape), ids=lambda s: s.name.lower())
def test_a_thin_far_solid_keeps_its_place_in_single_precision(shape: Shape) -> None:
    half = np.array([0.02, 0.02, 0.02])
    centre = np.array([83.0, 0.004, -0.003])
    rotation = rotation_to((0.9, 0.1, 0.3))
    o, d = -rotation.T @ centre, rotation.T @ np.array([1.0, 0.0, 0.0])
    exact = first_hit(np, shape, o[:, None], d[:, None], half)
    single = first_hit(
        np, shape, *(x[:, None].astype(np.float32) for x in (o, d)), half.astype(np.float32)
    )
    assert np.isfinite(exact).all()
    assert single == pytest.approx(exact, abs=2e-4)


def random_solids(count: int, seed: int = 0) -> Solids:
    rng = np.random.default_rng(seed)
    return Solids(
        rng.integers(0, len(Shape), count), rng.uniform(-8, 8, (count, 3)),
        np.stack([rotation_to(rng.normal(size=3)) for _ in range(count)]),
        rng.uniform(0.02, 1.5, (count, 3)), np.arange(1, count + 1), np.zeros(count, int),
        np.zeros((count, 2)), np.zeros((count, 3)), np.ones(count, bool),
    )  # fmt: skip


def every_solid(solids: Solids, origin: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return t (solids, rays) without any culling; origin is (3,) or (3, rays)."""
    out = []
    for i in range(len(solids)):
        r = solids.rotation[i].T
        o = r @ (origin.reshape(3, -1) - solids.centre[i][:, None])
        o = np.broadcast_to(o, d.shape)
        out.append(first_hit(np, Shape(solids.shape[i]), o, r @ d, solids.half[i]))
    return np.stack(out)


@pytest.mark.parametrize('opening', [0.02, 0.3, 3.0], ids=['narrow', 'usual', 'all around'])
def test_culling_changes_nothing(opening: float) -> None:
    solids, rng = random_solids(80), np.random.default_rng(1)
    axis = rng.normal(size=(3, 20, 1))
    d = axis / np.linalg.norm(axis, axis=0) + opening * rng.uniform(-1, 1, (3, 20, 64))
    origin = np.array([0.3, -0.2, 0.1])
    caster = Caster(solids, np.float64)
    t, row = caster.from_point(origin, d)
    brute = every_solid(solids, origin, d.reshape(3, -1))
    assert np.isfinite(brute).any()
    np.testing.assert_allclose(t.ravel(), brute.min(0), rtol=1e-9)
    hit = np.isfinite(t.ravel())
    np.testing.assert_array_equal(row.ravel()[hit], brute.argmin(0)[hit])
    blocked = caster.blocked_from_point(origin, d * 5, 1.0)
    np.testing.assert_array_equal(blocked.ravel(), brute.min(0) < 5)


def test_culling_changes_nothing_towards_a_sun() -> None:
    solids, rng = random_solids(80, 4), np.random.default_rng(2)
    points = rng.uniform(-8, 8, (3, 30, 1)) + rng.uniform(-0.5, 0.5, (3, 30, 64))
    axis = np.array([0.4, -0.5, 0.7]) / np.linalg.norm([0.4, -0.5, 0.7])
    flat = points.reshape(3, -1)
    brute = every_solid(solids, flat, np.repeat(axis[:, None], flat.shape[1], axis=1))
    blocked = Caster(solids, np.float64).blocked_towards(axis, points)
    assert 0.05 < blocked.mean() < 0.95
    np.testing.assert_array_equal(blocked.ravel(), np.isfinite(brute).any(axis=0))


def test_every_tile_may_have_its_own_lamp_and_solid_to_leave_out() -> None:
    solids, rng = random_solids(60, 7), np.random.default_rng(3)
    caster = Caster(solids, np.float64)
    lamps = rng.uniform(-8, 8, (25, 3))
    ends = rng.uniform(-8, 8, (3, 25, 1)) + rng.uniform(-1, 1, (3, 25, 64))
    d = ends - lamps.T[:, :, None]
    own = rng.integers(-1, 60, 25)
    blocked = caster.blocked_from_point(lamps, d, own=own)
    for i, lamp in enumerate(lamps):
        t = every_solid(solids, lamp, d[:, i])
        t[own[i] if own[i] >= 0 else slice(0)] = np.inf
        np.testing.assert_array_equal(blocked[i], t.min(axis=0) < 1 - 1e-3)
    assert 0.05 < blocked.mean() < 0.95


def test_what_casts_no_shadow_is_seen_and_does_not_block() -> None:
    solids = replace(random_solids(30, 9), shadow=np.zeros(30, bool))
    d = solids.centre.T[:, :, None] + np.random.default_rng(0).uniform(-0.01, 0.01, (3, 30, 16))
    caster = Caster(solids, np.float64)
    assert (caster.from_point(np.zeros(3), d)[1] >= 0).any()
    assert not caster.blocked_from_point(np.zeros(3), d * 5).any()
    assert not caster.blocked_towards((0, 0, 1), d).any()
