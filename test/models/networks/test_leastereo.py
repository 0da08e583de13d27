# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""LEAStereo: parity, laws, other architectures and other disparities."""

from dataclasses import replace

import pytest
import stereo_laws as laws
import torch

from depth_ros.models.networks import leastereo
from depth_ros.models.networks.leastereo_cells import Cell, Convolution, resized

CONFIG = leastereo.Config(maxdisp=48, fea_filter_multiplier=2, mat_filter_multiplier=2)
OTHER = replace(
    CONFIG,
    feature_network_path=(0, 1, 1, 2),
    feature_genotype=((0, 0), (1, 1), (2, 1), (4, 1), (7, 1), (8, 0)),
    matching_network_path=(0, 1, 2, 2, 1, 2, 3, 2, 1, 0, 1, 2),
)
SIZE = (48, 96)


def network(config):
    return laws.filled(leastereo.build(config), gain=2.2)


@pytest.mark.parametrize('golden', ['leastereo'])
def test_it_reproduces_the_stored_outputs(golden):
    laws.holds(golden)


@pytest.mark.parametrize('config', [CONFIG, OTHER])
def test_a_batch_gives_what_single_pairs_give(config):
    laws.check_batch(network(config), *SIZE)


def test_bfloat16_is_close():
    laws.check_bfloat16(network(CONFIG), *SIZE, share=0.2)


def test_every_parameter_is_learnt():
    # Official checkpoints have these, of whatever level the last cell is.
    unused = ('feature.last_', 'matching.last_12', 'matching.last_24', 'matching.last_3.bn')
    laws.check_gradients(network(CONFIG), *SIZE, unused)


def test_it_can_be_exported():
    config = replace(CONFIG, feature_network_path=(1, 0), matching_network_path=(1, 0, 1))
    laws.check_export(network(config), *SIZE)


def test_it_learns():
    torch.manual_seed(0)
    config = replace(
        CONFIG, maxdisp=24, feature_network_path=(1, 0), matching_network_path=(1, 1, 0)
    )
    laws.check_training(leastereo.build(config), 48, 48, steps=30, rate=1e-2)


def test_the_largest_disparity_can_change_with_the_same_weights():
    few = network(CONFIG)
    many = network(replace(CONFIG, maxdisp=96))
    many.load_state_dict(few.state_dict())
    images = laws.pair(*SIZE)
    with torch.inference_mode():
        changed = many(*images).disparity
        few.config = replace(few.config, maxdisp=96)
        torch.testing.assert_close(few(*images).disparity, changed)
    with pytest.raises(ValueError, match='maxdisp is 100, expected a multiple of 3'):
        leastereo.Config(maxdisp=100)


def test_the_official_options_give_the_published_network():
    options = {
        'maxdisp': 408,
        'fea_num_layers': 6,
        'feature_network_path': [1, 0, 1, 0, 0, 0],
        'matching_genotype': [[1, 1], [0, 1], [3, 1], [4, 1], [8, 1], [6, 1]],
    }
    assert leastereo.from_official(options) == leastereo.VARIANTS['leastereo_middlebury']


@pytest.mark.parametrize('size', [(5, 7), (11, 9)])
def test_a_1x1_convolution_may_come_before_the_interpolation(size):
    torch.manual_seed(0)
    layer = laws.filled(Convolution(2, 6, 4, size=1))
    x = torch.randn(1, 6, 8, 8)
    torch.testing.assert_close(layer.resized(x, size), layer(resized(x, size)))


def test_a_node_without_edges_is_refused():
    cell = Cell(2, 4, 4, 2, 0, ((0, 1), (1, 1)), nodes=2, joined=2)
    with pytest.raises(ValueError, match='leads to node 1'):
        cell(torch.ones(1, 4, 4, 4), torch.ones(1, 4, 4, 4))
