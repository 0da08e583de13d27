# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros eval` as a user calls it."""

import json
import re
import shutil

import cv2
import numpy as np
import pytest

from depth_ros.cli.eval import make_contestants
from depth_ros.cli.main import main
from depth_ros.files.calibration import write_camera
from depth_ros.types import Camera, DepthError

WIDTH, HEIGHT, FOCAL = 160, 120, 100.0


@pytest.fixture
def data(tmp_path):
    """Three pairs of noise moved by exactly six pixels: Z = 100 * 0.12 / 6 = 2 m everywhere."""
    folder = tmp_path / 'set'
    for name in ('image_left', 'image_right', 'depth'):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(1)
    for i in range(3):
        wide = cv2.GaussianBlur(rng.integers(0, 255, (HEIGHT, WIDTH + 6), np.uint8), (0, 0), 1.0)
        wide = cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)
        cv2.imwrite(str(folder / 'image_left' / f'{i:06d}.png'), wide[:, :WIDTH])
        cv2.imwrite(str(folder / 'image_right' / f'{i:06d}.png'), wide[:, 6:])
        cv2.imwrite(
            str(folder / 'depth' / f'{i:06d}.png'), np.full((HEIGHT, WIDTH), 512, np.uint16)
        )
    write_camera(Camera.pinhole(WIDTH, HEIGHT, FOCAL), folder / 'camera.yaml')
    write_camera(Camera.pinhole(WIDTH, HEIGHT, FOCAL, baseline=0.12), folder / 'camera_right.yaml')
    return folder


def evaluate(data, *arguments):
    return main(['eval', '--data', str(data), *map(str, arguments)])


def test_side_by_side_with_json_and_page(data, tmp_path, capsys):
    out, page = tmp_path / 'out' / 'r.json', tmp_path / 'out' / 'r.html'
    code = evaluate(
        data,
        *('--model', 'sgbm', '--option', 'disparity_range=32'),
        *('--model', 'plane', '--option', 'distance=2.5'),
        *('--json', out, '--html', page, '--images', 1),
    )
    table = capsys.readouterr().out
    assert code == 0
    report = json.loads(out.read_text())
    assert report['layout'] == 'depth_ros'
    sgbm, plane = report['models']
    assert sgbm['options'] == {'disparity_range': 32}
    assert sgbm['metrics']['abs_rel'] < 0.02
    assert 0.5 < sgbm['coverage'] < 1
    assert plane['metrics']['abs_rel'] == pytest.approx(0.25)
    assert plane['coverage'] == 1
    assert table.splitlines()[2].split() == ['sgbm', 'plane']
    assert 'AbsRel' in table
    assert page.read_text().startswith('<!doctype html>')
    assert page.read_text().count('<img') == 2 + 2 * 2


def test_json_alone_on_stdout(data, capsys):
    assert evaluate(data, '--model', 'plane', '--json', '-') == 0
    report = json.loads(capsys.readouterr().out)
    assert report['models'][0]['metrics']['abs_rel'] == pytest.approx(0, abs=1e-6)


def test_several_sets_are_measured_as_one(data, tmp_path, capsys):
    other = tmp_path / 'deep' / 'set'
    shutil.copytree(data, other)
    cv2.imwrite(str(other / 'depth' / '000000.png'), np.full((HEIGHT, WIDTH), 1024, np.uint16))
    assert evaluate(data, '--data', str(other), '--model', 'plane', '--json', '-') == 0
    report = json.loads(capsys.readouterr().out)
    (plane,) = report['models']
    errors = {frame['name']: frame['metrics']['abs_rel'] for frame in plane['frames']}
    assert len(errors) == 6
    # The plane is right everywhere but in the one frame that lies twice as far.
    wrong = [name for name, error in errors.items() if error > 0.1]
    assert [name.split('/')[:2] for name in wrong] == [['deep', 'set']]
    assert plane['metrics']['abs_rel'] == pytest.approx(0.5 / 6, abs=1e-6)
    assert report['data'] == f'{data}, {other}'
    assert report['protocol']['name'] == 'full'


def test_groups_are_reported_when_asked_for(data, tmp_path, capsys):
    both = tmp_path / 'both'
    shutil.copytree(data, both / 'room_1')
    shutil.copytree(data, both / 'hall_2')
    page = tmp_path / 'r.html'
    assert evaluate(both, '--model', 'plane', '--groups', '--html', page) == 0
    assert capsys.readouterr().out.count('room (3)') == 2  # AbsRel and the share within 25 %
    assert page.read_text().count('hall (3)') == 2
    assert evaluate(both, '--model', 'plane') == 0
    assert 'room' not in capsys.readouterr().out
    assert (
        evaluate(both / 'room_1', '--data', both / 'hall_2', '--model', 'plane', '--groups') == 0
    )
    assert capsys.readouterr().out.count('room_1 (3)') == 2  # as they were called


