# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the command line is given and cannot use: one sentence, exit code 2, no half a file."""

import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

import depth_ros
from depth_ros.cli.main import main

ROOT = Path(depth_ros.__file__).parents[1]
FLOOR = ['--model', 'floor', '--focal', '100']
NOT_UTF8 = os.fsdecode(b'o\xff')


@pytest.fixture
def pixels(tmp_path):
    path = tmp_path / 'left.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8))
    return path


def bomb(folder):
    lines = ['a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]']
    lines += [f'a{i}: &a{i} [' + ', '.join([f'*a{i - 1}'] * 9) + ']' for i in range(1, 12)]
    (folder / 'bomb.yaml').write_text('\n'.join([*lines, 'image_width: *a11']))
    return folder / 'bomb.yaml'


def archive(folder):
    np.savez(folder / 'x.npz', np.ones((3, 3), np.float32))
    return folder / 'x.npz'


def terabytes(folder):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    header = header.ljust(117) + '\n'
    size = len(header).to_bytes(2, 'little')
    (folder / 'x.npy').write_bytes(b'\x93NUMPY\x01\0' + size + header.encode())
    return folder / 'x.npy'


def fifo(folder):
    os.mkfifo(folder / 'pipe')
    return folder / 'pipe'


def huge(folder):
    path = folder / 'huge.png'
    data = cv2.imencode('.png', np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    path.write_bytes(data[:18] + b'\x40\0' + b'\0\0\x40\0' + data[24:])
    return path


# Arguments after the image, None for the image itself; what is said
INFER = {
    'model of an unknown user': (
        lambda f: ['--model', '~nosuchuser/x', '--focal', '9'],
        'is not known',
    ),
    'model of 5,000 characters': (lambda f: ['--model', 'x' * 5000], 'is not known'),
    'camera that never ends': (lambda f: ['--camera', '/dev/zero'], 'no regular file'),
    'camera of a pipe': (lambda f: ['--camera', fifo(f)], 'no regular file'),
    'camera of a bomb': (lambda f: ['--camera', bomb(f)], 'repeats itself'),
    'prompt in an archive': (lambda f: [*FLOOR, '--prompt', archive(f)], 'no array'),
    'prompt of terabytes': (lambda f: [*FLOOR, '--prompt', terabytes(f)], 'bytes were expected'),
    'prompt that never ends': (lambda f: [*FLOOR, '--prompt', '/dev/zero'], 'no regular file'),
    'right image of gigapixels': (
        lambda f: ['--focal', '9', '--baseline', '1', '--right', huge(f)],
        'pixels, expected from 1 to',
    ),
    'focal length of a galaxy': (
        lambda f: ['--model', 'floor', '--focal', '1e30'],
        'focal length of 1e+30',
    ),
    'field of view of a hair': (
        lambda f: ['--model', 'floor', '--fov', '1e-9'],
        'focal length',
    ),
    'principal point nowhere': (lambda f: [*FLOOR, '--cx', '1e300'], 'K[0][2]'),
    'option of 10 MB': (lambda f: [*FLOOR, '--option', 'x' * 10_000_000], 'has no value'),
    'unknown option of 10 MB': (
        lambda f: [*FLOOR, '--option', 'x' * 10_000_000 + '=1'],
        'has no option',
    ),
    'option of nonsense': (
        lambda f: [*FLOOR, '--option', 'camera_height=' + 'y' * 1_000_000],
        'expected float',
    ),
    'out that is a file': (lambda f: [*FLOOR, '--out', f / 'left.png'], 'cannot be written'),
    'out below a file': (lambda f: [*FLOOR, '--out', f / 'left.png' / 'x'], 'cannot be written'),
    'out of a name too long': (lambda f: [*FLOOR, '--out', f / ('x' * 300)], 'too long'),
    'out in no folder of ours': (lambda f: [*FLOOR, '--out', '/proc/x'], 'cannot be written'),
}


@pytest.mark.parametrize(('arguments', 'words'), INFER.values(), ids=list(INFER))
def test_infer_refuses_in_one_sentence(tmp_path, pixels, capsys, arguments, words):
    given = [str(argument) for argument in arguments(tmp_path)]
    out = [] if '--out' in given else ['--out', str(tmp_path / 'out')]
    assert main(['infer', str(pixels), *given, *out]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error) < 1000
    assert error.count('\n') == 1


@pytest.mark.parametrize('make', [huge, fifo, archive, lambda f: '/dev/zero', lambda f: f])
def test_what_is_no_image(tmp_path, capsys, make):
    assert main(['infer', str(make(tmp_path)), *FLOOR, '--out', str(tmp_path / 'out')]) == 2
    assert capsys.readouterr().err.count('\n') == 1


def command(*arguments, cwd, limit=None, **environment):
    """Run the command as a process of its own; return its exit code and what it says."""

    def limited():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, '-m', 'depth_ros', *arguments],
        capture_output=True,
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': str(ROOT), **environment},
        preexec_fn=limited,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


