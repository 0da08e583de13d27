# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The camera's own motion as a source of metres."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from relative_maps import relative, scale_error

from depth_ros.geometry.channels import as_grey
from depth_ros.geometry.epipolar import rotation_of
from depth_ros.lab.synthetic import Renderer, make_scene
from depth_ros.metric.fit import FitError, apply_fit
from depth_ros.metric.source import fit_source
from depth_ros.metric.sources.motion import MotionOptions, MotionSource, Sight
from depth_ros.metric.tracks import TrackOptions, describe, find_corners, follow, match
from depth_ros.types import Camera, DepthError, DepthKind, Prediction

CAMERA = Camera.pinhole(320, 240, 250.0)
STEP = 0.06  # metres to the right between frames
COUNT = 5
KIND = DepthKind.SCALE_INVARIANT


@functools.cache
def drive(turn=0.01):
    """Return images, depths and poses of a camera that moves to the right and turns a little."""
    scene = make_scene('home', 1)
    renderer = Renderer(scene)
    views = []
    for index in range(COUNT):
        pose = scene.start.copy()
        pose[:3, 3] += pose[:3, 0] * STEP * index
        pose[:3, :3] = pose[:3, :3] @ rotation_of((0, turn * index, 0))
        views.append(renderer.render(CAMERA, pose))
    return views


def predicted(depth, seed=0):
    values, _ = relative(depth, np.random.default_rng(seed), KIND, noise=0.01)
    return Prediction(KIND, values, CAMERA, 'test')


def errors(source, poses=None, stamps=None, views=None):
    """Return the scale error of every frame, None where it was refused."""
    views = views or drive()
    result = []
    for index, view in enumerate(views):
        pose = view.pose if poses is None else poses[index]
        stamp = index * 0.1 if stamps is None else stamps[index]
        prediction = predicted(view.depth)
        try:
            fit = fit_source(source, Sight(view.image, pose, stamp), prediction)
            result.append(scale_error(apply_fit(fit, prediction.values), view.depth))
        except FitError:
            result.append(None)
    return result


def test_metres_come_from_odometry():
    found = errors(MotionSource())
    assert found[0] is None  # one view shows no motion
    assert all(e is not None and abs(e) < 0.03 for e in found[2:])


def test_odometry_twice_as_long_gives_twice_the_depth():
    poses = [v.pose.copy() for v in drive()]
    for pose in poses:
        pose[:3, 3] *= 2
    found = errors(MotionSource(), poses)
    assert all(e == pytest.approx(1.0, abs=0.06) for e in found[2:])


def test_images_correct_a_mounting_that_is_off_by_a_degree():
    off = rotation_of(np.radians((0.7, 0.7, 0)))
    poses = [v.pose.copy() for v in drive()]
    for pose in poses:
        pose[:3, :3] = pose[:3, :3] @ off
    found = [e for e in errors(MotionSource(), poses) if e is not None]
    assert len(found) >= 3
    assert np.median(np.abs(found)) < 0.05


def test_a_camera_that_stands_still_shows_no_metres():
    views = [drive()[0]] * 4
    assert errors(MotionSource(), views=views) == [None] * 4


def test_a_turn_on_the_spot_shows_no_metres():
    scene = make_scene('home', 1)
    renderer = Renderer(scene)
    views = []
    for index in range(4):
        pose = scene.start.copy()
        pose[:3, :3] = pose[:3, :3] @ rotation_of((0, 0.02 * index, 0))
        views.append(renderer.render(CAMERA, pose))
    assert errors(MotionSource(), views=views) == [None] * 4


def test_odometry_that_moves_another_way_than_the_images_is_refused():
    views = drive()
    poses = []
    for index, view in enumerate(views):
        pose = view.pose.copy()
        pose[:3, 3] = views[0].pose[:3, 3] + view.pose[:3, 1] * STEP * index  # down, not right
        poses.append(pose)
    assert errors(MotionSource(), poses) == [None] * COUNT


def test_odometry_that_jumps_gives_no_wrong_metres():
    """A jump along the direction of motion: images cannot see it, keyframes disagree about it."""
    options = MotionOptions(keyframe_parallax=3.0)
    views = drive()
    poses = [v.pose.copy() for v in views]
    for pose in poses[3:]:
        pose[:3, 3] += pose[:3, 0] * 0.5
    found = errors(MotionSource(options), poses)
    assert found[2] is not None
    assert all(e is None or abs(e) < 0.1 for e in found)


def test_a_jump_that_no_robot_can_make_begins_anew():
    source = MotionSource(MotionOptions(max_speed=2.0))
    poses = [v.pose.copy() for v in drive()]
    poses[3][:3, 3] += 5.0
    for index, view in enumerate(drive()[:4]):
        source.observe(Sight(view.image, poses[index], index * 0.1), CAMERA)
    assert len(source.keyframes) == 1