def test_rules_from_the_command_line(data, capsys):
    assert (
        evaluate(
            data,
            *('--model', 'plane', '--option', 'distance=4', '--alignment', 'median'),
            *('--crop', 'garg', '--max-depth', '5', '--limit', '2', '--json', '-'),
        )
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert report['protocol'] == {
        'name': 'full changed',
        'min_depth': 0,
        'max_depth': 5,
        'crop': 'garg',
        'alignment': 'median',
        'common': False,
    }
    model = report['models'][0]
    assert model['measured'] == 2
    assert model['frames'][0]['fits']['depth']['scale'] == pytest.approx(0.5)
    assert model['metrics']['abs_rel'] == pytest.approx(0, abs=1e-6)
    assert model['frames'][0]['pixels'] < WIDTH * HEIGHT


def test_the_ground_comes_from_the_poses_where_it_is_asked_for(data, capsys):
    """Two metres above the ground, looking straight down: everything is two metres away."""
    pose = '0 -1 0 0  -1 0 0 0  0 0 -1 2\n'
    (data / 'poses.txt').write_text(pose * 3)
    assert evaluate(data, '--model', 'floor', '--ground', '--json', '-') == 0
    report = json.loads(capsys.readouterr().out)
    assert report['grounds'] == 3
    assert report['models'][0]['metrics']['abs_rel'] == pytest.approx(0, abs=1e-6)
    assert evaluate(data, '--model', 'floor', '--json', '-') == 0
    assert json.loads(capsys.readouterr().out)['models'][0]['metrics']['abs_rel'] > 0.1


def test_a_damaged_frame_is_reported_and_the_others_are_measured(data, capsys):
    (data / 'depth' / '000001.png').write_bytes(b'not an image')
    assert evaluate(data, '--model', 'plane') == 0
    out, err = capsys.readouterr()
    assert '2/3' in out
    assert 'frame 000001' in err
    assert 'damaged' in err


def test_a_model_without_any_measured_frame_is_a_failure(data, capsys):
    (data / 'camera_right.yaml').unlink()
    assert evaluate(data, '--model', 'sgbm', '--model', 'plane') == 1
    assert 'needs a pair' in capsys.readouterr().err


WRONG = {
    'no such folder': (['--data', 'nowhere', '--model', 'plane'], 'no folder'),
    'layout': (['--layout', 'nyu', '--model', 'plane'], 'no frames of layout nyu'),
    'model': (['--model', 'magic'], 'not known'),
    'option': (['--model', 'plane', '--option', 'colour=1'], "no option 'colour'"),
    'value': (['--model', 'plane', '--option', 'distance=far'], 'expected float'),
    'limit': (['--model', 'plane', '--limit', '0'], '--limit'),
    'caps': (['--model', 'plane', '--min-depth', '9', '--max-depth', '3'], 'leave no range'),
    'output': (['--model', 'plane', '--json', '/dev/null/a.json'], 'cannot be written'),
}


@pytest.mark.parametrize(('arguments', 'message'), WRONG.values(), ids=WRONG)
def test_what_the_caller_got_wrong(arguments, message, data, capsys):
    # A later --data wins over the first.
    assert evaluate(data, *arguments) == 2
    assert message in capsys.readouterr().err


def test_options_belong_to_the_model_before_them():
    made = make_contestants(
        [
            ('option', 'normal_y=0.5'),
            ('model', 'plane'),
            ('model', 'plane'),
            ('option', 'distance=3'),
            ('model', 'inverse_plane'),
        ]
    )
    assert [c.options for c in made] == [
        {'normal_y': 0.5},
        {'normal_y': 0.5, 'distance': 3.0},
        {'normal_y': 0.5},
    ]
    assert [c.label for c in made] == [
        'plane (normal_y=0.5)',
        'plane (normal_y=0.5, distance=3.0)',
        'inverse_plane',
    ]
    assert made[1].create().options.distance == 3


def test_the_same_model_twice_is_numbered():
    made = make_contestants([('model', 'plane'), ('model', 'plane')])
    assert [c.label for c in made] == ['plane', 'plane #2']


def test_no_model_is_refused():
    with pytest.raises(DepthError, match='no model'):
        make_contestants([('option', 'a=1')])


def test_a_simulated_sensor_gives_the_metres_and_their_error_is_reported(tmp_path, capsys):
    folder = tmp_path / 'floor'
    for name in ('image_left', 'depth'):
        (folder / name).mkdir(parents=True)
    rows = (np.arange(HEIGHT) - (HEIGHT - 1) / 2) / FOCAL
    depth = 1.2 / (np.cos(0.7) * rows + np.sin(0.7))  # a floor, seen from 1.2 m
    stored = np.uint16(np.repeat(depth[:, None] * 256, WIDTH, 1))
    for i in range(2):
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        cv2.imwrite(str(folder / 'image_left' / f'{i:06d}.png'), image)
        cv2.imwrite(str(folder / 'depth' / f'{i:06d}.png'), stored)
    write_camera(Camera.pinhole(WIDTH, HEIGHT, FOCAL), folder / 'camera.yaml')
    plane = ('--option', f'normal_y={np.cos(0.7)}', '--option', f'normal_z={np.sin(0.7)}')
    for source in ('points', 'ground'):
        code = evaluate(
            folder,
            *('--scale', source, '--json', tmp_path / 'r.json'),
            *('--model', 'plane', '--option', 'distance=1.8', *plane),
            *('--model', 'inverse_plane', '--option', 'distance=7', *plane),
        )
        assert code == 0
        table = capsys.readouterr().out
        assert f'metres by the source {source}' in table
        assert re.search(r'scale error before \[%\] ↓ +50.* +-', table)
        metric, relative = json.loads((tmp_path / 'r.json').read_text())['models']
        assert metric['scale_error_before'] == pytest.approx(0.5, abs=0.01)
        assert relative['scale_error_before'] is None
        for model in (metric, relative):
            assert model['scale_error_after'] < 0.01
            assert model['metrics']['abs_rel'] < 0.01
            assert model['alignment'] == ['none']


def test_a_pair_needs_no_sensor_for_its_scale(data, capsys):
    assert evaluate(data, '--model', 'sgbm', '--scale', 'points') == 1
    assert 'a stereo model has its scale by the baseline' in capsys.readouterr().err
