# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ground is found in the truth where it is seen; nothing else is taken for it."""

import numpy as np
import pytest

from depth_ros.lab.eval.ground import ground_in_truth
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.types import Camera, Ground

CAMERA = Camera.pinhole(80, 60, 70.0)


def rays():
    v, u = np.mgrid[:60, :80].astype(np.float64)
    return np.stack(
        [(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones((60, 80))], 2
    )


def floor(ground, farthest=12.0):
    """Return Z of the ground; a wall across the view where it is farther than that, or never."""
    slope = rays() @ ground.down
    with np.errstate(divide='ignore'):
        depth = np.where(slope > 0, ground.height / slope, np.inf)
    return np.minimum(depth, farthest).astype(np.float32)


@pytest.mark.parametrize('height', [0.15, 0.6, 1.65])
@pytest.mark.parametrize(('pitch', 'roll'), [(0.0, 0.0), (0.4, 0.1), (0.8, -0.3), (-0.1, 0.05)])
def test_the_floor_is_found_among_things_and_noise(height, pitch, roll):
    ground = Ground.below_mount(height, pitch, roll)
    depth = floor(ground, farthest=8 * height)
    depth[20:50, 10:30] *= 0.5  # something stands there
    random = np.random.default_rng(1)
    depth *= np.exp(random.normal(0, 0.005, depth.shape)).astype(np.float32)
    depth[random.random(depth.shape) < 0.2] = np.nan
    found = ground_in_truth(depth, CAMERA)
    assert found.height == pytest.approx(height, rel=0.04)
    assert found.down @ ground.down > np.cos(0.03)
    again = ground_in_truth(depth, CAMERA)
    np.testing.assert_array_equal(found.down, again.down)


def test_a_table_is_not_the_floor_below_it():
    """Most of what is seen is the table, and the floor beside it is the ground."""
    table, below = Ground.below_mount(0.5, 0.6), Ground.below_mount(1.2, 0.6)
    depth = floor(table)
    depth[:, 60:] = floor(below)[:, 60:]
    assert ground_in_truth(depth, CAMERA).height == pytest.approx(1.2, rel=0.02)


@pytest.mark.parametrize(
    'depth',
    [
        np.full((60, 80), 2.0, np.float32),  # a wall
        np.full((60, 80), np.nan, np.float32),
        np.full((60, 80), np.inf, np.float32),
        np.where(np.arange(80) == 3, np.float32(2), np.float32(np.nan)) * np.ones((60, 1)),
        np.random.default_rng(0).uniform(0.5, 9, (60, 80)).astype(np.float32),
        floor(Ground(np.array([0.0, -1.0, 0.0]), 1.0)),  # a ceiling
    ],
    ids=['wall', 'nothing', 'sky', 'line', 'noise', 'ceiling'],
)
def test_what_is_no_ground_is_not_taken_for_it(depth):
    assert ground_in_truth(depth, CAMERA) is None


def test_on_a_road_the_height_of_the_camera_is_found(real_data):
    """KITTI's cameras are mounted 1.65 m above the road."""
    frame = open_dataset(real_data('rgbd_kitti')).sources[0].load()
    found = ground_in_truth(frame.depth, frame.camera)
    assert found.height == pytest.approx(1.65, abs=0.2)
    assert found.down[1] > np.cos(0.06)
