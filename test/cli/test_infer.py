# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros infer` on files, as a user calls it."""

import cv2
import numpy as np
import pytest
from infer_command import infer

from depth_ros.cli.main import main
from depth_ros.files.calibration import write_camera
from depth_ros.types import Camera

WIDTH, HEIGHT, FOCAL = 160, 120, 100.0


@pytest.fixture
def image(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / 'left.png'
    cv2.imwrite(str(path), rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
    return path


@pytest.fixture
def pair(tmp_path):
    """Noise moved by exactly six pixels: Z = 100 * 0.12 / 6 = 2 m everywhere."""
    rng = np.random.default_rng(1)
    wide = cv2.GaussianBlur(rng.integers(0, 255, (HEIGHT, WIDTH + 6), np.uint8), (0, 0), 1.0)
    wide = cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)
    left, right = tmp_path / 'l.png', tmp_path / 'r.png'
    cv2.imwrite(str(left), wide[:, :WIDTH])
    cv2.imwrite(str(right), wide[:, 6:])
    return left, right


def test_floor_gives_metres_a_cloud_and_a_report(image, tmp_path):
    out = tmp_path / 'out'
    code, report = infer(
        out, image, '--model', 'floor', '--focal', FOCAL, '--option', 'camera_height=1.5'
    )
    assert code == 0
    depth = np.load(out / 'depth.npy')
    assert depth.dtype == np.float32
    assert depth.shape == (HEIGHT, WIDTH)
    # A level camera 1.5 m up sees the floor at Z = f * h / (v - cy) in the bottom row.
    assert depth[-1, 80] == pytest.approx(FOCAL * 1.5 / (HEIGHT - 1 - (HEIGHT - 1) / 2), rel=1e-5)
    assert np.isnan(depth[0]).all()  # above the horizon
    assert report['kind'] == 'metric'
    assert report['unit'] == 'm'
    assert report['camera']['fx'] == FOCAL
    assert (out / 'depth.png').exists()
    assert (out / 'points.ply').read_bytes().startswith(b'ply\n')


def test_a_calibration_file_says_the_same_as_numbers(image, tmp_path):
    calibration = tmp_path / 'camera.yaml'
    write_camera(Camera.pinhole(WIDTH, HEIGHT, FOCAL), calibration)
    for name, camera in (('a', ['--focal', FOCAL]), ('b', ['--camera', calibration])):
        assert infer(tmp_path / name, image, '--model', 'floor', *camera)[0] == 0
    a, b = (np.load(tmp_path / name / 'depth.npy') for name in 'ab')
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('doffs', [0.0, 2.0], ids=['centred', 'shifted principal point'])
def test_a_pair_by_numbers(pair, tmp_path, doffs):
    code, report = infer(
        tmp_path / 'out',
        *(pair[0], '--right', pair[1], '--focal', FOCAL, '--baseline', 0.12),
        *('--doffs', doffs, '--option', 'disparity_range=32'),
    )
    assert code == 0
    assert report['kind'] == 'disparity'
    depth = np.load(tmp_path / 'out' / 'depth.npy')
    assert np.nanmedian(depth) == pytest.approx(FOCAL * 0.12 / (6 + doffs), rel=0.01)
    assert np.isfinite(depth).mean() > 0.6


def test_a_pair_by_two_calibration_files(pair, tmp_path):
    left, right = tmp_path / 'left.yaml', tmp_path / 'right.yaml'
    write_camera(Camera.pinhole(WIDTH, HEIGHT, FOCAL), left)
    write_camera(Camera.pinhole(WIDTH, HEIGHT, FOCAL, baseline=0.12), right)
    code, _ = infer(
        tmp_path / 'out',
        *(pair[0], '--right', pair[1], '--camera', left, '--right-camera', right),
        *('--option', 'disparity_range=32'),
    )
    assert code == 0
    assert np.nanmedian(np.load(tmp_path / 'out' / 'depth.npy')) == pytest.approx(2.0, rel=0.01)


def test_relative_values_never_become_points(image, tmp_path):
    code, report = infer(tmp_path / 'out', image, '--model', 'inverse_plane')
    assert code == 0
    assert report['unit'] == 'relative'
    assert report['camera'] is None
    assert not (tmp_path / 'out' / 'points.ply').exists()


def test_a_scale_makes_metres_of_relative_values(image, tmp_path):
    out = tmp_path / 'out'
    assert infer(out, image, '--model', 'inverse_plane')[0] == 0
    relative = np.load(out / 'depth.npy')
    code, report = infer(
        out, image, '--model', 'inverse_plane', '--focal', FOCAL, '--scale', 2, '--shift', 0.1
    )
    assert code == 0
    assert report['unit'] == 'm'
    depth, inverse = np.load(out / 'depth.npy'), relative * 2 + 0.1
    known = np.isfinite(depth)
    assert known.any()
    np.testing.assert_allclose(1 / depth[known], inverse[known], rtol=1e-5)


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--model', 'floor'], ['camera', '--focal']),
        (['--model', 'flor', '--focal', 100], ['flor', 'floor']),
        (['--model', 'floor', '--focal', -5], ['focal']),
        (['--model', 'floor', '--fov', 190], ['--fov', '190']),
        (['--model', 'floor', '--camera', 'missing.yaml'], ['missing.yaml']),
        (['--model', 'sgbm', '--focal', 100], ['2 view(s), 1 given', 'stereo_depth', '--right']),
        (['--model', 'floor', '--focal', 100, '--option', 'camera_height'], ['value']),
        (['--model', 'floor', '--focal', 100, '--option', 'wings=2'], ['wings', 'camera_height']),
        (
            ['--model', 'floor', '--focal', 100, '--option', 'camera_height=tall'],
            ['tall', 'float'],
        ),
        (['--model', 'floor', '--focal', 100, '--min-depth', 5, '--max-depth', 2], ['range']),
        (['--right', 'no.png'], ['no.png']),
        (['--focal', 100, '--fov', 70], ['--focal', '--fov', 'give one']),
        (['--camera', 'c.yaml', '--focal', 100], ['--camera', '--focal', 'give one']),
        (['--camera', 'c.yaml', '--cx', 80], ['--camera', '--cx', 'give one']),
        (['--focal', 100, '--baseline', 0.1], ['--baseline', '--right']),
        (['--focal', 100, '--right-camera', 'r.yaml'], ['--right-camera', '--right']),
        (['--right', 'r.png', '--prompt', 'p.npy'], ['--prompt', '--right']),
        (['--focal', 'nan'], ['--focal', 'nan', 'finite']),
    ],
    ids=lambda value: ' '.join(map(str, value)),
)
def test_wrong_arguments_are_one_clear_sentence(image, tmp_path, capsys, arguments, words):
    assert main(['infer', str(image), *map(str, arguments), '--out', str(tmp_path / 'o')]) == 2
    error = capsys.readouterr().err.strip()
    assert '\n' not in error
    assert all(word in error for word in words), error


