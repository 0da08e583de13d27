# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Files of camera poses: both formats, and which pose belongs to which image."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from depth_ros.files.poses import poses_of_images, read_poses, write_poses
from depth_ros.types import DepthError


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'poses.txt'


def some_poses(count=4):
    rng = np.random.default_rng(1)
    poses = np.tile(np.eye(4), (count, 1, 1))
    for pose in poses:
        pose[:3, :3] = cv2.Rodrigues(rng.normal(size=3))[0]
        pose[:3, 3] = rng.normal(size=3)
    return poses


@pytest.mark.parametrize('stamps', [None, [1.5, 2.0, 1e9 + 0.25, 1e9 + 0.5]])
def test_files_come_back(path, stamps):
    write_poses(path, some_poses(), stamps)
    file = read_poses(path)
    assert file.format == ('kitti' if stamps is None else 'tum')
    np.testing.assert_allclose(file.poses, some_poses(), atol=1e-7)
    if stamps is not None:
        np.testing.assert_array_equal(file.stamps, stamps)


def test_lines_of_the_formats(path):
    path.write_text('# stamp tx ty tz qx qy qz qw\n\n10.5, 1 2 3 0 0 0.70710678 0.70710678\n')
    (pose,) = read_poses(path).poses
    np.testing.assert_allclose(pose @ (1, 0, 0, 1), (1, 3, 3, 1), atol=1e-7)
    path.write_text('1 0 0 5 0 1 0 6 0 0 1 7\n')
    np.testing.assert_array_equal(read_poses(path).poses[0, :3, 3], (5, 6, 7))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('1 2 3\n', 'line 1 has 3 numbers, expected 8'),
        ('1 0 0 5 0 1 0 6 0 0 1 7\n1 2 3 4 5 6 7 8\n', 'line 2 has 8 numbers, expected 12'),
        ('a b c d e f g h\n', "line 1 holds 'a b c d e f g h', expected numbers"),
        ('# nothing\n', 'holds no pose'),
        ('2 0 0 5 0 2 0 6 0 0 2 7\n', 'no rigid motion'),
        ('1 0 0 0 0 0 0 0\n', 'expected a length of 1'),
        ('1 nan 0 0 0 0 0 1\n', 'NaN'),
    ],
)
def test_other_files_are_errors(path, text, message):
    path.write_text(text)
    with pytest.raises(DepthError, match=message):
        read_poses(path)


def test_files_that_cannot_be_read_are_errors(path):
    with pytest.raises(DepthError, match='cannot be read'):
        read_poses(path)
    path.write_bytes(b'\xff\xfe\x00\x81')
    with pytest.raises(DepthError, match='is not text'):
        read_poses(path)


def test_images_are_found_by_their_stamp(path):
    write_poses(path, some_poses(), [10.0, 10.1, 10.2, 10.3])
    found = poses_of_images(read_poses(path), [Path('10.205.png'), Path('rgb/10.09.png')])
    np.testing.assert_allclose(found, some_poses()[[2, 1]], atol=1e-7)


def test_images_are_found_by_their_line(path):
    write_poses(path, some_poses())
    found = poses_of_images(read_poses(path), [Path('000003.png'), Path('image_000001.jpg')])
    np.testing.assert_allclose(found, some_poses()[[3, 1]], atol=1e-7)


def test_otherwise_their_order_counts(path):
    write_poses(path, some_poses(2), [1.0, 2.0])
    found = poses_of_images(read_poses(path), [Path('left.png'), Path('right.png')])
    np.testing.assert_allclose(found, some_poses(2), atol=1e-7)


@pytest.mark.parametrize('stamps', [None, [1.0, 2.0, 3.0, 4.0]])
def test_what_cannot_be_matched_is_an_error(path, stamps):
    write_poses(path, some_poses(), stamps)
    with pytest.raises(DepthError, match='4 poses for 2 images'):
        poses_of_images(read_poses(path), [Path('000007.png'), Path('000008.png')])
