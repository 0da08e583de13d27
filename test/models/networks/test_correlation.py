# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Correlations of all pixels of a row: the definition, and the same numbers in less memory."""

import pytest
import torch
from torch.nn import functional

from depth_ros.models.networks import correlation
from depth_ros.models.networks.correlation import AllPairsCorrelation, GeometryVolume

LEVELS, RADIUS = 3, 2


def features(batch=2, channels=6, height=5, width=16):
    random = torch.Generator().manual_seed(0)
    left = torch.randn(batch, channels, height, width, generator=random)
    right = torch.randn(batch, channels, height, width, generator=random)
    disparity = 6 * torch.rand(batch, height, width, generator=random) - 1
    return left, right, disparity


def by_definition(left, right, disparity, scale):
    """Return the correlation at every offset, one pixel after the other."""
    batch, _, height, width = left.shape
    found = []
    for level in range(LEVELS):
        row = functional.avg_pool2d(right, (1, 2**level)) if level else right
        values = torch.zeros(batch, height, width, 2 * RADIUS + 1)
        for b in range(batch):
            for y in range(height):
                for x in range(width):
                    products = scale * (left[b, :, y, x, None] * row[b, :, y]).sum(0)
                    centre = (x - float(disparity[b, y, x])) / 2**level
                    for k, offset in enumerate(range(-RADIUS, RADIUS + 1)):
                        place = centre + offset
                        first = int(torch.tensor(place).floor())
                        for column in (first, first + 1):
                            if 0 <= column < row.shape[3]:
                                weight = 1 - abs(place - column)
                                values[b, y, x, k] += weight * products[column]
        found.append(values)
    return found


def test_it_is_the_product_of_features_between_samples():
    left, right, disparity = features(batch=1, height=2)
    found = AllPairsCorrelation(left, right, LEVELS, RADIUS, 0.5).lookup(disparity)
    for one, expected in zip(found, by_definition(left, right, disparity, 0.5), strict=True):
        torch.testing.assert_close(one, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('rows', [1, 2, 100])
def test_on_the_fly_gives_the_numbers_of_the_volume(rows, monkeypatch):
    left, right, disparity = features()
    kept = AllPairsCorrelation(left, right, LEVELS, RADIUS, storage='volume')
    row = 4 * left.shape[0] * left.shape[3] * sum(r.shape[-1] for r in kept.rights)
    monkeypatch.setattr(correlation, 'CHUNK', rows * row)
    fresh = AllPairsCorrelation(left, right, LEVELS, RADIUS, storage='on_the_fly')
    assert fresh.volumes is None
    for one, expected in zip(fresh.lookup(disparity), kept.lookup(disparity), strict=True):
        torch.testing.assert_close(one, expected, rtol=1e-5, atol=1e-5)


def test_a_volume_that_would_not_fit_is_not_kept(monkeypatch):
    left, right, disparity = features()
    small = AllPairsCorrelation(left, right, LEVELS, RADIUS)
    assert small.volumes is not None
    monkeypatch.setattr(correlation, 'LARGEST_VOLUME', 1 << 10)
    large = AllPairsCorrelation(left, right, LEVELS, RADIUS)
    assert large.volumes is None
    for one, expected in zip(large.lookup(disparity), small.lookup(disparity), strict=True):
        torch.testing.assert_close(one, expected, rtol=1e-5, atol=1e-5)


def test_what_lies_outside_the_image_counts_nothing():
    left, right, _ = features(batch=1)
    volume = AllPairsCorrelation(left, right, 1, RADIUS)
    (found,) = volume.lookup(torch.full((1, 5, 16), 40.0))
    assert not found.any()


def test_an_unknown_storage_is_refused():
    left, right, _ = features()
    with pytest.raises(ValueError, match='expected one of volume, on_the_fly, auto'):
        AllPairsCorrelation(left, right, LEVELS, RADIUS, storage='disk')


def test_a_matching_volume_is_linear_in_disparity_and_pooled():
    ramp = torch.arange(8.0).view(1, 1, 8, 1, 1).expand(1, 2, 8, 3, 4)
    volume = GeometryVolume(ramp, 2, 1)
    fine, coarse = volume.lookup(torch.full((1, 3, 4), 2.5))
    assert fine.shape == coarse.shape == (1, 3, 4, 2 * 3)
    torch.testing.assert_close(fine[0, 0, 0, :3], torch.tensor([1.5, 2.5, 3.5]))
    # Pairs (0, 1), (2, 3), ... have the means 0.5, 2.5, ...: at 1.25 it is 3.
    torch.testing.assert_close(coarse[0, 0, 0, :3], torch.tensor([1.0, 3.0, 5.0]))
