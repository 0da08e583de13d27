# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A whole run on a tiny set: it learns, it survives a kill, and its weights are a model."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('safetensors')

from tiny_run import SMALL, configuration  # noqa: E402

from depth_ros.cli.main import main  # noqa: E402
from depth_ros.lab.train import losses  # noqa: E402
from depth_ros.lab.train.checkpoint import claimed  # noqa: E402
from depth_ros.lab.train.data import Batches, find_frames  # noqa: E402
from depth_ros.lab.train.trainer import Trainer, learning_rate, predict  # noqa: E402
from depth_ros.models.mono.builtin import read_network  # noqa: E402
from depth_ros.models.networks.builtin.network import IMAGE_CHANNELS  # noqa: E402
from depth_ros.models.registry import create_model  # noqa: E402
from depth_ros.types import Camera, DepthError, DepthKind, Known, View  # noqa: E402


def test_the_rate_starts_low_peaks_and_ends_at_nothing(dataset):
    config = configuration(dataset, steps=100, warm_up=10)
    rates = [learning_rate(step, config) for step in range(101)]
    assert rates[0] == pytest.approx(config.rate / 10)
    assert max(rates) == pytest.approx(config.rate)
    assert rates[100] == pytest.approx(0)


def test_the_rate_can_stay_high(dataset):
    config = configuration(dataset, steps=100, warm_up=10, end_rate=0.5)
    rates = [learning_rate(step, config) for step in range(101)]
    assert max(rates) == pytest.approx(config.rate)
    assert rates[100] == min(rates[10:]) == pytest.approx(config.rate / 2)
    with pytest.raises(DepthError, match=r'end_rate is 1.5, expected a share'):
        configuration(dataset, end_rate=1.5)


def test_it_learns(dataset, tmp_path):
    frames = find_frames(dataset)
    plain = {'colour': 0, 'grey': 0, 'blur': 0, 'noise': 0, 'jpeg': 0, 'zoom': 1, 'roll': 0}
    config = configuration(
        dataset, steps=80, rate=5e-3, batch=4, ema=0.8, validate_every=80, augment=plain
    )
    trainer = Trainer(config, frames, frames, tmp_path)
    before = trainer.validate()['abs_rel']
    after = trainer.run()['abs_rel']
    assert after < 0.5 * before


@pytest.mark.parametrize(
    ('optimiser', 'features'), [('adamw', 0.0), ('muon', 0.0), ('adamw', 0.5)]
)
def test_a_killed_run_goes_on_to_the_very_same_weights(optimiser, features, dataset, tmp_path):
    frames = find_frames(dataset)
    config = configuration(
        dataset, validate_every=6, optimiser=optimiser, augment={'features': features}
    )
    whole = Trainer(config, frames, frames, tmp_path / 'whole')
    whole.run()
    # The second run stops after half of the steps without any farewell, as a kill would.
    part = Trainer(config, frames, frames, tmp_path / 'part')
    batches = Batches(frames, config)
    for number in range(6):
        part.one_step(batches.batch(number))
    part.save()
    part.one_step(batches.batch(6))  # lost with the kill
    resumed = Trainer(config, frames, frames, tmp_path / 'part')
    assert resumed.step == 6
    resumed.run()
    for (name, a), b in zip(
        whole.average.state_dict().items(), resumed.average.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5, msg=name)


def test_a_run_is_not_taken_over_by_another_optimiser(dataset, tmp_path):
    frames = find_frames(dataset)
    Trainer(configuration(dataset), frames, frames, tmp_path).save()
    with pytest.raises(DepthError, match=r'adamw.*muon.*--out'):
        Trainer(configuration(dataset, optimiser='muon'), frames, frames, tmp_path)


def test_what_a_run_leaves_is_a_metric_model(dataset, tmp_path):
    frames = find_frames(dataset)
    trainer = Trainer(configuration(dataset, steps=3), frames, frames, tmp_path)
    trainer.run()
    assert {'model.safetensors', 'config.yaml', 'training.png', 'model_card.md'} <= {
        p.name for p in tmp_path.iterdir()
    }
    model = create_model(str(tmp_path), {'device': 'cpu', 'precision': 'float32'})
    camera = Camera.pinhole(80, 64, 70.0)
    image = np.random.default_rng(0).integers(0, 255, (64, 80, 3), np.uint8)
    prediction = model.predict([View(image, camera)])
    assert prediction.kind is DepthKind.METRIC
    assert prediction.values.shape == (64, 80)
    assert np.isfinite(prediction.values).all()
    assert 0 <= prediction.confidence.min() <= prediction.confidence.max() <= 1
    # The same view in twice the pixels: the network sees the same, so the metres are the same.
    double = np.repeat(np.repeat(image, 2, 0), 2, 1)
    again = model.predict([View(double, Camera.pinhole(160, 128, 140.0))])
    assert np.median(again.values) == pytest.approx(np.median(prediction.values), rel=1e-3)
    # Twice as wide a lens with the same image is another world.
    wide = model.predict([View(image, Camera.pinhole(80, 64, 35.0))])
    assert np.median(wide.values) < 0.9 * np.median(prediction.values)


