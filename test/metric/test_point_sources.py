# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth images, clouds, scans, beams and stereo matches as metres for a relative prediction."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from relative_maps import abs_rel, relative, scale_error

from depth_ros.geometry.epipolar import rotation_of
from depth_ros.lab.synthetic import (
    Renderer,
    body_pose,
    laser_scan,
    lidar,
    make_scene,
    plane_scene,
)
from depth_ros.metric.fit import FitError, apply_fit, relative_deviation
from depth_ros.metric.source import (
    Points,
    checked_transform,
    fit_points,
    fit_source,
    range_weights,
    surest,
)
from depth_ros.metric.sources.cloud import Cloud, CloudOptions, CloudSource, cloud_points
from depth_ros.metric.sources.depth import DepthOptions, DepthSource, depth_points
from depth_ros.metric.sources.range_beam import Beam, BeamSource, beam_points
from depth_ros.metric.sources.scan import Scan, ScanSource, scan_cloud
from depth_ros.metric.sources.stereo import StereoOptions, refine_with_stereo, stereo_points
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

CAMERA = Camera.pinhole(160, 120, 125.0)
INVERSE, FACTOR = DepthKind.AFFINE_INVERSE, DepthKind.SCALE_INVARIANT
KINDS = (INVERSE, FACTOR)
# From a body frame (x forward, y left, z up) to an optical one.
OPTICAL = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], np.float64)


@functools.cache
def rendered(kind='warehouse', seed=1):
    scene = make_scene(kind, seed)
    return scene, Renderer(scene).render(CAMERA)


def prediction(depth, kind=INVERSE, seed=0, **options):
    values, _ = relative(depth, np.random.default_rng(seed), kind, **options)
    return Prediction(kind, values, CAMERA, 'test')


def sweep(scene, view, up=0.15, back=0.1):
    """Return a LiDAR's points beside the camera, and the transform into its optical frame."""
    pose = body_pose(view.pose)
    pose[:3, 3] += up * pose[:3, 2] - back * pose[:3, 0]
    points = lidar(scene, pose, channels=16, columns=900, noise=0.01).points
    return Cloud(points, np.linalg.inv(view.pose) @ pose)


