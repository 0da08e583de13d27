# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a start imports: each of these costs a second that no user sees a use of."""

import subprocess
import sys

import pytest

pytest.importorskip('torch')

from depth_ros.models.networks.unfilled import without_weights


def imported(code, *names):
    """Return which of these modules a process that runs this code has imported."""
    code += f'\nimport sys\nprint(*[name for name in {names} if name in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_network_that_ships_is_loaded_without_the_compiler_of_torch():
    pytest.importorskip('safetensors')
    code = 'from depth_ros.models.registry import create_model\n'
    code += "create_model('builtin', {'runtime': 'torch'})"
    assert imported(code, 'torch', 'torch._dynamo', 'sympy') == ['torch']


def test_the_outputs_of_a_node_are_prepared_without_numba_and_torch():
    code = (
        'from depth_ros.nodes.output.output import outputs_of\n'
        'from depth_ros.nodes.parameters.spec import checked\n'
        'from depth_ros.nodes.parameters.specs import MONO\n'
        'values = checked(MONO, {})\n'
        'for output in outputs_of(1): output.prepare(values)'
    )
    assert imported(code, 'numpy', 'numba', 'torch') == ['numpy']


def test_networks_without_weights_have_their_names_and_shapes():
    from torch import nn

    def network():
        layers = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Embedding(7, 2))
        for parameter in layers.parameters():
            nn.init.trunc_normal_(parameter)
            nn.init.zeros_(parameter)
        return layers

    with without_weights():
        empty = network()
    filled = network()
    assert all(parameter.is_meta for parameter in empty.parameters())
    shapes = {name: value.shape for name, value in filled.state_dict().items()}
    assert {name: value.shape for name, value in empty.state_dict().items()} == shapes
    empty.load_state_dict(filled.state_dict(), assign=True)
    assert not any(value.is_meta for value in empty.state_dict().values())
    assert float(network()[0].bias.abs().sum()) == 0  # outside it fills as ever
