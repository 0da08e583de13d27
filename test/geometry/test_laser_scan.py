# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A scan of a room is the room, however the camera hangs."""

import math

import numpy as np
import pytest
from box_room import box_depth, level_rays

from depth_ros.geometry.laser_scan import Scan, ScanOptions, depth_to_scan, nearest_ahead
from depth_ros.types import Camera, DepthError, Distortion, Ground

CAMERA = Camera.pinhole(320, 240, 200.0)
FISHEYE = Camera(320, 240, CAMERA.K, np.array([0.02, 0.0, 0.0, 0.0]), Distortion.EQUIDISTANT)
BOX = ((1.5, 2.0), (-0.3, 0.4), (0, 0.6))
WALL = ((3.0, 3.2), (-0.2, 9), (0, 3))
MOUNTS = [(0.5, 0.0, 0.0), (0.5, 0.15, 0.0), (0.8, 0.2, 0.2), (0.3, -0.1, -0.15)]


def wall_range(angles, distance):
    return distance / np.cos(angles)


def brute_force(depth, camera, ground, options, scan):
    """Return the nearest obstacle of each beam, pixel by pixel."""
    rays = level_rays(camera, ground)
    level = rays * depth[..., None].astype(np.float64)
    angles = np.arctan2(rays[..., 1], rays[..., 0])
    beams = np.rint((angles - scan.angle_min) / scan.angle_increment)
    height = ground.height + level[..., 2]
    distance = np.hypot(level[..., 0], level[..., 1])
    hit = (depth > 0) & np.isfinite(depth) & (distance <= options.range_max)
    hit &= (height >= options.min_height) & (height <= options.max_height)
    result = np.full(len(scan.ranges), np.inf)
    for beam in range(len(result)):
        here = distance[hit & (beams == beam)]
        result[beam] = here.min() if here.size else np.inf
    return result


@pytest.mark.parametrize('camera', [CAMERA, FISHEYE], ids=['pinhole', 'fisheye'])
@pytest.mark.parametrize('mount', MOUNTS, ids=str)
def test_ranges_are_the_nearest_points_in_the_band(camera, mount):
    ground = Ground.below_mount(*mount)
    depth = box_depth(camera, ground, [BOX, WALL])
    options = ScanOptions(min_height=0.1, max_height=0.9, range_max=4.0)
    scan = depth_to_scan(depth, camera, ground, options)
    expected = brute_force(depth, camera, ground, options, scan)
    found = np.isfinite(expected)
    assert found.sum() > 30
    # Rays on the border of two beams may fall to either.
    close = np.isclose(scan.ranges[found], expected[found], rtol=1e-4)
    assert close.mean() > 0.97
    assert not np.isfinite(scan.ranges[~found]).any()


@pytest.mark.parametrize('mount', MOUNTS, ids=str)
def test_a_room_looks_the_same_to_a_pitched_and_rolled_camera(mount):
    ground = Ground.below_mount(*mount)
    depth = box_depth(CAMERA, ground, [BOX, WALL])
    options = ScanOptions(range_max=4.5, angle_increment=0.02)
    scan = depth_to_scan(depth, CAMERA, ground, options)
    angles = scan.angles
    # The box's front, seen where no corner is near, then the wall to its left, then nothing.
    front = (angles > math.atan(-0.3 / 1.5) + 0.03) & (angles < math.atan(0.4 / 1.5) - 0.03)
    np.testing.assert_allclose(scan.ranges[front], wall_range(angles[front], 1.5), rtol=0.01)
    wall = (angles > math.atan(0.4 / 1.5) + 0.03) & (angles < 0.45)
    np.testing.assert_allclose(scan.ranges[wall], wall_range(angles[wall], 3.0), rtol=0.01)
    nothing = (angles < math.atan(-0.3 / 1.5) - 0.03) & (angles > -0.5)
    assert nothing.sum() > 5
    assert (scan.ranges[nothing] == np.inf).all()


