# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""LightStereo: parity, laws and variants."""

from dataclasses import replace

import pytest
import stereo_laws as laws
import torch

from depth_ros.models.networks import lightstereo

CONFIG = lightstereo.Config(maxdisp=32)
SIZE = (64, 96)


def network(**changes):
    return laws.filled(lightstereo.build(replace(CONFIG, **changes)))


@pytest.mark.parametrize('golden', ['lightstereo_s', 'lightstereo_m'])
def test_it_reproduces_the_stored_outputs(golden):
    laws.holds(golden)


@pytest.mark.parametrize('changes', [{}, {'left_att': False}, {'backbone': 'EfficientNetv2'}])
def test_a_batch_gives_what_single_pairs_give(changes):
    laws.check_batch(network(**changes), *SIZE)


def test_bfloat16_is_close():
    laws.check_bfloat16(network(), *SIZE, share=0.2)


def test_every_parameter_is_learnt():
    laws.check_gradients(network(), *SIZE)


def test_it_can_be_exported():
    laws.check_export(network(), *SIZE)


def test_it_learns():
    torch.manual_seed(0)
    config = replace(CONFIG, aggregation_blocks=(1, 1, 1))
    laws.check_training(lightstereo.build(config), 64, 64, steps=20, rate=2e-3)


def test_the_official_options_give_the_published_networks():
    options = {'NAME': 'LightStereo', 'MAX_DISP': 192, 'EXPANSE_RATIO': 8}
    options |= {'AGGREGATION_BLOCKS': [8, 16, 32], 'BACKBONE': 'EfficientNetv2'}
    assert lightstereo.from_official(options) == lightstereo.VARIANTS['lightstereo_lx']
    assert lightstereo.from_official({}) == lightstereo.VARIANTS['lightstereo_s']
    with pytest.raises(ValueError, match="backbone is 'resnet'"):
        lightstereo.Config(backbone='resnet')
    with pytest.raises(ValueError, match='maxdisp is 30, expected a multiple of 4'):
        lightstereo.Config(maxdisp=30)
