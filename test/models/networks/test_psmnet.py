# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""PSMNet: parity, laws, both models and other disparities."""

from dataclasses import replace

import pytest
import stereo_laws as laws
import torch

from depth_ros.models.networks import psmnet

CONFIG = psmnet.Config(maxdisp=32, width=8, blocks=(1, 1, 1, 1), pools=(2, 4, 8))
CONFIGS = [CONFIG, replace(CONFIG, hourglasses=False, align_corners=True)]
SIZE = (48, 80)


def network(config):
    return laws.filled(psmnet.build(config))


@pytest.mark.parametrize('golden', ['psmnet'])
def test_it_reproduces_the_stored_outputs(golden):
    laws.holds(golden)


@pytest.mark.parametrize('config', CONFIGS)
def test_a_batch_gives_what_single_pairs_give(config):
    laws.check_batch(network(config), *SIZE)


@pytest.mark.parametrize('config', CONFIGS)
def test_bfloat16_is_close(config):
    laws.check_bfloat16(network(config), *SIZE, share=0.2)


@pytest.mark.parametrize('config', CONFIGS)
def test_every_parameter_is_learnt(config):
    laws.check_gradients(network(config), *SIZE)


@pytest.mark.parametrize('config', CONFIGS)
def test_it_can_be_exported(config):
    laws.check_export(network(config), *SIZE)


def test_it_learns():
    torch.manual_seed(0)
    config = replace(CONFIG, maxdisp=16, pools=(2, 4))
    laws.check_training(psmnet.build(config), 32, 64, steps=30, rate=1e-2)


def test_three_stages_are_trained_and_one_is_used():
    images = laws.pair(*SIZE, batch=2)
    trained = network(CONFIG)
    with torch.inference_mode():
        assert len(trained(*images).stages) == 1
        assert len(trained.train()(*images).stages) == 3


def test_the_largest_disparity_can_change_with_the_same_weights():
    few = network(CONFIG)
    many = network(replace(CONFIG, maxdisp=64))
    many.load_state_dict(few.state_dict())
    images = laws.pair(*SIZE)
    with torch.inference_mode():
        changed = many(*images).disparity
        few.config = replace(few.config, maxdisp=64)
        torch.testing.assert_close(few(*images).disparity, changed)
    assert float(changed.max()) > CONFIG.maxdisp / 2
    with pytest.raises(ValueError, match='maxdisp is 40, expected a multiple of 16'):
        psmnet.Config(maxdisp=40)


def test_the_official_options_give_the_published_networks():
    assert psmnet.from_official({'model': 'stackhourglass', 'maxdisp': 192}) == psmnet.Config()
    assert psmnet.from_official({'model': 'basic'}) == psmnet.VARIANTS['psmnet_basic']
    assert psmnet.official_key('module.dres0.0.0.weight') == 'dres0.0.0.weight'
