# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The command `depth_ros bag`: what is written beside a recording, several of them, errors."""

import numpy as np
import pytest
from bag_files import drive, write

from depth_ros.cli import bag as command
from depth_ros.cli.main import main
from depth_ros.files.bags.content import BagError
from depth_ros.files.bags.reader import Bag
from depth_ros.reprocess.settings import BagJob


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    return write(tmp_path_factory.mktemp('recording') / 'in', drive(20))


def test_frames_become_a_data_set_and_a_bag_an_evaluation(recording, tmp_path):
    from depth_ros.lab.eval.layouts import open_dataset

    frames = tmp_path / 'frames'
    arguments = ['bag', str(recording), '--out', str(tmp_path / 'out'), '--model', 'floor']
    arguments += ['--option', 'camera_height=1.0', '--option', 'camera_pitch=0.3']
    arguments += ['--frames', str(frames), '--frame-format', 'npy', '--frame-format', 'ply']
    assert main([*arguments, '--csv', '--report', '--video']) == 0
    data = open_dataset(frames)
    assert len(data.sources) == 20
    frame = data.sources[3].load()
    exact = np.load(frames / 'in' / 'depth_npy' / f'{frame.name.split("/")[-1]}.npy')
    inside = np.isfinite(exact) & (exact < 250)
    assert np.abs(frame.depth - exact)[inside].max() < 1 / 256
    pixels = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
    np.testing.assert_array_equal(frame.image, pixels)
    assert len(list((frames / 'in' / 'points').glob('*.ply'))) == 20
    lines = (tmp_path / 'out' / 'frames.csv').read_text().splitlines()
    assert len(lines) == 21
    assert lines[0].startswith('time,stamp,valid')
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert page.count('<img') == 20
    assert 'Valid share' in page

    import cv2

    video = cv2.VideoCapture(str(tmp_path / 'out' / 'video.mp4'))
    assert (video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)) == (20, 10)


def test_a_finished_recording_is_said_to_be_there(recording, tmp_path, capsys):
    given = ['bag', str(recording), '--out', str(tmp_path / 'out'), '--model', 'plane']
    assert main(given) == 0
    assert '20 frames in ' in capsys.readouterr().out
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert '20 of 20 images of /camera/image_raw, /camera/camera_info\n' in printed
    assert 'all was there already; --overwrite' in printed
    assert main([*given[:-1], 'floor']) == 2  # another model: nothing but the sentence
    output = capsys.readouterr()
    assert output.out == ''
    assert 'was begun with another' in output.err


def test_several_recordings_go_to_a_folder_each(recording, tmp_path, capsys):
    broken = tmp_path / 'broken.mcap'
    broken.write_bytes(b'nothing')
    other = write(tmp_path / 'other', drive(3))
    arguments = ['bag', str(recording), str(other), str(broken), '--out', str(tmp_path / 'out')]
    arguments += ['--model', 'floor', '--option', 'camera_height=1.0', '--output', 'depth/image']
    assert main(arguments) == 1
    for name, count in (('in', 20), ('other', 3)):
        with Bag(tmp_path / 'out' / name) as bag:
            found = {topic.name: topic.count for topic in bag.topics.values()}
        assert found == {'/mono_depth/depth/image': count}
    assert 'broken.mcap' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        (['--param', 'max_age=1.0'], 'live topics'),
        (['--param', 'scale.source=cloud'], 'live topics'),
        (['--param', 'temporal=pose'], 'temporal'),
        (['--param', 'nothing=1'], 'no parameter'),
        (['--param', 'max_depth=far'], 'max_depth'),
        (['--output', 'nothing'], 'no output'),
        (['--image', '/nowhere'], 'not in the recording'),
        (['--frame-format', 'npy'], '--frames'),
        (['--model', 'sgbm'], 'pair'),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(recording, tmp_path, capsys, more, words):
    arguments = ['bag', str(recording), '--out', str(tmp_path / 'out'), '--model', 'floor']
    assert main([*arguments, *more]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count('\n') == 1


def test_the_output_never_touches_other_files(recording, tmp_path):
    with pytest.raises(BagError, match='input'):
        command.check_output(BagJob(str(recording), str(recording), 'floor'))
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'thesis.txt').write_text('mine')
    with pytest.raises(BagError, match='not empty'):
        command.check_output(BagJob(str(recording), str(tmp_path / 'full'), 'floor'))