@pytest.mark.parametrize(
    ('content', 'word'),
    [(b'no array', 'no array'), (np.ones(3), 'height x width'), (np.ones((2, 2), int), 'floats')],
    ids=['not numpy', 'one row', 'integers'],
)
def test_a_prompt_that_is_no_depth_image(image, tmp_path, capsys, content, word):
    path = tmp_path / 'prompt.npy'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    command = ['infer', str(image), '--model', 'floor', '--focal', '100', '--prompt', str(path)]
    assert main([*command, '--out', str(tmp_path)]) == 2
    assert word in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'word'),
    [
        ([], 'calibration'),
        (['--focal', 100], '--baseline'),
        (['--focal', 100, '--baseline', -1], 'swap'),
        (['--focal', 100, '--right-camera', 'r.yaml', '--doffs', 1], '--doffs both say'),
    ],
)
def test_a_pair_without_calibration(pair, tmp_path, capsys, arguments, word):
    left, right = map(str, pair)
    command = ['infer', left, '--right', right, *map(str, arguments), '--out', str(tmp_path)]
    assert main(command) == 2
    assert word in capsys.readouterr().err


def test_numbers_do_not_describe_images_of_two_sizes(pair, tmp_path, capsys):
    left, small = pair[0], tmp_path / 'small.png'
    cv2.imwrite(str(small), np.zeros((60, 80), np.uint8))
    numbers = ['--focal', '100', '--baseline', '0.1', '--out', str(tmp_path / 'o')]
    assert main(['infer', str(left), '--right', str(small), *numbers]) == 2
    assert 'left is 160x120 and right is 80x60, expected one size' in capsys.readouterr().err


@pytest.mark.parametrize('below', ['', 'deeper'])
def test_an_output_that_is_a_file_is_one_clear_sentence(image, capsys, below):
    command = ['infer', str(image), '--model', 'inverse_plane', '--out', str(image / below)]
    assert main(command) == 2
    error = capsys.readouterr().err.strip()
    assert '\n' not in error
    assert 'left.png' in error
    assert 'give another path' in error


def test_a_file_that_is_no_image(tmp_path, capsys):
    path = tmp_path / 'text.png'
    path.write_text('not an image')
    assert main(['infer', str(path), '--model', 'inverse_plane', '--out', str(tmp_path)]) == 2
    assert 'not an image' in capsys.readouterr().err
