# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What `depth_ros synth` writes is what was rendered, in the layout that is documented."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from depth_ros.cli.main import main
from depth_ros.files.calibration import read_camera
from depth_ros.geometry.planes import plane_depth
from depth_ros.lab import synthetic
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.lab.synthetic.dataset import (
    SetOptions,
    decode_depth,
    encode_depth,
    sequences,
    write_set,
)
from depth_ros.types import DepthError


@pytest.fixture(scope='module')
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp('synth') / 'set'
    arguments = ['--frames', '3', '--per-sequence', '2', '--kinds', 'room', 'outdoor', '--perfect',
                 '--width', '64', '--height', '48', '--antialias', '1', '--seed', '4']  # fmt: skip
    assert main(['synth', '--out', str(out), *arguments]) == 0
    return out


def test_layout(written: Path) -> None:
    found = sorted(p.relative_to(written).as_posix() for p in written.rglob('*') if p.is_file())
    one, two = 'outdoor_000005', 'room_000004'
    images = [f'{f}/{i:06d}.png' for f in ('depth', 'image_left', 'image_right') for i in (0, 1)]
    others = ['camera.yaml', 'camera_right.yaml', 'poses.txt']
    expected = {f'{two}/{x}' for x in (*images, *others)} | {'contact_sheet.png'}
    expected |= {f'{one}/{x}' for x in (*images[::2], *others)}
    assert set(found) == expected


def test_files_hold_what_the_renderer_says(written: Path) -> None:
    folder = written / 'room_000004'
    left, right = (read_camera(folder / f) for f in ('camera.yaml', 'camera_right.yaml'))
    poses = np.loadtxt(folder / 'poses.txt').reshape(-1, 3, 4)
    assert len(poses) == 2
    assert 0.05 <= right.baseline <= 0.25
    scene = synthetic.make_scene('room', 4)
    pose = np.vstack([poses[0], [0, 0, 0, 1]])
    np.testing.assert_allclose(pose, scene.start, atol=1e-7)
    view = synthetic.render(scene, left, pose)
    stored = cv2.imread(str(folder / 'depth/000000.png'), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    near = view.depth < 255
    np.testing.assert_allclose(
        decode_depth(stored)[near], view.depth[near], atol=1 / 500, rtol=1e-5
    )
    image = cv2.imread(str(folder / 'image_left/000000.png'))[..., ::-1]
    assert np.abs(image.astype(int) - view.image).mean() < 0.5


def test_poses_say_where_the_ground_is(written: Path) -> None:
    """Outdoors nothing lies below it, and much of what is seen is the ground itself."""
    (source,) = open_dataset(written / 'outdoor_000005').sources
    frame = source.load()
    assert frame.depth is not None
    assert frame.ground is not None
    bare = plane_depth(frame.camera, tuple(frame.ground.down.tolist()), frame.ground.height)
    known = np.isfinite(frame.depth)
    ratio = frame.depth[known] / bare[known]
    assert (ratio < 1.02).all()
    assert (ratio > 0.98).mean() > 0.2


def test_a_full_folder_is_not_written_over(written: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(['synth', '--out', str(written)]) == 2
    assert 'not empty' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('metres', 'stored'),
    [(1.0, 256), (0.5, 128), (255.99, 65533), (256.0, 0), (np.inf, 0), (np.nan, 0), (0.0, 0)],
)
def test_depth_encoding(metres: float, stored: int) -> None:
    assert encode_depth(np.array([[metres]], np.float32))[0, 0] == stored


def test_sequences_add_up_to_the_frames() -> None:
    work = list(sequences(SetOptions(frames=23, per_sequence=10)))
    assert [n for *_, n in work] == [10, 10, 3]
    assert len({name for name, *_ in work}) == 3
    with pytest.raises(DepthError, match='frames is 0, expected 1'):
        list(sequences(SetOptions(frames=0)))
    with pytest.raises(DepthError, match='moon'):
        list(sequences(SetOptions(kinds=('moon',))))


def test_processes_write_the_same_files(tmp_path: Path) -> None:
    files = []
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        main(['synth', '--out', str(out), '--frames', '2', '--per-sequence', '1', '--kinds',
              'clutter', '--width', '32', '--height', '24', '--jobs', str(jobs)])  # fmt: skip
        files.append({p.relative_to(out): p.read_bytes() for p in out.rglob('*') if p.is_file()})
    assert files[0] == files[1]


def test_handheld_cameras_are_tilted_any_way(tmp_path: Path) -> None:
    def attitude(handheld: float) -> np.ndarray:
        options = SetOptions(
            frames=12, per_sequence=1, kinds=('clutter',), width=32, height=24, antialias=1,
            stereo=False, sensor=False, handheld=handheld,
        )  # fmt: skip
        folder = tmp_path / str(handheld)
        list(write_set(folder, options))
        poses = [np.loadtxt(p).reshape(3, 4) for p in sorted(folder.glob('*/poses.txt'))]
        return np.array([[np.arcsin(-p[2, 2]), np.arcsin(-p[2, 0])] for p in poses])

    mounted, held = attitude(0.0), attitude(1.0)
    assert np.abs(mounted[:, 1]).max() < 0.15  # roll
    assert np.abs(held[:, 1]).max() > 0.15
    assert held[:, 0].std() > 1.3 * mounted[:, 0].std()


def test_glances_see_less_at_once_than_chosen_views(tmp_path: Path) -> None:
    def spreads(glances: float) -> np.ndarray:
        options = SetOptions(
            frames=24, per_sequence=1, kinds=('room', 'home'), width=32, height=24, antialias=1,
            stereo=False, sensor=False, handheld=1.0, glances=glances,
        )  # fmt: skip
        folder = tmp_path / str(glances)
        list(write_set(folder, options))
        stored = [cv2.imread(str(p), -1) for p in sorted(folder.glob('*/depth/*.png'))]
        return np.array([np.nanstd(np.log(decode_depth(depth))) for depth in stored])

    chosen, glanced = spreads(0.0), spreads(1.0)
    assert np.median(glanced) < 0.85 * np.median(chosen)
    assert np.median(glanced) > 0.2  # and they are no blank walls


@pytest.mark.parametrize('share', ['--glances', '--handheld', '--distorted'])
def test_a_share_is_between_nothing_and_all(
    share: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(['synth', '--out', str(tmp_path / 'set'), share, '1.5']) == 2
    assert '0 to 1' in capsys.readouterr().err


@pytest.mark.parametrize('stereo', [False, True])
def test_a_set_that_was_interrupted_is_continued(stereo: bool, tmp_path: Path) -> None:
    options = SetOptions(
        frames=3, per_sequence=1, kinds=('room',), width=48, height=32, antialias=1, stereo=stereo
    )
    last = 'image_right' if stereo else 'depth'
    for name, _ in write_set(tmp_path, options):
        if name == 'room_000001':
            break
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*.png')}
    # The second sequence has lost its last file, as a kill would leave it.
    (tmp_path / 'room_000001' / last / '000000.png').unlink()
    assert [name for name, _ in write_set(tmp_path, options)] == [
        f'room_00000{i}' for i in (0, 1, 2)
    ]
    for path, time in before.items():
        if 'room_000000' in str(path):
            assert path.stat().st_mtime_ns == time
    assert len(list(tmp_path.glob(f'*/{last}/000000.png'))) == 3
    assert (tmp_path / 'contact_sheet.png').is_file()