def test_a_run_can_begin_with_the_weights_of_another(dataset, tmp_path):
    frames = find_frames(dataset)
    first = Trainer(configuration(dataset, steps=60), frames, frames, tmp_path / 'first')
    learned = first.run()['abs_rel']
    more = {'start': str(tmp_path / 'first'), 'steps': 2}
    config = configuration(dataset, layout={}, **more)
    second = Trainer(config, frames, frames, tmp_path / 'second')
    assert second.step == 0
    assert second.validate()['abs_rel'] == pytest.approx(learned, rel=0.02)
    # What it says of the layout may be a part, and must be true.
    same = configuration(dataset, layout={'stem': 8}, **more)
    assert Trainer(same, frames, frames, tmp_path / 'same').step == 0
    other = configuration(dataset, layout={'stem': 4}, **more)
    with pytest.raises(DepthError, match='leave `layout` out'):
        Trainer(other, frames, frames, tmp_path / 'third')


@pytest.mark.parametrize(
    ('layout', 'words'),
    [
        ({'depth': 3}, 'depth.*it may have stem, widths, blocks, decoder'),
        ({'stem': 0}, 'stem is 0, expected a number from 1'),
        ({'blocks': [1, 2]}, r'blocks is \[1, 2\], expected four numbers'),
        ({'blocks': [1, 2, 3, 90000]}, 'to 1024'),
        ({'widths': [1, 2, 3, 'four']}, 'widths is'),
        ({'decoder': 4}, 'decoder is 4'),
    ],
    ids=str,
)
@pytest.mark.parametrize('start', ['', 'builtin'])
def test_layouts_that_cannot_be_are_named(layout, words, start, dataset, tmp_path):
    with pytest.raises(DepthError, match=words):
        Trainer(configuration(dataset, start=start, layout=layout), [], [], tmp_path)


def test_a_part_of_the_first_weights_can_be_kept(dataset, tmp_path):
    frames = find_frames(dataset)
    Trainer(configuration(dataset), frames, frames, tmp_path / 'first').run()
    start = {'start': str(tmp_path / 'first'), 'layout': {}}
    out = tmp_path / 'second'
    scores, left = {}, {}
    # A finished run can be mixed in other parts as often as one likes; its own state stays.
    for keep in (0.0, 0.25, 0.5, 0.25):
        run = Trainer(configuration(dataset, **start, mix=keep), frames, frames, out)
        result = run.run()['abs_rel']
        assert result == pytest.approx(scores.setdefault(keep, result))
        left[keep] = read_network(out).network.state_dict()
    assert scores[0.25] != scores[0.0]
    began = read_network(tmp_path / 'first').network.state_dict()
    for name, value in left[0.25].items():
        if value.is_floating_point():
            share = 0.0 if name.startswith('ground.') else 0.25
            expected = (1 - share) * left[0.0][name] + share * began[name]
            torch.testing.assert_close(value, expected, rtol=2e-3, atol=1e-4, msg=name)
    assert not torch.equal(left[0.0]['head.weight'], began['head.weight'])


@pytest.mark.parametrize('share', [0.0, 1.0])
def test_a_network_learns_from_a_known_ground(share, posed, tmp_path):
    frames = find_frames(posed)
    assert all(frame.load().ground is not None for frame in frames)
    config = configuration(posed, augment={'ground': share})
    run = Trainer(config, frames, frames, tmp_path / 'out')
    before = {k: v.clone() for k, v in run.network.ground.named_parameters()}
    run.run()
    for name, value in run.network.ground.named_parameters():
        assert torch.equal(value, before[name]) == (share == 0), name


def test_a_network_with_a_known_ground_learns_where_it_is_bare(posed, tmp_path):
    frames = find_frames(posed)
    ended = []
    for weight in (0.0, 5.0):
        config = configuration(posed, augment={'ground': 1.0}, loss={'bare': weight})
        run = Trainer(config, frames, frames, tmp_path / f'{weight}')
        run.run()
        batch = Batches(frames, config).batch(0)
        answer = predict(run.network.eval(), batch, torch.float32)
        known = batch.depth.isfinite()
        ended.append(losses.bare_ground(answer.bare, batch.bare, known).item())
    assert ended[1] < 0.8 * ended[0]
    # The truth of the ground does not depend on the input.
    without = Batches(frames, configuration(posed)).batch(0)
    assert not without.inputs[:, IMAGE_CHANNELS].any()
    assert torch.equal(without.bare, batch.bare)
    assert batch.bare.any()


