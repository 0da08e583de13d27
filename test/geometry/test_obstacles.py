# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Ground is what a robot drives on; boxes, steps and walls are not."""

import math

import numpy as np
import pytest
from box_room import box_depth, level_rays

from depth_ros.geometry import obstacles
from depth_ros.geometry.obstacles import split_ground
from depth_ros.types import Camera, DepthError, Ground

CAMERA = Camera.pinhole(160, 120, 120.0)
MOUNT = Ground.below_mount(0.6, 0.3, 0.05)
BOX = ((1.2, 1.6), (-0.3, 0.3), (0, 0.4))
WALL = ((3.0, 3.2), (-6, 6), (0, 3))


def true_height(depth, ground=MOUNT):
    return ground.height + level_rays(CAMERA, ground)[..., 2] * depth


@pytest.fixture(params=['loop', 'rows'])
def way(request, monkeypatch):
    """Follow slopes with and without numba."""
    if request.param == 'rows':
        monkeypatch.setattr(obstacles, '_loop', lambda: None)
    elif obstacles._loop() is None:
        pytest.skip('numba is not installed')
    return request.param


def test_a_flat_floor_is_ground_and_what_stands_on_it_is_obstacle():
    depth = box_depth(CAMERA, MOUNT, [BOX, WALL])
    split = split_ground(depth, CAMERA, MOUNT, min_height=0.1, max_height=1.5)
    height = true_height(depth)
    valid = np.isfinite(depth)
    np.testing.assert_allclose(split.height[valid], height[valid], atol=1e-4)
    clear = np.abs(height - 0.1) > 1e-3
    np.testing.assert_array_equal((split.ground == (valid & (height < 0.1)))[clear], True)
    high = valid & (height > 0.1) & (height < 1.5 - 1e-3)
    assert split.obstacle[high & clear].all()
    assert high.sum() > 1000
    assert not (split.ground & split.obstacle).any()
    assert not split.obstacle[height > 1.501].any()


def test_invalid_pixels_and_what_lies_below_are_neither():
    depth = box_depth(CAMERA, MOUNT, [])
    depth[80:90] *= 1.5  # a reflection, as if the floor were below the floor
    depth[100] = (np.nan, np.inf, -np.inf, 0.0) * 40
    split = split_ground(depth, CAMERA, MOUNT)
    assert not (split.ground | split.obstacle)[80:90].any()
    assert not (split.ground | split.obstacle)[100].any()
    assert np.isnan(split.height[100]).all()


def test_spread_widens_the_ground_with_depth():
    depth = box_depth(CAMERA, Ground.below_mount(0.45, 0.3, 0.05), [])  # floor 0.15 m up
    split = split_ground(depth, CAMERA, MOUNT, min_height=0.1, spread=0.025)
    valid = np.isfinite(depth)
    assert split.ground[valid & (depth > 2.05)].all()
    assert split.obstacle[valid & (depth < 1.95)].all()


@pytest.mark.parametrize('degrees', [-6, 6, 9])
def test_a_ramp_is_ground_up_to_the_slope(degrees, way):
    slope = math.tan(math.radians(degrees))
    depth = box_depth(CAMERA, MOUNT, [], slope=slope, slope_from=1.2)
    # Beyond, rows of this small image are more than a metre of floor apart.
    far = (depth < 6) & (np.abs(true_height(depth)) > 0.12)
    assert far.sum() > 500
    flat = split_ground(depth, CAMERA, MOUNT)
    assert not flat.ground[far].any()
    follows = split_ground(depth, CAMERA, MOUNT, max_slope=math.radians(abs(degrees) + 2))
    assert follows.ground[far].mean() > 0.995
    steep = split_ground(depth, CAMERA, MOUNT, max_slope=math.radians(abs(degrees) / 3))
    assert steep.ground[far & (depth > 3)].mean() < 0.2


def test_steps_boxes_and_walls_stay_obstacles_with_slopes_allowed(way):
    step = ((1.8, 9.0), (-9, 9), (0, 0.18))
    for boxes in ([BOX, WALL], [step]):
        depth = box_depth(CAMERA, MOUNT, boxes)
        height = true_height(depth)
        split = split_ground(depth, CAMERA, MOUNT, max_slope=math.radians(10))
        stands = np.isfinite(depth) & (height > 0.17) & (height < 1.9)
        if boxes == [step]:
            stands &= depth < 5
        assert stands.sum() > 300
        assert split.obstacle[stands].mean() > 0.97
        floor = np.isfinite(depth) & (np.abs(height) < 0.02)
        assert split.ground[floor].all()
        off = np.abs(split.height - height)[split.obstacle]
        assert (off < 0.02).mean() > 0.97
        assert off.max() < 0.2


def test_both_ways_to_follow_slopes_give_the_same(monkeypatch):
    if obstacles._loop() is None:
        pytest.skip('numba is not installed')
    rng = np.random.default_rng(0)
    depth = box_depth(CAMERA, MOUNT, [BOX, WALL], slope=0.1, slope_from=1.5)
    depth *= 1 + 0.02 * rng.standard_normal(depth.shape).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = np.nan
    compiled = split_ground(depth, CAMERA, MOUNT, max_slope=0.2)
    monkeypatch.setattr(obstacles, '_loop', lambda: None)
    plain = split_ground(depth, CAMERA, MOUNT, max_slope=0.2)
    for a, b in zip(compiled, plain):
        assert (a == b)[~np.isnan(compiled.height)].mean() > 0.999  # fused multiply-adds differ
    np.testing.assert_array_equal(np.isnan(compiled.height), np.isnan(plain.height))


def test_what_cannot_be_is_refused():
    with pytest.raises(DepthError, match='0 < min_height < max_height'):
        split_ground(np.ones((120, 160), np.float32), CAMERA, MOUNT, min_height=3.0)
