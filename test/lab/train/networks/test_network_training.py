# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The classic networks learn, go on after an interruption, and leave a model."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import drives
import numpy as np
import pytest
import torch
import yaml

from depth_ros.cli import train as command
from depth_ros.cli.main import main
from depth_ros.lab.train.networks.choice import make_task
from depth_ros.lab.train.networks.config import plain
from depth_ros.lab.train.networks.trainer import NetworkTrainer
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, DepthError, DepthKind, View

LABELS = ('bts', 'densedepth', 'eigen2014', 'fastdepth', 'fcrn', 'midas_v21_small')
WAYS = [*((name, 'labels') for name in LABELS), ('monodepth', 'pairs'), ('monodepth2', 'video')]


def task_of(config, folder):
    return make_task(config, [str(folder)], [str(folder)])


@pytest.mark.parametrize(('network', 'learn'), WAYS)
def test_a_step_moves_a_network_and_what_is_left_is_a_model(network, learn, recording, tmp_path):
    config = drives.configuration(network, recording, learn=learn, colour=0.0)
    task = task_of(config, recording)
    before = [p.detach().clone() for p in task.modules.parameters()]
    trainer = NetworkTrainer(config, task, tmp_path)
    assert np.isfinite(trainer.one_step())
    moved = [not torch.equal(p, b) for p, b in zip(trainer.modules.parameters(), before)]
    # Of Eigen's, the coarse network learns first.
    assert np.mean(moved) > (0.3 if network == 'eigen2014' else 0.7)
    task.leave(tmp_path)
    model = create_model(str(tmp_path), {'device': 'cpu', 'precision': 'float32'})
    clip = task.unseen[0]
    image = clip.images[0]
    camera = clip.camera
    found = model.predict([View(image, camera)])
    assert found.values.shape == image.shape[:2]
    assert found.kind is not DepthKind.DISPARITY
    # The model at the size of training gives the depth that training has judged.
    batch = next(iter(drives.unseen_batches(task, config)))
    expected = task.learner.predict(batch)[0].numpy()
    values = found.values
    if network == 'monodepth':
        expected = 1 / expected if found.kind is not DepthKind.METRIC else expected
        values = values / np.median(values) * np.median(expected)
    known = np.isfinite(values)
    assert (known | (expected <= 0)).all()  # what a network says of no depth is not published
    off = np.abs(values - expected)[known] / np.abs(expected).max()
    assert off.size == 0 or np.median(off) < 0.02


def test_a_network_learns_depth_from_labels(recording, tmp_path):
    more = {'steps': 40, 'batch': 4, 'rate': 3e-3, 'validate_every': 40, 'colour': 0.0}
    config = drives.configuration('fcrn', recording, **more)
    scores = NetworkTrainer(config, task_of(config, recording), tmp_path).run()
    assert scores[-1][1] < scores[0][1] / 2
    rows = json.loads((tmp_path / 'scores.json').read_text())
    assert [row['step'] for row in rows] == [0, 40]
    assert rows[-1]['error'] == scores[-1][1]


INTERRUPTED = """
import os, signal, sys
from depth_ros.cli.main import main
from depth_ros.lab.train.networks.trainer import NetworkTrainer
step = NetworkTrainer.one_step
def interrupted(trainer):
    loss = step(trainer)
    os.kill(os.getpid(), signal.SIGTERM)
    return loss
NetworkTrainer.one_step = interrupted
sys.exit(main(['train', *sys.argv[1:]]))
"""