PLACES = {
    'no utf-8': (NOT_UTF8, {}),
    'no utf-8, C': (NOT_UTF8, {'LC_ALL': 'C', 'PYTHONUTF8': '0'}),
    'utf-8, C': ('oä', {'LC_ALL': 'C', 'PYTHONUTF8': '0'}),
    'utf-8, C, not coerced': (
        'oä',
        {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'},
    ),
}


@pytest.mark.parametrize(('name', 'environment'), PLACES.values(), ids=list(PLACES))
def test_places_of_any_name_are_written_to(tmp_path, pixels, name, environment):
    renamed = pixels.rename(tmp_path / f'{name}.png')
    arguments = ['infer', str(renamed), *FLOOR, '--option', 'camera_height=1.5', '--out', name]
    code, out, errors = command(*arguments, cwd=tmp_path, **environment)
    assert (code, errors) == (0, b'')
    written = {path.name for path in (tmp_path / name).iterdir()}
    assert written == {'depth.npy', 'depth.png', 'points.ply', 'prediction.json'}
    assert b'floor: ' in out


# Bytes that one file may have: that of the cloud, of the image, of the depth
@pytest.mark.parametrize('limit', [1000, 40_000, 100_000, 200_000])
def test_a_full_disk_is_one_sentence_and_leaves_whole_files(tmp_path, limit):
    images = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'left.png'), images)
    arguments = ['infer', 'left.png', *FLOOR, '--option', 'camera_height=1.0', '--out', 'out']
    code, _, errors = command(*arguments, cwd=tmp_path, limit=limit)
    sizes = {p.name: p.stat().st_size for p in (tmp_path / 'out').iterdir()}
    needed = {'points.ply', 'depth.npy', 'depth.png', 'prediction.json'}
    assert (code == 0) == (needed <= set(sizes))
    if code:
        assert code == 2
        assert errors.count(b'\n') == 1
        assert b'cannot be written' in errors
        assert set(sizes) < needed
    if 'points.ply' in sizes:
        header, _, body = (tmp_path / 'out' / 'points.ply').read_bytes().partition(b'end_header\n')
        assert len(body) == 15 * int(header.split(b'vertex ')[1].split()[0])


def test_output_without_a_reader_is_no_error(tmp_path):
    done = subprocess.run(
        f'{sys.executable} -m depth_ros models | head -1',
        shell=True,
        capture_output=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, b'')


def test_an_error_without_a_file_name_is_one_sentence(monkeypatch, capsys):
    from depth_ros.cli import models

    def full(arguments):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(models, 'run', full)
    assert main(['models']) == 2
    assert capsys.readouterr().err.endswith('(No space left on device); free space\n')

    def exhausted(arguments):
        raise MemoryError

    monkeypatch.setattr(models, 'run', exhausted)
    assert main(['models']) == 2
    assert 'out of memory' in capsys.readouterr().err


def test_a_command_of_10_mb(capsys):
    assert main(['x' * 10_000_000]) == 2
    assert len(capsys.readouterr().err) < 2000


@pytest.mark.parametrize('place', [NOT_UTF8, 'oä'])
def test_eval_writes_names_of_any_kind(tmp_path, capsys, place):
    folder = tmp_path / place / 'scene'
    folder.mkdir(parents=True)
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    cv2.imencode('.jpg', image)[1].tofile(str(tmp_path / 'x.jpg'))
    (tmp_path / 'x.jpg').rename(folder / 'rgb_0.jpg')
    cv2.imencode('.png', np.full((480, 640), 2000, np.uint16))[1].tofile(str(tmp_path / 'x.png'))
    (tmp_path / 'x.png').rename(folder / 'sync_depth_0.png')
    page, report = tmp_path / place / 'page.html', tmp_path / place / 'report.json'
    given = ['--data', str(tmp_path / place), '--model', 'plane', '--images', '1']
    assert main(['eval', *given, '--html', str(page), '--json', str(report)]) == 0
    assert page.stat().st_size > 1000
    assert b'abs_rel' in report.read_bytes()
    assert '--model' not in capsys.readouterr().err


def test_a_zip_is_no_image(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / 'x.png', 'w') as opened:
        opened.writestr('x', b'')
    assert main(['infer', str(tmp_path / 'x.png'), *FLOOR]) == 2
    assert 'known format' in capsys.readouterr().err
