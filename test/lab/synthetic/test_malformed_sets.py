# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sets that cannot be rendered, and processes that must not outlive the one they serve."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import alive, children

from depth_ros.cli.main import main
from depth_ros.lab.synthetic import dataset
from depth_ros.lab.synthetic.dataset import SetOptions, write_set
from depth_ros.types import DepthError

OPTIONS = {
    'frames': [0, -1, 10**9, math.nan],
    'per_sequence': [0, -5],
    'seed': [-1, 2**80],
    'width': [0, 7, -640, 100_000],
    'height': [0, 7, 100_000],
    'focal': [-1.0, math.nan, math.inf, 1e9],
    'baseline': [-0.1, math.nan, 1e9],
    'distorted': [-0.1, 1.1, math.nan],
    'antialias': [0, -1, 1000],
    'rate': [0.0, -1.0, math.nan, math.inf],
    'jobs': [0, -1, 10**6],
    'handheld': [-0.1, 1.1, math.nan],
    'glances': [-0.1, 1.1, math.nan],
    'kinds': [(), ('moon',), ('x' * 1000,)],
}


@pytest.mark.parametrize(
    ('name', 'value'), [(name, value) for name, values in OPTIONS.items() for value in values]
)
def test_options_that_cannot_be_are_named(name, value):
    with pytest.raises(DepthError, match='kinds' if name == 'kinds' else name) as caught:
        SetOptions(**{name: value})
    assert len(str(caught.value)) < 400


def test_a_camera_that_cannot_be_is_named(tmp_path, capsys):
    assert main(['synth', '--out', str(tmp_path), '--frames', '1', '--focal', '0.001']) == 2
    assert 'focal length' in capsys.readouterr().err


def started(folder, *more):
    """Start a rendering that would take long, with two workers; return it and the workers."""
    command = [sys.executable, '-m', 'depth_ros', 'synth', '--out', str(folder), '--jobs', '2']
    command += ['--frames', '10000', '--per-sequence', '1', '--width', '64', '--height', '48']
    root = Path(dataset.__file__).parents[3]
    process = subprocess.Popen(
        [*command, *more],
        env={**os.environ, 'PYTHONPATH': str(root)},
        # Tests that run in the background ignore SIGINT, and so would their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        workers = children(process.pid)
        if len(workers) >= 2 and list(folder.glob('*/depth/*.png')):
            return process, workers
        time.sleep(0.1)
    process.kill()
    pytest.fail('the workers did not begin')


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path, number):
    process, workers = started(tmp_path / 'set')
    try:
        process.send_signal(number)
        process.wait(60)
        deadline = time.monotonic() + 60
        while any(map(alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(map(alive, workers))
    finally:
        for pid in workers:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def broken(arguments):
    with (arguments[0].parent / 'count').open('ab') as file:
        file.write(b'.')
    raise DepthError('the disk is full')


def test_an_error_in_a_worker_is_raised_at_once(tmp_path, monkeypatch):
    """Before, all other frames were rendered first: a run on a full disk seemed to hang."""
    monkeypatch.setattr(dataset, '_job', broken)
    options = SetOptions(frames=100_000, per_sequence=1, width=64, height=48, jobs=2)
    with pytest.raises(DepthError, match='the disk is full'):
        list(write_set(tmp_path, options))
    assert 0 < (tmp_path / 'count').stat().st_size < 50_000


def ended(arguments):
    os._exit(1)


def test_a_worker_that_is_ended_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, '_job', ended)
    options = SetOptions(frames=4, per_sequence=1, width=64, height=48, jobs=2)
    with pytest.raises(DepthError, match='use fewer jobs'):
        list(write_set(tmp_path, options))
