# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Data sets that are damaged: the frame says why, the others are measured, nothing ends."""

import os
import struct
import zipfile
from pathlib import Path

import layout_folders as write
import numpy as np
import pytest

from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.lab.eval.layouts.reading import natural, read_pfm, take
from depth_ros.lab.eval.protocol import make_protocol
from depth_ros.lab.eval.runner import Contestant, evaluate
from depth_ros.models.registry import create_model
from depth_ros.types import DepthError


def truncated(path):
    path.write_bytes(path.read_bytes()[:60])


def binary(path):
    path.write_bytes(bytes(range(256)) * 4)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def endless(path):
    path.unlink()
    path.symlink_to('/dev/zero')


def words(*lines):
    return lambda path: path.write_text('\n'.join(lines))


def pixels(data):
    return lambda path: path.write_bytes(data)


def zip_bomb(path):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('arr_0.npy', bytes(200 << 20))


def huge_png(path):
    head = path.read_bytes()
    path.write_bytes(head[:16] + struct.pack('>II', 30_000, 30_000) + head[24:])


OBJECT = 'training/calib/000007.txt'
SWEEP = 'training/velodyne/000007.bin'
STEREO = 'training/calib_cam_to_cam/000000.txt'
R0 = 'R0_rect: 1 0 0 0 1 0 0 0 1'
VELO = 'Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0'

# layout, file, how it is spoilt, what the frame says
SPOILT = {
    'no P2': (write.kitti_object, OBJECT, words(R0, VELO), 'has no P2'),
    'P2 of three': (write.kitti_object, OBJECT, words('P2: 1 2 3', R0, VELO), '3 numbers in P2'),
    'singular P2': (
        write.kitti_object,
        OBJECT,
        words('P2: 0 0 0 0 0 0 0 0 0 0 0 0', R0, VELO),
        'focal length',
    ),
    'no velodyne': (write.kitti_object, OBJECT, words('P2: ' + '1 ' * 12, R0), None),
    'half a point': (write.kitti_object, SWEEP, pixels(bytes(24)), 'four numbers for each'),
    'points of NaN': (
        write.kitti_object,
        SWEEP,
        pixels(np.full(8, np.nan, '<f4').tobytes()),
        'no truth inside',
    ),
    'points at infinity': (
        write.kitti_object,
        SWEEP,
        pixels(np.full(8, 3e38, '<f4').tobytes()),
        'no truth inside',
    ),
    'endless points': (write.kitti_object, SWEEP, endless, 'no regular file'),
    'no P_rect_02': (write.kitti_stereo, STEREO, words('a: 1'), 'has no P_rect_02'),
    'intrinsics of text': (write.kitti_rgbd, 'intrinsics.txt', words('fx fy'), 'no number'),
    'intrinsics of NaN': (
        write.kitti_rgbd,
        'intrinsics.txt',
        words('nan 0 11 0 50 9 0 0 1'),
        'NaN or infinity',
    ),
    'intrinsics of a galaxy': (
        write.kitti_rgbd,
        'intrinsics.txt',
        words('1e30 0 11 0 50 9 0 0 1'),
        'focal length',
    ),
    'endless intrinsics': (write.kitti_rgbd, 'intrinsics.txt', endless, None),
    'binary intrinsics': (write.kitti_rgbd, 'intrinsics.txt', binary, 'no number'),
    'gigapixels of truth': (
        write.kitti_rgbd,
        'depth_0000000005.png',
        huge_png,
        'claims 30000x30000',
    ),
    'truncated truth': (write.kitti_rgbd, 'depth_0000000005.png', truncated, 'without an end'),
    'truth of a pipe': (write.kitti_rgbd, 'depth_0000000005.png', pipe, 'no file'),
    'truth of text': (write.kitti_rgbd, 'depth_0000000005.png', words('x'), 'known format'),
    'calib without cam1': (
        write.eth3d,
        'yard/calib.txt',
        words('cam0=[50 0 11; 0 50 9; 0 0 1]', 'baseline=60'),
        'has no cam1',
    ),
    'calib with two baselines': (
        write.eth3d,
        'yard/calib.txt',
        words(*['cam0=[50 0 11; 0 50 9; 0 0 1]', 'cam1=[50 0 11; 0 50 9; 0 0 1]'], 'baseline=1 2'),
        '2 numbers in baseline',
    ),
    'pfm of nothing': (write.eth3d, 'yard/disp0GT.pfm', pixels(b''), 'no PFM'),
    'pfm without pixels': (
        write.eth3d,
        'yard/disp0GT.pfm',
        pixels(b'Pf\n0 0\n-1\n'),
        'expected at least one',
    ),
    'pfm of exabytes': (
        write.eth3d,
        'yard/disp0GT.pfm',
        pixels(b'Pf\n999999999 999999999\n-1\n'),
        'ends after 0 of',
    ),
    'pfm of more digits': (
        write.eth3d,
        'yard/disp0GT.pfm',
        pixels(b'Pf\n' + b'9' * 5000 + b' 1\n-1\n'),
        'no PFM',
    ),
    'pfm scaled by nonsense': (
        write.eth3d,
        'yard/disp0GT.pfm',
        pixels(b'Pf\n24 18\n-.-\n' + bytes(4 * 24 * 18)),
        'expected a number',
    ),
    'disparity of a zip bomb': (write.skimage, 'motorcycle_disp.npz', zip_bomb, 'more than'),
    'disparity of text': (write.skimage, 'motorcycle_disp.npz', words('x'), 'no archive'),
    'pose of three': (
        write.seven_scenes,
        'frame-000000.pose.txt',
        words('1 2 3'),
        '3 numbers, expected 16',
    ),
    'camera.yaml of a bomb': (
        write.depth_ros,
        'sequence_0/camera.yaml',
        words('a: &a [*a]', 'image_width: *a'),
        'repeats itself',
    ),
    'poses of eleven': (
        write.depth_ros,
        'sequence_0/poses.txt',
        words('1 ' * 11),
        '11 numbers, expected twelve',
    ),
}


