# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The height of the camera as a source of metres."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from relative_maps import relative, scale_error

from depth_ros.geometry.distortion import ray_grid
from depth_ros.lab.synthetic import Renderer, camera_pose, make_scene
from depth_ros.metric.fit import FitError, apply_fit
from depth_ros.metric.ground_plane import PlaneOptions, find_ground
from depth_ros.metric.source import fit_source
from depth_ros.metric.sources.ground import GroundSource, Mount
from depth_ros.types import Camera, DepthError, DepthKind, Ground, Prediction

CAMERA = Camera.pinhole(160, 120, 125.0)
INVERSE, FACTOR = DepthKind.AFFINE_INVERSE, DepthKind.SCALE_INVARIANT


@functools.cache
def rendered(kind, seed, height=1.0, pitch=0.2, yaw=0.0):
    scene = make_scene(kind, seed)
    pose = scene.start.copy()
    if height:
        pose = camera_pose((*pose[:2, 3], height), yaw, pitch)
    return Renderer(scene).render(CAMERA, pose)


def predicted(depth, kind, seed=0, **options):
    values, _ = relative(depth, np.random.default_rng(seed), kind, **options)
    return Prediction(kind, values, CAMERA, 'test')


def floor(pitch, roll=0.0, height=1.2):
    """Return the exact depth of an endless floor; +Inf above the horizon."""
    rays = np.dstack([ray_grid(CAMERA), np.ones((120, 160))])
    facing = rays @ Ground.below_mount(height, pitch, roll).down
    return np.where(facing > 1e-6, height / np.maximum(facing, 1e-6), np.inf).astype(np.float32)


@pytest.mark.parametrize('kind', [INVERSE, FACTOR], ids=lambda k: k.value)
@pytest.mark.parametrize(('pitch', 'roll'), [(0.0, 0.0), (0.3, 0.0), (0.2, 0.06), (-0.05, -0.04)])
def test_an_endless_floor_gives_exact_metres(kind, pitch, roll):
    depth = floor(pitch, roll)
    prediction = predicted(depth, kind)
    fit = fit_source(GroundSource(), Mount(1.2, pitch, roll), prediction)
    near = np.isfinite(depth) & (depth < 15)
    np.testing.assert_allclose(apply_fit(fit, prediction.values)[near], depth[near], rtol=2e-3)


@pytest.mark.parametrize('pitch', [-0.05, 0.1, 0.4])
def test_depth_up_to_a_factor_shows_the_pitch(pitch):
    prediction = predicted(floor(pitch, 0.03), FACTOR)
    plane = find_ground(prediction.values, FACTOR, CAMERA)
    np.testing.assert_allclose(plane.down, Ground.below_mount(1.2, pitch, 0.03).down, atol=2e-3)


@pytest.mark.parametrize('kind', [INVERSE, FACTOR], ids=lambda k: k.value)
@pytest.mark.parametrize('world', ['corridor', 'warehouse', 'street'])
def test_the_floor_of_a_scene_gives_its_metres(kind, world):
    view = rendered(world, 1)
    prediction = predicted(view.depth, kind, noise=0.01, bias=0.02, blur=0.7)
    fit = fit_source(GroundSource(), Mount(1.0, 0.2, 0.0), prediction)
    assert abs(scale_error(apply_fit(fit, prediction.values), view.depth)) < 0.05


@pytest.mark.parametrize('kind', [INVERSE, FACTOR], ids=lambda k: k.value)
def test_twice_the_height_is_twice_the_depth(kind):
    view = rendered('corridor', 1)
    prediction = predicted(view.depth, kind, noise=0.01)
    one = fit_source(GroundSource(), Mount(1.0, 0.2, 0.0), prediction)
    two = fit_source(GroundSource(), Mount(2.0, 0.2, 0.0), prediction)
    ratio = apply_fit(two, prediction.values) / apply_fit(one, prediction.values)
    np.testing.assert_allclose(ratio[60:], 2, rtol=1e-3)


