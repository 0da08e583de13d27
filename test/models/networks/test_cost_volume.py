# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Volumes: definitions by loops, and what a true shift looks like in them."""

import pytest
import torch

from depth_ros.models.networks.cost_volume import (
    concat_volume,
    correlation_volume,
    difference_volume,
    groupwise_volume,
    shifted,
)


def features(*size: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return [torch.randn(*size, generator=random) for _ in range(2)]


def each_pixel(left, right, count):
    """Return (B, C, count, H, W): right features at x - d by the definition."""
    volume = torch.zeros(*left.shape[:2], count, *left.shape[2:])
    for d in range(count):
        for x in range(d, left.shape[3]):
            volume[:, :, d, :, x] = right[..., x - d]
    return volume


# Wider than, as wide as and narrower than the disparities.
@pytest.mark.parametrize('width', [9, 5, 3])
def test_volumes_are_what_the_definitions_say(width):
    count = 5
    left, right = features(2, 6, 4, width)
    moved = each_pixel(left, right, count)
    valid = each_pixel(left, torch.ones_like(left), count)
    torch.testing.assert_close(shifted(right, count), moved)
    torch.testing.assert_close(
        concat_volume(left, right, count), torch.cat([left[:, :, None] * valid, moved], 1)
    )
    torch.testing.assert_close(
        difference_volume(left, right, count), (left[:, :, None] - moved).abs().sum(1)
    )
    product = left[:, :, None] * moved
    torch.testing.assert_close(correlation_volume(left, right, count), product.mean(1))
    torch.testing.assert_close(
        groupwise_volume(left, right, count, 3), product.unflatten(1, (3, 2)).mean(2)
    )


def test_a_concat_volume_can_begin_at_any_disparity():
    left, right = features(1, 3, 4, 9)
    torch.testing.assert_close(
        concat_volume(left, right, 3, first=2), concat_volume(left, right, 5)[:, :, 2:]
    )


def test_a_true_shift_is_the_extreme_of_similarity_and_of_difference():
    true = 3
    wide = torch.randn(1, 32, 6, 40, generator=torch.Generator().manual_seed(0))
    left, right = wide[..., : 40 - true], wide[..., true:]
    valid = slice(true, None)
    best = correlation_volume(left, right, 8)[..., valid].argmax(1)
    assert (best == true).float().mean() > 0.95
    assert bool((difference_volume(left, right, 8)[:, true, :, valid] == 0).all())
