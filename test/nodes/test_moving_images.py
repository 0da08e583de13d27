# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images wait until odometry has come that far, and take no pose from before or after it."""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from depth_ros.geometry.trajectory import PoseTrack
from depth_ros.nodes.input.moving_images import MovingImages
from depth_ros.types import DepthError

IMAGE = np.zeros((4, 4), np.uint8)
MS = 1_000_000


class Odometry:
    """What OdometryInput is to the images, without ROS."""

    topic, body = '/odometry', 'base_link'

    def __init__(self):
        self.track = PoseTrack()

    @property
    def newest(self):
        return self.track.newest

    def add(self, stamp, x):
        pose = np.eye(4)
        pose[0, 3] = x
        self.track.add(stamp * MS, pose)

    def at(self, stamp, tolerance, surrounded=False):
        pose = self.track.at(stamp, tolerance, surrounded)
        if pose is None:
            raise DepthError('not known')
        return pose


def mounted(body):
    return np.eye(4)


def taken(images, stamp):
    """Return (milliseconds, x) of each reading; x is None where its place is not known."""
    result = []
    for reading in images.readings(stamp * MS, IMAGE, mounted):
        try:
            place = reading.make().pose[0, 3]
        except DepthError:
            place = None
        result.append((round(reading.stamp * 1e3), place))
    return result


def test_an_image_is_given_its_own_place_once_it_is_known():
    odometry = Odometry()
    images = MovingImages(odometry)
    odometry.add(0, 0.0)
    assert taken(images, 50) == []
    odometry.add(100, 1.0)
    assert taken(images, 120) == [(50, pytest.approx(0.5))]
    odometry.add(200, 2.0)
    assert taken(images, 200) == [(120, pytest.approx(1.2)), (200, pytest.approx(2.0))]


def test_an_image_from_before_the_first_pose_has_no_place():
    odometry = Odometry()
    images = MovingImages(odometry)
    odometry.add(100, 1.0)
    odometry.add(200, 2.0)
    assert taken(images, 60) == [(60, None)]
    assert odometry.track.at(60 * MS, 0.2)[0, 3] == 1.0  # which is near enough for others


def test_an_image_in_a_gap_of_the_odometry_has_no_place():
    odometry = Odometry()
    images = MovingImages(odometry)
    odometry.add(0, 0.0)
    odometry.add(1000, 10.0)
    assert taken(images, 900) == [(900, None)]


def test_absent_and_late_odometry_are_said():
    odometry = Odometry()
    images = MovingImages(odometry)
    assert 'no odometry came on /odometry' in str(images.readings(0, IMAGE, mounted))
    odometry.add(1, 0.0)
    last = [images.readings((100 + 100 * i) * MS, IMAGE, mounted) for i in range(8)][-1]
    assert 'behind the images' in str(last)