def test_who_learns_the_ground_alone_stays_the_same_without_one(posed, tmp_path):
    frames = find_frames(posed)
    first, second = tmp_path / 'first', tmp_path / 'second'
    Trainer(configuration(posed), frames, frames, first).run()
    size = {'width': 128, 'height': 96}
    more = {'start': str(first), 'only_ground': True, 'augment': {'ground': 1.0}, **size}
    Trainer(configuration(posed, **more), frames, frames, second).run()
    began, ended = read_network(first), read_network(second)
    assert (
        ended.size == began.size == began.size_with_ground != ended.size_with_ground == (128, 96)
    )
    before, after = (trained.network.state_dict() for trained in (began, ended))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith('ground.') for name in changed)
    frame = frames[0].load()
    for ground, same in ((None, True), (frame.ground, False)):
        view = View(frame.image, frame.camera, Known(ground=ground))
        depths = [
            create_model(str(folder), {'precision': 'float32'}).predict([view]).values
            for folder in (first, second)
        ]
        assert np.array_equal(*depths) == same
    # Going on, it needs nothing of where it began.
    shutil.rmtree(first)
    assert Trainer(configuration(posed, **more), frames, frames, second).size == [*began.size]


def test_another_run_can_be_mixed_in(dataset, tmp_path):
    frames = find_frames(dataset)
    for seed in (0, 1):
        Trainer(configuration(dataset, seed=seed), frames, frames, tmp_path / f'{seed}').run()
    more = {'seed': 1, 'mix': 0.5, 'mix_with': str(tmp_path / '0')}
    Trainer(configuration(dataset, **more), frames, frames, tmp_path / 'both').run()
    one, other, both = (
        read_network(tmp_path / name).network.state_dict() for name in ('0', '1', 'both')
    )
    for name, value in both.items():
        if value.is_floating_point():
            ours = name.startswith('ground.')  # has nothing to do with how images look
            expected = other[name] if ours else (one[name] + other[name]) / 2
            torch.testing.assert_close(value, expected, rtol=2e-3, atol=1e-4, msg=name)
    for name in ('head.weight', 'ground.bare.weight'):
        assert not torch.equal(one[name], other[name])
    card = (tmp_path / 'both' / 'model_card.md').read_text()
    assert f'| began with | random weights, 50% {tmp_path / "0"} mixed in |' in card


def test_networks_of_different_layouts_are_not_mixed(dataset, tmp_path):
    config = configuration(dataset, mix=0.5, mix_with='builtin')
    with pytest.raises(DepthError, match='only between networks of one layout'):
        Trainer(config, [], [], tmp_path)


def test_a_run_goes_on_when_what_it_began_with_is_gone(dataset, tmp_path):
    frames = find_frames(dataset)
    before, after = tmp_path / 'before', tmp_path / 'after'
    Trainer(configuration(dataset), frames, frames, before).run()
    further = configuration(dataset, start=str(before), layout={}, steps=4)
    Trainer(further, frames, frames, after).run()
    shutil.rmtree(before)
    assert Trainer(further, frames, frames, after).step == 4
    with pytest.raises(DepthError, match='missing'):
        Trainer(further, frames, frames, tmp_path / 'anew')


@pytest.mark.parametrize('where', ['start: {}', 'mix: 0.5\nmix_with: {}'])
def test_missing_weights_are_reported_before_anything_is_rendered(where, tmp_path, capsys):
    path = tmp_path / 'run.yaml'
    which = where.format(tmp_path / 'none')
    path.write_text(f'{which}\ndata: {{frames: 4, validation_frames: 2}}\n')
    assert main(['train', str(path), '--out', str(tmp_path / 'out')]) == 2
    assert 'model.safetensors is missing' in capsys.readouterr().err
    assert not (tmp_path / 'out' / 'data').exists()
    assert not (tmp_path / 'out' / 'validation').exists()


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path):
    hold = 'import sys; from pathlib import Path\n'
    hold += 'from depth_ros.lab.train.checkpoint import claimed\n'
    hold += 'with claimed(Path(sys.argv[1])): print("mine", flush=True); sys.stdin.read()'
    other = subprocess.Popen(
        [sys.executable, '-c', hold, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout.readline() == 'mine\n'
        with pytest.raises(DepthError, match='another process'), claimed(tmp_path):
            pass
        other.kill()
        other.wait()
    with claimed(tmp_path):  # the lock did not outlive its owner
        pass


def test_a_damaged_state_is_refused_with_the_remedy(dataset, tmp_path):
    frames = find_frames(dataset)
    config = configuration(dataset)
    Trainer(config, frames, frames, tmp_path).save()
    state = tmp_path / 'state.safetensors'
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(DepthError, match='start anew'):
        Trainer(config, frames, frames, tmp_path)


def test_another_network_in_the_same_folder_is_refused(dataset, tmp_path):
    frames = find_frames(dataset)
    Trainer(configuration(dataset), frames, frames, tmp_path).save()
    other = configuration(dataset, layout={**SMALL['layout'], 'stem': 16})
    with pytest.raises(DepthError, match='another --out'):
        Trainer(other, frames, frames, tmp_path)
