# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Scans, ranges and loose points as messages."""

import math

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from sensor_msgs.msg import LaserScan, PointCloud2, Range
from std_msgs.msg import Header

from depth_ros.geometry.laser_scan import Scan
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.cloud_points import points_to_cloud
from depth_ros.messages.laser_scan import scan_to_laser_scan
from depth_ros.messages.range_message import distance_to_range
from depth_ros.types import DepthError

HEADER = Header(frame_id='camera_level')
RANGES = np.float32([1.0, np.inf, -np.inf, np.nan, 2.5])
SCAN = Scan(RANGES, -0.4, 0.2, 0.1, 5.0)


def test_a_scan_is_a_laser_scan():
    msg = scan_to_laser_scan(SCAN, HEADER, period=0.1)
    assert isinstance(msg, LaserScan)
    assert msg.header.frame_id == 'camera_level'
    assert len(msg.ranges) == 5
    np.testing.assert_array_equal(np.float32(msg.ranges), RANGES)
    # A consumer counts beams from the angles.
    assert round((msg.angle_max - msg.angle_min) / msg.angle_increment) == 4
    assert (msg.range_min, msg.range_max) == (pytest.approx(0.1), 5.0)
    assert msg.scan_time == pytest.approx(0.1)
    assert msg.time_increment == 0.0


def test_unknown_beams_may_be_given_as_free():
    msg = scan_to_laser_scan(SCAN, HEADER, unknown='inf')
    np.testing.assert_array_equal(np.float32(msg.ranges)[[1, 2, 3]], [np.inf, -np.inf, np.inf])
    assert np.isnan(SCAN.ranges[3])
    with pytest.raises(DepthError, match='nan or inf'):
        scan_to_laser_scan(SCAN, HEADER, unknown='zero')


@pytest.mark.parametrize('distance', [1.5, math.inf, -math.inf, math.nan])
def test_a_distance_is_a_range(distance):
    msg = distance_to_range(distance, 0.5, 0.2, 4.0, HEADER)
    assert isinstance(msg, Range)
    np.testing.assert_equal(msg.range, distance)
    assert (msg.field_of_view, msg.max_range) == (0.5, 4.0)
    assert msg.min_range == pytest.approx(0.2)


def test_loose_points_are_a_dense_cloud():
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 3, (7, 3)).astype(np.float32)
    sigma = rng.uniform(0, 1, 7).astype(np.float32)
    msg = points_to_cloud(points, HEADER, {'uncertainty': sigma})
    assert isinstance(msg, PointCloud2)
    assert (msg.height, msg.width, msg.point_step, msg.row_step) == (1, 7, 16, 112)
    assert msg.is_dense
    back = cloud_to_points(msg)
    np.testing.assert_array_equal(np.stack([back[n] for n in 'xyz'], axis=-1), points)
    np.testing.assert_array_equal(back['uncertainty'], sigma)
    empty = points_to_cloud(np.zeros((0, 3), np.float32), HEADER)
    assert (empty.width, len(empty.data)) == (0, 0)


def test_fields_that_do_not_fit_the_points_are_refused():
    points = np.zeros((7, 3), np.float32)
    with pytest.raises(DepthError, match='height'):
        points_to_cloud(points, HEADER, {'height': np.zeros(6, np.float32)})
    with pytest.raises(DepthError, match='expected'):
        points_to_cloud(points[:, :2], HEADER)
