# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cameras that cannot be, and quotations that must stay short whatever is quoted."""

import time

import numpy as np
import pytest

from depth_ros.geometry.camera import crop_camera, pad_camera, resize_camera
from depth_ros.types import Camera, DepthError, Distortion, quoted

K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
P = np.hstack([K, np.zeros((3, 1))])


def changed(matrix, **entries):
    """Return a matrix with entries such as a02=5.0 replaced."""
    matrix = matrix.copy()
    for name, value in entries.items():
        matrix[int(name[1]), int(name[2])] = value
    return matrix


IMPOSSIBLE = {
    'fx of a millionth': ({'K': changed(K, a00=1e-30)}, 'K has a focal length of 1e-30 px'),
    'fx of a galaxy': ({'K': changed(K, a00=1e30)}, 'K has a focal length of 1e\\+30 px'),
    'fy of a galaxy': ({'K': changed(K, a11=1e30)}, 'for an image 480 px high'),
    'cx nowhere': ({'K': changed(K, a02=1e300)}, r'K\[0\]\[2\] is 1e\+300'),
    'cy nowhere': ({'K': changed(K, a12=-1e300)}, r'K\[1\]\[2\] is -1e\+300'),
    'skew': ({'K': changed(K, a01=1e30)}, r'K\[0\]\[1\] is 1e\+30'),
    'singular K': ({'K': changed(K, a01=500.0, a10=500.0)}, 'maps the image onto a line'),
    'fx of P': ({'P': changed(P, a00=1e-30)}, 'P has a focal length of 1e-30 px'),
    'cx of P': ({'P': changed(P, a02=1e300)}, r'P\[0\]\[2\] is 1e\+300'),
    'P[3] of a galaxy': ({'P': changed(P, a03=-1e30)}, r'P\[0\]\[3\] is -1e\+30'),
    'R doubled': ({'R': 2 * np.eye(3)}, 'R is not a rotation'),
    'R mirrored': ({'R': np.diag([1.0, 1.0, -1.0])}, 'R is not a rotation'),
    'R of ones': ({'R': np.ones((3, 3))}, 'R is not a rotation'),
    'R of galaxies': ({'R': np.full((3, 3), 1e300)}, 'R is not a rotation'),
    'lens of a galaxy': (
        {'D': [1e300, 0, 0, 0], 'distortion': Distortion.PLUMB_BOB},
        r'D holds 1e\+300, expected',
    ),
}


@pytest.mark.parametrize(('change', 'words'), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_impossible_cameras_are_refused(change, words):
    with pytest.raises(DepthError, match=words), np.errstate(over='ignore', invalid='ignore'):
        Camera(**{'width': 640, 'height': 480, 'K': K, **change})


def test_what_is_done_to_possible_cameras_keeps_them_possible():
    tele = Camera.pinhole(4000, 3000, 60_000.0)
    assert crop_camera(tele, 3999, 2999, 1, 1).fx == 60_000
    wide = Camera.pinhole(64, 48, 6.4)
    assert pad_camera(wide, 0, 0, 4000, 4000).fx == 6.4
    assert resize_camera(wide, 1, 4000).fx == pytest.approx(0.1)


def bomb():
    value = ['lol'] * 9
    for _ in range(40):
        value = [value] * 9
    return value


class Rude:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    'value',
    ['x' * 10_000_000, bomb(), {'a': bomb()}, 10**10_000, Rude(), b'y' * 1_000_000, 'a\nb' * 99],
    ids=['text', 'list', 'mapping', 'number', 'no repr', 'bytes', 'lines'],
)
def test_quotations_are_short_and_quick(value):
    start = time.monotonic()
    text = quoted(value)
    assert 0 < len(text) <= 80
    assert '\n' not in text
    assert time.monotonic() - start < 60  # a thousand times less than without a bound


def test_short_values_are_quoted_as_they_are():
    values = ['a', 5, 1.5, None, True, [1, 2], {'a': 1}, '']
    assert [quoted(value) for value in values] == [repr(value) for value in values]
