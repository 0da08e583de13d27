# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cameras survive the way through their encodings, and come back from ray maps."""

import math

import pytest
import torch

from depth_ros.models.networks.depth_anything_3.camera import (
    cameras_of,
    encoding_of,
    inverse_pose,
    matrix_to_quaternion,
    quaternion_to_matrix,
    relative_extrinsics,
)
from depth_ros.models.networks.depth_anything_3.ray_pose import (
    AUTHORS,
    RayPoseSettings,
    cameras_of_rays,
)
from depth_ros.models.networks.depth_anything_3.reference_view import reference_view
from depth_ros.types import DepthError

CENTRAL, FREE = RayPoseSettings(), RayPoseSettings(method='free')
SIZE = (336, 448)  # height, width
GRID = (24, 32)


def some_rotations(count, seed=0, largest=math.pi):
    """Return rotations (count, 3, 3) by angles up to the largest, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    axis = axis / axis.norm(dim=-1, keepdim=True)
    angle = largest * torch.rand(count, 1, generator=generator, dtype=torch.float64)
    quaternion = torch.cat([axis * (angle / 2).sin(), (angle / 2).cos()], -1)
    return quaternion_to_matrix(quaternion)


def some_cameras(count, seed=0, largest=math.pi, offset=0.0):
    """Return extrinsics (1, count, 3, 4) and intrinsics (1, count, 3, 3)."""
    generator = torch.Generator().manual_seed(seed)
    rotation = some_rotations(count, seed, largest)
    moved = torch.randn(count, 3, 1, generator=generator, dtype=torch.float64)
    intrinsics = torch.zeros(1, count, 3, 3, dtype=torch.float64)
    drawn = torch.rand(4, count, generator=generator, dtype=torch.float64)
    height, width = SIZE
    intrinsics[0, :, 0, 0], intrinsics[0, :, 1, 1] = width * (0.6 + drawn[:2])
    intrinsics[0, :, 0, 2] = width * (0.5 + offset * (drawn[2] - 0.5))
    intrinsics[0, :, 1, 2] = height * (0.5 + offset * (drawn[3] - 0.5))
    intrinsics[0, :, 2, 2] = 1
    return torch.cat([rotation, moved], -1)[None], intrinsics


def ray_map(extrinsics, intrinsics):
    """Return the exact rays (batch, views, rows, columns, 6) of the cameras."""
    rows, columns = GRID
    v = (torch.arange(rows, dtype=torch.float64) + 0.5) * SIZE[0] / rows
    u = (torch.arange(columns, dtype=torch.float64) + 0.5) * SIZE[1] / columns
    v, u = torch.meshgrid(v, u, indexing='ij')
    pixels = torch.stack([u, v, torch.ones_like(u)], -1)
    pose = inverse_pose(extrinsics)
    matrix = pose[..., :3] @ torch.linalg.inv(intrinsics)
    directions = torch.einsum('bsij,hwj->bshwi', matrix, pixels)
    origins = pose[..., None, None, :, 3].expand_as(directions)
    return torch.cat([directions, origins], -1)


def angles(a, b):
    """Return the angles in radians between the rotations of poses."""
    chord = (a[..., :3] - b[..., :3]).flatten(-2).norm(dim=-1) / 8**0.5
    return 2 * chord.clamp(max=1).asin()


def errors(found, extrinsics):
    """Return the largest angle and the largest distance over the baseline."""
    centres = inverse_pose(extrinsics)[..., 3]
    baseline = (centres[:, 1:] - centres[:, :1]).norm(dim=-1).mean()
    distance = (inverse_pose(found.extrinsics)[..., 3] - centres).norm(dim=-1)
    return angles(found.extrinsics, extrinsics).max(), (distance / baseline).max()


def test_quaternions_come_back():
    rotations = torch.cat([some_rotations(200), torch.eye(3, dtype=torch.float64)[None]])
    half_turns = torch.diag_embed(2 * torch.eye(3, dtype=torch.float64) - 1)
    rotations = torch.cat([rotations, half_turns])
    quaternions = matrix_to_quaternion(rotations)
    torch.testing.assert_close(quaternion_to_matrix(quaternions), rotations)
    torch.testing.assert_close(quaternions.norm(dim=-1), torch.ones_like(quaternions[:, 0]))
    assert (quaternions[:, 3] >= 0).all()


def test_the_length_of_a_quaternion_does_not_matter():
    quaternion = torch.randn(20, 4, dtype=torch.float64)
    torch.testing.assert_close(
        quaternion_to_matrix(quaternion), quaternion_to_matrix(-3 * quaternion)
    )


@pytest.mark.parametrize('seed', range(3))
def test_encoded_cameras_come_back(seed):
    extrinsics, intrinsics = some_cameras(5, seed)
    found = cameras_of(encoding_of(extrinsics, intrinsics, SIZE), SIZE)
    torch.testing.assert_close(found[0], extrinsics)
    torch.testing.assert_close(found[1], intrinsics)


def test_gradients_pass_through_encoded_cameras():
    extrinsics, intrinsics = (part.requires_grad_() for part in some_cameras(4))
    for output in cameras_of(encoding_of(extrinsics, intrinsics, SIZE), SIZE):
        output.sum().backward(retain_graph=True)
    assert torch.isfinite(extrinsics.grad).all()
    assert torch.isfinite(intrinsics.grad).all()
    assert extrinsics.grad.abs().sum() > 0


def test_relative_extrinsics_have_no_world_and_no_scale():
    extrinsics, _ = some_cameras(5)
    relative = relative_extrinsics(extrinsics)
    torch.testing.assert_close(relative[0, 0], torch.eye(4, dtype=torch.float64)[:3])
    distance = inverse_pose(relative)[0, :, :, 3].norm(dim=-1)
    assert distance.median() == pytest.approx(1)
    world = torch.cat([some_rotations(1, 9)[0], torch.ones(3, 1, dtype=torch.float64)], -1)
    world = torch.cat([world, torch.tensor([[0, 0, 0, 1.0]], dtype=torch.float64)])
    moved = extrinsics @ world
    torch.testing.assert_close(relative_extrinsics(moved), relative)
    larger = extrinsics.clone()
    larger[..., 3] *= 7
    torch.testing.assert_close(relative_extrinsics(larger), relative)


def test_cameras_close_together_are_not_moved_apart():
    extrinsics, _ = some_cameras(3)
    extrinsics[..., 3] *= 1e-5
    relative = inverse_pose(relative_extrinsics(extrinsics))[..., 3]
    assert relative.norm(dim=-1).max() < 1e-3


@pytest.mark.parametrize('views', [1, 2])
def test_the_first_of_few_views_is_the_reference(views):
    assert reference_view(torch.randn(3, views, 8)).tolist() == [0, 0, 0]


def test_the_most_ordinary_view_is_the_reference():
    """Between a short and a long token, and likewise in direction, lies the middle one."""
    middle = torch.linspace(0, 1, 16)
    tokens = torch.stack([0.5 * middle + 1, middle + 1, 2 * middle + 1])
    for order in ([0, 1, 2], [1, 0, 2], [2, 0, 1]):
        assert order[int(reference_view(tokens[order][None]))] == 1


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('way', ['central', 'free', 'known'])
@pytest.mark.parametrize('seed', range(5))
def test_exact_rays_give_their_cameras(seed, way, dtype):
    extrinsics, intrinsics = some_cameras(4, seed, offset=0.0 if way == 'central' else 0.3)
    rays = ray_map(extrinsics, intrinsics).to(dtype)
    known = intrinsics if way == 'known' else None
    found = cameras_of_rays(rays, None, SIZE, known, FREE if way == 'free' else CENTRAL)
    assert found.extrinsics.dtype == dtype
    turned, moved = errors(found, extrinsics)
    assert turned < 1e-3
    assert moved < 1e-3
    torch.testing.assert_close(found.intrinsics.double(), intrinsics, rtol=1e-3, atol=0.05)


@pytest.mark.parametrize('known', [False, True])
@pytest.mark.parametrize('seed', range(5))
def test_noisy_rays_with_outliers_give_their_cameras(seed, known):
    """20 % of the rays point and begin anywhere; the others are off by half a degree."""
    extrinsics, intrinsics = some_cameras(4, seed)
    rays = ray_map(extrinsics, intrinsics)
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    lengths = rays[..., :3].norm(dim=-1, keepdim=True)
    rays[..., :3] += 0.01 * lengths * drawn(*rays.shape[:-1], 3)
    rays[..., 3:] += 0.01 * drawn(*rays.shape[:-1], 3)
    wrong = torch.rand(rays.shape[:-1], generator=generator) < 0.2
    rays[wrong] = drawn(int(wrong.sum()), 6) + torch.tensor([0, 0, 0, 3.0, 0, 0])
    found = cameras_of_rays(rays, None, SIZE, intrinsics if known else None)
    turned, moved = errors(found, extrinsics)
    assert turned < 1e-2
    assert moved < 1e-2


@pytest.mark.parametrize('settings', [CENTRAL, FREE, AUTHORS])
def test_the_same_rays_give_the_same_cameras(settings):
    rays = ray_map(*some_cameras(2, largest=0.5)) + 0.01 * torch.randn(1, 2, *GRID, 6)
    torch.manual_seed(1)
    first = cameras_of_rays(rays, None, SIZE, settings=settings)
    torch.manual_seed(2)
    second = cameras_of_rays(rays, None, SIZE, settings=settings)
    assert torch.equal(first.extrinsics, second.extrinsics)
    assert torch.equal(first.intrinsics, second.intrinsics)


def test_all_ways_agree_for_a_central_principal_point():
    rays = ray_map(*some_cameras(4, largest=0.5))
    first, *others = (
        cameras_of_rays(rays, None, SIZE, settings=s) for s in (CENTRAL, FREE, AUTHORS)
    )
    for other in others:
        torch.testing.assert_close(first.extrinsics, other.extrinsics, rtol=0, atol=1e-8)
        torch.testing.assert_close(first.intrinsics, other.intrinsics, rtol=0, atol=1e-6)


@pytest.mark.parametrize('factor', [0.01, 50.0])
def test_the_length_of_a_direction_does_not_matter(factor):
    extrinsics, intrinsics = some_cameras(3)
    rays = ray_map(extrinsics, intrinsics)
    rays[..., :3] *= factor * (1 + torch.rand(rays.shape[:-1], dtype=torch.float64))[..., None]
    turned, moved = errors(cameras_of_rays(rays, None, SIZE), extrinsics)
    assert max(turned, moved) < 1e-3


def test_rays_without_numbers_or_confidence_do_not_count():
    extrinsics, intrinsics = some_cameras(3)
    rays = ray_map(extrinsics, intrinsics)
    confidence = torch.ones(rays.shape[:-1], dtype=torch.float64)
    rays[:, :, ::5] = torch.nan
    rays[:, :, 1::3] = torch.randn_like(rays[:, :, 1::3])
    confidence[:, :, 1::3] = 0
    turned, moved = errors(cameras_of_rays(rays, confidence, SIZE), extrinsics)
    assert max(turned, moved) < 1e-3


def test_too_few_usable_rays_give_no_camera():
    rays = ray_map(*some_cameras(2))
    rays[0, 1] = torch.nan
    found = cameras_of_rays(rays, None, SIZE)
    assert torch.isfinite(found.extrinsics[0, 0]).all()
    assert found.extrinsics[0, 1].isnan().all()
    assert found.intrinsics[0, 1, 0, 0].isnan()


def test_a_map_that_is_too_small_is_an_error():
    with pytest.raises(DepthError, match='at least 8'):
        cameras_of_rays(torch.zeros(1, 1, 2, 3, 6), None, SIZE)
