# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs that cannot be: configurations, states, disks, and signals in the middle of them."""

import dataclasses
import errno
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

pytest.importorskip('torch')
pytest.importorskip('safetensors')

import torch
from processes import alive, children
from safetensors import safe_open
from safetensors.torch import save_file
from tiny_run import SMALL, configuration

import depth_ros
from depth_ros.cli.main import main
from depth_ros.cli.train import _check_options
from depth_ros.lab.synthetic.dataset import SetOptions
from depth_ros.lab.train import trainer as trainer_module
from depth_ros.lab.train.checkpoint import STATE, check_facts
from depth_ros.lab.train.config import config_from, read_config
from depth_ros.lab.train.data import find_frames
from depth_ros.lab.train.limits import CHOICES, RANGES
from depth_ros.lab.train.trainer import Trainer
from depth_ros.types import DepthError

MINIMAL = {'data': {'frames': 8}}


def refused(action, *words):
    """Check that an action is refused with one short sentence."""
    with pytest.raises(DepthError) as caught:
        action()
    text = str(caught.value)
    assert '\n' not in text
    assert len(text) < 900
    for word in words:
        assert word in text, text


def nested(name, value):
    """Return a configuration with one value at a dotted name."""
    part, _, inner = name.rpartition('.')
    values = {**MINIMAL, **({part: {inner: value}} if part else {name: value})}
    if part == 'data':
        values['data'] = {**MINIMAL['data'], inner: value}
    return values


# Configurations

NUMBERS = [
    (name, value)
    for name, (low, high) in RANGES.items()
    if name != 'name'
    for value in (low - 1, -math.inf, math.nan, *([high + 1] if high < 1e9 else []))
]


@pytest.mark.parametrize(('name', 'value'), NUMBERS, ids=[f'{n}={v}' for n, v in NUMBERS])
def test_numbers_beyond_their_range_are_refused_by_name(name, value):
    refused(lambda: config_from(nested(name, value)), name)


def test_every_number_has_a_range():
    """A value that is not checked would be found out after hours, or never."""
    special = {'early_area', 'use_area', 'ema'}  # open at one end
    config = config_from(MINIMAL)
    for part in ('', 'data.', 'augment.', 'loss.'):
        holder = getattr(config, part.rstrip('.')) if part else config
        for name, value in vars(holder).items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                assert f'{part}{name}' in RANGES or name in special, name


WRONG = {
    'an infinite integer': ('steps', math.inf, 'expected int'),
    'an infinite integer of data': ('data.frames', math.inf, 'expected int'),
    'a number of ten thousand digits': ('steps', '9' * 10_000, 'expected int'),
    'precision of nonsense': ('precision', 'x', 'expected one of auto'),
    'optimiser of 10 MB': ('optimiser', 'x' * 10_000_000, 'expected one of adamw'),
    'a name that leaves its folder': ('name', '/abs', 'name of a folder in runs/'),
    'a name that goes up': ('name', '..', 'name of a folder in runs/'),
    'a name below another': ('name', 'a/b', 'name of a folder in runs/'),
    'no name': ('name', '', 'characters'),
    'a name of a million': ('name', 'x' * 1_000_000, 'characters'),
    'a name with a line': ('name', 'a\nb', 'name of a folder in runs/'),
    'a name of a number': ('name', 5, 'expected str'),
    'scenes of the moon': ('data.kinds', ['moon'], "data.kinds has 'moon'"),
    'scenes of numbers': ('data.kinds', [5], 'expected tuple'),
    'folders of nothing': ('data.folders', [None], 'expected tuple'),
    'a folder without a name': ('data.folders', [''], 'empty name'),
    'a folder of lists': ('data.folders', [['a']], 'expected tuple'),
    'an input that is read by no model': ('width', 4096, None),
    'no loss of depth': ('loss', {'scale_invariant': 0, 'gradient': 0, 'likelihood': 0}, 'losses'),
    'aspects of NaN': ('aspects', [math.nan], 'aspects'),
    'aspects of text': ('aspects', ['wide'], 'expected tuple'),
    'no layout': ('layout', [1], 'expected dict'),
    'a part of text': ('augment', 'x', 'augment is str'),
    'an unknown name of 10 MB': ('x' * 10_000_000, 1, 'is not known'),
    'an unknown number': (5, 1, 'is not known'),
}


@pytest.mark.parametrize(('name', 'value', 'words'), WRONG.values(), ids=list(WRONG))
def test_nonsense_is_refused_by_name(name, value, words):
    values = {**MINIMAL, name: value} if '.' not in str(name) else nested(name, value)
    if words is None:
        values['height'], words = 4096, 'width times height'
    refused(lambda: config_from(values), words)


def test_choices_are_those_of_the_fields():
    for name, choices in CHOICES.items():
        for choice in choices:
            assert getattr(config_from({**MINIMAL, name: choice}), name) == choice


