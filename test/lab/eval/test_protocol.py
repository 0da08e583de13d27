# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Named crops and caps."""

import math

import numpy as np
import pytest

from depth_ros.lab.eval.protocol import CROPS, PROTOCOLS, Protocol, crop_mask, make_protocol
from depth_ros.types import DepthError

# Corners that papers and their tools state for these image sizes: top, bottom, left, right.
CORNERS = {
    'none': ((10, 20), (0, 10, 0, 20)),
    'garg': ((375, 1242), (153, 371, 44, 1197)),
    'eigen': ((375, 1242), (124, 342, 44, 1197)),
    'nyu': ((480, 640), (45, 471, 41, 601)),
}


@pytest.mark.parametrize('crop', CROPS)
def test_crop_is_the_rectangle_of_the_papers(crop):
    (height, width), (top, bottom, left, right) = CORNERS[crop]
    mask = crop_mask(crop, height, width)
    expected = np.zeros((height, width), bool)
    expected[top:bottom, left:right] = True
    np.testing.assert_array_equal(mask, expected)


def test_nyu_crop_needs_nyu_images():
    with pytest.raises(DepthError, match='640x480'):
        crop_mask('nyu', 240, 320)


def test_truth_outside_the_caps_is_not_judged():
    truth = np.array([[0.5, 1, 5, 10, 11, np.nan, np.inf, 0, -1]], np.float32)
    judged = Protocol(min_depth=1, max_depth=10).judged(truth, truth.shape)
    np.testing.assert_array_equal(judged[0], [0, 1, 1, 1, 0, 0, 0, 0, 0])


def test_predictions_beyond_a_cap_count_as_the_cap():
    values = np.array([[0.5, 5, 80, np.inf, -np.inf, np.nan]])
    capped = Protocol(min_depth=1, max_depth=10).cap(values)
    np.testing.assert_array_equal(capped[0], np.float32([1, 5, 10, 10, 1, np.nan]))


def test_without_a_cap_infinity_is_not_covered():
    values = np.array([[0.5, np.inf, -np.inf, np.nan, 0, -3]])
    np.testing.assert_array_equal(Protocol().cap(values)[0], np.float32([0.5] + [np.nan] * 5))


def test_a_changed_protocol_says_so():
    assert make_protocol('nyu').name == 'nyu'
    assert make_protocol('nyu', max_depth=10.0, crop=None).name == 'nyu'
    assert make_protocol('nyu', alignment='median').name == 'nyu'
    changed = make_protocol('nyu', max_depth=5.0)
    assert changed.name == 'nyu changed'
    assert (changed.max_depth, changed.crop) == (5.0, 'nyu')


WRONG = {
    'range': {'min_depth': 5.0, 'max_depth': 5.0},
    'nan': {'min_depth': math.nan},
    'crop': {'crop': 'round'},
    'alignment': {'alignment': 'magic'},
}


@pytest.mark.parametrize('changes', WRONG.values(), ids=WRONG)
def test_protocols_that_make_no_sense_are_refused(changes):
    with pytest.raises(DepthError):
        make_protocol('full', **changes)


def test_unknown_protocol_names_the_known():
    with pytest.raises(DepthError, match='kitti-garg'):
        make_protocol('best')
    assert set(PROTOCOLS) == {'full', 'nyu', 'kitti-garg', 'kitti-eigen'}
