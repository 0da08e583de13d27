# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What hangs between two surfaces goes; planes, thin things and clean edges stay."""

import numpy as np
import pytest
from exact_planes import plane_depth
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.geometry.edges import flying_pixels, remove_flying_pixels, split_cells
from depth_ros.types import Camera, DepthError

CAMERA = Camera.pinhole(160, 120, 125.0)
NEAR, FAR = 1.0, 4.0


def step(width: int = 40, height: int = 30, at: int = 20) -> np.ndarray:
    depth = np.full((height, width), FAR, np.float32)
    depth[:, :at] = NEAR
    return depth


def smeared(ramp: int, how: str) -> tuple[np.ndarray, slice]:
    """Return a depth step whose edge a network or a filter has drawn out over some columns."""
    depth = step()
    part = np.arange(1, ramp + 1) / (ramp + 1)
    if how == 'in depth':
        values = NEAR + part * (FAR - NEAR)
    else:
        values = 1 / (1 / NEAR + part * (1 / FAR - 1 / NEAR))
    columns = slice(20, 20 + ramp)
    depth[:, columns] = values
    return depth, columns


@pytest.mark.parametrize('turned', [False, True], ids=['upright', 'lying'])
@pytest.mark.parametrize('mirrored', [False, True], ids=['near left', 'near right'])
@pytest.mark.parametrize('how', ['in depth', 'in inverse depth'])
@pytest.mark.parametrize('ramp', [1, 2, 3])
def test_a_smeared_edge_is_removed_and_nothing_else(ramp, how, mirrored, turned):
    depth, columns = smeared(ramp, how)
    expected = np.zeros(depth.shape, bool)
    expected[:, columns] = True
    if mirrored:
        depth, expected = depth[:, ::-1], expected[:, ::-1]
    if turned:
        depth, expected = depth.T, expected.T
    np.testing.assert_array_equal(flying_pixels(depth, 0.05), expected)


def test_a_pixel_between_a_thing_and_the_sky_is_removed():
    depth = step()
    depth[:, 20] = 7.0
    depth[:, 21:] = np.inf
    flying = flying_pixels(depth, 0.05)
    assert flying[:, 20].all()
    assert flying.sum() == len(flying)


def test_a_diagonal_smear_is_removed():
    u, v = np.meshgrid(np.arange(60), np.arange(60))
    cover = np.clip((u - v) / 1.5 + 0.5, 0, 1)  # how much of each pixel is far
    depth = (NEAR + cover * (FAR - NEAR)).astype(np.float32)
    between = (depth > NEAR * 1.05) & (depth < FAR / 1.05)
    assert between.any()
    flying = flying_pixels(depth, 0.05)
    inner = np.zeros_like(between)
    inner[2:-2, 2:-2] = between[2:-2, 2:-2]
    assert flying[inner].all()
    assert not flying[~between].any()


@pytest.mark.parametrize('at', [1, 2, 20, 38, 39])
def test_a_clean_step_loses_nothing(at):
    assert not flying_pixels(step(at=at), 0.05).any()


@pytest.mark.parametrize('thick', [1, 2, 3, 5])
def test_thin_things_stay(thick):
    """A pole or a cable is nearer than both sides of it, so it is not between them."""
    depth = np.full((40, 40), FAR, np.float32)
    depth[:, 10 : 10 + thick] = NEAR
    depth[25 : 25 + thick, :] = NEAR
    assert not flying_pixels(depth, 0.05).any()


@pytest.mark.parametrize('turn', [0, 90, 180, 270, 37], ids='turned {}'.format)
@pytest.mark.parametrize('tilt', [0, 30, 60, 75, 80, 85], ids='tilted {}'.format)
def test_planes_stay_at_any_angle(tilt, turn):
    """All of it up to the horizon, but for the corner between horizon and image border."""
    depth = plane_depth(CAMERA, tilt, turn)
    assert np.isfinite(depth).mean() > 0.5
    flying = flying_pixels(depth, 0.05)
    assert not flying[4:-4, 4:-4].any()
    assert flying.sum() <= 0.001 * flying.size


