# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Deformable convolution against its definition and against the ordinary one."""

import math

import pytest
import torch
from torch.nn import functional

from depth_ros.models.networks.deformable import DeformableConvolution, deformed


def read(plane, y, x):
    """Return the bilinear value at (y, x), where pixels outside count as zero."""
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * float(plane[row, column])
    return total


@pytest.mark.parametrize(('stride', 'dilation', 'groups'), [(1, 2, 2), (2, 1, 1)])
def test_every_tap_reads_where_its_offset_points(stride, dilation, groups):
    torch.manual_seed(0)
    height, width, channels = 5, 6, 2
    rows, columns = -(-height // stride), -(-width // stride)
    x = torch.randn(1, channels, height, width)
    offsets = 2 * torch.randn(1, groups, 9, 2, rows, columns)
    weights = torch.rand(1, groups, 9, rows, columns)
    kernel = torch.randn(3, channels, 3, 3)
    expected = torch.zeros(1, 3, rows, columns)
    for row in range(rows):
        for column in range(columns):
            for channel in range(channels):
                group = channel * groups // channels
                for tap in range(9):
                    dy, dx = offsets[0, group, tap, :, row, column].tolist()
                    value = read(
                        x[0, channel],
                        row * stride + (tap // 3 - 1) * dilation + dy,
                        column * stride + (tap % 3 - 1) * dilation + dx,
                    )
                    value *= float(weights[0, group, tap, row, column])
                    expected[0, :, row, column] += kernel[:, channel, tap // 3, tap % 3] * value
    found = deformed(x, offsets, weights, kernel, stride, dilation)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('stride', [1, 2])
def test_it_begins_as_an_ordinary_convolution(stride):
    torch.manual_seed(0)
    layer = DeformableConvolution(4, 6, stride)
    x = torch.randn(2, 4, 7, 10)
    expected = functional.conv2d(x, layer.deform_conv.weight, None, stride, 2, 2)
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-4)


def test_it_learns_where_to_read():
    torch.manual_seed(0)
    layer = DeformableConvolution(4, 6)
    layer(torch.randn(1, 4, 7, 10)).square().sum().backward()
    assert all(bool(parameter.grad.any()) for parameter in layer.parameters())


def test_it_can_be_exported():
    torch.manual_seed(0)
    layer = DeformableConvolution(4, 6).eval()
    torch.nn.init.normal_(layer.offset_conv.weight)
    x = torch.randn(1, 4, 7, 10)
    program = torch.export.export(layer, (x,))
    torch.testing.assert_close(program.module()(x), layer(x))


def test_it_stays_close_in_bfloat16():
    torch.manual_seed(0)
    layer = DeformableConvolution(4, 6)
    x = torch.randn(1, 4, 7, 300)
    exact = layer(x)
    low = layer.bfloat16()(x.bfloat16())
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.float(), exact, rtol=0, atol=0.05)