def test_beams_are_free_only_where_a_ray_was_seen_to_be():
    ground = Ground.below_mount(0.5, 0.0)
    options = ScanOptions(range_max=4.0)
    scan = depth_to_scan(np.full((240, 320), np.inf, np.float32), CAMERA, ground, options)
    assert (scan.ranges == np.inf).all()
    unknown = np.full((240, 320), np.nan, np.float32)
    assert np.isnan(depth_to_scan(unknown, CAMERA, ground, options).ranges).all()
    # A camera that sees the floor alone does not know what is farther.
    down = Ground.below_mount(0.5, 0.9)
    scan = depth_to_scan(box_depth(CAMERA, down, []), CAMERA, down, options)
    assert np.isnan(scan.ranges).all()


def test_a_beam_with_too_few_known_pixels_is_unknown():
    ground = Ground.below_mount(0.5, 0.0)
    depth = np.full((240, 320), np.inf, np.float32)
    depth[:, 160:] = np.nan
    depth[118:122, 160:] = np.inf
    options = ScanOptions(range_max=4.0, min_known=0.5)
    scan = depth_to_scan(depth, CAMERA, ground, options)
    left = scan.angles > 0.02
    assert (scan.ranges[left] == np.inf).all()
    assert np.isnan(scan.ranges[scan.angles < -0.02]).all()
    easy = depth_to_scan(depth, CAMERA, ground, ScanOptions(range_max=4.0, min_known=0.0))
    assert (easy.ranges == np.inf).all()


def test_what_is_too_close_to_measure_is_nearer_than_all():
    ground = Ground.below_mount(0.5, 0.0)
    depth = box_depth(CAMERA, ground, [WALL])
    depth[100:110, 100:104] = -np.inf
    scan = depth_to_scan(depth, CAMERA, ground, ScanOptions(range_max=4.0))
    close = scan.ranges == -np.inf
    assert 2 <= close.sum() <= 4
    assert nearest_ahead(scan, 1.5) == -math.inf


def test_beams_span_the_image_and_have_the_increment_asked_for():
    ground = Ground.below_mount(0.5, 0.0)
    depth = np.full((240, 320), np.inf, np.float32)
    scan = depth_to_scan(depth, CAMERA, ground, ScanOptions(angle_increment=0.01))
    assert scan.angle_increment == 0.01
    half = math.atan(159.5 / 200)
    assert -half <= scan.angle_min < -half + 0.01
    assert half - 0.01 < scan.angles[-1] <= half + 1e-9
    # A beam points forward, whatever the span.
    assert np.abs(scan.angles).min() < 1e-9


def ahead_of(ranges):
    return Scan(np.float32(ranges), -0.2, 0.1, 0.1, 5.0)


@pytest.mark.parametrize(
    ('ranges', 'expected'),
    [
        ([1, 2, 3, 4, 5], 2.0),
        ([1, np.inf, np.inf, np.inf, 1], np.inf),
        ([1, np.inf, np.nan, np.inf, 1], np.nan),
        ([1, 3, np.nan, np.inf, 1], 3.0),
        ([1, 3, -np.inf, np.inf, 1], -np.inf),
    ],
    ids=str,
)
def test_ahead_is_the_nearest_beam_of_the_field(ranges, expected):
    np.testing.assert_equal(nearest_ahead(ahead_of(ranges), 0.2), expected)


def test_no_beam_in_the_field_is_unknown():
    assert math.isnan(nearest_ahead(Scan(np.float32([1.0]), 1.0, 0.1, 0.1, 5.0), 0.2))


@pytest.mark.parametrize(
    'wrong',
    [{'min_height': 2.0}, {'range_max': math.inf}, {'range_min': 9.0}, {'min_known': 2.0}],
    ids=str,
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(DepthError, match='expected'):
        ScanOptions(**wrong)
