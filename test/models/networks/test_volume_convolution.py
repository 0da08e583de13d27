# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Convolutions of volumes against the ordinary 3D convolution."""

import pytest
import torch
from torch.nn import functional

from depth_ros.models.networks import volume_convolution
from depth_ros.models.networks.cost_volume import concat_volume
from depth_ros.models.networks.volume_convolution import ConcatConvolution, VolumeConvolution


def ordinary(layer, volume):
    return functional.conv3d(volume, layer.weight, layer.bias, padding=1)


@pytest.mark.parametrize('bias', [False, True])
@pytest.mark.parametrize(
    'size',  # B, C, D, H, W; odd and even heights, one row, several volumes
    [(1, 4, 5, 7, 6), (1, 16, 3, 8, 9), (1, 4, 2, 1, 5), (2, 16, 3, 4, 5)],
)
@pytest.mark.parametrize('outside', [1, 6])
def test_small_volumes_and_single_channels_are_exact(size, outside, bias):
    torch.manual_seed(0)
    layer = VolumeConvolution(size[1], outside, bias)
    volume = torch.randn(*size)
    torch.testing.assert_close(layer(volume), ordinary(layer, volume), rtol=1e-4, atol=1e-5)


def test_a_large_volume_is_not_cut(monkeypatch):
    layer = VolumeConvolution(4, 4)
    volume = torch.randn(1, 4, 3, 4, 5)
    monkeypatch.setattr(VolumeConvolution, '_halves', lambda *_: 'cut')
    assert layer(volume) == 'cut'
    monkeypatch.setattr(volume_convolution, 'SMALL', 4 * 3 * 4 - 1)
    torch.testing.assert_close(layer(volume), ordinary(layer, volume))


# Fewer disparities than taps have neighbours, as many as columns, more than columns.
@pytest.mark.parametrize(
    ('count', 'width'), [(1, 8), (2, 8), (3, 8), (4, 8), (6, 13), (8, 8), (7, 5)]
)
@pytest.mark.parametrize('bias', [False, True])
def test_a_concat_convolution_needs_no_volume(count, width, bias):
    torch.manual_seed(0)
    left, right = torch.randn(2, 2, 3, 6, width)
    layer = ConcatConvolution(6, 5, bias)
    expected = ordinary(layer, concat_volume(left, right, count))
    found = layer((left, right, count))
    assert found.is_contiguous()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_concat_convolution_has_the_gradients_of_the_ordinary_one():
    torch.manual_seed(0)
    left, right = (torch.randn(1, 3, 6, 12, requires_grad=True) for _ in range(2))
    layer = ConcatConvolution(6, 5)
    inputs = (left, right, layer.weight)
    towards = torch.randn(1, 5, 5, 6, 12)
    expected = torch.autograd.grad(
        (ordinary(layer, concat_volume(left, right, 5)) * towards).sum(), inputs
    )
    found = torch.autograd.grad((layer((left, right, 5)) * towards).sum(), inputs)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
