# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth that is right explains one image by another."""

import pytest

torch = pytest.importorskip('torch')
from torch.nn import functional  # noqa: E402

from depth_ros.lab.train import photometric  # noqa: E402

HEIGHT, WIDTH = 40, 64


def texture(seed=0, width=WIDTH, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    noise = torch.rand(1, 3, HEIGHT, width, generator=g, dtype=dtype)
    return functional.avg_pool2d(functional.pad(noise, (2, 2, 2, 2), mode='reflect'), 5, 1)


def test_no_error_between_an_image_and_itself():
    assert photometric.photometric_error(texture(), texture()).max().item() == pytest.approx(0)
    assert photometric.photometric_error(texture(), texture(1)).min().item() > 0


def test_dissimilarity_is_symmetric_and_bounded():
    a, b = texture(), texture(1)
    error = photometric.structural_dissimilarity(a, b)
    assert torch.allclose(error, photometric.structural_dissimilarity(b, a))
    assert 0 <= error.min() <= error.max() <= 1


def test_the_exact_disparity_reproduces_the_left_image():
    wide = texture(width=WIDTH + 5)
    left, right = wide[..., :WIDTH], wide[..., 5:]
    disparity = torch.full((1, HEIGHT, WIDTH), 5.0, dtype=torch.float64)
    warped, visible = photometric.warp_by_disparity(right, disparity)
    assert visible.sum() == HEIGHT * (WIDTH - 5)
    difference = (warped - left).abs().amax(1)
    assert difference[visible].max().item() < 1e-9


def test_no_motion_is_the_identity():
    K = torch.tensor([[[50.0, 0, 31.5], [0, 50, 19.5], [0, 0, 1]]], dtype=torch.float64)
    depth = torch.rand(1, HEIGHT, WIDTH, dtype=torch.float64) + 1
    pose = torch.eye(4, dtype=torch.float64)[None]
    warped, _ = photometric.warp_by_pose(texture(), depth, K, pose)
    assert (warped - texture()).abs().max().item() < 1e-9


def test_a_sideways_motion_is_a_disparity():
    """A source camera b to the right sees a plane at Z shifted by f b / Z pixels."""
    f, b, z = 50.0, 0.2, 2.0
    K = torch.tensor([[[f, 0, 31.5], [0, f, 19.5], [0, 0, 1]]], dtype=torch.float64)
    pose = torch.eye(4, dtype=torch.float64)[None]
    pose[0, 0, 3] = -b
    depth = torch.full((1, HEIGHT, WIDTH), z, dtype=torch.float64)
    by_pose, seen = photometric.warp_by_pose(texture(), depth, K, pose)
    by_disparity, visible = photometric.warp_by_disparity(texture(), f * b / depth)
    assert torch.equal(seen, visible)
    assert (by_pose - by_disparity).abs().max().item() < 1e-9


def test_what_lies_behind_the_source_is_not_visible():
    K = torch.tensor([[[50.0, 0, 31.5], [0, 50, 19.5], [0, 0, 1]]], dtype=torch.float64)
    pose = torch.eye(4, dtype=torch.float64)[None]
    pose[0, 2, 3] = -5.0
    depth = torch.full((1, HEIGHT, WIDTH), 2.0, dtype=torch.float64)
    warped, visible = photometric.warp_by_pose(texture(), depth, K, pose)
    assert not visible.any()
    assert warped.isfinite().all()


def test_the_best_source_is_taken_per_pixel():
    target, other = texture(), texture(1)
    left_half = torch.arange(WIDTH) < WIDTH // 2
    a = torch.where(left_half, target, other)
    b = torch.where(left_half, other, target)
    moved = [texture(2), texture(3)]
    both = photometric.minimum_reprojection(target, [a, b], moved)
    one = photometric.minimum_reprojection(target, [a], moved[:1])
    assert both < 0.2 * one


def test_pixels_that_do_not_move_are_left_out():
    target = texture()
    assert photometric.minimum_reprojection(target, [texture(1)], [target]).item() == 0


def test_a_pixel_no_source_sees_is_left_out():
    nothing = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.bool)
    value = photometric.minimum_reprojection(texture(), [texture(1)], [texture(2)], [nothing])
    assert value.item() == 0


def test_smoothness_allows_steps_where_the_image_has_them():
    step = (torch.arange(WIDTH) >= WIDTH // 2).double()
    disparity = 1 + step.expand(1, HEIGHT, WIDTH)
    flat = torch.full((1, 3, HEIGHT, WIDTH), 0.5, dtype=torch.float64)
    edge = flat + 3 * step
    smoothness = photometric.edge_aware_smoothness
    assert smoothness(torch.ones_like(disparity), flat).item() == 0
    assert smoothness(disparity, edge) < 0.2 * smoothness(disparity, flat)
    assert smoothness(disparity * 10, flat).item() == pytest.approx(
        smoothness(disparity, flat).item()
    )


def test_consistent_eyes_cost_nothing():
    left = torch.full((1, HEIGHT, WIDTH), 4.0, dtype=torch.float64)
    loss = photometric.left_right_consistency
    assert loss(left, left).item() == pytest.approx(0)
    assert loss(left, left + 1.5).item() == pytest.approx(1.5)


@pytest.mark.parametrize('value', [0.0, 1e3, -1e3], ids=['zero', 'far right', 'far left'])
def test_gradients_are_finite_for_any_disparity(value):
    disparity = torch.full((1, HEIGHT, WIDTH), value, requires_grad=True)
    image = texture(dtype=torch.float32)
    warped, _ = photometric.warp_by_disparity(image, disparity)
    loss = photometric.minimum_reprojection(image, [warped], [texture(1, dtype=torch.float32)])
    loss = loss + photometric.edge_aware_smoothness(disparity, image)
    loss = loss + photometric.left_right_consistency(disparity, disparity)
    loss.backward()
    assert disparity.grad.isfinite().all()


def test_gradcheck_of_the_warps():
    g = torch.Generator().manual_seed(3)
    image = torch.rand(1, 1, 5, 7, generator=g, dtype=torch.float64)
    disparity = torch.rand(1, 5, 7, generator=g, dtype=torch.float64) * 2 + 0.3
    depth = disparity + 1
    K = torch.tensor([[[6.0, 0, 3.0], [0, 6, 2.0], [0, 0, 1]]], dtype=torch.float64)
    pose = torch.eye(4, dtype=torch.float64)[None].clone()
    pose[0, :3, 3] = torch.tensor([0.31, 0.07, 0.11])
    check = torch.autograd.gradcheck
    assert check(lambda d: photometric.warp_by_disparity(image, d)[0], disparity.requires_grad_())
    assert check(
        lambda d: photometric.warp_by_pose(image, d, K, pose)[0], depth.detach().requires_grad_()
    )
