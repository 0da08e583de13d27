# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A similarity is found again from the points or cameras that it moved."""

import numpy as np
import pytest

from depth_ros.geometry.similarity import Similarity, align_cameras, camera_centres, umeyama
from depth_ros.types import DepthError


def some_rotation(random: np.random.Generator) -> np.ndarray:
    rotation, upper = np.linalg.qr(random.normal(size=(3, 3)))
    rotation = rotation * np.sign(np.diag(upper))
    return rotation * np.linalg.det(rotation)


def some_similarity(random: np.random.Generator) -> Similarity:
    return Similarity(random.uniform(0.1, 9), some_rotation(random), random.normal(size=3) * 5)


def some_cameras(random: np.random.Generator, centres: np.ndarray) -> np.ndarray:
    rotations = np.stack([some_rotation(random) for _ in centres])
    moved = -(rotations @ centres[..., None])
    return np.concatenate([rotations, moved], -1)


def assert_same(a: Similarity, b: Similarity, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(a.scale, b.scale, rtol=tolerance)
    np.testing.assert_allclose(a.rotation, b.rotation, atol=tolerance)
    np.testing.assert_allclose(a.translation, b.translation, atol=tolerance * 100)


@pytest.mark.parametrize('seed', range(5))
def test_the_inverse_undoes_it(seed):
    random = np.random.default_rng(seed)
    similarity, points = some_similarity(random), random.normal(size=(4, 7, 3))
    np.testing.assert_allclose(similarity.inverse()(similarity(points)), points, atol=1e-12)
    assert_same(similarity.inverse().inverse(), similarity)


@pytest.mark.parametrize('seed', range(5))
def test_a_camera_sees_the_moved_world_as_before(seed):
    """Only larger: the image of every point stays the same."""
    random = np.random.default_rng(seed)
    similarity, points = some_similarity(random), random.normal(size=(9, 3))
    camera = some_cameras(random, random.normal(size=(1, 3)))[0]
    moved = similarity.extrinsics(camera)
    before = points @ camera[:, :3].T + camera[:, 3]
    after = similarity(points) @ moved[:, :3].T + moved[:, 3]
    np.testing.assert_allclose(after, similarity.scale * before, atol=1e-10)


@pytest.mark.parametrize('count', [3, 4, 50])
@pytest.mark.parametrize('seed', range(3))
def test_umeyama_finds_what_moved_the_points(seed, count):
    random = np.random.default_rng(seed)
    similarity, points = some_similarity(random), random.normal(size=(count, 3))
    assert_same(umeyama(points, similarity(points)), similarity)


@pytest.mark.parametrize('seed', range(5))
def test_umeyama_is_the_best_fit(seed):
    """No small change of it fits noisy points better, with weights or without."""
    random = np.random.default_rng(seed)
    source = random.normal(size=(20, 3))
    target = some_similarity(random)(source) + random.normal(size=(20, 3)) * 0.3
    for weights in (None, random.uniform(0, 2, 20)):
        found = umeyama(source, target, weights)
        used = np.ones(20) if weights is None else weights

        def cost(s, used=used):
            return np.sum(used * np.sum((s(source) - target) ** 2, 1))

        for _ in range(20):
            turn = umeyama(np.eye(3), np.eye(3) + random.normal(size=(3, 3)) * 1e-3, scaled=False)
            other = Similarity(
                found.scale * (1 + random.normal() * 1e-3),
                turn.rotation @ found.rotation,
                found.translation + random.normal(size=3) * 1e-3,
            )
            assert cost(other) >= cost(found)


def test_umeyama_never_mirrors():
    points = np.random.default_rng(0).normal(size=(10, 3))
    found = umeyama(points, points * [-1, 1, 1])
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_points_without_weight_do_not_count():
    random = np.random.default_rng(1)
    similarity, points = some_similarity(random), random.normal(size=(8, 3))
    target = similarity(points)
    target[5] += 100
    assert_same(umeyama(points, target, np.arange(8) != 5), similarity)


@pytest.mark.parametrize('count', [2, 3, 12])
@pytest.mark.parametrize('straight', [False, True])
@pytest.mark.parametrize('seed', range(3))
def test_cameras_are_aligned_also_on_a_line(seed, straight, count):
    random = np.random.default_rng(seed)
    similarity = some_similarity(random)
    centres = random.normal(size=(count, 3))
    if straight:
        centres = centres[:, :1] * random.normal(size=3) + random.normal(size=3)
    cameras = some_cameras(random, centres)
    moved = similarity.extrinsics(cameras)
    np.testing.assert_allclose(camera_centres(moved), similarity(centres), atol=1e-10)
    assert_same(align_cameras(cameras, moved), similarity, 1e-7)


def test_wrong_poses_among_many_are_left_out():
    random = np.random.default_rng(3)
    similarity = some_similarity(random)
    cameras = some_cameras(random, random.normal(size=(20, 3)))
    moved = similarity.extrinsics(cameras)
    moved[[2, 7, 11, 15], :, 3] += random.normal(size=(4, 3)) * 20
    assert_same(align_cameras(cameras, moved), similarity, 1e-7)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: umeyama(np.zeros((0, 3)), np.zeros((0, 3))), 'N > 0'),
        (lambda: umeyama(np.zeros((4, 3)), np.zeros((5, 3))), 'expected'),
        (lambda: umeyama(np.ones((5, 3)), np.ones((5, 3))), 'same point'),
        (lambda: umeyama(np.eye(3), np.eye(3), [1, -1, 1]), 'negative'),
        (lambda: umeyama(np.eye(3), np.eye(3) * np.nan), 'NaN'),
        (lambda: align_cameras(np.zeros((1, 3, 4)), np.zeros((1, 3, 4))), 'at least 2'),
        (lambda: align_cameras(np.zeros((2, 3, 3)), np.zeros((2, 3, 4))), 'world-to-camera'),
    ],
)
def test_what_has_no_similarity_is_an_error(call, message):
    with pytest.raises(DepthError, match=message):
        call()
