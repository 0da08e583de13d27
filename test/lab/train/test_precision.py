# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run with bfloat16: which layers take part in it, and that log depth keeps its digits."""

import pytest

torch = pytest.importorskip('torch')

from depth_ros.lab.train.precision import keep_float32  # noqa: E402
from depth_ros.models.networks.builtin.known import CHANNELS  # noqa: E402
from depth_ros.models.networks.builtin.network import BuiltinNetwork, Layout  # noqa: E402

DEVICE = torch.device('cpu')


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = BuiltinNetwork(Layout(deep=16, decoder=(8, 8, 8, 8)))
    made.freeze()
    keep_float32(made, DEVICE)
    return made


def run(network):
    image, known = torch.randn(1, 3, 64, 64), torch.randn(1, CHANNELS, 32, 32)
    with torch.autocast('cpu', torch.bfloat16):
        return network(image, known)


def test_only_what_is_slow_or_needs_digits_stays_float32(network):
    outputs = {}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(
                lambda module, _, output, name=name: outputs.update({name: (module, output.dtype)})
            )
    run(network)
    assert outputs['head'][1] is torch.float32
    for name, (module, dtype) in outputs.items():
        by_channel = module.groups > 1 and module.weight.requires_grad
        exact = name == 'head' or by_channel
        assert dtype is (torch.float32 if exact else torch.bfloat16), name
    assert sum(module.groups > 1 for module, _ in outputs.values()) == 16


def test_log_depth_has_finer_steps_than_bfloat16(network):
    output = run(network)
    assert (output != output.bfloat16().float()).any()


def test_gradients_are_those_of_float32(network):
    torch.manual_seed(1)
    image, known = torch.randn(2, 3, 64, 64), torch.randn(2, CHANNELS, 32, 32)
    gradients = []
    for enabled in (False, True):
        network.zero_grad()
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            output = network(image, known)
        output.float().square().mean().backward()
        learned = [p for p in network.parameters() if p.requires_grad]
        gradients.append(torch.cat([p.grad.flatten() for p in learned]))
    exact, half = gradients
    assert torch.nn.functional.cosine_similarity(exact, half, dim=0) > 0.99
