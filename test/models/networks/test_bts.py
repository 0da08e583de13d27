# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""BTS: the laws of networks on narrow ones, its planes, and the authors' numbers."""

import json
import math
from dataclasses import replace

import pytest
import torch
from network_laws import GOLDEN, LAWS, assert_parity, filled, image

from depth_ros.models.networks import bts
from depth_ros.models.networks.encoders.densenet import DenseNetConfig
from depth_ros.models.networks.encoders.resnet import ResNetConfig
from depth_ros.models.networks.unfilled import without_weights
from depth_ros.types import DepthError

DENSE = replace(bts.NYU, encoder=DenseNetConfig((2, 2, 2, 2), growth=8, stem=16), features=128)
RESIDUAL = replace(bts.KITTI, encoder=ResNetConfig((1, 1, 1, 1), width=8), features=256)
MOBILE = replace(bts.VARIANTS['mobilenetv2_nyu'], features=128)
NARROW = pytest.mark.parametrize(
    'config', [DENSE, RESIDUAL, MOBILE], ids=['densenet', 'resnet', 'mobilenet']
)
FOCAL = torch.tensor([700.0, 500.0])


def narrow(config: bts.BtsConfig) -> bts.Bts:
    return filled(bts.build(config))  # type: ignore[return-value]


@NARROW
@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(config, law):
    law(narrow(config), image(64, 96), FOCAL)


@pytest.mark.parametrize('side', [2, 4, 8])
def test_rays_meet_the_planes_at_their_depth(side):
    parameters = 2 * torch.randn(2, 3, 3, 4, dtype=torch.float64)
    depth = bts.plane_depth(parameters, side).double()
    assert depth.shape == (2, 1, 3 * side, 4 * side)
    polar, azimuth, distance = parameters.sigmoid().unbind(1)
    polar, azimuth = polar * math.pi / 3, azimuth * 2 * math.pi
    normal = torch.stack(
        (polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()), 1
    )
    offsets = (torch.arange(side) - (side - 1) / 2) / side
    along_x = offsets.repeat(4).expand(3 * side, -1)
    along_y = offsets.repeat(3)[:, None].expand(-1, 4 * side)
    rays = torch.stack((along_x, along_y, torch.ones_like(along_x)))
    normal = normal.repeat_interleave(side, 2).repeat_interleave(side, 3)
    found = (normal * rays * depth).sum(1)
    expected = distance.repeat_interleave(side, 1).repeat_interleave(side, 2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_depth_is_proportional_to_the_focal_length_where_it_was_so_in_training():
    with torch.inference_mode():
        for config, times in ((RESIDUAL, 2.0), (DENSE, 1.0)):
            network = narrow(config)
            once = network(image(64, 64), FOCAL).final_depth
            twice = network(image(64, 64), 2 * FOCAL).final_depth
            torch.testing.assert_close(twice, times * once)


def test_the_focal_length_is_needed_where_it_matters():
    with pytest.raises(DepthError, match='focal'):
        narrow(RESIDUAL)(image(32, 32))
    assert narrow(DENSE)(image(32, 32)).final_depth.max() < 10.0


def test_other_sizes_and_encoders_are_refused():
    with pytest.raises(DepthError, match='multiples of 32'):
        narrow(DENSE)(image(64, 65))
    with pytest.raises(DepthError, match='vgg'):
        bts.from_official({'encoder': 'vgg_bts', 'max_depth': 10})
    with pytest.raises(DepthError, match='vgg'):
        bts.build(replace(DENSE, encoder='vgg'))


@pytest.mark.parametrize('encoder', bts.ENCODERS)
def test_names_and_shapes_are_the_official_ones(encoder):
    path = GOLDEN / 'bts_state_dict_shapes.json'
    if not path.is_file():
        pytest.skip('golden bts_state_dict_shapes is not on this machine')
    official = json.loads(path.read_text('utf-8'))[encoder]['params']
    config = bts.from_official({'encoder': encoder, 'dataset': 'nyu', 'max_depth': 10})
    with without_weights():
        state = bts.build(config).state_dict()
    expected = {bts.official_key(key): tuple(shape) for key, shape in official.items()}
    expected.pop(None, None)
    assert {key: tuple(value.shape) for key, value in state.items()} == expected


@pytest.mark.parametrize('name', ['bts_densenet161_nyu', 'bts_resnet50_kitti'])
def test_the_numbers_are_those_of_the_authors(name):
    assert_parity(name)
