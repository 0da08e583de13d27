# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Eigen et al. 2014: the laws of networks on a narrow one, and the sizes of the paper."""

import math

import pytest
import torch
from network_laws import LAWS, assert_meta, filled, image

from depth_ros.models.networks import eigen2014
from depth_ros.types import DepthError

NARROW = eigen2014.EigenConfig(
    height=100, width=132, coarse=(8, 12, 12, 12, 8), hidden=32, fine=(7, 8)
)
SIZE = (NARROW.height, NARROW.width)


def narrow() -> eigen2014.Eigen:
    return filled(eigen2014.build(NARROW))  # type: ignore[return-value]


@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(law):
    law(narrow(), image(*SIZE))


def test_the_meta_device_gives_the_same_shapes():
    assert_meta(lambda: eigen2014.build(NARROW), image(*SIZE))


def test_sizes_are_those_of_the_paper():
    assert eigen2014.NYU.output_size == (55, 74)
    assert eigen2014.NYU.coarse_size == (6, 8)
    with torch.device('meta'):
        network = eigen2014.build()
        result = network(torch.rand(1, 3, 228, 304))
    assert result.log_depth.shape == result.coarse_log_depth.shape == (1, 1, 55, 74)
    assert network.coarse.fc6.weight.shape == (4096, 256 * 6 * 8)
    assert network.fine.conv2.weight.shape == (64, 64, 5, 5)


def test_the_fine_depth_follows_the_coarse_one():
    network = narrow()
    with torch.inference_mode():
        before = network(image(*SIZE))
        network.coarse.fc7.bias += 1.0
        after = network(image(*SIZE))
    torch.testing.assert_close(after.coarse_log_depth, before.coarse_log_depth + 1.0)
    assert not torch.allclose(after.log_depth, before.log_depth)


def test_dropout_is_for_training_only():
    network = narrow()
    same = [network(image(*SIZE)).coarse_log_depth for _ in range(2)]
    torch.testing.assert_close(same[0], same[1])
    network.train()
    other = [network(image(*SIZE)).coarse_log_depth for _ in range(2)]
    assert not torch.allclose(other[0], other[1])


def test_metres_are_the_exponential_at_the_size_of_the_image():
    values = torch.full((2, 1, 5, 7), math.log(3.0))
    found = eigen2014.metres(eigen2014.EigenResult(values, values), 10, 20)
    torch.testing.assert_close(found, torch.full((2, 10, 20), 3.0))


def test_other_sizes_are_refused():
    with pytest.raises(DepthError, match='expected an image of 132x100 pixels, got 132x101'):
        narrow()(image(101, 132))
