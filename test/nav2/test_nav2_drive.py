# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
People appear in the costmap at once and go from it at once; sky and glass never appear.

bench/nav2.py prints the figures of the whole drive at camera resolution.
"""

import numpy as np
import pytest
from nav2_drive import LENGTH, RATE, WALKS, Drive, shipped, with_ours, with_tutorial

from depth_ros.types import Camera

SECONDS = 7.6  # three of the people have come and gone
CAMERA = Camera.pinhole(160, 120, 120.0)


@pytest.fixture(scope='module')
def drive():
    return Drive(CAMERA, SECONDS)


@pytest.fixture(scope='module')
def report(drive):
    return with_ours(drive)


def test_people_are_marked_within_two_updates(report):
    came = [walk.since < SECONDS - 1 for walk in WALKS]
    assert sum(came) >= 3
    for marked, expected in zip(report.marked_after, came):
        if expected:
            assert marked is not None
            assert marked <= 2


def test_what_the_camera_looks_through_is_cleared_within_two_updates(report):
    assert max(report.seen_ghosts) == 0


def test_little_is_left_beside_the_camera_s_view(report):
    """What leaves the image before it leaves the place is remembered, as it must be."""
    assert max(report.ghosts) <= 20
    assert min(report.lethal) > 20  # the map is not just empty


def test_sky_and_glass_leave_nothing(report):
    assert report.layer.lethal[:, 0].max() < LENGTH - 0.5
    at_glass = np.abs(report.cells[:, 1] + 1.4) < 1.0
    assert not (at_glass & (report.cells[:, 0] > 4.0)).any()


def test_plain_clouds_and_the_tutorial_s_configuration_leave_ghosts(drive, report):
    """The comparison means something: the same depth does leave ghosts."""
    tutorial = with_tutorial(drive)
    assert tutorial.seen_ghosts[-1] > 100
    gone = round(WALKS[1].until * RATE) + 3
    assert tutorial.seen_ghosts[gone] > report.seen_ghosts[gone] + 50


def test_the_shipped_layer_marks_low_obstacles_and_clears_farther_than_it_marks():
    layer = shipped()
    assert layer['mark_threshold'] == 0
    mark, clear = layer['mark'], layer['clear']
    assert clear['raytrace_max_range'] > mark['obstacle_max_range']
    assert clear['max_obstacle_height'] > 10 * layer['z_voxels'] * layer['z_resolution']
    assert clear['min_obstacle_height'] < -1
