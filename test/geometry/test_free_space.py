# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Free rays end before surfaces, and go through nothing that is not known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.geometry.distortion import ray_grid
from depth_ros.geometry.free_space import free_depth, free_points
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.types import Camera, DepthError, Distortion

CAMERA = Camera.pinhole(24, 18, 20.0, 21.0, 11.0, 9.0)
FISHEYE = Camera(24, 18, CAMERA.K, np.array([0.02, 0.0, 0.0, 0.0]), Distortion.EQUIDISTANT)
LENS = Camera(24, 18, CAMERA.K, np.array([-0.4, 0.05, 0.0, 0.0, 0.0]), Distortion.PLUMB_BOB)
CAMERAS = {'pinhole': CAMERA, 'fisheye': FISHEYE, 'lens': LENS}


def some_depth(seed):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.3, 9.0, (18, 24)).astype(np.float32)
    bad = rng.random(depth.shape) < 0.15
    wrong = np.float32([np.nan, np.inf, -np.inf, 0.0, -2.0])
    depth[bad] = rng.choice(wrong, bad.sum())
    return depth


def rays_of(camera):
    grid = ray_grid(camera).astype(np.float64)
    return np.sqrt(1 + (grid**2).sum(axis=-1))


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
@given(seed=st.integers(0, 10_000), reach=st.floats(1.0, 12.0))
@settings(max_examples=20)
def test_every_known_ray_ends_at_its_surface_or_at_the_clearing_range(camera, seed, reach):
    depth = some_depth(seed)
    end = free_depth(depth, camera, reach)
    per_z = rays_of(camera)
    known = (depth > 0) & np.isfinite(per_z)
    np.testing.assert_array_equal(np.isfinite(end), known)
    distance = end * per_z
    beyond = known & (depth * per_z > reach)
    np.testing.assert_allclose(distance[beyond], reach, rtol=1e-5)
    np.testing.assert_array_equal(end[known & ~beyond], depth[known & ~beyond])


@given(seed=st.integers(0, 10_000), window=st.sampled_from([1, 3, 5]))
@settings(max_examples=20)
def test_in_a_window_the_least_free_ray_that_is_known_counts(seed, window):
    depth = some_depth(seed)
    close = depth == -np.inf
    end = free_depth(depth, CAMERA, 5.0)
    wide = free_depth(depth, CAMERA, 5.0, window=window)
    half = window // 2
    for v in range(18):
        for u in range(24):
            around = np.s_[max(v - half, 0) : v + half + 1, max(u - half, 0) : u + half + 1]
            blocked = np.isnan(end[v, u]) or close[around].any()
            expected = np.nan if blocked else np.nanmin(end[around])
            np.testing.assert_equal(wide[v, u], expected)


def test_margin_and_deviation_end_a_ray_earlier():
    depth = np.full((18, 24), 3.0, np.float32)
    depth[0] = np.inf
    sigma = np.full_like(depth, 0.2)
    end = free_depth(depth, CAMERA, 50.0, margin=0.5, sigma=sigma)
    per_z = rays_of(CAMERA)
    np.testing.assert_allclose(end[1:], (2.8 - 0.5 / per_z)[1:], rtol=1e-5)
    np.testing.assert_allclose((end * per_z)[0], 50.0, rtol=1e-5)
    assert np.isnan(free_depth(np.full_like(depth, 0.4), CAMERA, 5.0, margin=0.6)).all()


@pytest.mark.parametrize('step', [1, 2, 3])
@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
def test_points_are_the_ends_of_every_nth_ray(camera, step):
    depth = some_depth(3)
    points = free_points(depth, camera, 4.0, step=step)
    assert points.dtype == np.float32
    assert np.isfinite(points).all()
    assert len(points)
    end = free_depth(depth, camera, 4.0, window=step | 1)
    expected = depth_to_points(end, camera)[::step, ::step].reshape(-1, 3)
    expected = expected[np.isfinite(expected[:, 2])]
    np.testing.assert_allclose(points, expected, rtol=1e-6)
    assert (np.linalg.norm(points, axis=1) <= 4.0 * (1 + 1e-5)).all()


def test_the_input_stays_as_it_is():
    depth = some_depth(1)
    before = depth.copy()
    free_points(depth, CAMERA, 4.0, step=3, margin=0.1)
    np.testing.assert_array_equal(depth, before)


@pytest.mark.parametrize(
    ('reach', 'more'),
    [(np.inf, {}), (0.0, {}), (3.0, {'window': 2}), (3.0, {'margin': -1.0})],
    ids=str,
)
def test_what_cannot_be_is_refused(reach, more):
    with pytest.raises(DepthError, match='expected'):
        free_depth(np.ones((18, 24), np.float32), CAMERA, reach, **more)
