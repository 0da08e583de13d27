# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Clouds of several views: rendered worlds and real sets, checked against their own depth."""

import itertools

import numpy as np
import pytest

from depth_ros.geometry.fusion import (
    PosedDepth,
    depth_of_points,
    disagreement,
    fused_cloud,
)
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.lab.synthetic import make_scene, render, trajectory
from depth_ros.types import Camera, DepthError

CAMERA = Camera.pinhole(96, 72, 80.0)


@pytest.fixture(scope='module')
def drive():
    """Return views of a rendered room with their true depth and poses."""
    scene = make_scene('room', seed=3)
    poses = trajectory(scene, np.random.default_rng(0), 5, rate=4.0)
    views = []
    for pose in poses:
        seen = render(scene, CAMERA, pose, antialias=1)
        views.append(PosedDepth(seen.depth, CAMERA, pose, seen.image))
    return views


def relative(cloud_depth, depth):
    known = np.isfinite(cloud_depth) & np.isfinite(depth)
    assert known.mean() > 0.5
    return np.abs(cloud_depth[known] - depth[known]) / depth[known]


def test_one_view_comes_back_exactly(drive):
    view = drive[0]
    cloud = fused_cloud([view], edge_threshold=0)
    depth = depth_of_points(cloud.points, view.camera, view.pose)
    known = np.isfinite(view.depth)  # a window shows the sky
    np.testing.assert_allclose(depth, np.where(known, view.depth, np.nan), rtol=1e-5)
    np.testing.assert_array_equal(cloud.colors, view.image[known])


def test_a_cloud_of_true_depth_and_poses_agrees_with_every_view(drive):
    cloud = fused_cloud(drive)
    for view in drive:
        errors = relative(depth_of_points(cloud.points, view.camera, view.pose), view.depth)
        assert np.median(errors) < 0.005
        assert (errors < 0.05).mean() > 0.9
    assert np.median(disagreement(drive[0], drive[1])) < 0.005


def test_a_wrong_pose_does_not(drive):
    wrong = drive[1].pose.copy()
    wrong[:3, 3] += 0.5 * wrong[:3, 2]
    spoilt = PosedDepth(drive[1].depth, CAMERA, wrong, drive[1].image)
    assert np.median(disagreement(drive[0], spoilt)) > 0.05


@pytest.mark.parametrize(
    ('name', 'bound'), [('posed_7scenes', 0.012), ('posed_rgbd_slambook', 0.028)]
)
def test_real_depth_and_poses_agree_as_stated(real_data, name, bound):
    """The sets state medians of |dz| / z from 0.4 to 1.2 % and from 1.0 to 2.8 %."""
    frames = [source.load() for source in open_dataset(real_data(name)).sources]
    views = [
        PosedDepth(frame.depth, frame.camera, frame.pose, frame.image)
        for frame in frames
        if frame.pose is not None
    ]
    assert len(views) >= 4
    for first, second in itertools.pairwise(views):
        assert np.median(disagreement(first, second)) < 1.1 * bound
    cloud = fused_cloud(views)
    for index, view in enumerate(views):
        others = cloud.points[cloud.views != index]
        errors = relative_where_seen(depth_of_points(others, view.camera, view.pose), view.depth)
        assert np.median(errors) < 1.5 * bound
        whole = depth_of_points(cloud.points, view.camera, view.pose)
        assert np.median(relative_where_seen(whole, view.depth)) < 1.5 * bound


def relative_where_seen(cloud_depth, depth):
    known = np.isfinite(cloud_depth) & np.isfinite(depth)
    assert known.any()
    return np.abs(cloud_depth[known] - depth[known]) / depth[known]


def test_sky_and_unknown_pixels_give_no_points():
    depth = np.full((72, 96), 2.0, np.float32)
    depth[:10], depth[10:20], depth[20:30] = np.inf, np.nan, -np.inf
    cloud = fused_cloud([PosedDepth(depth, CAMERA, np.eye(4))])
    assert len(cloud.points) == 42 * 96
    np.testing.assert_allclose(cloud.points[:, 2], 2.0)


def test_the_least_confident_share_of_all_views_is_left_out():
    depth = np.full((72, 96), 2.0, np.float32)
    ramp = np.linspace(0, 1, depth.size, dtype=np.float32).reshape(depth.shape)
    low = PosedDepth(depth, CAMERA, np.eye(4), confidence=ramp / 2)
    high = PosedDepth(depth, CAMERA, np.eye(4), confidence=0.5 + ramp / 2)
    cloud = fused_cloud([low, high], doubtful=0.5)
    assert (cloud.views == 1).mean() > 0.999
    assert len(cloud.points) == pytest.approx(depth.size, rel=1e-3)
    sure = fused_cloud([low, high], doubtful=0.75)
    assert len(sure.points) == pytest.approx(depth.size / 2, rel=1e-3)


def test_at_most_so_many_points_the_same_every_time(drive):
    clouds = [fused_cloud(drive, most=500) for _ in range(2)]
    assert len(clouds[0].points) == 500
    np.testing.assert_array_equal(clouds[0].points, clouds[1].points)
    assert set(clouds[0].views) == {0, 1, 2, 3, 4}


def test_nothing_makes_an_empty_cloud():
    assert fused_cloud([]).points.shape == (0, 3)


def test_what_does_not_fit_is_an_error(drive):
    with pytest.raises(DepthError, match='doubtful share is 1'):
        fused_cloud(drive, doubtful=1.0)
    small = PosedDepth(drive[0].depth, CAMERA, np.eye(4), drive[0].image[::2])
    with pytest.raises(DepthError, match='resize the image'):
        fused_cloud([small])