@pytest.mark.parametrize(
    'text',
    [
        'a: &a [*a]\nsteps: *a',
        'steps: !!python/name:os.system',
        '\x00',
        'x' * 70_000,
        '? [a]\n: 1',
    ],
)
def test_files_that_are_no_configuration(tmp_path, text):
    path = tmp_path / 'config.yaml'
    path.write_text(text)
    refused(lambda: read_config(path))


def test_an_alias_bomb_does_not_go_off_in_the_error(tmp_path):
    lines = ['a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]']
    lines += [f'a{i}: &a{i} [' + ', '.join([f'*a{i - 1}'] * 9) + ']' for i in range(1, 12)]
    (tmp_path / 'config.yaml').write_text('\n'.join([*lines, 'steps: *a11']))
    refused(lambda: read_config(tmp_path / 'config.yaml'), 'repeats itself')


# Data


def test_frames_without_a_depth_in_range_teach_nothing(dataset, tmp_path):
    config = configuration(dataset, data={'folders': [str(dataset)], 'max_depth': 0.2})
    frames = find_frames(dataset)
    run = Trainer(config, frames, frames, tmp_path)
    refused(run.run, 'no pixel of the first', 'data.max_depth')
    refused(run.validate, 'no pixel of', 'data.max_depth')


def test_rendered_options_that_changed_are_named(tmp_path):
    options = SetOptions(frames=8, width=64, height=48)
    folder = tmp_path / 'data'
    for _ in range(2):  # the first time keeps them
        _check_options(options, folder)
    _check_options(dataclasses.replace(options, jobs=5), folder)  # gives the same files
    for change in ({'frames': 9}, {'kinds': ('room',)}, {'seed': 3}, {'glances': 0.5}):
        name = next(iter(change))
        changed = dataclasses.replace(options, **change)
        refused(lambda changed=changed: _check_options(changed, folder), f'with {name}', '--out')
    (folder / 'options.json').write_text('[]')
    refused(lambda: _check_options(options, folder), 'holds no options')
    (folder / 'options.json').write_text('{')
    refused(lambda: _check_options(options, folder), 'holds no options')


def test_other_first_weights_are_another_run(dataset, tmp_path):
    frames = find_frames(dataset)
    Trainer(configuration(dataset), frames, frames, tmp_path).save()
    config = configuration(dataset, start='builtin')
    refused(
        lambda: trainer_module.check_start({'start': ''}, config, tmp_path),
        "was begun with 'random weights'",
    )


# States


@pytest.fixture(scope='module')
def saved(dataset, tmp_path_factory):
    """Return a folder with the state of a run of 24 steps."""
    out = tmp_path_factory.mktemp('saved')
    frames = find_frames(dataset)
    assert Trainer(configuration(dataset, steps=24), frames, frames, out).run() is not None
    return out


def spoilt(saved, place, change):
    """Return a copy of a run whose facts or tensors were changed, and the digest left out."""
    out = Path(shutil.copytree(saved, place / 'run'))
    with safe_open(out / STATE, 'pt') as file:
        facts = json.loads(file.metadata()['facts'])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    change(facts, tensors)
    save_file(tensors, out / STATE, {'facts': json.dumps(facts)})
    return out


def put(**values):
    return lambda facts, tensors: facts.update(values)


def nan_in(part):
    def change(facts, tensors):
        name = next(key for key in tensors if key.startswith(part) and tensors[key].ndim > 1)
        tensors[name].view(-1)[0] = math.nan

    return change


def misshapen(facts, tensors):
    name = next(key for key in tensors if key.endswith('exp_avg') and tensors[key].ndim > 1)
    tensors[name] = torch.zeros(3)


STATES = {
    'a weight of NaN': (nan_in('network.'), 'NaN or infinity'),
    'an averaged weight of NaN': (nan_in('average.'), 'NaN or infinity'),
    'a moment of NaN': (nan_in('optimiser.'), 'NaN or infinity'),
    'a moment of another shape': (misshapen, 'a moment has shape'),
    'step a billion': (put(step=10**9), 'its history says otherwise'),
    'step x': (put(step='x'), "its step is 'x'"),
    'step 1.5': (put(step=1.5), 'its step is 1.5'),
    'step true': (put(step=True), 'its step is True'),
    'step below zero': (put(step=-1), 'its step is -1'),
    'step zero': (put(step=0), 'its'),
    'no history': (put(history=None), 'its history'),
    'history of text': (put(history=[['a', 1]]), 'its history'),
    'history of NaN': (put(history=[[20, math.nan]]), 'its history'),
    'history of later': (put(history=[[2000, 0.1]]), 'its history'),
    'scores of two': (put(scores=[[1, 0.5]]), 'its scores'),
    'a number of a thousand digits': (put(history=[[20, 10**400]]), 'is damaged'),
}


