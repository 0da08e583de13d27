# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""MiDaS v2.1: the laws of networks on narrow ones, and the authors' numbers."""

from dataclasses import replace

import pytest
import torch
from network_laws import LAWS, assert_parity, filled, image

from depth_ros.models.networks import midas_v21
from depth_ros.models.networks.encoders.efficientnet import EfficientNetConfig
from depth_ros.models.networks.encoders.resnet import ResNetConfig
from depth_ros.types import DepthError

SMALL = replace(
    midas_v21.SMALL, encoder=EfficientNetConfig(0.5, 0.5, lite=True, head=False), features=16
)
LARGE = replace(
    midas_v21.LARGE, encoder=ResNetConfig((1, 1, 1, 1), groups=2, group_width=32), features=16
)
NARROW = pytest.mark.parametrize('config', [SMALL, LARGE], ids=['small', 'large'])


def narrow(config: midas_v21.MidasConfig) -> midas_v21.Midas:
    network = midas_v21.build(replace(config, non_negative=False))
    return filled(network)  # type: ignore[return-value]


@NARROW
@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(config, law):
    law(narrow(config), image(64, 96))


@NARROW
def test_inverse_depth_is_not_negative(config):
    network = narrow(config)
    signed = network(image(64, 64)).inverse_depth
    signed_below = signed - signed.median()
    network.scratch.output_conv[4].bias.data -= signed.median()
    network.scratch.non_negative = True
    torch.testing.assert_close(
        network(image(64, 64)).inverse_depth, signed_below.clamp(min=0), rtol=1e-3, atol=1e-4
    )


def test_the_shortcut_is_rectified_in_the_large_network_only():
    x = -torch.rand(1, 16, 4, 4)
    for config, expected in ((SMALL, x), (LARGE, torch.zeros_like(x))):
        unit = narrow(config).scratch.refinenet1.resConfUnit2
        for parameter in unit.parameters():
            parameter.data.zero_()
        torch.testing.assert_close(unit(x), expected)


def test_other_sizes_are_refused():
    with pytest.raises(DepthError, match='multiples of 32, got 65x64'):
        narrow(SMALL)(image(64, 65))


def test_unknown_backbones_are_refused():
    with pytest.raises(DepthError, match='vit'):
        midas_v21.from_official({'backbone': 'vit', 'features': 1})


@pytest.mark.parametrize('name', ['midas_v21_small', 'midas_v21'])
def test_the_numbers_are_those_of_the_authors(name):
    assert_parity(name)
