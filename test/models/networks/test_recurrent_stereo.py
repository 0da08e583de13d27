# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""RAFT-Stereo, IGEV-Stereo, IGEV++ and RT-IGEV++: parity, and the laws of their steps."""

import copy
from dataclasses import replace

import pytest
import stereo_laws as laws
import torch

from depth_ros.models.networks import (
    igev_plusplus,
    igev_stereo,
    raft_stereo,
    rt_igev_plusplus,
)
from depth_ros.models.networks.unfilled import without_weights

SIZE = (64, 96)
NARROW = {'hidden_dims': (16, 16, 16), 'encoder_widths': (8, 12, 16), 'motion_dim': 16}
NETWORKS = {
    'standard': lambda: raft_stereo.build(
        replace(raft_stereo.STANDARD, **NARROW, feature_dim=16, head_dim=16)
    ),
    'rvc': lambda: raft_stereo.build(
        replace(raft_stereo.RVC, **NARROW, feature_dim=16, head_dim=16)
    ),
    'realtime': lambda: raft_stereo.build(
        replace(raft_stereo.REALTIME, **NARROW, feature_dim=16, head_dim=16)
    ),
    'igev': lambda: igev_stereo.build(replace(igev_stereo.STANDARD, max_disp=96)),
    'igev++': lambda: igev_plusplus.build(igev_plusplus.STANDARD),
    'rt-igev++': lambda: rt_igev_plusplus.build(replace(rt_igev_plusplus.STANDARD, max_disp=96)),
}
each_network = pytest.mark.parametrize('name', NETWORKS)


def network(name, gain=1.0):
    return laws.filled(NETWORKS[name](), gain)


@pytest.mark.parametrize(
    'golden',
    [
        'raft_stereo',
        'raft_stereo_realtime',
        'raft_stereo_rvc',
        'igev_stereo',
        'igev_plusplus',
        'rt_igev_plusplus',
    ],
)
def test_it_reproduces_the_stored_outputs(golden):
    laws.holds(golden)


def images(shift=4, seed=0, batch=1):
    return [(127 + 50 * x).clamp(0, 255) for x in laws.pair(*SIZE, shift, batch, seed)]


@each_network
def test_a_batch_gives_what_single_pairs_give(name):
    built = network(name)
    pairs = [images(2, 1), images(6, 2)]
    with torch.inference_mode():
        both = built(*(torch.cat(eyes) for eyes in zip(*pairs, strict=True)), 2)
        alone = [built(*pair, 2) for pair in pairs]
    spread = float(both.disparity.std())
    assert spread > 1e-3
    assert both.disparity.shape == (2, 1, *SIZE)
    expected = torch.cat([one.disparity for one in alone])
    torch.testing.assert_close(both.disparity, expected, rtol=1e-3, atol=1e-2 * spread)


@each_network
def test_more_steps_go_on_from_fewer(name):
    """The disparity after every step is what a run of so many steps returns."""
    built, pair = network(name), images()
    with torch.inference_mode():
        after = built.predictions(*pair, 3)[-3:]
        whole = [built(*pair, steps).disparity for steps in (1, 2, 3)]
    spread = float(whole[-1].std())
    for one, expected in zip(after, whole, strict=True):
        torch.testing.assert_close(one, expected, rtol=1e-3, atol=1e-2 * spread)
    assert float((whole[0] - whole[2]).abs().max()) > 0


@each_network
def test_where_the_start_is_not_finite_it_starts_as_without(name):
    built, pair = network(name), images()
    coarse = [1, 1, *(side // built.factor for side in SIZE)]
    with torch.inference_mode():
        cold = built(*pair, 1)
        unknown = built(*pair, 1, torch.full(coarse, torch.nan))
        given = built(*pair, 1, torch.full(coarse, 5.0))
    torch.testing.assert_close(unknown.disparity, cold.disparity)
    assert float((given.coarse - cold.coarse).abs().max()) > 0.1


@each_network
def test_it_works_without_memory(name):
    with without_weights():
        built = NETWORKS[name]().eval()
    found = built(*(image.to('meta') for image in images()), 1)
    assert found.disparity.shape == (1, 1, *SIZE)
    assert found.coarse.shape == (1, 1, *(side // built.factor for side in SIZE))


@pytest.mark.parametrize('name', ['standard', 'realtime', 'igev', 'igev++'])
def test_correlation_on_the_fly_gives_the_same_disparity(name):
    built, pair = network(name), images()
    other = copy.deepcopy(built)
    other.correlation = 'on_the_fly'
    built.correlation = 'volume'
    with torch.inference_mode():
        kept, fresh = built(*pair, 2).disparity, other(*pair, 2).disparity
    torch.testing.assert_close(fresh, kept, rtol=1e-3, atol=1e-2 * float(kept.std()))


@each_network
def test_what_does_not_fit_is_named(name):
    built, (left, right) = network(name), images()
    with pytest.raises(ValueError, match='multiple'):
        built(left[..., :-3], right[..., :-3], 1)
    with pytest.raises(ValueError, match='like left'):
        built(left, right[..., :64], 1)
    with pytest.raises(ValueError, match='initial is'):
        built(left, right, 1, torch.zeros(1, 1, 3, 3))
    with pytest.raises(ValueError, match='iterations is 0'):
        built(left, right, 0)