def test_images_out_of_order_are_dropped():
    source = MotionSource()
    views = drive()
    assert source.observe(Sight(views[0].image, views[0].pose, 1.0), CAMERA)
    assert not source.observe(Sight(views[1].image, views[1].pose, 0.5), CAMERA)
    assert not source.observe(Sight(views[1].image, views[1].pose, 1.0), CAMERA)
    with pytest.raises(DepthError, match='came after a later one'):
        source.measure(Sight(views[1].image, views[1].pose, 0.9), predicted(views[1].depth))
    found = errors(MotionSource(), stamps=[0.0, 0.1, 0.05, 0.2, 0.3])
    assert found[2] is None
    assert all(e is None or abs(e) < 0.05 for e in found)


def test_a_gap_in_time_begins_anew():
    source = MotionSource()
    views = drive()
    source.observe(Sight(views[0].image, views[0].pose, 0.0), CAMERA)
    source.observe(Sight(views[1].image, views[1].pose, 100.0), CAMERA)
    assert len(source.keyframes) == 1


def test_what_moves_by_itself_is_no_point():
    """A patch that moves up while the camera moves right."""
    views = drive()
    source = MotionSource()
    rng = np.random.default_rng(0)
    patch = rng.integers(0, 255, (60, 80, 3)).astype(np.uint8)
    for index, view in enumerate(views):
        image = view.image.copy()
        top = 150 - 6 * index
        image[top : top + 60, 120:200] = patch
        source.observe(Sight(image, view.pose, index * 0.1), CAMERA)
    points = source.points()
    inside = (points.rows > top + 3) & (points.rows < top + 57)
    inside &= (points.columns > 123) & (points.columns < 197)
    followed = source.places
    assert np.count_nonzero((followed[:, 0] > 123) & (followed[:, 0] < 197)) > 15
    assert np.count_nonzero(inside) <= 0.05 * len(points)


@pytest.mark.parametrize('pose', [np.full((4, 4), np.nan), np.eye(3), np.zeros((4, 4))])
def test_a_pose_that_is_none_is_refused(pose):
    view = drive()[0]
    with pytest.raises(DepthError, match='the pose'):
        MotionSource().observe(Sight(view.image, pose, 0.0), CAMERA)


def test_points_before_an_image_are_refused():
    with pytest.raises(DepthError, match='no image was observed'):
        MotionSource().points()


def test_another_camera_begins_anew():
    source = MotionSource()
    view = drive()[0]
    source.observe(Sight(view.image, view.pose, 0.0), CAMERA)
    source.observe(Sight(view.image, view.pose, 0.1), Camera.pinhole(320, 240, 260.0))
    assert len(source.keyframes) == 1
    with pytest.raises(DepthError, match='matching camera_info'):
        source.observe(Sight(view.image, view.pose, 0.2), Camera.pinhole(32, 24, 26.0))


def test_followed_corners_end_where_the_image_moved():
    image = as_grey(drive()[0].image)
    options = TrackOptions(corners=120)
    corners = find_corners(image, options)
    assert len(corners) > 60
    moved = np.roll(image, (3, -5), (0, 1))
    places, found = follow(image, moved, corners, None, options)
    inner = found & (np.abs(corners - (160, 120)) < (130, 90)).all(axis=1)
    assert np.count_nonzero(inner) > 40
    error = places[inner] - corners[inner] - (-5, 3)
    assert np.median(np.abs(error)) < 0.02
    # New corners keep away from those that are followed.
    more = find_corners(image, TrackOptions(corners=200), corners)
    distance = np.linalg.norm(more[:, None] - corners[None], axis=2)
    assert not len(more) or distance.min() > 0.7 * options.spacing


def test_a_corner_that_vanishes_is_not_found():
    image = as_grey(drive()[0].image)
    options = TrackOptions(corners=120)
    corners = find_corners(image, options)
    noise = np.random.default_rng(0).integers(0, 255, image.shape).astype(np.uint8)
    _, found = follow(image, noise, corners, None, options)
    assert found.mean() < 0.1


def test_descriptors_match_across_a_wide_motion():
    views = drive()
    first, second = describe(as_grey(views[0].image)), describe(as_grey(views[-1].image))
    one, other = match(first[1], second[1])
    assert len(one) > 20
    shift = second[0][other] - first[0][one]
    assert np.median(np.abs(shift[:, 1])) < 3  # a motion to the right, with level lines
    none, _ = match(first[1], second[1], np.zeros((len(first[1]), len(second[1])), bool))
    assert len(none) == 0
