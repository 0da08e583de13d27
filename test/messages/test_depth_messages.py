# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth and disparity on the wire: REP-117, REP-118 and what DisparityImage calls invalid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip('stereo_msgs')

from std_msgs.msg import Header

from depth_ros.messages.depth_image import depth_to_image, image_to_depth
from depth_ros.messages.disparity import (
    disparity_image_to_prediction,
    prediction_to_disparity_image,
)
from depth_ros.messages.image import array_to_image, image_to_array
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

SPECIAL = np.array([[np.nan, np.inf, -np.inf, 0.0], [0.0004, 1.2346, 65.535, 70.0]], np.float32)


def test_metres_keep_every_bit():
    msg = depth_to_image(SPECIAL, Header(frame_id='optical'))
    assert (msg.encoding, msg.header.frame_id) == ('32FC1', 'optical')
    np.testing.assert_array_equal(image_to_depth(msg), SPECIAL)


def test_millimetres_are_zero_where_there_is_no_distance():
    msg = depth_to_image(SPECIAL, Header(), '16UC1')
    raw, _ = image_to_array(msg)
    assert raw[0].tolist() == [0, 0, 0, 0]
    assert raw[1].tolist()[:3] == [0, 1235, 65535]
    assert raw[1, 3] == 0  # too far for the encoding; no false number
    got = image_to_depth(msg)
    assert np.isnan(got[0]).all()
    np.testing.assert_allclose(got[1, 1:3], [1.235, 65.535], rtol=1e-6)


@given(st.integers(1, 65535))
def test_every_millimetre_survives(millimetres):
    msg = array_to_image(np.array([[millimetres]], np.uint16), '16UC1', Header())
    again, _ = image_to_array(depth_to_image(image_to_depth(msg), Header(), '16UC1'))
    assert again[0, 0] == millimetres


@pytest.mark.parametrize(
    ('depth', 'encoding'),
    [
        (np.ones((2, 2)), '32FC1'),  # float64
        (np.ones(4, np.float32), '32FC1'),
        (np.ones((0, 2), np.float32), '32FC1'),
        (np.ones((2, 2), np.float32), 'mono16'),
    ],
)
def test_depth_that_cannot_be_written_is_refused(depth, encoding):
    with pytest.raises(DepthError):
        depth_to_image(depth, Header(), encoding)


def test_a_image_is_no_depth():
    with pytest.raises(DepthError, match='not a depth image'):
        image_to_depth(array_to_image(np.zeros((2, 2), np.uint8), 'mono8', Header()))


def stereo(values, **changes):
    values = np.asarray(values, np.float32)
    height, width = values.shape
    options = {'baseline': 0.12, 'focal': 400.0, 'disparity_range': (0.0, 64.0)}
    camera = Camera.pinhole(width, height, 400)
    return Prediction(DepthKind.DISPARITY, values, camera, **{**options, **changes})


DISPARITY = [[np.nan, 0.0, 0.03, 0.0625], [1.5, 63.9, np.inf, -2.0]]


def test_invalid_disparities_are_one_value_below_the_minimum():
    msg = prediction_to_disparity_image(stereo(DISPARITY), Header(frame_id='left'))
    values, encoding = image_to_array(msg.image)
    assert encoding == '32FC1'
    assert msg.header.frame_id == msg.image.header.frame_id == 'left'
    assert (msg.f, msg.max_disparity) == (400.0, 64.0)
    assert msg.t == pytest.approx(0.12)
    assert msg.min_disparity > 0
    assert (msg.valid_window.width, msg.valid_window.height) == (4, 2)
    invalid = values < msg.min_disparity
    np.testing.assert_array_equal(invalid, [[1, 1, 0, 0], [0, 0, 1, 1]])
    assert len(np.unique(values[invalid])) == 1


def test_disparity_survives_the_message():
    sent = stereo(DISPARITY)
    got = disparity_image_to_prediction(prediction_to_disparity_image(sent, Header()), sent.camera)
    expected = np.array([[np.nan, np.nan, 0.03, 0.0625], [1.5, 63.9, np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(got.values, expected)
    assert (got.kind, got.focal) == (DepthKind.DISPARITY, 400.0)
    assert got.baseline == pytest.approx(0.12)
    assert got.is_metric


def test_disparity_without_a_baseline_is_published_and_gives_no_metres():
    msg = prediction_to_disparity_image(stereo(DISPARITY, baseline=0.0), Header())
    known = prediction_to_disparity_image(stereo(DISPARITY), Header())
    assert (msg.t, msg.image.data) == (0.0, known.image.data)
    with pytest.raises(DepthError, match='baseline 0 m'):
        disparity_image_to_prediction(msg)


def test_a_search_that_starts_later_says_so():
    msg = prediction_to_disparity_image(stereo([[5.0, 20.0]], disparity_range=(16, 80)), Header())
    assert (msg.min_disparity, msg.max_disparity) == (16.0, 80.0)
    values, _ = image_to_array(msg.image)
    assert values[0, 0] < 16  # the search could not have found it
    assert values[0, 1] == 20


def test_a_frame_without_any_match_is_all_invalid():
    msg = prediction_to_disparity_image(
        stereo(np.full((2, 3), np.nan), disparity_range=None), Header()
    )
    values, _ = image_to_array(msg.image)
    assert (values < msg.min_disparity).all()
    assert 0 < msg.min_disparity <= msg.max_disparity


@pytest.mark.parametrize(
    'prediction',
    [
        stereo(DISPARITY, baseline=-0.1),
        stereo(DISPARITY, focal=0.0),
        Prediction(DepthKind.METRIC, np.ones((2, 2), np.float32), Camera.pinhole(2, 2, 1)),
    ],
    ids=['eyes swapped', 'no focal length', 'not a disparity'],
)
def test_only_disparity_is_published(prediction):
    with pytest.raises(DepthError, match='expected disparity'):
        prediction_to_disparity_image(prediction, Header())


@pytest.mark.parametrize(
    ('field', 'value'), [('f', 0.0), ('t', 0.0), ('t', -0.1), ('f', float('nan'))]
)
def test_a_disparity_image_without_geometry_is_refused(field, value):
    msg = prediction_to_disparity_image(stereo(DISPARITY), Header())
    setattr(msg, field, value)
    with pytest.raises(DepthError, match='both must be positive'):
        disparity_image_to_prediction(msg)


def test_a_disparity_image_is_32fc1():
    msg = prediction_to_disparity_image(stereo(DISPARITY), Header())
    msg.image = array_to_image(np.zeros((2, 2), np.uint16), 'mono16', Header())
    with pytest.raises(DepthError, match='expected 32FC1'):
        disparity_image_to_prediction(msg)