@pytest.mark.parametrize(('change', 'words'), STATES.values(), ids=list(STATES))
def test_states_that_cannot_be(saved, dataset, tmp_path, change, words):
    out = spoilt(saved, tmp_path, change)
    frames = find_frames(dataset)
    config = configuration(dataset, steps=30)
    refused(lambda: Trainer(config, frames, frames, out), 'is damaged', words)


def test_a_state_that_was_changed_is_not_what_was_written(saved, dataset, tmp_path):
    out = Path(shutil.copytree(saved, tmp_path / 'run'))
    data = bytearray((out / STATE).read_bytes())
    data[-5] ^= 1  # one bit of the last tensor
    (out / STATE).write_bytes(data)
    frames = find_frames(dataset)
    config = configuration(dataset, steps=30)
    refused(lambda: Trainer(config, frames, frames, out), 'not what was written')


def test_a_sound_state_goes_on(saved, dataset, tmp_path):
    out = Path(shutil.copytree(saved, tmp_path / 'run'))
    frames = find_frames(dataset)
    run = Trainer(configuration(dataset, steps=30), frames, frames, out)
    assert run.step == 24
    assert run.run()['step'] == 30


def test_facts_that_are_no_mapping():
    with pytest.raises(ValueError, match='no mapping'):
        check_facts([1])


# Disks and signals


def test_a_full_disk_is_one_sentence_and_the_old_state_stays(
    saved, dataset, tmp_path, monkeypatch
):
    out = Path(shutil.copytree(saved, tmp_path / 'run'))
    before = (out / STATE).read_bytes()
    frames = find_frames(dataset)
    run = Trainer(configuration(dataset, steps=30), frames, frames, out)

    def full(*_, **__):
        raise RuntimeError('Error while serializing: I/O error: No space left (os error 28)')

    monkeypatch.setattr('depth_ros.lab.train.checkpoint.save_file', full)
    refused(run.run, 'the disk is full')
    assert (out / STATE).read_bytes() == before
    assert not list(out.glob('.*'))


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch, capsys):
    config = tmp_path / 'config.yaml'
    config.write_text(yaml.safe_dump({**SMALL, 'data': {'frames': 4}}))
    real = Path.open

    def read_only(self, mode='r', *args, **kwargs):
        if 'w' in mode:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))
        return real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, 'open', read_only)
    assert main(['train', str(config), '--out', str(tmp_path / 'run')]) == 2
    assert 'Read-only file system' in capsys.readouterr().err


def test_a_loss_that_diverges_is_one_sentence(dataset, tmp_path, monkeypatch):
    frames = find_frames(dataset)
    run = Trainer(configuration(dataset), frames, frames, tmp_path)
    monkeypatch.setattr(run, 'one_step', lambda batch: math.nan)
    refused(run.run, 'the loss of step 0 is nan', 'lower `rate`')


def test_a_stop_between_two_steps_saves(dataset, tmp_path):
    frames = find_frames(dataset)
    run = Trainer(configuration(dataset, steps=1000), frames, frames, tmp_path)
    assert run.run(lambda: run.step >= 5) is None
    assert Trainer(configuration(dataset, steps=1000), frames, frames, tmp_path).step == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ('number', 'workers'),
    [(signal.SIGTERM, 0), (signal.SIGTERM, 2), (signal.SIGINT, 2), (signal.SIGKILL, 2)],
)
def test_signals_save_and_no_worker_stays(dataset, tmp_path, number, workers):
    values = {**SMALL, 'steps': 100_000, 'workers': workers, 'save_seconds': 1e5}
    values['data'] = {'folders': [str(dataset)], 'validation_frames': 2, 'render_width': 64,
                      'render_height': 48, 'antialias': 1}  # fmt: skip
    config, out = tmp_path / 'config.yaml', tmp_path / 'run'
    config.write_text(yaml.safe_dump(values))
    root = Path(depth_ros.__file__).parents[1]
    log = tmp_path / 'log'
    with log.open('w') as errors:
        process = subprocess.Popen(
            [sys.executable, '-m', 'depth_ros', 'train', str(config), '--out', str(out)],
            env={**os.environ, 'PYTHONPATH': str(root), 'OMP_NUM_THREADS': '1'},
            stderr=errors,
        )
    helpers = []
    try:
        # The bar of steps moves once the loop runs.
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not re.search(r'\d(step/s|s/step)', log.read_text()):
            time.sleep(0.1)
        helpers = children(process.pid)
        process.send_signal(number)
        assert process.wait(60) == (-number if number == signal.SIGKILL else 128 + number)
        deadline = time.monotonic() + 60
        while any(map(alive, helpers)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(map(alive, helpers))
        assert (out / STATE).exists() == (number != signal.SIGKILL)
    finally:
        process.kill()
        for pid in helpers:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