def made(source, reading, predicted):
    return apply_fit(fit_source(source, reading, predicted), predicted.values)


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
@pytest.mark.parametrize('part', [1, 4])
def test_a_depth_image_of_any_resolution_gives_its_metres(kind, part):
    _, view = rendered()
    depth = view.depth[part // 2 :: part, part // 2 :: part]
    predicted = prediction(view.depth, kind, noise=0.01)
    assert abs(scale_error(made(DepthSource(), depth, predicted), view.depth)) < 0.01


def test_depth_pixels_land_on_the_area_they_cover():
    points = depth_points(np.full((2, 4), 3.0, np.float32), 40, 20)
    np.testing.assert_allclose(np.unique(points.rows), [4.5, 14.5])
    np.testing.assert_allclose(np.unique(points.columns), [4.5, 14.5, 24.5, 34.5])


def test_depth_beyond_the_range_and_on_edges_is_left_out():
    depth = np.full((10, 10), 2.0, np.float32)
    depth[:, 5:] = 4.0
    depth[0, 0] = np.nan
    points = depth_points(depth, 10, 10, DepthOptions(edge=0.1))
    assert not set(points.columns.tolist()) & {4.0, 5.0}
    assert len(depth_points(depth, 10, 10, DepthOptions(edge=0))) == 99
    assert depth_points(depth, 10, 10, DepthOptions(max_range=3.0)).metres.max() == 2.0
    assert depth_points(depth, 10, 10, DepthOptions(min_range=3.0)).metres.min() == 4.0


def test_an_empty_depth_image_is_refused():
    _, view = rendered()
    with pytest.raises(FitError, match='0 of 0 points'):
        fit_source(DepthSource(), np.full((12, 16), np.nan, np.float32), prediction(view.depth))


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
@pytest.mark.parametrize('world', ['warehouse', 'corridor', 'home'])
def test_a_lidar_gives_its_metres(kind, world):
    scene, view = rendered(world)
    predicted = prediction(view.depth, kind, noise=0.01, blur=0.7)
    depth = made(CloudSource(), sweep(scene, view), predicted)
    assert abs(scale_error(depth, view.depth)) < 0.03


def test_a_point_lands_where_it_is_seen():
    extrinsic = OPTICAL.copy()
    extrinsic[:3, 3] = (0.1, -0.2, 0.05)
    cloud = Cloud(np.array([[2.0, 0.5, -0.25]]), extrinsic)
    points = cloud_points(cloud, CAMERA)
    x, y, z = -0.5 + 0.1, 0.25 - 0.2, 2.0 + 0.05
    assert points.columns[0] == pytest.approx(125 * x / z + 79.5)
    assert points.rows[0] == pytest.approx(125 * y / z + 59.5)
    assert points.metres[0] == pytest.approx(z)


def test_points_behind_or_beside_the_camera_are_no_points():
    cloud = Cloud(
        np.array([[-2.0, 0, 0], [0, 3.0, 0], [0, 0, 0], [np.nan] * 3, [np.inf, 0, 0]]), OPTICAL
    )
    assert len(cloud_points(cloud, CAMERA)) == 0
    _, view = rendered()
    with pytest.raises(FitError, match='0 of 0 points'):
        fit_source(CloudSource(), cloud, prediction(view.depth))


def test_what_the_camera_cannot_see_is_dropped_and_slanted_ground_is_kept():
    """A wall at 6 m behind a board at 2 m, both seen by a LiDAR above the camera."""
    y, z = np.meshgrid(np.linspace(-2, 2, 120), np.linspace(-1, 1, 60))
    wall = np.stack([np.full(y.size, 6.0), y.ravel() * 2, z.ravel() * 2], 1)
    board = np.stack([np.full(y.size, 2.0), y.ravel() * 0.2, z.ravel() * 0.3], 1)
    points = cloud_points(
        Cloud(np.concatenate([wall, board]), OPTICAL), CAMERA, CloudOptions(max_points=10**6)
    )
    inside = (np.abs(points.columns - 79.5) < 20) & (np.abs(points.rows - 59.5) < 14)
    assert (points.metres[inside] < 3).all()
    assert (points.metres > 5).sum() > 2000
    # The floor has nearer points below each of its points, and none above.
    x, y = np.meshgrid(np.geomspace(1.5, 12, 80), np.linspace(-3, 3, 120))
    floor = np.stack([x.ravel(), y.ravel(), np.full(x.size, -0.5)], 1)
    everything = CloudOptions(max_points=10**6, occlusion=0)
    kept = cloud_points(Cloud(floor, OPTICAL), CAMERA, CloudOptions(max_points=10**6))
    assert len(kept) > 0.9 * len(cloud_points(Cloud(floor, OPTICAL), CAMERA, everything))


@pytest.mark.parametrize(
    ('matrix', 'message'),
    [
        (np.eye(3), 'expected a finite 4x4'),
        (np.full((4, 4), np.nan), 'expected a finite 4x4'),
        (np.diag([2.0, 2.0, 2.0, 1.0]), 'not a rigid transform'),
        (np.diag([-1.0, 1.0, 1.0, 1.0]), 'mirrors'),
    ],
)
def test_an_extrinsic_that_is_none_is_refused(matrix, message):
    with pytest.raises(DepthError, match=message):
        checked_transform(matrix, 'sensor_to_camera')


@pytest.mark.parametrize('turn', [(0, 0, math.pi / 2), (math.pi / 6, 0, 0), (0, math.pi, 0)])
def test_a_wrong_extrinsic_is_refused(turn):
    scene, view = rendered('room', 0)
    cloud = sweep(scene, view)
    wrong = np.eye(4)
    wrong[:3, :3] = rotation_of(turn)
    with pytest.raises(FitError):
        fit_source(
            CloudSource(),
            Cloud(cloud.points, wrong @ cloud.sensor_to_camera),
            prediction(view.depth, noise=0.01),
        )


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
def test_a_laser_scan_gives_its_metres(kind):
    scene, view = rendered('corridor')
    pose = body_pose(view.pose)
    pose[:3, 3] -= 0.05 * pose[:3, 2]
    ranges = laser_scan(scene, pose, -1.0, 1.0, 400)
    scan = Scan(ranges, -1.0, 2.0 / 399, np.linalg.inv(view.pose) @ pose, 0.05, 30.0)
    depth = made(ScanSource(), scan, prediction(view.depth, kind, noise=0.005))
    assert abs(scale_error(depth, view.depth)) < 0.05


def test_a_scan_turns_counter_clockwise_from_its_first_angle():
    ranges = np.array([1.0, np.inf, 2.0, np.nan, 0.0, 3.0, 50.0])
    cloud = scan_cloud(Scan(ranges, 0.0, math.pi / 4, OPTICAL, 0.1, 30.0))
    expected = [
        [1, 0, 0],
        [0, 2, 0],
        [3 * math.cos(5 * math.pi / 4), 3 * math.sin(5 * math.pi / 4), 0],
    ]
    np.testing.assert_allclose(cloud.points, expected, atol=1e-12)


@pytest.mark.parametrize('cone', [0.0, 0.2])
def test_one_beam_fixes_the_scale_of_what_it_hits(cone):
    scene = plane_scene((0.2, 0.0, 1.0), 3.0)
    view = Renderer(scene).render(CAMERA)
    predicted = prediction(view.depth, FACTOR)
    # The beam leaves the camera itself, straight ahead.
    centre = float(view.depth[59:61, 79:81].mean())
    nearest = float(np.linalg.norm(np.array([0.2, 0, 1]) / np.hypot(0.2, 1) * 3.0))
    seen = centre if not cone else max(nearest, 3.0)
    fit = fit_source(BeamSource(), Beam(seen, cone, OPTICAL), predicted)
    depth = apply_fit(fit, predicted.values)
    assert abs(scale_error(depth, view.depth)) < (0.005 if not cone else 0.04)


def test_one_beam_leaves_the_shift_of_inverse_depth_open_and_says_so():
    _, view = rendered()
    predicted = prediction(view.depth + 1.0)
    fit = fit_source(BeamSource(), Beam(2.0, 0.0, OPTICAL), predicted)
    assert fit.scale_only
    value = float(predicted.values[59:61, 79:81].mean())
    assert relative_deviation(fit, value) < 0.1
    assert fit.uncertainty > 0.1


@pytest.mark.parametrize('metres', [np.nan, np.inf, 0.0, -1.0, 1e3])
def test_a_beam_that_hits_nothing_is_refused(metres):
    _, view = rendered()
    with pytest.raises(FitError, match='nothing is in reach'):
        fit_source(BeamSource(), Beam(metres, 0.0, OPTICAL), prediction(view.depth))


def test_a_beam_beside_the_image_is_refused():
    _, view = rendered()
    aside = OPTICAL.copy()
    aside[:3, :3] = rotation_of((0, 1.5, 0)) @ aside[:3, :3]
    with pytest.raises(DepthError, match='outside of the image'):
        beam_points(Beam(2.0, 0.0, aside), prediction(view.depth))


def match_of(depth, baseline=0.1, holes=0.3, noise=0.2, seed=0):
    """Return a stereo match with noise, holes and a few wrong blocks of low confidence."""
    rng = np.random.default_rng(seed)
    disparity = CAMERA.fx * baseline / depth + rng.normal(0, noise, depth.shape)
    confidence = np.full(depth.shape, 0.9, np.float32)
    disparity[30:50, 20:60] += 6
    confidence[30:50, 20:60] = 0.3
    disparity[rng.random(depth.shape) < holes] = np.nan
    disparity[:, :16] = np.nan
    values = np.where(disparity > 0, disparity, np.nan).astype(np.float32)
    return Prediction(
        DepthKind.DISPARITY, values, CAMERA, 'match', confidence, baseline, CAMERA.fx
    )


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.value)
def test_confident_matches_give_metres_to_a_mono_prediction(kind):
    _, view = rendered('home')
    predicted = prediction(view.depth, kind, noise=0.01)
    points = stereo_points(match_of(view.depth, noise=0.05))
    depth = apply_fit(fit_points(points, predicted, StereoOptions().fit), predicted.values)
    assert abs(scale_error(depth, view.depth)) < 0.02


