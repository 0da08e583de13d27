# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AnyNet: parity, laws, its stages and its scan."""

from dataclasses import replace

import pytest
import stereo_laws as laws
import torch

from depth_ros.models.networks import anynet

CONFIG = anynet.Config()
SIZE = (64, 96)


def network(**changes):
    torch.manual_seed(0)
    return laws.filled(anynet.build(replace(CONFIG, **changes)))


@pytest.mark.parametrize('golden', ['anynet', 'anynet_real'])
def test_it_reproduces_the_stored_outputs(golden):
    laws.holds(golden)


@pytest.mark.parametrize('size', [SIZE, (79, 97)])  # 15 and 1 over multiples of 16
def test_a_batch_gives_what_single_pairs_give(size):
    laws.check_batch(network(), *size)


def test_bfloat16_is_close():
    laws.check_bfloat16(network(), *SIZE, share=0.2)


def test_every_parameter_is_learnt():
    laws.check_gradients(network(), *SIZE)


def test_it_can_be_exported():
    laws.check_export(network(), *SIZE)


def test_it_learns():
    torch.manual_seed(0)
    laws.check_training(anynet.build(CONFIG), 64, 64, steps=40, rate=1e-2)


def test_early_stages_are_those_of_the_whole():
    images = laws.pair(*SIZE)
    with torch.inference_mode():
        whole = network()(*images)
        assert len(whole.stages) == 4
        for stages in (1, 2):
            early = network(stages=stages)(*images)
            assert len(early.stages) == stages
            torch.testing.assert_close(early.disparity, whole.stages[stages - 1])
        assert len(network(with_spn=False)(*images).stages) == 3


def test_the_largest_disparity_can_change_with_the_same_weights():
    few, many = network(), network(maxdisplist=(20, 3, 3))
    many.load_state_dict(few.state_dict())
    images = laws.pair(*SIZE)
    with torch.inference_mode():
        assert float(few(*images).stages[0].max()) <= 11 * 16
        changed = many(*images).stages[0]
        few.config = replace(few.config, maxdisplist=(20, 3, 3))
        torch.testing.assert_close(few(*images).stages[0], changed)


def test_the_official_options_give_the_published_network():
    options = {'maxdisplist': [12, 3, 3], 'growth_rate': [4, 1, 1], 'with_spn': True, 'lr': 5e-4}
    assert anynet.from_official(options) == anynet.VARIANTS['anynet']
    with pytest.raises(ValueError, match='stages is 4'):
        anynet.Config(stages=4)
    with pytest.raises(ValueError, match='one value per stage'):
        anynet.Config(maxdisplist=(12, 3))


def test_a_scan_is_a_recurrence_over_columns():
    random = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 4, 5, generator=random)
    gates = torch.randn(2, 3, 3, 4, 5, generator=random) / 3
    expected = x.clone()
    for column in range(1, 5):
        for row in range(4):
            state = x[:, :, row, column].clone()
            for gate, step in enumerate((-1, 0, 1)):
                if 0 <= row + step < 4:
                    neighbour = expected[:, :, row + step, column - 1]
                    weight = gates[:, gate, :, row, column]
                    state += weight * (neighbour - x[:, :, row, column])
            expected[:, :, row, column] = state
    torch.testing.assert_close(anynet.scan(x, gates), expected)


def test_a_scan_keeps_what_is_constant():
    gates = torch.rand(1, 3, 2, 4, 6, generator=torch.Generator().manual_seed(0)) / 3
    x = torch.full((1, 2, 4, 6), 7.0)
    torch.testing.assert_close(anynet.scan(x, gates), x)
