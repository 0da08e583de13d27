# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is shown of a recording, a result, a cloud and an image, without a browser."""

import argparse

import cv2
import numpy as np
import pytest
from bag_files import PERIOD, drive, write

from depth_ros.cli import view as command
from depth_ros.cli.main import main
from depth_ros.files.ply import write_ply
from depth_ros.reprocess.job import run_job
from depth_ros.reprocess.settings import BagJob
from depth_ros.types import DepthError
from depth_ros.viewer.sources import Recorded

FLOOR = {'camera_height': 1.0, 'camera_pitch': 0.3}
OPTIONS = [f'--option={name}={value}' for name, value in FLOOR.items()]
STEP = PERIOD * 1e-9


def moments(*arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command._moments(parser.parse_args([str(a) for a in arguments]))


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    return write(tmp_path_factory.mktemp('recording') / 'in', drive(30))


def test_a_recording_is_computed_at_any_moment_by_every_model(recording):
    source, models = moments(
        recording, '--model', 'floor', '--model', 'plane', *OPTIONS, '--option', 'distance=2'
    )
    assert source.names == ('floor', 'plane')
    assert source.duration == pytest.approx(29 * STEP, abs=1e-6)
    assert source.rate == pytest.approx(10, rel=0.1)
    for wanted, expected in ((0.0, 0), (1.05, 11), (0.5, 5), (0.55, 6), (0.65, 7)):
        reached, shown = source.at(wanted)
        assert round(reached / STEP) == expected
        pixels = np.random.default_rng(expected).integers(0, 256, (24, 32, 3), np.uint8)
        np.testing.assert_array_equal(shown['floor'].image, pixels)
        assert np.nanmedian(shown['plane'].depth) == pytest.approx(2.0)
    assert source.at(3.0) is None
    before = np.isfinite(source.at(0.0)[1]['floor'].depth).mean()
    assert models.change('floor', 'max_depth', 2.0) == ''
    assert np.isfinite(source.at(0.0)[1]['floor'].depth).mean() < before
    # The model is shared with what else runs in this process, the parameters are not.
    other, _ = moments(recording, '--model', 'floor', *OPTIONS)
    assert np.isfinite(other.at(0.0)[1]['floor'].depth).mean() == before
    assert 'min_depth' in models.change('floor', 'min_depth', 5.0)
    assert {spec.name for spec in models.specs('floor')} >= {'max_depth', 'edge_threshold'}


def test_a_recording_with_depth_is_shown_as_it_is(recording, tmp_path):
    out = tmp_path / 'out'
    run_job(BagJob(str(recording), str(out), 'floor', FLOOR, copy=('/camera/image_raw',)))
    source, models = moments(out)
    assert models is None
    assert isinstance(source, Recorded)
    assert source.names == ('mono_depth',)
    reached, shown = source.at(1.15)
    assert round(reached / STEP) == 12
    what = shown['mono_depth']
    pixels = np.random.default_rng(12).integers(0, 256, (24, 32, 3), np.uint8)
    np.testing.assert_array_equal(what.image, pixels)
    points, colours = what.cloud()
    assert len(points) == np.isfinite(what.depth).sum()

    assert {tuple(c) for c in colours} <= {tuple(p) for p in pixels.reshape(-1, 3)}


def test_a_cloud_has_no_more_points_than_a_browser_turns():
    from depth_ros.types import Camera
    from depth_ros.viewer import shown

    depth = np.full((600, 800), 3.0, np.float32)
    depth[:10], depth[10:20] = np.nan, np.inf
    points, colours = shown.Shown(depth=depth, camera=Camera.pinhole(800, 600, 500.0)).cloud()
    assert 0 < len(points) == len(colours) <= shown.POINTS
    assert np.isfinite(points).all()


def test_a_result_a_cloud_and_an_image_are_shown(tmp_path):
    pytest.importorskip('trimesh', reason='viser is not installed (extra view)')
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image[..., ::-1])
    arguments = ['infer', str(tmp_path / 'a.png'), '--model', 'floor', '--focal', '30', *OPTIONS]
    assert main([*arguments, '--out', str(tmp_path / 'result')]) == 0
    source, _ = moments(tmp_path / 'result')
    shown = source.at(0.0)[1]['floor']
    points, _ = shown.cloud()
    assert len(points) > 100
    assert 'valid' in shown.words()

    write_ply(tmp_path / 'c.ply', np.eye(3), np.full((3, 3), (9, 8, 7), np.uint8))
    source, _ = moments(tmp_path / 'c.ply')
    points, colours = source.at(0.0)[1]['c'].cloud()
    np.testing.assert_allclose(points, np.eye(3))
    assert colours.tolist() == [[9, 8, 7]] * 3

    source, models = moments(tmp_path / 'a.png', '--focal', '30', '--model', 'floor', *OPTIONS)
    assert source.at(0.0)[1]['floor'].depth.shape == (24, 32)
    assert models.names == ('floor',)


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        ([], '--node'),
        (['x.png', '--node', '/a'], '--node'),
        (['x.png', '--token', 'secret'], '--host'),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, words, capsys):
    assert main(['view', *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_image_without_a_camera_and_an_empty_folder_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(DepthError, match='--focal'):
        moments(tmp_path / 'a.png', '--model', 'floor')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DepthError, match=r'points\.ply'):
        moments(tmp_path / 'empty')
    with pytest.raises(DepthError, match='no option'):
        moments(tmp_path / 'a.png', '--model', 'floor', '--option', 'nothing=1')