def test_a_refined_prediction_has_no_holes_and_is_closer_than_either():
    _, view = rendered('home')
    predicted = prediction(view.depth, bias=0.08)
    match = match_of(view.depth, baseline=0.3, noise=0.1)
    refined, fit, field = refine_with_stereo(predicted, match)
    assert refined.kind is DepthKind.METRIC
    assert np.isfinite(refined.values).all() == np.isfinite(view.depth).all()
    plain = abs_rel(apply_fit(fit, predicted.values), view.depth)
    assert abs_rel(refined.values, view.depth) < 0.8 * plain
    assert not field.is_zero


def test_a_match_without_a_baseline_is_refused():
    _, view = rendered()
    match = match_of(view.depth, baseline=0.1)
    lost = Prediction(DepthKind.DISPARITY, match.values, CAMERA, confidence=match.confidence)
    with pytest.raises(DepthError, match='baseline'):
        stereo_points(lost)


def test_the_surest_fit_is_the_one_of_the_smallest_uncertainty():
    scene, view = rendered('corridor')
    predicted = prediction(view.depth, noise=0.02)
    fits = {
        'depth': fit_source(DepthSource(), view.depth[::8, ::8], predicted),
        'cloud': fit_source(CloudSource(), sweep(scene, view), predicted),
        'range': fit_source(BeamSource(), Beam(2.0, 0.0, OPTICAL), predicted),
    }
    name, fit = surest(fits)
    assert name in ('depth', 'cloud')
    assert fit.uncertainty == min(f.uncertainty for f in fits.values())
    with pytest.raises(FitError, match='no source'):
        surest({})


def test_weights_fall_with_noise():
    weights = range_weights(np.array([1.0, 5.0, 20.0]), 0.01, 0.01)
    assert (np.diff(weights) < 0).all()
    assert (weights > 0).all()


def test_thinning_keeps_points_together():
    points = Points(*(np.arange(100.0) + 100 * k for k in range(4)))
    few = points.thinned(10)
    assert len(few) == 10
    np.testing.assert_array_equal(few.metres - few.rows, 200)
    assert len(points.thinned(1000)) == 100
    with pytest.raises(DepthError, match='four vectors'):
        Points(np.zeros(3), np.zeros(3), np.zeros(2), np.zeros(3))
