# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth over time: still where the scene is, as new where it is not."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest
from relative_maps import abs_rel

from depth_ros.lab.eval.boundary import boundary_f1
from depth_ros.lab.synthetic import Renderer, make_scene, trajectory
from depth_ros.metric.temporal import TemporalFilter, TemporalOptions
from depth_ros.types import Camera, DepthError, Distortion

CAMERA = Camera.pinhole(160, 120, 125.0)


@functools.cache
def drive(count=8):
    scene = make_scene('corridor', 1)
    renderer = Renderer(scene)
    poses = trajectory(scene, np.random.default_rng(1), count)
    return [renderer.render(CAMERA, pose) for pose in poses]


def noisy(depth, rng, white=0.02, slow=0.02):
    field = rng.normal(0, slow, (9, 12))
    field = cv2.resize(field, depth.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return (depth * np.exp(field + rng.normal(0, white, depth.shape))).astype(np.float32)


def change(one, other):
    good = np.isfinite(one) & np.isfinite(other)
    return float(np.mean(np.abs(np.log(one[good] / other[good]))))


@pytest.mark.parametrize('mode', ['pose', 'flow', 'still'])
def test_a_standing_scene_stands_still(mode):
    view = drive()[0]
    rng = np.random.default_rng(0)
    filter_ = TemporalFilter()
    before, after, errors = [], [], []
    last = None
    for index in range(14):
        depth = noisy(view.depth, rng)
        made = filter_.step(depth, CAMERA, view.image, view.pose, mode=mode)
        if last is not None and index > 7:
            before.append(change(depth, last[0]))
            after.append(change(made, last[1]))
            errors.append((abs_rel(depth, view.depth), abs_rel(made, view.depth)))
        last = depth, made
    assert np.mean(before) > 4 * np.mean(after)
    raw, filtered = np.mean(errors, axis=0)
    assert filtered < 0.6 * raw


@pytest.mark.parametrize('mode', ['pose', 'flow'])
def test_a_moving_camera_gains_and_smears_no_edge(mode):
    rng = np.random.default_rng(0)
    filter_ = TemporalFilter()
    rows = []
    for index, view in enumerate(drive()):
        depth = noisy(view.depth, rng)
        made = filter_.step(depth, CAMERA, view.image, view.pose, mode=mode)
        if index > 3:
            truth = view.depth
            rows.append((abs_rel(depth, truth), abs_rel(made, truth), boundary_f1(depth, truth),
                         boundary_f1(made, truth)))  # fmt: skip
    raw, filtered, edges, kept = np.mean(rows, axis=0)
    assert filtered < (0.7 if mode == 'pose' else 1.0) * raw
    assert kept > edges - 0.01


def test_exact_depth_and_poses_stay_exact():
    filter_ = TemporalFilter()
    for view in drive():
        made = filter_.step(view.depth, CAMERA, view.image, view.pose)
    # Half a pixel of sampling on slanted surfaces is all that is left.
    assert abs_rel(made, view.depth) < 2e-3


def test_what_comes_nearer_is_taken_at_once():
    view = drive()[0]
    filter_ = TemporalFilter()
    for _ in range(6):
        filter_.step(view.depth, CAMERA, pose=view.pose)
    nearer = view.depth.copy()
    nearer[40:80, 60:100] = 0.5 * view.depth[40:80, 60:100]
    made = filter_.step(nearer, CAMERA, pose=view.pose)
    np.testing.assert_allclose(made[45:75, 65:95], nearer[45:75, 65:95], rtol=1e-3)
    back = filter_.step(view.depth, CAMERA, pose=view.pose)
    np.testing.assert_allclose(back[45:75, 65:95], view.depth[45:75, 65:95], rtol=1e-3)


def test_what_approaches_slowly_does_not_lag_for_long():
    rng = np.random.default_rng(0)
    filter_ = TemporalFilter()
    pose = np.eye(4)
    for index in range(40):
        true = np.full((120, 160), 4.0 * 0.98**index, np.float32)
        made = filter_.step(noisy(true, rng, 0.01, 0.0), CAMERA, pose=pose)
    assert abs(float(np.median(made / true)) - 1) < 0.03


def test_an_image_that_changed_outweighs_depth_that_did_not():
    """The same depth with another look: another thing, whose depth is not averaged."""
    rng = np.random.default_rng(0)
    depth = np.full((120, 160), 2.0, np.float32)
    dark, light = np.full((120, 160), 40, np.uint8), np.full((120, 160), 40, np.uint8)
    light[:, 80:] = 200
    filter_ = TemporalFilter()
    for _ in range(8):
        filter_.step(noisy(depth, rng, 0.01, 0), CAMERA, dark, np.eye(4))
    last = noisy(depth, rng, 0.01, 0)
    made = filter_.step(last, CAMERA, light, np.eye(4))
    assert np.std(made[:, :76]) < 0.6 * np.std(last[:, :76])
    np.testing.assert_allclose(made[:, 84:], last[:, 84:], rtol=1e-5)


def test_confident_depth_counts_more():
    filter_ = TemporalFilter(TemporalOptions(tolerance=0.2))
    sure = np.ones((120, 160), np.float32)
    two, more = np.full((120, 160), 2.0, np.float32), np.full((120, 160), 2.06, np.float32)
    filter_.step(two, CAMERA, pose=np.eye(4), confidence=sure)
    trusting = filter_.step(more, CAMERA, pose=np.eye(4), confidence=sure)
    filter_.reset()
    filter_.step(two, CAMERA, pose=np.eye(4), confidence=sure)
    doubting = filter_.step(more, CAMERA, pose=np.eye(4), confidence=0.1 * sure)
    assert 2.0 < np.median(doubting) < np.median(trusting) < 2.06


def test_what_is_no_depth_stays_what_it_is():
    view = drive()[0]
    filter_ = TemporalFilter()
    filter_.step(view.depth, CAMERA, pose=view.pose)
    depth = view.depth.copy()
    depth[0, :4] = (np.nan, np.inf, -np.inf, 0.0)
    made = filter_.step(depth, CAMERA, pose=view.pose)
    np.testing.assert_array_equal(made[0, :4], depth[0, :4])
    again = filter_.step(view.depth, CAMERA, pose=view.pose)
    np.testing.assert_allclose(again[0, :4], view.depth[0, :4], rtol=1e-6)


def test_the_first_frame_and_no_memory_change_nothing():
    rng = np.random.default_rng(0)
    view = drive()[0]
    for options in (TemporalOptions(), TemporalOptions(memory=0)):
        filter_ = TemporalFilter(options)
        depth = noisy(view.depth, rng)
        np.testing.assert_array_equal(filter_.step(depth, CAMERA, pose=view.pose), depth)
        if options.memory == 0:
            other = noisy(view.depth, rng)
            np.testing.assert_array_equal(filter_.step(other, CAMERA, pose=view.pose), other)


def test_the_depth_given_is_left_alone_and_so_is_what_was_returned():
    rng = np.random.default_rng(0)
    view = drive()[0]
    filter_ = TemporalFilter()
    first, second = noisy(view.depth, rng), noisy(view.depth, rng)
    copies = first.copy(), second.copy()
    made = filter_.step(first, CAMERA, pose=view.pose)
    made[:] = 0
    after = filter_.step(second, CAMERA, pose=view.pose)
    np.testing.assert_array_equal(first, copies[0])
    np.testing.assert_array_equal(second, copies[1])
    assert abs_rel(after, view.depth) < abs_rel(second, view.depth)


def test_a_distorted_camera_is_warped_through_its_lens():
    camera = Camera(
        160, 120, CAMERA.K, np.array([-0.2, 0.05, 0.0, 0.0, 0.0]), Distortion.PLUMB_BOB
    )
    scene = make_scene('corridor', 1)
    renderer = Renderer(scene)
    rng = np.random.default_rng(0)
    filter_ = TemporalFilter()
    for pose in trajectory(scene, np.random.default_rng(1), 6):
        view = renderer.render(camera, pose)
        depth = noisy(view.depth, rng)
        made = filter_.step(depth, camera, view.image, pose)
    assert abs_rel(made, view.depth) < 0.7 * abs_rel(depth, view.depth)


def test_another_camera_begins_anew():
    view = drive()[0]
    filter_ = TemporalFilter()
    filter_.step(view.depth, CAMERA, pose=view.pose)
    depth = 1.01 * view.depth
    other = Camera.pinhole(160, 120, 126.0)
    np.testing.assert_array_equal(filter_.step(depth, other, pose=view.pose), depth)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({}, 'no pose came'),
        ({'pose': np.zeros((4, 4))}, 'not a rigid transform'),
        ({'mode': 'flow'}, 'no image came'),
        ({'mode': 'magic'}, 'expected one of pose, flow, still'),
    ],
)
def test_what_a_mode_needs_must_be_there(arguments, message):
    with pytest.raises(DepthError, match=message):
        TemporalFilter().step(drive()[0].depth, CAMERA, **arguments)


def test_sizes_and_options_are_checked():
    with pytest.raises(DepthError, match='resize the camera'):
        TemporalFilter().step(np.ones((3, 3), np.float32), CAMERA, pose=np.eye(4))
    with pytest.raises(DepthError, match='memory is'):
        TemporalOptions(memory=-1)
