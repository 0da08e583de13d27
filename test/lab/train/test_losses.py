# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each loss keeps the law it is named for."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from depth_ros.lab.train import losses  # noqa: E402

SHAPE = (2, 12, 16)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def depths(seed=0, dtype=torch.float64):
    return torch.rand(SHAPE, generator=generator(seed), dtype=dtype) * 9 + 1


def some_mask(seed=7):
    return torch.rand(SHAPE, generator=generator(seed)) > 0.3


def silog(prediction, target, mask):
    return losses.scale_invariant_log(prediction.log(), target, mask)


def rays():
    v, u = torch.meshgrid(torch.arange(12.0), torch.arange(16.0), indexing='ij')
    return torch.stack([(u - 7.5) / 20, (v - 5.5) / 20])[None].double()


def normals(prediction, target, mask):
    return losses.normals_loss(prediction, target, rays(), mask)


LOSSES = {
    'silog': silog,
    'ssi': losses.scale_shift_invariant,
    'gradient': losses.gradient_matching,
    'berhu': losses.berhu,
    'normals': normals,
}


@pytest.mark.parametrize('name', LOSSES)
def test_zero_at_the_truth_and_positive_elsewhere(name):
    loss, truth, mask = LOSSES[name], depths(), some_mask()
    assert loss(truth, truth, mask).item() == pytest.approx(0, abs=1e-7)
    assert loss(depths(1), truth, mask).item() > 1e-3


@pytest.mark.parametrize('name', LOSSES)
def test_what_is_not_valid_does_not_count(name):
    """Neither NaN in the truth nor nonsense in the prediction may leak out of the mask."""
    truth, mask = depths(), some_mask()
    spoiled = torch.where(mask, truth, torch.nan)
    clean = LOSSES[name](depths(1), truth, mask)
    assert LOSSES[name](depths(1), spoiled, mask).item() == pytest.approx(clean.item(), rel=1e-12)


@pytest.mark.parametrize('name', LOSSES)
@pytest.mark.parametrize('case', ['random', 'truth', 'constant', 'no pixel', 'one pixel', 'far'])
def test_gradients_are_finite_everywhere(name, case):
    truth = depths(dtype=torch.float32)
    mask = some_mask()
    prediction = depths(1, torch.float32)
    if case == 'truth':
        prediction = truth.clone()
    elif case == 'constant':
        prediction = torch.full(SHAPE, 2.0)
    elif case == 'no pixel':
        mask = torch.zeros_like(mask)
    elif case == 'one pixel':
        mask = torch.zeros_like(mask)
        mask[0, 3, 4] = True
    elif case == 'far':
        prediction = prediction * 1e4
    truth = torch.where(mask, truth, torch.nan)
    prediction.requires_grad_()
    value = LOSSES[name](prediction, truth, mask)
    value.backward()
    assert value.isfinite()
    assert prediction.grad.isfinite().all()
    if case == 'no pixel':
        assert value.item() == 0


@pytest.mark.parametrize('name', LOSSES)
def test_gradcheck(name):
    truth, mask = depths(), some_mask()
    prediction = depths(1).requires_grad_()
    loss = LOSSES[name]
    if name == 'berhu':  # its threshold is a constant to the gradient, so it must be one here
        biggest = torch.zeros(SHAPE, dtype=torch.float64)
        truth, mask = truth.clone(), mask.clone()
        mask[0, 0, 0] = True
        truth[0, 0, 0] = 100.0
        fixed = depths(1)[0, 0, 0].item()
        place = torch.zeros(SHAPE, dtype=torch.bool)
        place[0, 0, 0] = True

        def loss(p, t, m):
            return losses.berhu(torch.where(place, biggest + fixed, p), t, m)

    assert torch.autograd.gradcheck(lambda p: loss(p, truth, mask), (prediction,), atol=1e-6)


@pytest.mark.parametrize('factor', [0.1, 3.0, 1e4])
def test_silog_with_full_focus_does_not_see_scale(factor):
    truth, mask, prediction = depths(), some_mask(), depths(1)
    loss = losses.scale_invariant_log
    assert loss((prediction * factor).log(), truth, mask, 1.0).item() == pytest.approx(
        loss(prediction.log(), truth, mask, 1.0).item(), rel=1e-9
    )
    # and with less focus it does
    assert silog(truth * factor, truth, mask).item() > 0.1


def test_silog_against_its_formula():
    truth, mask, prediction = depths(), torch.ones(SHAPE, dtype=torch.bool), depths(1)
    d = np.log(prediction.numpy()) - np.log(truth.numpy())
    expected = np.mean([np.sqrt(np.mean(x**2) - 0.85 * np.mean(x) ** 2) for x in d.reshape(2, -1)])
    assert silog(prediction, truth, mask).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(('scale', 'shift'), [(0.01, 0.0), (5.0, -3.0), (1.0, 1e3)])
