# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A region is a rectangle or a mask image, and what is neither says so."""

import os
import re

import cv2
import numpy as np
import pytest

from depth_ros.files.region import read_region
from depth_ros.types import DepthError


def test_a_rectangle_is_cut_to_the_image():
    mask = read_region('2, 1,3,100').mask(8, 4)
    expected = np.zeros((4, 8), bool)
    expected[1:, 2:5] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize('channels', [1, 3])
def test_a_mask_counts_where_it_is_not_black(tmp_path, channels):
    drawn = np.zeros((4, 8, channels), np.uint8)
    drawn[1:3, 4:, -1] = 7
    path = tmp_path / 'mask.png'
    cv2.imwrite(str(path), drawn)
    np.testing.assert_array_equal(read_region(str(path)).mask(8, 4), drawn.max(-1) > 0)
    with pytest.raises(DepthError, match=r'is 8x4 and the image 16x8; give a mask of the size'):
        read_region(str(path)).mask(16, 8)


def test_a_mask_that_was_drawn_anew_is_read_anew(tmp_path):
    path = tmp_path / 'mask.png'
    for value in (10, 0):
        drawn = np.full((4, 8), 255, np.uint8)
        drawn[0] = value
        cv2.imwrite(str(path), drawn)
        # The clock of a file system may be coarse.
        os.utime(path, ns=(0, value + 1))
        assert read_region(str(path)).mask(8, 4)[0].all() == (value > 0)


@pytest.mark.parametrize(
    'text',
    [
        *('0,0,5', '0,0,5,0', '-1,0,5,5', '1.5,0,5,5', '/nowhere/mask.png', 'everything', ',,,'),
        *('/dev/zero', '/dev/null/x', '~nosuch/x', 'a\0b'),
    ],
)
def test_what_is_no_region_is_refused(text):
    with pytest.raises(DepthError, match=re.escape(f'region is {text!r}, expected x,y,width')):
        read_region(text)


@pytest.mark.parametrize('text', ['x' * 5000, '/x' * 2500, '9' * 10_000, f'{"9" * 900},0,5,5'])
def test_what_is_long_is_refused_shortly(text):
    with pytest.raises(DepthError, match=r'^region is .*expected|lies outside') as caught:
        read_region(text).mask(8, 4)
    assert len(str(caught.value)) < 300


def test_a_region_beside_the_image_and_a_black_mask_are_refused(tmp_path):
    with pytest.raises(DepthError, match='lies outside of the 8x4 image'):
        read_region('8,0,2,2').mask(8, 4)
    path = tmp_path / 'black.png'
    cv2.imwrite(str(path), np.zeros((4, 8), np.uint8))
    with pytest.raises(DepthError, match='is black all over'):
        read_region(str(path))
