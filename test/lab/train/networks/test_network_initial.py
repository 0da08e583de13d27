# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From the first weights every network can learn."""

import pytest

torch = pytest.importorskip('torch')

from depth_ros.lab.train.networks.initial import (  # noqa: E402
    scale_plain_layers,
    start_above_zero,
)
from depth_ros.models.networks import midas_v21  # noqa: E402


@pytest.mark.parametrize('seed', range(4))
def test_midas_has_gradients_behind_its_last_relu(seed):
    torch.manual_seed(seed)
    network = midas_v21.build()
    start_above_zero(network)
    values = network(torch.rand(1, 3, 64, 64))[0]
    assert (values > 0).float().mean() > 0.9
    values.sum().backward()
    assert network.scratch.output_conv[-1].weight.grad.abs().sum() > 0


def test_a_network_that_ends_otherwise_is_refused():
    with pytest.raises(ValueError, match='not the one that predicts'):
        start_above_zero(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 1)))


def test_plain_layers_keep_the_size_of_a_signal():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        *(m for _ in range(12) for m in (torch.nn.Conv2d(16, 16, 3, padding=1), torch.nn.ReLU()))
    )
    image = torch.randn(1, 16, 32, 32)
    before = layers(image).std()
    scale_plain_layers(layers)
    assert before < 0.05
    assert 0.2 < layers(image).std() < 5
