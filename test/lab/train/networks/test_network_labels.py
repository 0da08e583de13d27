# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The losses from labels: what they are zero at, and what they do not change with."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from depth_ros.lab.train.networks import labels


def truth(seed=0, height=24, width=32):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(2, 1, 4, 5, generator=generator)
    depth = 1 + 6 * functional.interpolate(coarse, (height, width), mode='bilinear')[:, 0]
    mask = torch.rand(2, height, width, generator=generator) < 0.8
    return depth, mask


def answers(depth):
    """Return what each network would give if it were right, at the size of its output."""
    size = depth.shape[-2:]
    quarter = labels.at_size(depth, depth > 0, (size[0] // 4, size[1] // 4))[0]
    half = labels.at_size(depth, depth > 0, (size[0] // 2, size[1] // 2))[0]
    edges = torch.linspace(0.5, 8, 65).expand(2, -1)
    return {
        'eigen2014': SimpleNamespace(
            log_depth=quarter.log()[:, None], coarse_log_depth=quarter.log()[:, None]
        ),
        'fcrn': SimpleNamespace(depth=depth[:, None]),
        'fastdepth': SimpleNamespace(depth=depth[:, None]),
        'bts': SimpleNamespace(final_depth=depth[:, None]),
        'densedepth': SimpleNamespace(reciprocal=10 / half[:, None]),
        'midas_v21': SimpleNamespace(inverse_depth=3 / depth + 0.2),
        'adabins': SimpleNamespace(depth=depth[:, None], bin_edges=edges),
    }


@pytest.mark.parametrize('family', answers(truth()[0]))
def test_the_truth_costs_least(family):
    depth, _ = truth()
    right = answers(depth)[family]
    best = labels.label_loss(family, right, depth, 10.0, 0.0)
    if family == 'adabins':
        # Bins lie beside the depths that occur, never upon all of them.
        assert best < 0.05
    else:
        torch.testing.assert_close(best, torch.zeros(()), atol=2e-3, rtol=0)
    wrong = answers(depth.flip(-1))[family]
    assert labels.label_loss(family, wrong, depth, 10.0, 0.0) > 10 * best + 0.01


@pytest.mark.parametrize('family', answers(truth()[0]))
def test_what_is_not_known_has_no_influence(family):
    depth, mask = truth()
    holes = torch.where(mask, depth, torch.nan)
    holes[0, :4] = torch.inf
    holes[0, 4:6] = 50.0  # beyond max_depth
    result = answers(depth + 0.5)[family]
    for name, value in vars(result).items():
        setattr(result, name, value.clone().requires_grad_())
    loss = labels.label_loss(family, result, holes, 10.0, 0.0)
    assert torch.isfinite(loss)
    loss.backward()
    gradients = [v.grad for v in vars(result).values() if v.grad is not None]
    assert gradients
    for gradient in gradients:
        assert torch.isfinite(gradient).all()
        assert gradient.abs().sum() > 0
    nothing = torch.full_like(depth, torch.nan)
    assert torch.isfinite(labels.label_loss(family, result, nothing, 10.0, 0.0))


def test_the_error_of_eigen_is_that_of_the_paper():
    depth, mask = truth()
    log_depth = depth.log() + 0.3 * torch.randn_like(depth)
    found = labels.eigen_error(log_depth, depth, mask)
    expected = []
    for one, other, valid in zip(log_depth, depth, mask):
        d = (one - other.log())[valid]
        expected.append((d**2).mean() - 0.5 * d.sum() ** 2 / len(d) ** 2)
    torch.testing.assert_close(found, torch.stack(expected).mean())
    # Half of a wrong scale is forgiven: d is one number, and d^2 - d^2 / 2 is left.
    twice = labels.eigen_error((2 * depth).log(), depth, mask)
    torch.testing.assert_close(twice, torch.tensor(2.0).log() ** 2 / 2)


def test_the_coarse_network_learns_first_and_the_fine_one_then():
    depth, _ = truth()
    result = answers(depth)['eigen2014']
    result.coarse_log_depth = result.coarse_log_depth + torch.randn_like(result.coarse_log_depth)
    assert labels.label_loss('eigen2014', result, depth, 10.0, 0.0) > 0.1
    assert labels.label_loss('eigen2014', result, depth, 10.0, 0.5) < 1e-6


def test_bins_upon_the_depths_cost_nothing():
    torch.manual_seed(0)
    depth = torch.tensor([1.0, 2.0, 4.0]).repeat(2, 5, 8)
    mask = torch.ones_like(depth, dtype=torch.bool)
    exact = torch.tensor([[1.0, 2.0, 4.0]]).expand(2, -1)
    assert labels.chamfer(exact, depth, mask) == 0
    # One bin off by a half: a third of the depths is a half away from its bin, as is the bin.
    off = torch.tensor([[1.0, 2.0, 4.5]]).expand(2, -1)
    torch.testing.assert_close(
        labels.chamfer(off, depth, mask), torch.tensor(2 * 0.25 / 3), rtol=0.2, atol=0
    )
    assert labels.chamfer(exact, depth, ~mask) == 0


def test_scale_and_shift_do_not_matter_to_midas():
    depth, _ = truth()
    right = answers(depth)['midas_v21'].inverse_depth
    noisy = right + 0.05 * torch.randn_like(right)
    one = labels.label_loss('midas_v21', SimpleNamespace(inverse_depth=noisy), depth, 10.0, 0.0)
    other = labels.label_loss(
        'midas_v21', SimpleNamespace(inverse_depth=7 * noisy - 2), depth, 10.0, 0.0
    )
    assert one > 0.01
    torch.testing.assert_close(one, other, rtol=1e-4, atol=0)
