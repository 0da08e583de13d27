# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cloud metrics by hand and by their laws; the neighbour search against brute force."""

import importlib.util
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.lab.eval.clouds import cloud_metrics, nearest_distances
from depth_ros.types import DepthError


def brute_force(a, b):
    return np.array([min(math.dist(p, q) for q in b) for p in a])


def _sphere(rng, n):
    v = rng.normal(size=(n, 3))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


SHAPES = {
    'volume': lambda rng, n: rng.uniform(0, 1, (n, 3)),
    'plane': lambda rng, n: rng.uniform(0, 1, (n, 3)) * [5, 3, 0] + [100, 0, -7],
    'line': lambda rng, n: rng.uniform(0, 1, (n, 1)) * [1, 2, 3],
    'sphere': _sphere,
    'point': lambda rng, n: np.full((n, 3), 2.5),
    'clusters': lambda rng, n: rng.normal(0, 1e-3, (n, 3)) + rng.integers(0, 2, (n, 1)) * 1e3,
    'tiny': lambda rng, n: rng.uniform(0, 1e-9, (n, 3)),
}


@pytest.mark.parametrize('reference', SHAPES)
@pytest.mark.parametrize('points', SHAPES)
def test_grid_search_equals_brute_force(points, reference):
    rng = np.random.default_rng(0)
    a, b = SHAPES[points](rng, 60), SHAPES[reference](rng, 80)
    found = nearest_distances(a, b, 'grid')
    np.testing.assert_allclose(found, brute_force(a, b), rtol=1e-9, atol=1e-15)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.floats(-3, 3))
def test_grid_search_equals_brute_force_on_any_clouds(seed, n, m, spread):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, 3)) * 10.0**spread
    b = rng.integers(-3, 3, (m, 3)).astype(float)  # on a lattice, with ties and doubles
    np.testing.assert_allclose(nearest_distances(a, b, 'grid'), brute_force(a, b), rtol=1e-12)


@pytest.mark.skipif(not importlib.util.find_spec('scipy'), reason='scipy is not installed')
def test_scipy_finds_the_same():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 3000, 3))
    np.testing.assert_allclose(
        nearest_distances(a, b, 'scipy'), nearest_distances(a, b, 'grid'), rtol=1e-12
    )


def test_many_points_share_few_cells():
    """More pairs than are held at a time."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1e-6, (3000, 3)), rng.normal(0, 1e-6, (3000, 3))
    a[0], b[0] = 1e3, -1e3  # one far point makes all cells large
    found = nearest_distances(a, b, 'grid')
    some = slice(0, 3000, 300)
    np.testing.assert_allclose(found[some], brute_force(a[some], b), rtol=1e-9)


def test_two_clouds_by_hand():
    predicted = [[0, 0, 0], [1, 0, 0], [5, 0, 0]]
    truth = [[0, 0, 0], [1, 0.1, 0]]
    found = cloud_metrics(predicted, truth, threshold=0.5)
    far = math.hypot(4, 0.1)
    assert found['accuracy'] == pytest.approx((0 + 0.1 + far) / 3)
    assert found['completeness'] == pytest.approx(0.05)
    assert found['chamfer'] == pytest.approx((found['accuracy'] + 0.05) / 2)
    assert found['precision'] == pytest.approx(2 / 3)
    assert found['recall'] == 1
    assert found['f_score'] == pytest.approx(0.8)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.1, 10))
def test_laws(seed, factor):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(30, 3)), rng.normal(size=(20, 3))
    found = cloud_metrics(a, b, 0.4)
    swapped = cloud_metrics(b, a, 0.4)
    assert (found['accuracy'], found['precision']) == (swapped['completeness'], swapped['recall'])
    assert found['chamfer'] == pytest.approx(swapped['chamfer'])
    low, high = sorted((found['precision'], found['recall']))
    assert low - 1e-12 <= found['f_score'] <= high + 1e-12
    scaled = cloud_metrics(factor * a, factor * b, factor * 0.4)
    assert scaled['chamfer'] == pytest.approx(factor * found['chamfer'])
    step = np.array([1, 2, 3])
    moved = cloud_metrics(a + step, b + step, 0.4)
    assert moved['chamfer'] == pytest.approx(found['chamfer'])
    wider = cloud_metrics(a, b, 0.8)
    assert wider['f_score'] >= found['f_score']


def test_the_same_cloud_is_perfect():
    cloud = np.random.default_rng(0).normal(size=(50, 3))
    found = cloud_metrics(cloud, cloud, 1e-9)
    assert (found['chamfer'], found['f_score']) == (0, 1)


def test_points_that_are_not_finite_are_left_out():
    cloud = np.random.default_rng(0).normal(size=(4, 5, 3))
    holes = cloud.copy()
    holes[0, 0] = np.nan
    holes[1, 1, 2] = np.inf
    assert cloud_metrics(holes, cloud, 1e-9)['precision'] == 1
    assert cloud_metrics(holes, cloud, 1e-9)['recall'] == pytest.approx(18 / 20)


def test_empty_clouds():
    cloud, nothing = np.zeros((3, 3)), np.zeros((0, 3))
    found = cloud_metrics(nothing, cloud)
    assert (found['accuracy'], found['f_score'], found['recall']) == (math.inf, 0, 0)
    assert all(math.isnan(v) for v in cloud_metrics(cloud, nothing).values())


def test_what_is_no_cloud_is_refused():
    with pytest.raises(DepthError):
        cloud_metrics(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(DepthError):
        cloud_metrics(np.zeros((4, 3)), np.zeros((4, 3)), threshold=0)
    with pytest.raises(DepthError):
        nearest_distances(np.zeros((4, 3)), np.zeros((4, 3)), 'magic')
