# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Steps of matrices are orthogonal, whatever their shape and their place in memory."""

import pytest

torch = pytest.importorskip('torch')

from depth_ros.lab.train.optimiser import Muon, is_matrix, make_optimiser, orthogonal  # noqa: E402
from depth_ros.models.networks.builtin.network import BuiltinNetwork  # noqa: E402


@pytest.mark.parametrize('shape', [(24, 24), (16, 90), (90, 16)])
def test_all_directions_become_alike_and_none_is_turned(shape):
    generator = torch.Generator().manual_seed(1)
    u, _, vt = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    uneven = torch.linspace(1, 0.05, min(shape))  # one direction twenty times another
    made = orthogonal((u * uneven) @ vt).float()
    assert torch.linalg.svdvals(made).min() > 0.5
    assert torch.linalg.svdvals(made).max() < 1.4
    assert ((u.T @ made @ vt.T).diagonal() > 0.4).all()


def test_nothing_to_learn_moves_nothing():
    assert not orthogonal(torch.zeros(16, 32)).any()


def test_inner_weights_are_matrices_and_the_ends_are_not():
    network = BuiltinNetwork()
    assert is_matrix(network.blocks[0].first[0].weight)
    assert not is_matrix(network.known.weight)  # six planes go in
    assert not is_matrix(network.head.weight)  # depth and its error come out
    assert not is_matrix(network.blocks[0].first[1].weight)  # one number per channel
    assert not is_matrix(network.encoder.blocks[1][0].conv_dw.weight)  # one input each


@pytest.mark.parametrize('shape', [(16, 20, 3, 3), (20, 16, 3), (18, 30)])
def test_the_order_in_memory_changes_nothing(shape):
    generator = torch.Generator().manual_seed(2)
    start = torch.randn(shape, generator=generator)
    gradient = torch.randn(shape, generator=generator)
    moved = []
    for last in (False, True):
        laid = torch.channels_last if last and len(shape) == 4 else torch.contiguous_format
        p = torch.nn.Parameter(start.clone(memory_format=laid))
        optimiser = Muon([p], 0.1)
        for _ in range(3):
            p.grad = gradient.clone(memory_format=laid)
            optimiser.step()
        moved.append(p.detach())
    torch.testing.assert_close(moved[0], moved[1])
    assert (moved[0] - start).abs().max() > 0.01


def test_what_is_no_matrix_moves_as_adam_would():
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(7, generator=generator)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    muon = Muon([ours], 0.1)
    adam = torch.optim.Adam([theirs], 0.01)
    for _ in range(5):
        gradient = torch.randn(7, generator=generator)
        for p, optimiser in ((ours, muon), (theirs, adam)):
            p.grad = gradient.clone()
            optimiser.step()
    torch.testing.assert_close(ours, theirs)


def test_a_direction_that_gradients_hardly_show_is_learned_sooner():
    """Least squares whose inputs differ a thousandfold in strength, along no axis."""
    generator = torch.Generator().manual_seed(4)
    strength = torch.logspace(0, -3, 32)
    turn = torch.linalg.qr(torch.randn(32, 32, generator=generator)).Q
    inputs = torch.randn(256, 32, generator=generator) * strength @ turn
    truth = torch.randn(32, 32, generator=generator)
    left = {}
    for kind, rate in (('muon', 0.05), ('adamw', 0.05)):
        p = torch.nn.Parameter(torch.zeros(32, 32))
        optimiser = make_optimiser(kind, [p], rate, 0.0)
        for _ in range(200):
            optimiser.zero_grad()
            ((inputs @ (p - truth)) ** 2).mean().backward()
            optimiser.step()
        left[kind] = float((p - truth).detach().norm() / truth.norm())
    assert left['muon'] < left['adamw']