@pytest.mark.parametrize(('make', 'file', 'spoil', 'says'), SPOILT.values(), ids=list(SPOILT))
def test_a_damaged_file_costs_its_frame_and_says_why(tmp_path, make, file, spoil, says):
    make(tmp_path)
    spoil(tmp_path / file)
    data = open_dataset(tmp_path)
    contestant = Contestant('plane', lambda: create_model('plane', {'distance': 2.0}))
    report = evaluate(data, [contestant], make_protocol('full'))
    errors = [frame.error for frame in report.models[0].failed]
    if says is None:
        return  # a value that is skipped: it is enough that nothing is raised
    assert errors
    assert says in errors[0]
    for error in errors:
        assert '\n' not in error
        assert len(error) < 700
        assert 'Error(' not in error  # no exception as Python shows it


LISTS = {
    'binary rgb.txt': ('rgb.txt', binary),
    'binary groundtruth.txt': ('groundtruth.txt', binary),
    'rgb.txt of one word': ('rgb.txt', words('10.0')),
    'rgb.txt of no stamp': ('rgb.txt', words('ten rgb/x.png')),
    'poses of seven': ('groundtruth.txt', words('1 2 3 4 5 6 7')),
    'a quaternion of zero': ('groundtruth.txt', words('10.001 1 2 3 0 0 0 0')),
    'endless rgb.txt': ('rgb.txt', endless),
}


@pytest.mark.parametrize(('file', 'spoil'), LISTS.values(), ids=list(LISTS))
def test_a_damaged_list_is_one_sentence(tmp_path, file, spoil):
    write.tum(tmp_path)
    spoil(tmp_path / 'rgbd_dataset_freiburg3_desk' / file)
    with pytest.raises(DepthError) as caught:
        open_dataset(tmp_path)
    assert '\n' not in str(caught.value)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize('name', ['²³', 'frame²', '٣', '½', os.fsdecode(b'o\xff'), '9' * 200])
def test_any_name_can_be_sorted(name):
    assert sorted(['b', name, 'a10', 'a2'], key=natural)


@pytest.mark.parametrize('name', ['²³', os.fsdecode(b'o\xff'), 'ä'])
def test_files_of_any_name_are_read(tmp_path, name):
    write.nyu(tmp_path)
    folder = tmp_path / 'kitchen'
    for stem, ending in (('rgb_', 'jpg'), ('sync_depth_', 'png')):
        (folder / f'{stem}00000.{ending}').rename(folder / f'{stem}{name}.{ending}')
    data = open_dataset(tmp_path)
    assert len(data.sources) == 2
    for source in data.sources:
        assert source.load().depth is not None


def test_numbers_of_a_calibration_have_their_shape():
    values = {'P2': np.arange(12.0)}
    assert take(Path('calib.txt'), values, 'P2', 3, 4).shape == (3, 4)
    for name, shape in (('P3', (3, 4)), ('P2', (3, 3)), ('P2', (1,))):
        with pytest.raises(DepthError, match=r'calib\.txt has'):
            take(Path('calib.txt'), values, name, *shape)


def test_a_pfm_is_read_as_it_was_written(tmp_path):
    for order in ('<', '>'):
        write.pfm(tmp_path / 'x.pfm', write.DEPTH, order)
        values = read_pfm(tmp_path / 'x.pfm')
        assert np.isnan(values[write.UNKNOWN])
        known = np.isfinite(values)
        np.testing.assert_array_equal(values[known], write.DEPTH[known])
