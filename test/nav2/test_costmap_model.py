# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The costmap model against Nav2's loops, written out step by step as they stand there."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nav2_costmap import (
    LETHAL_OBSTACLE,
    ObstacleLayer,
    VoxelLayer,
    raytrace_line_2d,
    raytrace_line_3d,
)

SIZE = 24
CELL = st.floats(0, SIZE - 1e-6)


def one_line_3d(start, end, most, least):
    """Return the voxels of one line: voxel_grid.hpp, raytraceLine and bresenham3D."""
    dist = math.sqrt(sum((a - b) ** 2 for a, b in zip(start, end)))
    if int(dist) < least:
        return set()
    if dist > 0:
        scale = min(1.0, most / dist)
        first = [a + (b - a) / dist * least for a, b in zip(start, end)]
    else:
        scale, first = 1.0, list(start)
    place = [int(f) for f in first]
    delta = [int(b) - p for b, p in zip(end, place)]
    size = [abs(d) for d in delta]
    if size[0] >= max(size[1], size[2]):
        a, b, c = 0, 1, 2
    elif size[1] >= size[2]:
        a, b, c = 1, 0, 2
    else:
        a, b, c = 2, 0, 1
    error_b = error_c = size[a] // 2
    seen = set()
    for _ in range(min(int(scale * size[a]), size[a])):
        seen.add(tuple(place))
        place[a] += 1 if delta[a] > 0 else -1
        error_b += size[b]
        error_c += size[c]
        if error_b >= size[a]:
            place[b] += 1 if delta[b] > 0 else -1
            error_b -= size[a]
        if error_c >= size[a]:
            place[c] += 1 if delta[c] > 0 else -1
            error_c -= size[a]
    seen.add(tuple(place))
    return seen


def one_line_2d(x0, y0, x1, y1, most, least):
    """Return the cells of one line: raytrace_line_2d.hpp, raytraceLine and bresenham2D."""
    dist = math.hypot(x1 - x0, y1 - y0)
    if dist < least:
        return set()
    x, y = x0, y0
    if dist > 0:
        x, y = int(x0 + (x1 - x0) / dist * least), int(y0 + (y1 - y0) / dist * least)
    dx, dy = x1 - x, y1 - y
    scale = 1.0 if dist == 0 else min(1.0, most / dist)
    along_x = abs(dx) >= abs(dy)
    da, db = (abs(dx), abs(dy)) if along_x else (abs(dy), abs(dx))
    error, seen = da // 2, set()
    for _ in range(min(int(scale * da), da)):
        seen.add((x, y))
        error += db
        aside = error >= da
        error -= da if aside else 0
        x += (1 if dx > 0 else -1) if along_x or aside else 0
        y += (1 if dy > 0 else -1) if not along_x or aside else 0
    seen.add((x, y))
    return seen


