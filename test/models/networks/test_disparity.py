# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Expectation, enlargement and warping."""

import pytest
import torch
from torch.nn import functional

from depth_ros.models.networks.disparity import (
    convex_upsample,
    enlarged_expectation,
    expectation,
    warped,
)


def random(*size: int) -> torch.Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(0))


def test_a_sure_expectation_is_the_place_of_the_peak():
    similarity = torch.zeros(1, 8, 2, 2)
    similarity[:, 5] = 100
    torch.testing.assert_close(expectation(similarity), torch.full((1, 1, 2, 2), 5.0))
    torch.testing.assert_close(expectation(similarity, -4), torch.full((1, 1, 2, 2), 1.0))


def test_a_flat_expectation_is_the_middle():
    torch.testing.assert_close(expectation(torch.zeros(1, 9, 1, 1)), torch.full((1, 1, 1, 1), 4.0))


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [(24, 10, 15), (17, 9, 7), (6, 5, 7), (3, 5, 7)])
def test_an_enlarged_expectation_is_that_of_the_enlarged_volume(size, align_corners):
    similarity = 5 * random(2, 1, 6, 5, 7)
    enlarged = functional.interpolate(
        similarity, size=size, mode='trilinear', align_corners=align_corners
    )
    torch.testing.assert_close(
        enlarged_expectation(similarity, size, align_corners),
        expectation(enlarged.squeeze(1)),
        rtol=1e-4,
        atol=1e-4,
    )


def test_an_enlarged_expectation_stays_finite():
    similarity = 1e4 * random(1, 1, 6, 5, 7)
    found = enlarged_expectation(similarity, (24, 20, 28))
    assert bool(found.isfinite().all())
    assert float(found.min()) >= 0
    assert float(found.max()) <= 23


def test_convex_upsampling_with_the_weight_in_the_middle_repeats_pixels():
    coarse = random(2, 1, 3, 4)
    weights = torch.zeros(2, 9, 12, 16)
    weights[:, 4] = 1
    expected = coarse.repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(convex_upsample(coarse, weights, 4), expected)


def test_convex_upsampling_takes_neighbours_row_by_row():
    coarse = random(1, 1, 3, 4)
    weights = torch.zeros(1, 9, 6, 8)
    weights[:, 3] = 1  # the left neighbour
    found = convex_upsample(coarse, weights, 2)
    torch.testing.assert_close(
        found[..., 2:], coarse[..., :3].repeat_interleave(2, 2).repeat_interleave(2, 3)
    )
    assert bool((found[..., :2] == 0).all())


@pytest.mark.parametrize('padding', ['zeros', 'border'])
def test_whole_disparities_move_whole_pixels(padding):
    right = random(2, 3, 4, 9)
    disparity = torch.tensor([0.0, 2.0])[None, :, None, None].expand(2, 2, 4, 9)
    found = warped(right, disparity, padding)
    torch.testing.assert_close(found[:, :, 0], right, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[:, :, 1, :, 2:], right[..., :-2], rtol=1e-4, atol=1e-4)
    outside = right[..., :1] if padding == 'border' else torch.zeros(1)
    torch.testing.assert_close(
        found[:, :, 1, :, :2], outside.expand(2, 3, 4, 2), rtol=1e-4, atol=1e-4
    )


def test_half_a_pixel_is_the_mean_of_two():
    right = random(1, 2, 3, 8)
    found = warped(right, torch.full((1, 1, 3, 8), 0.5)).squeeze(2)
    torch.testing.assert_close(
        found[..., 1:], (right[..., 1:] + right[..., :-1]) / 2, rtol=1e-4, atol=1e-4
    )


def test_coordinates_are_exact_in_half_precision():
    row = torch.arange(512.0).sin().expand(1, 1, 2, 512)
    exact = warped(row, torch.full((1, 1, 2, 512), 100.25))
    low = warped(row.bfloat16(), torch.full((1, 1, 2, 512), 100.25))
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.float(), exact, rtol=0, atol=1e-2)
