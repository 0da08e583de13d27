# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A whole run on a tiny set: it learns, it survives a kill, and its weights are a model."""

import shutil
import subprocess
import sys

import cv2
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
from depth_ros.models.registry import create_model  # noqa: E402
from depth_ros.types import Camera, DepthError, DepthKind, View  # noqa: E402


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


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_it_learns(precision, dataset, tmp_path):
    frames = find_frames(dataset)
    plain = {'colour': 0, 'grey': 0, 'blur': 0, 'noise': 0, 'jpeg': 0, 'zoom': 1, 'roll': 0}
    config = configuration(
        dataset,
        steps=80,
        rate=5e-3,
        batch=4,
        ema=0.8,
        validate_every=80,
        augment=plain,
        precision=precision,
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
    same = configuration(dataset, layout={'deep': 16}, **more)
    assert Trainer(same, frames, frames, tmp_path / 'same').step == 0
    other = configuration(dataset, layout={'deep': 4}, **more)
    with pytest.raises(DepthError, match='leave `layout` out'):
        Trainer(other, frames, frames, tmp_path / 'third')


@pytest.mark.parametrize(
    ('layout', 'words'),
    [
        ({'depth': 3}, 'depth.*it may have deep, decoder'),
        ({'deep': 0}, 'deep is 0, expected a number from 1'),
        ({'decoder': [1, 2]}, r'decoder is \[1, 2\], expected four numbers'),
        ({'decoder': [1, 2, 3, 90000]}, 'to 1024'),
        ({'decoder': [1, 2, 3, 'four']}, 'decoder is'),
        ({'decoder': 4}, 'decoder is 4'),
    ],
    ids=str,
)
@pytest.mark.parametrize('start', ['', 'builtin'])
def test_layouts_that_cannot_be_are_named(layout, words, start, dataset, tmp_path):
    with pytest.raises(DepthError, match=words):
        Trainer(configuration(dataset, start=start, layout=layout), [], [], tmp_path)


@pytest.mark.parametrize('share', [0.0, 1.0])
def test_a_network_learns_from_a_known_ground(share, posed, tmp_path):
    frames = find_frames(posed)
    assert all(frame.load().ground is not None for frame in frames)
    config = configuration(posed, augment={'ground': share})
    run = Trainer(config, frames, frames, tmp_path / 'out')
    run.run()
    batch = Batches(frames, config).batch(0)
    assert bool(batch.known[:, 2].any()) == bool(batch.floor.isfinite().any()) == (share > 0)
    # A plane that was zero all along has moved nothing.
    first, rest = run.network.known.weight.grad[:, :2], run.network.known.weight.grad[:, 2:]
    assert first.any()
    assert bool(rest.any()) == (share > 0)


def test_a_network_with_a_known_ground_learns_where_it_is_bare(posed, tmp_path):
    frames = find_frames(posed)
    ended = []
    for weight in (0.0, 5.0):
        config = configuration(
            posed, steps=40, rate=5e-3, augment={'ground': 1.0}, loss={'bare': weight}
        )
        run = Trainer(config, frames, frames, tmp_path / f'{weight}')
        run.run()
        batch = Batches(frames, config).batch(0)
        guess = predict(run.network.eval(), batch, torch.float32)
        known = batch.depth.isfinite()
        ended.append(losses.cross_entropy(guess.bare, batch.bare, known).item())
    assert ended[1] < 0.8 * ended[0]
    # The truth of the ground does not depend on the input.
    without = Batches(frames, configuration(posed)).batch(0)
    assert not without.known[:, 2:].any()
    assert torch.equal(without.bare, batch.bare)
    assert batch.bare.any()


def test_the_encoder_keeps_its_eyes(dataset, tmp_path):
    """What sees textures stays as it was; what follows learns a tenth as fast as the rest."""
    frames = find_frames(dataset)
    run = Trainer(configuration(dataset, augment={'features': 0.5}), frames, frames, tmp_path)
    before = {k: v.clone() for k, v in run.network.state_dict().items()}
    run.run()
    moved = {k for k, v in run.network.state_dict().items() if not torch.equal(v, before[k])}
    frozen = ('encoder.conv_stem', *(f'encoder.blocks.{stage}.' for stage in range(3)))
    assert not [name for name in moved if name.startswith(frozen)]
    assert {name for name in before if name.startswith('encoder.blocks.4')} <= moved
    assert 'head.weight' in moved


def test_the_sky_is_learned(dataset, tmp_path):
    frames = find_frames(shutil.copytree(dataset, tmp_path / 'set'), sky=True)
    for path in (tmp_path / 'set').glob('*/depth/*.png'):
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        stored[:16] = 0
        cv2.imwrite(str(path), stored)
        image = path.parents[1] / 'image_left' / path.name
        pixels = cv2.imread(str(image))
        pixels[:16] = (255, 128, 0)
        cv2.imwrite(str(image), pixels)
    plain = {'colour': 0, 'grey': 0, 'blur': 0, 'noise': 0, 'jpeg': 0, 'zoom': 1, 'roll': 0}
    config = configuration(
        dataset, steps=120, rate=5e-3, batch=4, ema=0.8, augment=plain, loss={'sky': 2.0}
    )
    run = Trainer(config, frames, frames, tmp_path / 'out')
    run.run()
    frame = frames[0].load()
    assert np.isposinf(frame.depth[:16]).all()
    found = create_model(str(tmp_path / 'out')).predict([View(frame.image, frame.camera)]).values
    assert np.isposinf(found[:14]).mean() > 0.9
    assert np.isfinite(found[20:]).mean() > 0.9


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


@pytest.mark.parametrize(
    ('where', 'words'),
    [('start: {}', 'model.safetensors is missing'), ('encoder: {}', 'does not hold EfficientNet')],
)
def test_missing_weights_are_reported_before_anything_is_rendered(where, words, tmp_path, capsys):
    path = tmp_path / 'run.yaml'
    which = where.format(tmp_path / 'none')
    path.write_text(f'{which}\ndata: {{frames: 4, validation_frames: 2}}\n')
    assert main(['train', str(path), '--out', str(tmp_path / 'out')]) == 2
    assert words in capsys.readouterr().err
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
    other = configuration(dataset, layout={**SMALL['layout'], 'deep': 8})
    with pytest.raises(DepthError, match='another --out'):
        Trainer(other, frames, frames, tmp_path)
