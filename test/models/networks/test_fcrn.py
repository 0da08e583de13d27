# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""FCRN: the laws of networks on a narrow one, its up-projection, and the authors' numbers."""

from dataclasses import replace

import pytest
import torch
from network_laws import LAWS, assert_parity, filled, image
from torch.nn import functional

from depth_ros.models.networks import fcrn

NARROW = fcrn.FcrnConfig(replace(fcrn.RESNET, blocks=(1, 1, 1, 1), width=16))


def narrow() -> fcrn.Fcrn:
    network = filled(fcrn.build(NARROW))
    network.ConvPred.bias.data += 2.0  # away from the ReLU
    return network  # type: ignore[return-value]


@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(law):
    law(narrow(), image(64, 96))


@pytest.mark.parametrize('size', [(33, 64), (65, 97), (228, 304)])
def test_the_output_is_16_times_the_coarsest_features(size):
    depth = narrow()(image(*size, batch=1)).depth
    assert depth.shape == (1, 1, *(16 * -(-side // 32) for side in size))
    assert (depth >= 0).all()


def test_an_unpooling_is_a_5x5_convolution_with_zeros_between():
    unpool = filled(fcrn.Unpool(6, 4)).double()
    x = torch.randn(2, 6, 5, 7, dtype=torch.float64)
    spaced = torch.zeros(2, 6, 10, 14, dtype=torch.float64)
    spaced[:, :, ::2, ::2] = x
    kernel = torch.zeros(4, 6, 5, 5, dtype=torch.float64)
    kernel[:, :, ::2, ::2] = unpool.ConvA.weight
    kernel[:, :, 1::2, ::2] = unpool.ConvB.weight
    kernel[:, :, ::2, 1::2] = unpool.ConvC.weight
    kernel[:, :, 1::2, 1::2] = unpool.ConvD.weight
    for convolution in (unpool.ConvA, unpool.ConvB, unpool.ConvC, unpool.ConvD):
        convolution.bias.data.zero_()
    found = unpool(functional.pad(x, (1, 1, 1, 1)))
    # The published weights have the odd rows and columns one place of x further down and right.
    whole = functional.conv2d(functional.pad(spaced, (4, 4, 4, 4)), kernel)
    expected = torch.empty_like(found)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        expected[:, :, row::2, column::2] = whole[
            :, :, 2 - row : 12 - row : 2, 2 - column : 16 - column : 2
        ]
    torch.testing.assert_close(found, unpool.BN(expected))


def test_official_names_become_ours():
    expected = {
        'conv1.bias': 'encoder.conv1.bias',
        'bn_conv1.running_mean': 'encoder.bn1.running_mean',
        'res2a_branch1.weight': 'encoder.layer1.0.downsample.0.weight',
        'bn5c_branch2b.bias': 'encoder.layer4.2.bn2.bias',
        'layer1_BN.weight': 'layer1_BN.weight',
        'layer16x_br2_ConvC.bias': 'layer16x.br2.ConvC.bias',
        'layer2x_br1_BN.running_var': 'layer2x.br1.BN.running_var',
        'layer4x_Conv.weight': 'layer4x.Conv.weight',
        'layer4x_BN.weight': 'layer4x.BN.weight',
        'ConvPred.weight': 'ConvPred.weight',
    }
    assert {key: fcrn.official_key(key) for key in expected} == expected


def test_the_numbers_are_those_of_the_authors():
    assert_parity('fcrn_resnet50_upproj')
