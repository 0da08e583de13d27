# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros infer` with several views, as a user calls it."""

import cv2
import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('safetensors')

import tiny_da3
from infer_command import infer

from depth_ros.files.calibration import read_camera, write_camera
from depth_ros.files.poses import read_poses, write_poses
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.types import Camera

OPTIONS = ('--option', 'input_size=84', '--option', 'precision=float32', '--option', 'device=cpu')


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return {
        name: tiny_da3.write(tmp_path_factory.mktemp(name), name)
        for name in (tiny_da3.RAYS, tiny_da3.NESTED, tiny_da3.MONO)
    }


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for index in range(3):
        coarse = rng.integers(0, 256, (8, 10, 3), np.uint8)
        path = tmp_path / f'{10 + index / 10:.1f}.png'
        cv2.imwrite(str(path), cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC))
        paths.append(path)
    return paths


def moved(count=3):
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, 0, 3] = 0.4 * np.arange(count)
    poses[:, 2, 3] = 0.1 * np.arange(count) ** 2
    return poses


def test_views_without_any_knowledge(weights, images, tmp_path, capsys):
    out = tmp_path / 'out'
    code, report = infer(out, *images, '--model', weights[tiny_da3.RAYS], *OPTIONS)
    assert code == 0
    assert 'without scale' in capsys.readouterr().out
    assert (report['kind'], report['unit']) == ('scale_invariant', 'relative')
    assert [row['name'] for row in report['views']] == ['000_10.0', '001_10.1', '002_10.2']
    for row in report['views']:
        depth = np.load(out / 'depth' / f'{row["name"]}.npy')
        confidence = np.load(out / 'confidence' / f'{row["name"]}.npy')
        assert depth.shape == confidence.shape == (70, 84)
        assert (out / 'depth' / f'{row["name"]}.png').is_file()
        camera = read_camera(out / 'cameras' / f'{row["name"]}.yaml')
        assert [camera.fx, camera.fy, camera.cx, camera.cy] == pytest.approx(row['intrinsics'])
        assert camera.size_wh == (84, 70)
    np.testing.assert_allclose(report['views'][0]['pose'], np.eye(4), atol=1e-6)
    written = read_poses(out / 'poses_tum.txt')
    np.testing.assert_array_equal(written.stamps, [0, 1, 2])
    np.testing.assert_allclose(written.poses, [row['pose'] for row in report['views']], atol=1e-6)
    kitti = read_poses(out / 'poses_kitti.txt').poses
    np.testing.assert_allclose(kitti, written.poses, atol=1e-6)
    ply = (out / 'points.ply').read_bytes()
    assert f'element vertex {report["points"]}\n'.encode() in ply
    assert b'a unit that is not known' in ply
    assert (out / 'points.glb').read_bytes()[:4] == b'glTF'
    assert report['points'] == pytest.approx(0.6 * 3 * 70 * 84, rel=0.05)


def test_given_poses_make_metres(weights, images, tmp_path):
    write_poses(tmp_path / 'poses.txt', moved(), [10.0, 10.1, 10.2])
    write_camera(Camera.pinhole(80, 60, 70.0), tmp_path / 'camera.yaml')
    out = tmp_path / 'out'
    code, report = infer(
        out,
        *images[::-1],
        *('--model', weights[tiny_da3.RAYS], '--poses', tmp_path / 'poses.txt'),
        *('--camera', tmp_path / 'camera.yaml', *OPTIONS),
    )
    assert code == 0
    assert report['unit'] == 'm'
    np.testing.assert_allclose([row['pose'] for row in report['views']], moved()[::-1], atol=1e-6)
    np.testing.assert_array_equal(read_poses(out / 'poses_tum.txt').stamps, [10.2, 10.1, 10.0])
    # The given camera, scaled to the size of the network.
    assert report['views'][0]['intrinsics'][0] == pytest.approx(70 * 84 / 80)


def test_the_nested_model_needs_nothing_for_metres(weights, images, tmp_path):
    code, report = infer(
        tmp_path / 'out', *images[:2], '--model', weights[tiny_da3.NESTED], *OPTIONS
    )
    assert (code, report['unit'], report['kind']) == (0, 'm', 'metric')


def test_all_points_or_few(weights, images, tmp_path):
    model = ('--model', weights[tiny_da3.RAYS], *OPTIONS)
    every = infer(tmp_path / 'a', *images, *model, '--doubtful', 0, '--edge-threshold', 0)[1]
    assert every['points'] == 3 * 70 * 84
    few = infer(tmp_path / 'b', *images, *model, '--max-points', 100)[1]
    assert few['points'] == 100


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--right', 'x.png'], '--right is for one image'),
        (['--prompt', 'x.npy'], '--prompt is for one image'),
        (['--scale', '2'], 'comes from --poses'),
        (['--poses', 'x.txt'], '--poses needs the camera'),
        (['--max-points', '-1'], 'expected 0'),
        (['--model', 'plane'], 'takes one image, 3 were given'),
    ],
)
def test_what_does_not_go_together_is_an_error(images, tmp_path, capsys, arguments, message):
    assert infer(tmp_path / 'out', *images, *arguments)[0] == 2
    assert message in capsys.readouterr().err


def test_poses_are_for_several_views(images, tmp_path, capsys):
    assert infer(tmp_path / 'out', images[0], '--poses', 'x.txt', '--fov', 60)[0] == 2
    assert 'several views' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['posed_7scenes', 'posed_rgbd_slambook'])
def test_real_sets_run_end_to_end(real_data, weights, tmp_path, name):
    folder = real_data(name)
    frames = [source.load() for source in open_dataset(folder).sources]
    frames = [frame for frame in frames if frame.pose is not None]
    paths = []
    for index, frame in enumerate(frames):
        paths.append(tmp_path / f'{index:06d}.png')
        cv2.imwrite(str(paths[-1]), frame.image[..., ::-1])
    write_poses(tmp_path / 'poses.txt', np.stack([frame.pose for frame in frames]))
    write_camera(frames[0].camera, tmp_path / 'camera.yaml')
    out = tmp_path / 'out'
    code, report = infer(
        out,
        *paths,
        *('--model', weights[tiny_da3.RAYS], '--poses', tmp_path / 'poses.txt'),
        *('--camera', tmp_path / 'camera.yaml', *OPTIONS),
    )
    assert code == 0
    assert report['unit'] == 'm'
    assert len(report['views']) == len(frames)
    assert report['points'] > 1000
    assert all(row['size'] == [84, 70] for row in report['views'])
