# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ground is found in depth with noise, holes and furniture, and never where it is not."""

import math

import numpy as np
import pytest
from box_room import box_depth

from depth_ros.geometry.ground_plane import find_ground, on_ground
from depth_ros.types import Camera, DepthError, Distortion, Ground

CAMERA = Camera.pinhole(160, 120, 120.0)
FISHEYE = Camera(160, 120, CAMERA.K, np.array([0.02, 0.0, 0.0, 0.0]), Distortion.EQUIDISTANT)
FURNITURE = [
    ((3.0, 3.2), (-5, 5), (0, 2.5)),
    ((1.5, 2.0), (0.2, 0.9), (0, 0.8)),
    ((1.2, 1.5), (-1.2, -0.5), (0, 0.5)),
]
MOUNTS = [(0.4, 0.1, 0.0), (0.6, 0.3, 0.1), (1.2, 0.5, -0.1), (0.5, 0.2, 0.3)]


def spoiled(depth, seed=0, noise=0.02, holes=0.2):
    rng = np.random.default_rng(seed)
    depth = depth * (1 + noise * rng.standard_normal(depth.shape).astype(np.float32))
    depth[rng.random(depth.shape) < holes] = np.nan
    return depth


def angle(a, b):
    return math.degrees(math.acos(min(1.0, float(a.down @ b.down))))


@pytest.mark.parametrize('camera', [CAMERA, FISHEYE], ids=['pinhole', 'fisheye'])
@pytest.mark.parametrize('mount', MOUNTS, ids=str)
@pytest.mark.parametrize('known', [True, False], ids=['mount', 'estimated'])
def test_the_floor_of_a_furnished_room_is_found(camera, mount, known):
    truth = Ground.below_mount(*mount)
    depth = spoiled(box_depth(camera, truth, FURNITURE))
    # The known mount is a little wrong: a tyre has lost air, the calibration is a degree off.
    given = Ground.below_mount(mount[0] * 1.05, mount[1] + 0.02, mount[2] - 0.02)
    found = find_ground(depth, camera, given if known else None)
    assert found.measured
    assert angle(found.ground, truth) < 1.0
    assert found.ground.height == pytest.approx(mount[0], rel=0.03)


def test_inliers_are_the_pixels_of_the_floor():
    truth = Ground.below_mount(0.6, 0.3)
    depth = box_depth(CAMERA, truth, FURNITURE)
    floor = depth == box_depth(CAMERA, truth, [])
    floor &= np.isfinite(depth)
    found = find_ground(depth, CAMERA, truth)
    # Besides the floor, only the feet of things are within the tolerance of it.
    assert found.inliers[floor].mean() > 0.999
    assert found.inliers[~floor].mean() < 0.06
    assert not found.inliers[~np.isfinite(depth)].any()


def test_a_table_that_fills_half_the_image_is_not_the_ground():
    truth = Ground.below_mount(1.2, 0.5)
    depth = box_depth(CAMERA, truth, [((0.5, 1.5), (-1.5, 1.5), (0.6, 0.65))])
    table = (depth != box_depth(CAMERA, truth, [])).mean()
    assert table > 0.4
    found = find_ground(spoiled(depth), CAMERA)
    assert found.ground.height == pytest.approx(1.2, rel=0.05)


@pytest.mark.parametrize('slope', [-8, 5, 10])
def test_a_slope_up_to_the_parameter_is_ground(slope):
    level = Ground.below_mount(0.6, 0.3)
    truth = Ground.below_mount(0.6, 0.3 + math.radians(slope))
    depth = spoiled(box_depth(CAMERA, truth, FURNITURE))
    found = find_ground(depth, CAMERA, level, max_slope=math.radians(12))
    assert found.measured
    assert angle(found.ground, truth) < 1.0
    steeper = find_ground(depth, CAMERA, level, max_slope=math.radians(abs(slope) / 2))
    assert angle(steeper.ground, level) <= abs(slope) / 2 + 0.1
    flat = find_ground(depth, CAMERA, level, max_slope=0)
    assert flat.ground is level


def test_where_no_floor_is_seen_the_mount_is_what_is_known():
    mount = Ground.below_mount(0.6, 0.0)
    wall = box_depth(CAMERA, mount, [((1.0, 1.2), (-5, 5), (-1, 3))])
    assert find_ground(wall, CAMERA) is None
    found = find_ground(wall, CAMERA, mount)
    assert found.ground is mount
    assert not found.measured
    nothing = np.full((120, 160), np.nan, np.float32)
    assert find_ground(nothing, CAMERA) is None
    found = find_ground(nothing, CAMERA, mount)
    assert not found.measured
    assert not found.inliers.any()


def test_the_same_depth_gives_the_same_plane_and_the_plane_before_a_near_one():
    truth = Ground.below_mount(0.6, 0.3, 0.1)
    depth = spoiled(box_depth(CAMERA, truth, FURNITURE))
    first, second = find_ground(depth, CAMERA), find_ground(depth, CAMERA)
    np.testing.assert_array_equal(first.ground.down, second.ground.down)
    after = find_ground(spoiled(depth, 1), CAMERA, previous=first.ground)
    assert angle(after.ground, truth) < 1.0
    # A plane before that is no longer there is not kept.
    wrong = Ground.below_mount(1.5, -0.3)
    assert angle(find_ground(depth, CAMERA, previous=wrong).ground, truth) < 1.0


def test_tolerance_grows_with_depth():
    ground = Ground.below_mount(0.6, 0.3)
    depth = box_depth(CAMERA, ground, [])
    lifted = box_depth(CAMERA, Ground.below_mount(0.5, 0.3), [])
    on = on_ground(lifted, CAMERA, ground, 0.05, 0.025)
    far = lifted > 2.1
    assert on[far & np.isfinite(lifted)].all()
    assert not on[lifted < 1.9].any()
    assert on_ground(depth, CAMERA, ground, 0.001)[np.isfinite(depth)].all()


def test_what_cannot_be_is_refused():
    with pytest.raises(DepthError, match='positive tolerance'):
        find_ground(np.ones((120, 160), np.float32), CAMERA, tolerance=0)
