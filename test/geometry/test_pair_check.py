# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A swapped or misaligned pair is recognised, a good one is not complained about."""

import cv2
import numpy as np
import pytest

from depth_ros.geometry.pair_check import check_pair
from depth_ros.lab.synthetic import make_scene, render_stereo, stereo_cameras


@pytest.fixture(scope='module')
def pair():
    scene = make_scene('room', 3)
    left, right = render_stereo(scene, *stereo_cameras(640, 480, 420.0, 0.12), scene.start)[:2]
    return left.image, right.image


def moved(image, rows):
    matrix = np.float32([[1, 0, 0], [0, 1, rows]])
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


def test_a_good_pair_has_no_problem(pair):
    check = check_pair(*pair)
    assert check.matches > 25
    assert abs(check.rows) < 0.5
    assert not check.problem


def test_a_swapped_pair_is_named(pair):
    assert 'swapped' in check_pair(*pair[::-1]).problem


@pytest.mark.parametrize('rows', [-6.0, 3.0, 6.0])
def test_rows_that_differ_are_measured(pair, rows):
    check = check_pair(pair[0], moved(pair[1], rows))
    assert check.rows == pytest.approx(-rows, abs=0.6)
    assert 'rows' in check.problem


def test_grey_and_large_images_are_measured_in_their_own_pixels(pair):
    large = [cv2.resize(cv2.cvtColor(i, cv2.COLOR_RGB2GRAY), None, fx=2, fy=2) for i in pair]
    assert check_pair(large[0], moved(large[1], 8.0)).rows == pytest.approx(-8.0, abs=1.2)


@pytest.mark.parametrize('value', [0, 127])
def test_images_without_texture_say_nothing(value):
    blank = np.full((120, 160), value, np.uint8)
    assert check_pair(blank, blank).problem == ''
