# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The shared encoders: padding of TensorFlow, published sizes, one map per scale."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from depth_ros.models.networks.encoders.densenet import DENSENETS, DenseNet
from depth_ros.models.networks.encoders.efficientnet import EFFICIENTNETS, EfficientNet
from depth_ros.models.networks.encoders.mobilenet import MobileNetV1, MobileNetV2
from depth_ros.models.networks.encoders.padding import SameConv2d, pad_same, same_padding
from depth_ros.models.networks.encoders.resnet import RESNETS, ResNet
from depth_ros.models.networks.unfilled import without_weights

# Parameters as published, without those of the classifier.
PARAMETERS = {
    'resnet18': 11_689_512 - 513_000,
    'resnet34': 21_797_672 - 513_000,
    'resnet50': 25_557_032 - 2_049_000,
    'resnet101': 44_549_160 - 2_049_000,
    'resnet152': 60_192_808 - 2_049_000,
    'resnext50_32x4d': 25_028_904 - 2_049_000,
    'resnext101_32x8d': 88_791_336 - 2_049_000,
    'densenet121': 7_978_856 - 1_025_000,
    'densenet161': 28_681_000 - 2_209_000,
    'densenet169': 14_149_480 - 1_665_000,
    'densenet201': 20_013_928 - 1_921_000,
    'mobilenet_v2': 3_504_872 - 1_281_000,
    # timm's tf_efficientnet_b5: without the classifier and the normalisation of the head.
    'b5': 30_389_784 - 2_049_000 - 4_096,
}


def encoder(name: str) -> torch.nn.Module:
    with without_weights():
        if name in RESNETS:
            return ResNet(RESNETS[name])
        if name in DENSENETS:
            return DenseNet(DENSENETS[name])
        if name in EFFICIENTNETS:
            return EfficientNet(EFFICIENTNETS[name])
        return MobileNetV1() if name == 'mobilenet_v1' else MobileNetV2()


@pytest.mark.parametrize('name', PARAMETERS)
def test_the_number_of_parameters_is_the_published_one(name):
    assert sum(value.numel() for value in encoder(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize('name', [*PARAMETERS, 'lite0', 'lite3', 'mobilenet_v1'])
def test_there_is_one_map_for_each_size(name):
    network = encoder(name).eval()
    features = network(torch.empty(1, 3, 96, 160, device='meta'))
    expected = [
        (1, channels, 96 >> level, 160 >> level)
        for level, channels in enumerate(network.channels, 1)
    ]
    assert [tuple(value.shape) for value in features] == expected


@pytest.mark.parametrize(
    ('name', 'channels', 'blocks'),
    [
        ('lite0', (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)),
        ('lite3', (24, 32, 48, 96, 136, 232, 384), (1, 3, 3, 5, 5, 6, 1)),
        ('b5', (24, 40, 64, 128, 176, 304, 512), (3, 5, 5, 7, 7, 9, 3)),
    ],
)
def test_stages_have_the_published_widths_and_depths(name, channels, blocks):
    config = EFFICIENTNETS[name]
    assert config.stage_channels == channels
    assert config.stage_blocks == blocks


@pytest.mark.parametrize('kernel', [3, 5])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('side', [7, 8, 13])
def test_same_padding_gives_the_side_over_the_stride(side, kernel, stride):
    before, after = same_padding(side, kernel, stride)
    assert after - before in (0, 1)
    assert (side + before + after - kernel) // stride + 1 == -(-side // stride)
    convolution = SameConv2d(1, 1, kernel, stride)
    x = torch.rand(1, 1, side, side + 1)
    expected = functional.conv2d(pad_same(x, kernel, stride), convolution.weight, None, stride)
    torch.testing.assert_close(convolution(x), expected)


def test_even_sides_get_their_zeros_after():
    assert same_padding(8, 3, 2) == (0, 1)
    assert same_padding(8, 5, 2) == (1, 2)
    assert same_padding(7, 3, 2) == (1, 1)
    padded = pad_same(torch.ones(1, 1, 8, 7), 3, 2)[0, 0]
    assert padded.shape == (9, 9)
    assert padded[0, 1] == 1
    assert padded[8, 1] == 0
    assert padded[0, 0] == padded[0, 8] == 0


def test_the_stride_of_caffe_models_is_in_the_first_convolution():
    for first in (False, True):
        config = replace(RESNETS['resnet50'], stride_in_first=first)
        with without_weights():
            block = ResNet(config).layer2[0]
        assert (block.conv1.stride, block.conv2.stride) == (
            ((2, 2), (1, 1)) if first else ((1, 1), (2, 2))
        )


def test_symmetric_padding_sees_the_image_moved_by_a_pixel():
    """Inside, one stride of SAME on an even side is symmetric padding on a shifted image."""
    with torch.no_grad():
        same = EfficientNet(EFFICIENTNETS['lite0'].__class__(1.0, 1.0, lite=True, head=False))
        symmetric = EfficientNet(EFFICIENTNETS['lite0'])
        symmetric.load_state_dict(same.state_dict())
        x = torch.rand(1, 3, 64, 64)
        moved = torch.roll(x, (-1, -1), (2, 3))
        expected = same.conv_stem(x)[..., 2:-2, 2:-2]
        torch.testing.assert_close(symmetric.conv_stem(moved)[..., 2:-2, 2:-2], expected)
