# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Predictions with a ground improve, and those without stay as before."""

import copy

import pytest

torch = pytest.importorskip('torch')

from tiny_run import configuration  # noqa: E402

from depth_ros.lab.train.anchor import Anchor  # noqa: E402
from depth_ros.lab.train.data import find_frames, training_batches  # noqa: E402
from depth_ros.lab.train.features import vary_features  # noqa: E402
from depth_ros.lab.train.trainer import Trainer  # noqa: E402
from depth_ros.models.mono.builtin import read_network  # noqa: E402
from depth_ros.models.networks.builtin.network import IMAGE_CHANNELS, CompactDepth, Layout  # noqa: E402
from depth_ros.types import DepthError  # noqa: E402

SMALL = Layout(
    stem=8, widths=(8, 8, 8, 8), blocks=(1, 1, 1, 1), decoder=(8, 8, 8, 8), second=(8, 8, 8, 8)
)


def inputs():
    torch.manual_seed(0)
    return torch.randn(8, 9, 64, 64)


@pytest.mark.parametrize('features', [0.0, 0.5])
def test_nothing_has_moved_before_it_learns(features):
    torch.manual_seed(1)
    network = CompactDepth(SMALL)
    kept = Anchor(network, copy.deepcopy(network), features)
    if features:
        vary_features(network, features)
    assert kept.loss(network, inputs(), torch.float32, 5).item() == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        network.head.bias += 0.5
    assert kept.loss(network, inputs(), torch.float32, 5).item() > 0.01


def test_it_predicts_without_the_ground_and_the_batch_stays():
    torch.manual_seed(1)
    network = CompactDepth(SMALL)
    kept = Anchor(network, copy.deepcopy(network), 0.0)
    batch = inputs()
    before = batch.clone()
    with torch.no_grad():
        for parameter in network.ground.parameters():
            parameter += torch.randn_like(parameter)
    # The ground alone has learned, and of that it knows nothing here.
    assert kept.loss(network, batch, torch.float32, 5).item() == pytest.approx(0, abs=1e-6)
    assert torch.equal(batch, before)
    assert batch[:, IMAGE_CHANNELS:].any()


def runs(posed, folder, keeps):
    """Return the weights a run begins with, and those it leaves for each weight of `keep`."""
    frames = find_frames(posed)
    first = folder / 'first'
    Trainer(configuration(posed), frames, frames, first).run()
    left = []
    for keep in keeps:
        more = {'start': str(first), 'only_ground': True, 'augment': {'ground': 1.0}, 'ema': 0.0}
        config = configuration(posed, **more, loss={'keep': keep})
        Trainer(config, frames, frames, folder / str(keep)).run()
        left.append(read_network(folder / str(keep)).network.eval())
    return read_network(first).network.eval(), left


def test_inner_parts_learn_and_the_first_and_the_last_do_not(posed, tmp_path):
    before, (after,) = runs(posed, tmp_path, [1.0])
    old, new = before.state_dict(), after.state_dict()
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    parts = {'.'.join(name.split('.')[: 2 if name[:6] == 'stages' else 1]) for name in changed}
    assert parts == {'stages.2', 'stages.3', 'context', 'ups', 'ground'}
    # Normalisation is that of the first weights: a ground would change it for images without one.
    assert not any('running' in name for name in changed if not name.startswith('ground.'))


def test_the_more_it_counts_the_closer_the_answers_stay(posed, tmp_path):
    before, after = runs(posed, tmp_path, [1e-6, 100.0])
    image = inputs()
    image[:, IMAGE_CHANNELS:] = 0
    with torch.no_grad():
        first = before(image).log_depth
        loose, tight = ((n(image).log_depth - first).abs().mean().item() for n in after)
    assert 0 < tight < 0.5 * loose


def test_a_run_goes_on_with_what_it_must_keep(posed, tmp_path):
    """A killed run and a whole one end at the same weights; without the first it says so."""
    frames = find_frames(posed)
    first = tmp_path / 'first'
    Trainer(configuration(posed), frames, frames, first).run()
    more = {
        'start': str(first), 'only_ground': True, 'loss': {'keep': 1.0},
        'augment': {'ground': 1.0, 'features': 0.5},
    }  # fmt: skip
    config = configuration(posed, **more)
    Trainer(config, frames, frames, tmp_path / 'whole').run()
    killed = Trainer(config, frames, frames, tmp_path / 'killed')
    batches = training_batches(frames, config, 0)
    for _ in range(5):
        killed.one_step(next(batches))
    killed.save()
    Trainer(config, frames, frames, tmp_path / 'killed').run()
    whole, resumed = (read_network(tmp_path / n).network.state_dict() for n in ('whole', 'killed'))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    (first / 'model.safetensors').unlink()
    with pytest.raises(DepthError, match='first'):
        Trainer(config, frames, frames, tmp_path / 'killed')
