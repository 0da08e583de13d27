# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Clouds as PLY, read back by a reader that only knows the format."""

from pathlib import Path

import numpy as np
import pytest

from depth_ros.files.ply import write_ply
from depth_ros.types import DepthError


def read_ply(path: Path) -> np.ndarray:
    head, body = path.read_bytes().split(b'end_header\n', 1)
    lines = head.decode('ascii').splitlines()
    assert lines[:2] == ['ply', 'format binary_little_endian 1.0']
    (count,) = [int(line.split()[2]) for line in lines if line.startswith('element vertex')]
    kinds = {'float': '<f4', 'uchar': 'u1'}
    fields = [line.split()[1:] for line in lines if line.startswith('property')]
    vertices = np.frombuffer(body, [(name, kinds[kind]) for kind, name in fields])
    assert len(vertices) == count
    return vertices


def xyz(vertices: np.ndarray) -> np.ndarray:
    return np.stack([vertices[name] for name in 'xyz'], -1)


def rgb(vertices: np.ndarray) -> np.ndarray:
    return np.stack([vertices[name] for name in ('red', 'green', 'blue')], -1)


@pytest.mark.parametrize('shape', [(0,), (1,), (5,), (4, 6)], ids=str)
def test_points_and_colours_come_back(tmp_path, shape):
    random = np.random.default_rng(6)
    points = random.normal(size=(*shape, 3)).astype(np.float32)
    colors = random.integers(0, 256, (*shape, 3)).astype(np.uint8)
    count = write_ply(tmp_path / 'a.ply', points, colors)
    vertices = read_ply(tmp_path / 'a.ply')
    assert count == len(vertices) == int(np.prod(shape))
    np.testing.assert_array_equal(xyz(vertices), points.reshape(-1, 3))
    np.testing.assert_array_equal(rgb(vertices), colors.reshape(-1, 3))


def test_colours_are_optional(tmp_path):
    write_ply(tmp_path / 'a.ply', np.ones((2, 3)))
    assert read_ply(tmp_path / 'a.ply').dtype.names == ('x', 'y', 'z')


def test_a_grey_image_colours_as_well(tmp_path):
    grey = np.array([[7, 200]], np.uint8)
    write_ply(tmp_path / 'a.ply', np.ones((1, 2, 3)), grey)
    np.testing.assert_array_equal(rgb(read_ply(tmp_path / 'a.ply')), [[7] * 3, [200] * 3])


@pytest.mark.parametrize('invalid', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('axis', [0, 1, 2])
def test_what_is_not_finite_is_left_out_with_its_colour(tmp_path, invalid, axis):
    points = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    colors = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    points[0, 1, axis] = invalid
    assert write_ply(tmp_path / 'a.ply', points, colors) == 3
    vertices = read_ply(tmp_path / 'a.ply')
    kept = [0, 2, 3]
    np.testing.assert_array_equal(xyz(vertices), points.reshape(4, 3)[kept])
    np.testing.assert_array_equal(rgb(vertices), colors.reshape(4, 3)[kept])


@pytest.mark.parametrize(
    ('points', 'colors', 'says'),
    [
        (np.ones((4, 2)), None, r'expected \(\.\.\., 3\)'),
        (np.ones((4, 3)), np.ones((4, 3)), 'colours are float64'),
        (np.ones((4, 3)), np.ones((5, 3), np.uint8), 'one colour for each point'),
        (np.ones((2, 2, 3)), np.ones((4, 3), np.uint8), 'one colour for each point'),
    ],
)
def test_shapes_that_disagree_are_refused(tmp_path, points, colors, says):
    with pytest.raises(DepthError, match=says):
        write_ply(tmp_path / 'a.ply', points, colors)
    assert not (tmp_path / 'a.ply').exists()
