# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""FastDepth: the laws of networks on narrow ones, pruned widths, and the authors' numbers."""

from dataclasses import replace

import pytest
from network_laws import LAWS, assert_parity, filled, image

from depth_ros.models.networks import fastdepth
from depth_ros.models.networks.unfilled import without_weights
from depth_ros.types import DepthError

# Widths as uneven as those of pruned weights.
ADDED = fastdepth.FastDepthConfig(
    encoder=(8, 12, 16, 20, 24, 28, 32, 36, 36, 32, 28, 32, 40, 44), decoder=(36, 28, 20, 12, 8)
)
JOINED = replace(ADDED, concatenate=True, decoder=(36, 30, 18, 10, 8))
NARROW = pytest.mark.parametrize('config', [ADDED, JOINED], ids=['add', 'concatenate'])


def narrow(config: fastdepth.FastDepthConfig) -> fastdepth.FastDepth:
    network = filled(fastdepth.build(config), 1.4)
    network.decode_conv6[1].bias.data += 2.0  # away from the ReLU
    return network  # type: ignore[return-value]


@NARROW
@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(config, law):
    law(narrow(config), image(64, 96))


@pytest.mark.parametrize('config', [ADDED, JOINED, fastdepth.SKIP_ADD, fastdepth.SKIP_CONCAT])
def test_weights_give_their_configuration(config):
    with without_weights():
        state = fastdepth.build(config).state_dict()
    official = {key.removeprefix('encoder.'): tuple(value.shape) for key, value in state.items()}
    assert fastdepth.from_shapes(official) == config
    assert {fastdepth.official_key(key) for key in official} == set(state)


def test_weights_of_other_networks_are_refused():
    with pytest.raises(DepthError, match=r'conv0\.0\.weight'):
        fastdepth.from_shapes({'conv1.weight': (64, 3, 7, 7)})
    with pytest.raises(DepthError, match='ResNet'):
        fastdepth.from_official({'cls': 'ResNet'})


def test_widths_that_do_not_fit_are_refused():
    with pytest.raises(DepthError, match='decode_conv2 has 30 channels and is added to 28'):
        fastdepth.build(replace(JOINED, concatenate=False))


def test_other_sizes_are_refused():
    with pytest.raises(DepthError, match='multiples of 32'):
        narrow(ADDED)(image(64, 65))


@pytest.mark.parametrize('name', ['fastdepth_skipadd', 'fastdepth_skipconcat'])
def test_the_numbers_are_those_of_the_authors(name):
    assert_parity(name)