@pytest.mark.parametrize('name', ['ssi', 'gradient'])
def test_scale_and_shift_do_not_matter(name, scale, shift):
    truth, mask, prediction = depths(), some_mask(), depths(1)
    loss = LOSSES[name]
    assert loss(prediction * scale + shift, truth, mask).item() == pytest.approx(
        loss(prediction, truth, mask).item(), rel=1e-6
    )
    assert loss(truth * scale + shift, truth, mask).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('name', ['ssi', 'gradient'])
def test_a_negative_scale_is_not_forgiven(name):
    truth, mask = depths(), some_mask()
    assert LOSSES[name](-truth, truth, mask).item() > 0.1


def test_trimming_ignores_the_largest_errors():
    truth, mask = depths(), torch.ones(SHAPE, dtype=torch.bool)
    spoiled = truth.clone()
    spoiled[:, :1] += 50  # one row of twelve: below the trimmed fifth
    trimmed = losses.scale_shift_invariant(spoiled, truth, mask, trim=0.2)
    whole = losses.scale_shift_invariant(spoiled, truth, mask, trim=0.0)
    assert trimmed < 0.5 * whole


def test_berhu_is_absolute_below_and_square_above_its_threshold():
    truth = torch.zeros(1, 1, 3, dtype=torch.float64)
    error = torch.tensor([[[0.5, 1.5, 10.0]]], dtype=torch.float64)
    mask = torch.ones(1, 1, 3, dtype=torch.bool)
    # threshold c = 2: |0.5| + |1.5| + (100 + 4) / 4
    assert losses.berhu(error, truth, mask).item() == pytest.approx((0.5 + 1.5 + 26.0) / 3)


def test_normals_of_a_plane_face_the_camera():
    n = torch.tensor([0.3, -0.5, -1.0], dtype=torch.float64)
    n = n / n.norm()
    direction = torch.cat([rays(), torch.ones(1, 1, 12, 16, dtype=torch.float64)], 1)
    depth = -2.0 / (direction * n[None, :, None, None]).sum(1)
    found = losses.depth_normals(depth, rays())
    assert torch.allclose(found, n[None, :, None, None].expand_as(found), atol=1e-9)


def test_normals_do_not_see_scale():
    truth, mask = depths(), some_mask()
    assert normals(truth * 7, truth, mask).item() == pytest.approx(0, abs=1e-9)


def test_the_best_laplace_spread_is_the_mean_error():
    truth = torch.ones(1, 50, 50, dtype=torch.float64)
    log_depth = torch.randn(1, 50, 50, generator=generator(), dtype=torch.float64) * 0.2
    mask = torch.ones(1, 50, 50, dtype=torch.bool)
    spreads = torch.linspace(-4, 0, 81, dtype=torch.float64)
    values = [losses.laplace_log_likelihood(log_depth, s, truth, mask) for s in spreads]
    best = spreads[int(torch.stack(values).argmin())].exp().item()
    assert best == pytest.approx(log_depth.abs().mean().item(), rel=0.05)


def test_cross_entropy_costs_nothing_where_it_is_sure_and_right():
    truth, mask = depths() > 5, some_mask()
    guess = torch.randn(2, 12, 16, generator=generator(), dtype=torch.float64)
    sure = torch.where(truth, 50.0, -50.0)
    assert losses.cross_entropy(sure, truth, mask).item() == pytest.approx(0, abs=1e-9)
    wrong = sure - sure.sign() * 60  # by ten, at every pixel that counts
    assert losses.cross_entropy(wrong, truth, mask).item() == pytest.approx(10, rel=1e-4)
    # Even odds cost the entropy of a coin.
    even = torch.zeros_like(guess)
    assert losses.cross_entropy(even, truth, mask).item() == pytest.approx(np.log(2))
    hidden = torch.where(mask, guess, guess + 7)
    expected = losses.cross_entropy(guess, truth, mask)
    assert losses.cross_entropy(hidden, truth, mask).item() == pytest.approx(expected.item())


def test_cross_entropy_has_gradients_also_where_nothing_is_known():
    truth, mask = depths() > 5, some_mask()
    guess = torch.randn(2, 12, 16, generator=generator(), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda g: losses.cross_entropy(g, truth, mask), [guess])
    (nothing,) = torch.autograd.grad(
        losses.cross_entropy(guess, truth, torch.zeros_like(mask)), guess
    )
    assert not nothing.any()
