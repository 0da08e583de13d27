# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AANet and AANet+: parity, laws and the combinations of their parts."""

from dataclasses import replace

import pytest
import stereo_laws as laws
import torch

from depth_ros.models.networks import aanet
from depth_ros.models.networks.aanet_aggregation import Aggregation
from depth_ros.models.networks.aanet_refinement import REFINEMENTS

SMALL = {'max_disp': 48, 'width': 8, 'num_fusions': 2, 'num_deform_blocks': 1}
CONFIG = replace(aanet.VARIANTS['aanet'], **SMALL)
PLUS = replace(aanet.VARIANTS['aanet_plus'], **SMALL)
CASES = [(CONFIG, 48, 96), (PLUS, 96, 96)]


def network(config):
    # A larger gain makes the offsets amplify whatever comes in.
    return laws.filled(aanet.build(config), gain=1.0)


@pytest.mark.parametrize('golden', ['aanet', 'aanet_plus'])
def test_it_reproduces_the_stored_outputs(golden):
    laws.holds(golden)


@pytest.mark.parametrize(('config', 'height', 'width'), CASES)
def test_a_batch_gives_what_single_pairs_give(config, height, width):
    laws.check_batch(network(config), height, width)


@pytest.mark.parametrize(('config', 'height', 'width'), CASES)
def test_bfloat16_is_close(config, height, width):
    laws.check_bfloat16(network(config), height, width, share=0.2)


@pytest.mark.parametrize(('config', 'height', 'width'), CASES)
def test_every_parameter_is_learnt(config, height, width):
    laws.check_gradients(network(config), height, width)


def test_its_parts_can_be_exported():
    # The whole network takes long: it has dozens of deformable convolutions.
    volumes = [torch.randn(1, 16 // 2**scale, 16 // 2**scale, 8) for scale in range(2)]
    aggregation = laws.filled(Aggregation([16, 8], 1, 1, 1, 2, 2, 1), gain=1.0)
    program = torch.export.export(aggregation, (volumes,))
    torch.testing.assert_close(program.module()(volumes), aggregation(volumes))
    given = (torch.rand(1, 1, 8, 16), *laws.pair(16, 32))
    refinement = laws.filled(REFINEMENTS['stereodrnet'](8), gain=1.0)
    program = torch.export.export(refinement, given)
    torch.testing.assert_close(program.module()(*given), refinement(*given))


def test_it_learns():
    torch.manual_seed(0)
    config = replace(CONFIG, max_disp=24, num_fusions=1, no_feature_mdconv=True)
    laws.check_training(aanet.build(config), 48, 48, steps=30, rate=5e-3)


def test_stages_are_at_their_scales_and_in_px_of_their_width():
    images = laws.pair(48, 96)
    with torch.inference_mode():
        stages = network(CONFIG)(*images).stages
        whole = network(replace(CONFIG, no_intermediate_supervision=False))(*images).stages
    assert [stage.shape[2:] for stage in stages] == [(16, 32), (24, 48), (48, 96)]
    assert [stage.shape[3] for stage in whole] == [8, 16, 32, 48, 96]
    assert float(stages[0].max()) <= CONFIG.max_disp / 3 - 1
    assert all(float(stage.min()) >= 0 for stage in stages)


@pytest.mark.parametrize(
    'changes',
    [
        {'refinement_type': None},
        {'refinement_type': 'stereonet', 'num_downsample': 1},
        {'feature_pyramid_network': False, 'num_stage_blocks': 2},
        {'num_scales': 1, 'refinement_type': None},
    ],
)
def test_parts_can_be_left_out(changes):
    with torch.inference_mode():
        stages = network(replace(CONFIG, **changes))(*laws.pair(48, 96)).stages
    refined = changes.get('refinement_type', 'stereodrnet') is not None
    assert len(stages) == 1 + refined * changes.get('num_downsample', 2)


def test_heads_of_training_are_not_loaded():
    key = 'module.aggregation.fusions.5.fuse_layers.{}.0.0.0.weight'
    assert aanet.official_key(key.format(1)) is None
    assert aanet.official_key('aggregation.final_conv.2.bias') is None
    assert aanet.official_key(key.format(0)) == key.format(0).removeprefix('module.')
    trained = aanet.Config(no_intermediate_supervision=False)
    assert aanet.official_key('aggregation.final_conv.2.bias', trained) is not None


def test_unknown_options_are_refused():
    official = {'max_disp': 192, 'feature_similarity': 'correlation', 'refinement_type': 'None'}
    assert aanet.from_official(official) == aanet.Config(refinement_type=None)
    with pytest.raises(ValueError, match="aggregation_type is 'gcnet'"):
        aanet.from_official({'aggregation_type': 'gcnet'})
    with pytest.raises(ValueError, match='feature_type'):
        aanet.Config(feature_type='psmnet')
    with pytest.raises(ValueError, match='refinement_type'):
        aanet.Config(refinement_type='none')
    with pytest.raises(ValueError, match='max_disp is 200, expected a multiple of 12'):
        aanet.Config(max_disp=200)
