# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Monodepth2: the laws of networks on narrow ones, and the authors' numbers."""

from dataclasses import replace

import pytest
import torch
from network_laws import LAWS, assert_meta, assert_parity, filled, image

from depth_ros.models.networks import monodepth2
from depth_ros.models.networks.encoders.resnet import ResNetConfig
from depth_ros.models.networks.unfilled import without_weights
from depth_ros.types import DepthError

ENCODER = ResNetConfig((1, 1, 1, 1), bottleneck=False, width=16)
NARROW = replace(monodepth2.RESNET18, encoder=ENCODER)
POSE = monodepth2.PoseConfig(replace(ENCODER, inputs=6))


def narrow() -> monodepth2.Monodepth2:
    return filled(monodepth2.build(NARROW))  # type: ignore[return-value]


def narrow_pose() -> monodepth2.PoseNetwork:
    return filled(monodepth2.build_pose(POSE))  # type: ignore[return-value]


@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(law):
    law(narrow(), image(64, 96))


@pytest.mark.parametrize('law', LAWS)
def test_the_laws_hold_for_the_pose_network(law):
    law(narrow_pose(), image(64, 96), image(64, 96, seed=1))


def test_the_meta_device_gives_the_same_shapes():
    assert_meta(lambda: monodepth2.build_pose(POSE), image(64, 96), image(64, 96))


def test_depth_spans_what_the_configuration_states():
    config = replace(NARROW, min_depth=0.5, max_depth=20.0)
    found = monodepth2.depth(torch.tensor([0.0, 1.0], dtype=torch.float64), config)
    torch.testing.assert_close(found, torch.tensor([20.0, 0.5]))
    inverse = monodepth2.inverse_depth(torch.tensor([0.5]), config)
    torch.testing.assert_close(inverse, torch.tensor([(1 / 20 + 1 / 0.5) / 2]))


def test_the_pose_is_a_hundredth_of_the_mean_of_the_last_convolution():
    network = narrow_pose()
    network.pose.net[3].weight.data.zero_()
    network.pose.net[3].bias.data.copy_(torch.arange(12.0))
    motion = network(image(64, 96), image(64, 96, seed=1))
    expected = 0.01 * torch.arange(12.0).view(2, 6).expand(2, 2, 6)
    torch.testing.assert_close(torch.cat(motion, -1), expected)


def test_the_order_of_the_frames_matters():
    first, second = image(64, 96), image(64, 96, seed=1)
    network = narrow_pose()
    with torch.inference_mode():
        there, back = network(first, second), network(second, first)
    assert not torch.allclose(there.translation, back.translation)


def test_official_names_become_ours():
    with without_weights():
        pose = monodepth2.build_pose().state_dict()
    assert pose['pose_encoder.encoder.conv1.weight'].shape == (64, 6, 7, 7)
    assert pose['pose.net.0.weight'].shape == (256, 512, 1, 1)
    assert pose['pose.net.3.weight'].shape == (12, 256, 1, 1)
    for key in ('encoder.encoder.fc.bias', 'pose_encoder.encoder.fc.weight', 'encoder.height'):
        assert monodepth2.official_key(key) is None
    assert monodepth2.official_key('depth.decoder.0.conv.conv.bias') is not None


def test_other_sizes_and_encoders_are_refused():
    with pytest.raises(DepthError, match='multiples of 32'):
        narrow()(image(64, 65))
    with pytest.raises(DepthError, match='resnet19'):
        monodepth2.from_official({'num_layers': 19})


@pytest.mark.parametrize('name', ['monodepth2_resnet18', 'monodepth2_resnet50'])
def test_the_numbers_are_those_of_the_authors(name):
    assert_parity(name)
