# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Monodepth: the laws of networks on narrow ones, and the authors' numbers."""

from dataclasses import replace

import pytest
import torch
from network_laws import LAWS, assert_parity, filled, image
from torch.nn import functional

from depth_ros.models.networks import monodepth
from depth_ros.types import DepthError

VGG = replace(monodepth.VGG, width=4)
RESNET = replace(monodepth.RESNET50, width=4)
STEREO = replace(VGG, inputs=6)
NARROW = pytest.mark.parametrize('config', [VGG, RESNET], ids=['vgg', 'resnet50'])


def narrow(config: monodepth.MonodepthConfig) -> monodepth.Monodepth:
    return filled(monodepth.build(config))  # type: ignore[return-value]


@NARROW
@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(config, law):
    law(narrow(config), image(128, 256))


@NARROW
def test_disparities_are_shares_of_the_width_at_four_sizes(config):
    with torch.inference_mode():
        result = narrow(config)(image(128, 256))
    for index, value in enumerate(result):
        assert value.shape == (2, 2, 128 >> index, 256 >> index)
        assert (value > 0).all()
        assert (value < monodepth.LARGEST).all()


def test_zeros_around_the_map_count_in_the_pooling():
    network = narrow(RESNET)
    network.encoder.convs[0].weight.data.zero_()
    network.encoder.convs[0].bias.data.fill_(-1.0)
    pooled = network.encoder(image(64, 64, batch=1))[2]
    inner = functional.elu(torch.tensor(-1.0)).expand(1, 8, 15, 15)
    torch.testing.assert_close(pooled[:, :, 1:, 1:], inner)
    assert not pooled[:, :, 0].any()
    assert not pooled[:, :, :, 0].any()


def test_the_share_is_that_of_the_left_image_at_its_size():
    share = torch.full((2, 2, 8, 16), 0.05)
    share[:, 1] = 0.2  # of the right image
    found = monodepth.disparity_share(share, 10, 40)
    torch.testing.assert_close(found, torch.full((2, 10, 40), 0.05))


def test_what_cannot_be_built_is_refused():
    with pytest.raises(DepthError, match='use_deconv'):
        monodepth.from_official({'encoder': 'vgg', 'use_deconv': True})
    with pytest.raises(DepthError, match='resnet18'):
        monodepth.build(monodepth.MonodepthConfig('resnet18'))
    with pytest.raises(DepthError, match='multiples of 128'):
        narrow(VGG)(image(64, 128))
    assert monodepth.from_official({'encoder': 'vgg', 'do_stereo': True}).inputs == 6


@pytest.mark.parametrize('name', ['monodepth_vgg', 'monodepth_resnet50'])
def test_the_numbers_are_those_of_the_authors(name):
    assert_parity(name)