@given(st.floats(0, 85), st.floats(0, 360), st.floats(0.3, 20), st.floats(0.01, 0.5))
def test_no_plane_without_a_horizon_has_flying_pixels(tilt, turn, distance, threshold):
    depth = plane_depth(Camera.pinhole(64, 48, 900.0), tilt, turn, distance)
    assert not flying_pixels(depth, threshold)[np.isfinite(depth)].any()


def test_a_grazing_floor_that_ends_at_a_wall_and_at_an_edge_stays():
    """The last floor rows have support on one side only."""
    camera = Camera.pinhole(64, 240, 100.0, cy=20.0)
    v = np.arange(240, dtype=np.float64)[:, None]
    floor = np.where(v > 20, 1.0 * 100 / np.maximum(v - 20, 1e-9), np.inf)
    wall = np.minimum(floor, 10.0)  # stands behind 10 m of floor
    table = np.where(v > 35, floor, 30.0)  # an edge behind which it is 30 m
    for depth in (wall, table):
        depth = np.repeat(depth, camera.width, 1).astype(np.float32)
        below = np.abs(np.diff(depth[:, 0])) / depth[1:, 0]
        assert below.max() > 0.05  # the raw gradient would remove some of it
        assert not flying_pixels(depth, 0.05).any()


def test_what_is_unknown_proves_nothing():
    depth = step()
    depth[:, 19:21] = 2.0
    for hole in (np.nan, -np.inf, 0.0, -1.0):
        holed = depth.copy()
        holed[:, 21] = hole
        flying = flying_pixels(holed, 0.05)
        assert not flying[:, 20:22].any()


@given(st.floats(0.5, 2.0))
def test_the_scale_of_the_scene_does_not_matter(scale):
    depth, _ = smeared(2, 'in depth')
    np.testing.assert_array_equal(
        flying_pixels(depth * np.float32(scale), 0.05), flying_pixels(depth, 0.05)
    )


def test_removing_sets_nan_and_leaves_the_rest_and_the_input():
    depth, columns = smeared(2, 'in depth')
    before = depth.copy()
    removed = remove_flying_pixels(depth, 0.05)
    np.testing.assert_array_equal(depth, before)
    assert np.isnan(removed[:, columns]).all()
    kept = ~flying_pixels(depth, 0.05)
    np.testing.assert_array_equal(removed[kept], depth[kept])


@pytest.mark.parametrize('threshold', [0.0, np.inf])
def test_zero_turns_the_filter_off(threshold):
    assert not flying_pixels(smeared(2, 'in depth')[0], threshold).any()


@pytest.mark.parametrize('shape', [(1, 1), (1, 9), (9, 1), (2, 2), (0, 5), (5, 0)], ids=str)
def test_small_images_have_no_flying_pixels(shape):
    assert flying_pixels(np.ones(shape, np.float32), 0.05).shape == shape


@pytest.mark.parametrize('threshold', [-0.1, np.nan])
def test_a_threshold_that_is_none_is_refused(threshold):
    with pytest.raises(DepthError, match=r'expected 0 \(off\) or a positive number'):
        flying_pixels(step(), threshold)


def test_memory_layout_does_not_matter():
    depth, _ = smeared(2, 'in depth')
    expected = flying_pixels(depth, 0.05)
    np.testing.assert_array_equal(flying_pixels(np.asfortranarray(depth), 0.05), expected)
    np.testing.assert_array_equal(flying_pixels(np.repeat(depth, 2, 1)[:, ::2], 0.05), expected)


def test_cells_are_split_by_steps_holes_and_sky_but_not_by_slopes():
    depth = plane_depth(CAMERA, 80, 90)
    assert not split_cells(np.where(depth < 20, depth, np.nan), 0.05)[-40:].any()
    depth = step()
    depth[5, 5], depth[5, 10] = np.nan, np.inf
    expected = np.zeros((29, 39), bool)
    expected[:, 19] = True
    expected[4:6, 4:6] = expected[4:6, 9:11] = True
    np.testing.assert_array_equal(split_cells(depth, 0.05), expected)
