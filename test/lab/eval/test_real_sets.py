# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Real sets: readers, scales and masks give the figures that the sets' notes state.

The notes give what OpenCV's matcher reaches on matched pixels: bad-2 in percent and EPE in
pixels. The model has its defaults but for the range of disparities and, on the small image of
cones, a smaller window and a wider prefilter (its defaults reach 4.3 % and 0.50 px there).
"""

import itertools

import numpy as np
import pytest

from depth_ros.geometry.unproject import depth_to_points
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.lab.eval.protocol import make_protocol
from depth_ros.lab.eval.runner import Contestant, evaluate
from depth_ros.models.registry import create_model

SMALL = {'disparity_range': 64, 'correlation_window_size': 3, 'prefilter_cap': 63}
# set, layout, options beside the defaults, bad-2, EPE
STATED = {
    'stereo_motorcycle': ('skimage', {'disparity_range': 128}, 5.8, 1.01),
    'stereo_eth3d_terrace': ('eth3d', {'disparity_range': 64}, 2.1, 0.43),
    'stereo_cones': ('middlebury-2006', SMALL, 3.9, 0.48),
    'stereo_cloth3': ('middlebury-2006', {'disparity_range': 128}, 1.2, 0.27),
    'stereo_aloe': ('opencv', {'disparity_range': 256}, 3.0, 1.35),
}


@pytest.mark.parametrize(
    ('name', 'layout', 'options', 'bad2', 'epe'),
    [(name, *row) for name, row in STATED.items()],
    ids=STATED,
)
def test_matcher_reaches_the_stated_figures(name, layout, options, bad2, epe, real_data):
    data = open_dataset(real_data(name))
    assert data.layout.name == layout
    report = evaluate(
        data,
        [Contestant('sgbm', lambda: create_model('sgbm', options), options)],
        make_protocol(data.layout.protocol),
    )
    model = report.models[0]
    assert model.failed == []
    assert model.mean('bad2') == pytest.approx(bad2, rel=0.1)
    assert model.mean('epe') == pytest.approx(epe, rel=0.1)
    assert model.coverage > 0.65


def load(folder):
    return [source.load() for source in open_dataset(folder).sources]


def test_motorcycle_has_both_principal_points(real_data):
    frame = load(real_data('stereo_motorcycle'))[0]
    assert np.isnan(frame.disparity).mean() == pytest.approx(0.073, abs=0.001)
    assert np.nanmin(frame.disparity) == pytest.approx(7.2, abs=0.05)
    assert frame.offset == pytest.approx(-31.086)
    nearest = 994.978 * 0.193001 / (np.nanmax(frame.disparity) + 31.086)
    assert np.nanmin(frame.depth) == pytest.approx(nearest, rel=1e-4)


def test_terrace_lies_between_the_stated_depths(real_data):
    frame = load(real_data('stereo_eth3d_terrace'))[0]
    assert np.isnan(frame.depth).mean() == pytest.approx(0.47, abs=0.01)
    assert np.nanmin(frame.depth) == pytest.approx(2.4, abs=0.1)
    assert np.nanmax(frame.depth) == pytest.approx(5.3, abs=0.1)


def test_kitti_truth_shows_a_road_at_camera_height(real_data):
    frame = load(real_data('rgbd_kitti'))[0]
    assert np.isfinite(frame.depth).mean() == pytest.approx(0.195, abs=0.002)
    points = depth_to_points(frame.depth, frame.camera).reshape(-1, 3)
    x, y, z = points[np.isfinite(points[:, 2])].T
    road = (np.abs(x) < 2.5) & (z > 6) & (z < 25) & (y > 1.2)
    height = np.linalg.lstsq(
        np.stack([np.ones(road.sum()), x[road], z[road]], 1), y[road], rcond=None
    )[0][0]
    assert height == pytest.approx(1.69, abs=0.08)


def test_lidar_sweep_lands_where_it_should(real_data):
    frame = load(real_data('lidar_kitti'))[0]
    known = frame.depth[np.isfinite(frame.depth)]
    assert known.size / frame.depth.size == pytest.approx(0.04, abs=0.002)
    assert known.min() == pytest.approx(4.8, abs=0.2)
    assert known.max() == pytest.approx(76.7, abs=0.5)


def test_kinect_frames_are_metres(real_data):
    frames = load(real_data('rgbd_nyu'))
    assert len(frames) == 2
    for frame in frames:
        assert 0.15 < np.isnan(frame.depth).mean() < 0.35
        assert 0.4 < np.nanmin(frame.depth) < np.nanmax(frame.depth) < 10.5


@pytest.mark.parametrize(
    ('name', 'limit'), [('posed_7scenes', 0.013), ('posed_rgbd_slambook', 0.03)]
)
def test_depth_of_one_frame_moved_by_the_poses_meets_the_next(name, limit, real_data):
    frames = load(real_data(name))
    for first, second in itertools.pairwise(frames):
        points = depth_to_points(first.depth, first.camera).reshape(-1, 3)
        points = points[np.isfinite(points[:, 2])].astype(np.float64)
        move = np.linalg.inv(second.pose) @ first.pose
        x, y, z = (points @ move[:3, :3].T + move[:3, 3]).T
        x, y, z = x[z > 0.1], y[z > 0.1], z[z > 0.1]
        camera = second.camera
        u = np.rint(camera.fx * x / z + camera.cx).astype(int)
        v = np.rint(camera.fy * y / z + camera.cy).astype(int)
        inside = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
        assert inside.mean() > 0.3
        seen = second.depth[v[inside], u[inside]]
        error = np.abs(seen - z[inside]) / z[inside]
        assert np.nanmedian(error) < limit


def test_sets_without_truth_are_refused(real_data):
    for name in ('stereo_chessboard', 'stereo_aloe_ros', 'stereo_kitti_odometry'):
        folder = real_data(name)
        with pytest.raises(ValueError, match='no data set with ground truth'):
            open_dataset(folder)