def test_a_signal_saves_the_run_and_the_same_command_goes_on(recording, tmp_path, capsys):
    values = plain(drives.configuration('fcrn', recording, steps=3, validate_every=3))
    config, out = tmp_path / 'config.yaml', tmp_path / 'run'
    config.write_text(yaml.safe_dump(values))
    arguments = [str(config), '--out', str(out)]
    done = subprocess.run(
        [sys.executable, '-c', INTERRUPTED, *arguments],
        cwd=Path(command.__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert 'stopped at step 1; the same command goes on' in done.stdout
    assert not (out / 'scores.json').exists()
    assert main(['train', *arguments]) == 0
    assert 'going on at step 1 of 3' in capsys.readouterr().out
    assert [row['step'] for row in json.loads((out / 'scores.json').read_text())] == [0, 3]


def test_without_normalisation_random_weights_tell_images_apart(recording):
    config = drives.configuration('monodepth', recording, learn='pairs')
    task = task_of(config, recording)
    images = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        first, second = task.learner.network.encoder(images)[-1]
        share = float(task.learner.result(images).disp1.mean())
    assert (first - second).abs().mean() > 0.1
    assert 0.1 < share < 0.2  # in the middle of its range, whatever it sees


def test_behind_good_depth_no_motion_is_learned(tmp_path):
    drive = drives.write_rough_drive(tmp_path / 'drive')
    first = drives.configuration('fcrn', drive, steps=1)
    NetworkTrainer(first, task_of(first, drive), tmp_path / 'first').run()
    more = {'start': str(tmp_path / 'first'), 'learn': 'video', 'steps': 10, 'shape': {}}
    config = drives.configuration('fcrn', drive, **more)
    trainer = NetworkTrainer(config, task_of(config, drive), tmp_path / 'second')
    assert list(trainer.task.modules) == ['depth']
    before = trainer.task.learner.network.ConvPred.weight.detach().clone()
    trainer.one_step()
    assert not torch.equal(before, trainer.task.learner.network.ConvPred.weight)


def test_motion_is_larger_for_a_network_that_begins_with_metres(recording):
    found = []
    for network in ('fcrn', 'monodepth2'):
        config = drives.configuration(network, recording, learn='video')
        task = task_of(config, recording)
        batch = task.batches.batch(0)
        with torch.inference_mode():
            pose = task.modules['pose'].eval()(batch.sources[0], batch.images)
            motion = task.learner.motions(batch, batch.images[:, 0])[0]
        turn, shift = motion[:, :3, :3], motion[:, :3, 3:]
        back = -(turn.transpose(1, 2) @ shift)[:, :, 0]  # the motion to the earlier image, undone
        found.append(float((back / pose.translation[:, 0]).mean()))
    assert found == pytest.approx([10.0, 1.0], rel=1e-3)


def test_depth_beyond_the_range_counts_as_its_end(recording):
    config = drives.configuration('fcrn', recording, max_depth=5.0)
    task = task_of(config, recording)
    task.learner.predict = lambda batch: torch.full_like(batch.depth, 1e6)
    farthest = task.judge(torch.device('cpu'))
    task.learner.predict = lambda batch: torch.full_like(batch.depth, 5.0)
    assert farthest == pytest.approx(task.judge(torch.device('cpu')))


def test_another_optimiser_learns_too_and_an_unknown_one_is_refused(recording, tmp_path):
    more = {'steps': 10, 'batch': 4, 'rate': 1e-2, 'colour': 0.0, 'optimiser': 'muon'}
    config = drives.configuration('fcrn', recording, **more)
    scores = NetworkTrainer(config, task_of(config, recording), tmp_path).run()
    assert scores[-1][1] < scores[0][1]
    with pytest.raises(DepthError, match='adamw, muon'):
        drives.configuration('fcrn', recording, optimiser='sgd')


def test_an_interrupted_run_ends_as_one_that_was_not(recording, tmp_path):
    config = drives.configuration('fastdepth', recording, steps=4)
    whole = NetworkTrainer(config, task_of(config, recording), tmp_path / 'whole')
    expected = [whole.one_step() for _ in range(4)]
    first = NetworkTrainer(config, task_of(config, recording), tmp_path / 'parts')
    found = [first.one_step() for _ in range(2)]
    first.save()
    second = NetworkTrainer(config, task_of(config, recording), tmp_path / 'parts')
    assert second.step == 2
    found += [second.one_step() for _ in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_odometry_makes_video_metric(recording):
    with_poses = drives.configuration('fcrn', recording, learn='video', odometry=True)
    without = drives.configuration('fcrn', recording, learn='video')
    assert task_of(with_poses, recording).learner.kind is DepthKind.METRIC
    assert not task_of(with_poses, recording).scaled
    task = task_of(without, recording)
    assert task.learner.kind is DepthKind.SCALE_INVARIANT
    assert task.scaled
    assert 'pose' in task.modules


def test_the_command_trains_and_says_how_far_the_error_fell(recording, tmp_path, capsys):
    file = tmp_path / 'mine.yaml'
    file.write_text(
        f'network: anynet\nwidth: 64\nheight: 48\nsteps: 2\nbatch: 1\ndevice: cpu\n'
        f'data: {{folders: [{recording}], unseen: [{recording}]}}\n'
    )
    from argparse import Namespace

    code = command.run(Namespace(config=file, out=tmp_path / 'run', steps=None))
    assert code == 0
    assert 'end-point error, px' in capsys.readouterr().out
    model = create_model('anynet', {'weights': str(tmp_path / 'run'), 'device': 'cpu'})
    right = Camera.pinhole(64, 48, 40.0, baseline=0.1)
    image = np.zeros((48, 64, 3), np.uint8)
    views = [View(image, Camera.pinhole(64, 48, 40.0)), View(image, right)]
    assert model.predict(views).kind is DepthKind.DISPARITY
