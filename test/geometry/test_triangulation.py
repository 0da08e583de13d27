# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Triangulation: exact without noise, as certain as it says with noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.geometry.epipolar import rotation_of
from depth_ros.geometry.triangulation import triangulate
from depth_ros.types import DepthError


def views(rng, count=80, others=3, noise=0.0):
    """Return depth, rays, the other views' rays, rotations and translations."""
    z = rng.uniform(1.5, 8, count)
    rays = rng.uniform(-0.5, 0.5, (count, 2))
    points = np.concatenate([rays, np.ones((count, 1))], 1) * z[:, None]
    rotations = np.array([rotation_of(rng.normal(0, 0.05, 3)) for _ in range(others)])
    translations = rng.normal(0, 0.2, (others, 3))
    moved = np.einsum('kij,nj->kni', rotations, points) + translations[:, None]
    seen = moved[..., :2] / moved[..., 2:]
    return z, rays, seen + rng.normal(0, noise, seen.shape), rotations, translations


@given(seed=st.integers(0, 1000), others=st.integers(1, 5))
@settings(max_examples=25)
def test_without_noise_depth_is_exact(seed, others):
    z, rays, seen, rotations, translations = views(np.random.default_rng(seed), others=others)
    found = triangulate(rays, seen, rotations, translations, 1e-3)
    good = found.parallax > 1e-3
    assert good.any()
    np.testing.assert_allclose(found.depth[good], z[good], rtol=1e-6)
    assert found.residual[good].max() < 1e-9
    assert (found.views == others).all()


def test_the_deviation_is_that_of_the_errors():
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(20):
        z, rays, seen, rotations, translations = views(rng, noise=1e-3)
        found = triangulate(
            rays + rng.normal(0, 1e-3, rays.shape), seen, rotations, translations, 1e-3
        )
        good = found.deviation < 0.1 * found.inverse_depth
        ratios.append(((found.inverse_depth - 1 / z) / found.deviation)[good])
    assert 0.6 < np.std(np.concatenate(ratios)) < 1.4


def test_more_views_are_more_certain():
    rng = np.random.default_rng(0)
    _, rays, seen, rotations, translations = views(rng, others=4)
    two = triangulate(rays, seen[:1], rotations[:1], translations[:1], 1e-3)
    all_ = triangulate(rays, seen, rotations, translations, 1e-3)
    assert (all_.deviation <= two.deviation * (1 + 1e-9)).all()


def test_a_view_that_does_not_see_a_point_does_not_count():
    z, rays, seen, rotations, translations = views(np.random.default_rng(1), others=3)
    seen[0, :40] = np.nan
    found = triangulate(rays, seen, rotations, translations, 1e-3)
    np.testing.assert_array_equal(found.views[:40], 2)
    np.testing.assert_allclose(found.depth, z, rtol=1e-5)
    seen[:, :5] = np.nan
    found = triangulate(rays, seen, rotations, translations, 1e-3)
    assert np.isnan(found.depth[:5]).all()
    assert np.isfinite(found.depth[5:]).all()


def test_a_point_that_moved_shows_in_the_residual():
    _, rays, seen, rotations, translations = views(np.random.default_rng(2), others=4)
    moved = seen.copy()
    moved[0, :20] += 0.02
    clean = triangulate(rays, seen, rotations, translations, 1e-3).residual
    found = triangulate(rays, moved, rotations, translations, 1e-3).residual
    assert np.median(found[:20]) > 5e-3
    np.testing.assert_allclose(found[20:], clean[20:], atol=1e-9)


def test_no_parallax_is_no_depth():
    rays = np.zeros((1, 2))
    found = triangulate(rays, rays[None], np.eye(3)[None], np.zeros((1, 3)), 1e-3)
    assert np.isnan(found.depth[0])


def test_a_point_behind_the_camera_is_no_depth():
    """The rays part instead of meeting: the inverse depth is negative."""
    found = triangulate([[0.0, 0.0]], [[[0.1, 0.0]]], np.eye(3)[None], [[-0.2, 0.0, 0.0]], 1e-3)
    assert np.isnan(found.depth[0])


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(DepthError, match='expected'):
        triangulate(
            np.zeros((4, 2)), np.zeros((2, 3, 2)), np.zeros((2, 3, 3)), np.zeros((2, 3)), 1
        )
    with pytest.raises(DepthError, match='one for each other view'):
        triangulate(
            np.zeros((4, 2)), np.zeros((2, 4, 2)), np.zeros((1, 3, 3)), np.zeros((1, 3)), 1
        )