@given(
    start=st.tuples(CELL, CELL, st.floats(0, 15.9)),
    ends=st.lists(st.tuples(CELL, CELL, st.floats(0, 15.9)), min_size=1, max_size=30),
    most=st.integers(0, 40),
    least=st.integers(0, 6),
)
@settings(max_examples=100)
def test_rays_pass_the_voxels_that_they_pass_in_nav2(start, ends, most, least):
    visited = raytrace_line_3d(
        np.array(start), np.array(ends), SIZE, (16, SIZE * SIZE), most, least
    )
    expected = set().union(*(one_line_3d(start, end, most, least) for end in ends))
    z, cell = np.nonzero(visited)
    assert set(zip((cell % SIZE).tolist(), (cell // SIZE).tolist(), z.tolist())) == expected


@given(
    start=st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)),
    ends=st.lists(
        st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), min_size=1, max_size=30
    ),
    most=st.integers(0, 40),
    least=st.integers(0, 6),
)
@settings(max_examples=100)
def test_rays_pass_the_cells_that_they_pass_in_nav2(start, ends, most, least):
    x1, y1 = np.array(ends).T
    cells = raytrace_line_2d(*start, x1, y1, SIZE, most, least)
    expected = set().union(*(one_line_2d(*start, *end, most, least) for end in ends))
    assert {(c % SIZE, c // SIZE) for c in cells.tolist()} == expected


def a_layer(kind=VoxelLayer, marking=True, clearing=True, layer=(), **source):
    parameters = {
        'observation_sources': 'cloud',
        'cloud': {
            'topic': '/points', 'marking': marking, 'clearing': clearing,
            'max_obstacle_height': 2.0, **source,
        },
        **dict(layer),
    }  # fmt: skip
    return kind(parameters, 4.0, 4.0, 0.05)


ORIGIN = np.array([0.0, 0.0, 0.5])


def see(layer, *points):
    layer.receive('/points', np.float64(points), ORIGIN)
    layer.update(0.0, 0.0)
    return {(round(x, 3), round(y, 3)) for x, y in layer.lethal.tolist()}


@pytest.mark.parametrize('kind', [VoxelLayer, ObstacleLayer])
def test_a_point_marks_its_cell_and_a_ray_past_it_takes_it_back(kind):
    layer = a_layer(kind)
    assert see(layer, (1.0, 0.0, 0.5)) == {(1.025, 0.025)}
    assert see(layer, (1.9, 0.0, 0.5)) == {(1.925, 0.025)}


def test_a_ray_ends_two_cells_before_its_point():
    """voxel_layer.cpp, raytraceFreespace: scaling_fact."""
    layer = a_layer(clearing=False)
    see(layer, (1.0, 0.0, 0.5), (1.1, 0.0, 0.5))
    layer.buffers[0].marking, layer.buffers[0].clearing = False, True
    assert see(layer, (1.15, 0.0, 0.5)) == {(1.125, 0.025)}


def test_what_is_outside_the_heights_neither_marks_nor_clears():
    """observation_buffer.cpp, bufferCloud: the filter comes before both."""
    layer = a_layer(min_obstacle_height=0.2)
    assert see(layer, (1.0, 0.0, 0.5)) == {(1.025, 0.025)}
    # The floor behind, and the sky: both would clear, were they not filtered out.
    assert see(layer, (1.9, 0.0, 0.1), (1.9, 0.0, 2.1), (np.nan,) * 3) == {(1.025, 0.025)}


def test_marking_farther_than_clearing_leaves_ghosts():
    layer = a_layer(obstacle_max_range=1.5, raytrace_max_range=1.0)
    assert see(layer, (1.31, 0.0, 0.5)) == {(1.325, 0.025)}
    assert see(layer, (1.9, 0.0, 0.5)) == {(1.325, 0.025)}


def test_more_voxels_than_the_threshold_must_be_marked():
    """voxel_grid.hpp, markVoxelInMap and bitsBelowThreshold."""
    layer = a_layer(layer={'mark_threshold': 1, 'z_resolution': 0.125, 'z_voxels': 16})
    kerb = ((1.0, 0.0, 0.02), (1.0, 0.0, 0.11))  # one layer of 12.5 cm
    assert see(layer, *kerb) == set()
    assert see(layer, *kerb, (1.0, 0.0, 0.2)) == {(1.025, 0.025)}
    layer = a_layer(layer={'mark_threshold': 0, 'z_resolution': 0.125, 'z_voxels': 16})
    assert see(layer, *kerb) == {(1.025, 0.025)}


def test_a_column_is_lethal_until_its_last_voxel_is_cleared():
    layer = a_layer(raytrace_max_range=3.0)
    see(layer, (1.0, 0.0, 0.5), (1.0, 0.0, 0.9))
    level = (1.9, 0.0, 0.5)
    assert (1.025, 0.025) in see(layer, level)
    assert (1.025, 0.025) not in see(layer, level, (1.9, 0.0, 1.26))


@pytest.mark.parametrize('height', [0.5, 2.5])
def test_a_sensor_above_the_voxels_clears_nothing(height):
    layer = a_layer(obstacle_max_range=5.0)
    see(layer, (1.0, 0.0, 0.5))
    layer.receive('/points', np.array([[1.9, 0.0, 0.5]]), np.array([0.0, 0.0, height]))
    layer.update(0.0, 0.0)
    assert (len(layer.lethal) == 2) == (height > 2.0)


@pytest.mark.parametrize('kind', [VoxelLayer, ObstacleLayer])
def test_the_map_rolls_with_the_robot_and_obstacles_stay_where_they_are(kind):
    layer = a_layer(kind)
    see(layer, (1.01, 0.31, 0.5))
    layer.buffers[0].newest = None
    for x, y in ((0.5, 0.0), (0.9, -0.4), (-0.3, 0.2)):
        layer.update(x, y)
        np.testing.assert_allclose(layer.lethal, [[1.025, 0.325]], atol=1e-9)
    layer.update(-1.5, 0.0)  # out of the window: forgotten
    layer.update(0.0, 0.0)
    assert not len(layer.lethal)


def test_only_what_a_cycle_touches_reaches_the_planner():
    """layered_costmap.cpp, updateMap: the window of the bounds is rewritten, nothing else."""
    layer = a_layer()
    see(layer, (1.0, 1.0, 0.5))
    layer.cost[:] = LETHAL_OBSTACLE
    layer.buffers[0].newest = None
    layer.update(0.0, 0.0)
    assert len(layer.lethal) == 2  # the robot's cell, and the point of before
