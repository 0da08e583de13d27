# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DenseDepth: the laws of networks on a narrow one, and the authors' numbers."""

from dataclasses import replace

import pytest
import torch
from network_laws import LAWS, assert_parity, filled, image

from depth_ros.models.networks import densedepth
from depth_ros.models.networks.encoders.densenet import DenseNetConfig
from depth_ros.types import DepthError

ENCODER = DenseNetConfig((2, 2, 2, 2), growth=16, stem=32, epsilon=densedepth.KERAS_EPSILON)
VARIANTS = [
    replace(variant, encoder=ENCODER)
    for variant in (densedepth.TRAINED, densedepth.CURRENT, densedepth.OLD_KERAS)
]


def narrow(config: densedepth.DenseDepthConfig = VARIANTS[0]) -> densedepth.DenseDepth:
    return filled(densedepth.build(config))  # type: ignore[return-value]


@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(law):
    law(narrow(), image(64, 96))


def test_variants_differ_and_have_the_same_weights():
    with torch.inference_mode():
        found = [narrow(config)(image(64, 96)).reciprocal for config in VARIANTS]
    assert all(one.shape == (2, 1, 32, 48) for one in found)
    assert not torch.allclose(found[0], found[1], atol=1e-3)
    assert not torch.allclose(found[0], found[2], atol=1e-3)


@pytest.mark.parametrize(
    ('reciprocal', 'expected'),
    [(1.0, 10.0), (10.0, 1.0), (100.0, 0.1), (500.0, 0.1), (0.2, 10.0), (0.0, 10.0), (-1.0, 10.0)],
)
def test_metres_are_the_largest_depth_over_the_output(reciprocal, expected):
    result = torch.full((2, 1, 4, 6), reciprocal)
    torch.testing.assert_close(densedepth.metres(result, 8, 12), torch.full((2, 8, 12), expected))
    far = densedepth.metres(result, 8, 12, max_depth=80.0)
    torch.testing.assert_close(far, torch.full((2, 8, 12), 8 * expected))


def test_other_sizes_are_refused():
    with pytest.raises(DepthError, match='multiples of 32'):
        narrow()(image(64, 65))


def test_the_file_states_whether_the_encoder_ends_with_a_relu():
    for names, expected in ((['bn', 'relu', 'conv2'], True), (['bn', 'conv2'], False)):
        model = {'config': {'layers': [{'name': name} for name in names]}}
        assert densedepth.from_keras(model).final_relu is expected


def test_official_names_become_ours():
    expected = {
        'conv1.conv.weight': 'encoder.conv0.weight',
        'conv1.bn.running_var': 'encoder.norm0.running_var',
        'conv2_block1_0_bn.weight': 'encoder.denseblock1.denselayer1.norm1.weight',
        'conv5_block32_2_conv.weight': 'encoder.denseblock4.denselayer32.conv2.weight',
        'pool3_bn.bias': 'encoder.transition2.norm.bias',
        'pool4_conv.weight': 'encoder.transition3.conv.weight',
        'bn.running_mean': 'encoder.norm5.running_mean',
        'conv2.bias': 'conv2.bias',
        'up1_convA.weight': 'up1_convA.weight',
    }
    assert {key: densedepth.official_key(key) for key in expected} == expected


def test_the_numbers_are_those_of_the_authors():
    assert_parity('densedepth_densenet169')