@pytest.mark.parametrize('kind', [INVERSE, FACTOR], ids=lambda k: k.value)
def test_without_a_floor_it_refuses(kind):
    depth = np.full((120, 160), 2.0, np.float32)  # a wall that fills the image
    rng = np.random.default_rng(0)
    depth *= np.exp(rng.normal(0, 0.005, depth.shape)).astype(np.float32)
    with pytest.raises(FitError, match='floor'):
        fit_source(GroundSource(), Mount(1.0, 0.0, 0.0), predicted(depth, kind))


def test_a_ceiling_is_no_floor():
    depth = floor(0.0)[::-1].copy()
    with pytest.raises(FitError):
        fit_source(GroundSource(), Mount(1.0, 0.0, 0.0), predicted(depth, FACTOR))


def test_a_table_with_a_floor_under_it_is_not_the_floor():
    table, under = floor(0.4, height=0.5), floor(0.4, height=1.2)
    depth = under.copy()
    depth[60:, 20:140] = table[60:, 20:140]
    prediction = predicted(depth, FACTOR)
    fit = fit_source(GroundSource(), Mount(1.2, 0.4, 0.0), prediction)
    assert abs(scale_error(apply_fit(fit, prediction.values), depth)) < 0.02


def test_inverse_depth_needs_the_pitch():
    with pytest.raises(FitError, match='pitch of the camera is not known'):
        fit_source(GroundSource(), Mount(1.0), predicted(floor(0.2), INVERSE))


@pytest.mark.parametrize('height', [0.0, -1.0, math.nan, math.inf])
def test_a_height_that_cannot_be_is_refused(height):
    with pytest.raises(FitError, match='set the height'):
        fit_source(GroundSource(), Mount(height, 0.0), predicted(floor(0.2), INVERSE))


def test_a_pitch_that_the_floor_contradicts_is_refused():
    with pytest.raises(FitError):
        fit_source(GroundSource(), Mount(1.2, -0.3, 0.0), predicted(floor(0.3), FACTOR))


def test_the_plane_stays_over_time():
    """Two surfaces of about one size: noise does not make it change between them."""
    high, low = floor(0.4, height=0.9), floor(0.4, height=1.2)
    heights = []
    source = GroundSource()
    for seed in range(8):
        depth = low.copy()
        depth[60:, :80] = high[60:, :80]
        prediction = predicted(depth, FACTOR, seed=seed, noise=0.01)
        fit = fit_source(source, Mount(1.2, 0.4, 0.0), prediction)
        metres = apply_fit(fit, prediction.values)
        heights.append(np.nanmedian(metres[90:, 90:] / low[90:, 90:]))
    assert np.ptp(heights) < 0.03


def test_an_attitude_is_smoothed_and_a_turn_is_followed():
    source = GroundSource()
    pitches = []
    for pitch in (0.20, 0.21, 0.45):
        fit_source(source, Mount(1.2), predicted(floor(pitch), FACTOR))
        pitches.append(math.asin(source.ground.down[2]))
    assert 0.2 < pitches[1] < 0.207
    assert pitches[2] == pytest.approx(0.45, abs=2e-3)
    source.reset()
    assert source.plane is None


def test_values_of_another_size_than_their_camera_are_refused():
    with pytest.raises(DepthError, match='resize the camera'):
        find_ground(np.ones((10, 10), np.float32), FACTOR, CAMERA)


def test_options_decide_how_much_floor_is_needed():
    prediction = predicted(rendered('warehouse', 1).depth, FACTOR)
    find_ground(prediction.values, FACTOR, CAMERA, 0.2, 0.0)
    with pytest.raises(DepthError, match='too little floor'):
        find_ground(prediction.values, FACTOR, CAMERA, 0.2, 0.0, PlaneOptions(min_share=0.999))
