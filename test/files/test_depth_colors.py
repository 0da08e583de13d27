# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth images: order of colours, meaning of the special ones, round numbers on the bar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.files import depth_colors
from depth_ros.files.depth_colors import depth_to_colors, draw_depth, draw_relative
from depth_ros.types import DepthError

BLACK, SLATE, WHITE = (0, 0, 0), (44, 52, 66), (255, 255, 255)


def ramp(near: float = 0.5, far: float = 20.0, size: int = 200) -> np.ndarray:
    """Return depth that falls evenly in inverse depth from left to right."""
    return np.tile(1 / np.linspace(1 / far, 1 / near, size), (20, 1)).astype(np.float32)


def warmth(colors: np.ndarray) -> np.ndarray:
    return colors[..., 0].astype(int) - colors[..., 2]


def test_near_is_warm_and_far_is_cold():
    colors = depth_to_colors(ramp())
    assert colors.dtype == np.uint8
    assert colors.shape == (20, 200, 3)
    assert warmth(colors[0, -1]) > 100
    assert warmth(colors[0, 0]) < -100


def test_every_depth_has_a_colour_of_its_own():
    """Neighbours differ little, distant ones a lot, and none looks like the special colours."""
    colors = depth_to_colors(ramp(), near=0.5, far=20)[0].astype(int)
    assert len(np.unique(colors, axis=0)) > 150
    assert np.abs(np.diff(colors, axis=0)).max() < 30
    for special in (BLACK, SLATE, WHITE):
        assert np.abs(colors - special).sum(-1).min() > 60


@pytest.mark.parametrize(
    ('value', 'color'),
    [(np.nan, BLACK), (0.0, BLACK), (-1.0, BLACK), (np.inf, SLATE), (-np.inf, WHITE)],
)
def test_what_is_no_distance_has_its_own_colour(value, color):
    depth = ramp()
    depth[3, 4] = value
    colors = depth_to_colors(depth, near=0.5, far=20)
    assert tuple(colors[3, 4]) == color
    others = np.ones(depth.shape, bool)
    others[3, 4] = False
    expected = depth_to_colors(ramp(), near=0.5, far=20)
    np.testing.assert_array_equal(colors[others], expected[others])


def test_limits_hold_the_colours_still():
    """The same distance has the same colour in every frame of a film."""
    first, second = ramp(1, 10), ramp(1, 4)
    second[:, 0] = first[:, 0]
    shown = [depth_to_colors(depth, near=1, far=10) for depth in (first, second)]
    np.testing.assert_array_equal(shown[0][:, 0], shown[1][:, 0])
    beyond = np.array([[0.1, 1, 10, 1000]], np.float32)
    colors = depth_to_colors(beyond, near=1, far=10)
    np.testing.assert_array_equal(colors[0, 0], colors[0, 1])
    np.testing.assert_array_equal(colors[0, 2], colors[0, 3])


def test_a_few_outliers_do_not_take_the_colours():
    depth = ramp(2, 4)
    depth[0, 0], depth[0, 1] = 0.01, 9000
    colors = depth_to_colors(depth)
    clean = depth_to_colors(ramp(2, 4))
    assert np.abs(colors[1:].astype(int) - clean[1:]).max() <= 30


@pytest.mark.parametrize(
    'depth',
    [
        np.full((30, 40), np.nan),
        np.full((30, 40), np.inf),
        np.full((30, 40), -np.inf),
        np.zeros((30, 40)),
        np.full((30, 40), 3.0),
        np.full((30, 40), 1e-30),
        np.full((30, 40), 1e30),
        np.ones((1, 1)),
        ramp(1.99, 2.0),
        ramp(0.001, 60000),
        np.eye(30),
    ],
    ids=['nan', 'inf', '-inf', 'zero', 'wall', 'tiny', 'huge', 'pixel', 'flat', 'deep', 'sparse'],
)
def test_any_depth_makes_an_image(depth):
    depth = depth.astype(np.float32)
    height, width = depth.shape
    assert depth_to_colors(depth).shape == (height, width, 3)
    for image in (draw_depth(depth), draw_relative(depth)):
        times = max(1, -(-240 // height))
        assert image.dtype == np.uint8
        assert image.shape[0] == times * height
        assert image.shape[1] > times * width
    colors = depth_to_colors(depth).repeat(times, 0).repeat(times, 1)
    np.testing.assert_array_equal(draw_depth(depth)[:, : times * width], colors)


def ticks(near: float, far: float, height: int = 480) -> list[tuple[float, str]]:
    return depth_colors.metre_ticks(1 / far, 1 / near, depth_colors.bar_space(height))


@given(st.floats(0.05, 50), st.floats(1.1, 1000), st.integers(240, 2000))
def test_ticks_are_where_their_colour_is(near, ratio, height):
    far = near * ratio
    found = ticks(near, far, height)
    assert 2 <= len(found) <= 40
    for position, label in found:
        metres = float(label.removesuffix(' m'))
        assert near * 0.999 <= metres <= far * 1.001
        expected = (1 / near - 1 / metres) / (1 / near - 1 / far)
        assert position == pytest.approx(expected, abs=0.01)
    top, bottom, apart = depth_colors.bar_space(height)
    gaps = np.diff([position for position, _ in found]) * (bottom - top)
    assert gaps.min() >= apart * 0.999


@pytest.mark.parametrize(
    ('near', 'far', 'some'),
    [(0.9, 11, {'1 m', '2 m', '5 m', '10 m'}), (0.2, 3, {'0.2 m', '0.5 m', '1 m', '2 m'})],
)
def test_ticks_are_round_numbers(near, far, some):
    assert some <= {label for _, label in ticks(near, far)}


def test_the_bar_has_the_colours_of_the_image():
    image = draw_depth(ramp(0.5, 20, 300).repeat(20, 0), near=0.5, far=20)
    bar = image[:, 300:]
    size = depth_colors.text_size(image.shape[0])
    top, bottom, _ = depth_colors.bar_space(image.shape[0])
    column = bar[top : bottom + 1, size + 2].astype(int)
    shown = image[0, :300][::-1].astype(int)  # near first, as on the bar
    at = np.linspace(0, len(column) - 1, 300).round().astype(int)
    assert np.abs(column[at] - shown).max() < 25


def test_the_legend_names_what_is_there():
    plain, holed = ramp(size=300).repeat(20, 0), ramp(size=300).repeat(20, 0)
    holed[0, 0], holed[0, 1], holed[0, 2] = np.nan, np.inf, -np.inf
    below = depth_colors.bar_space(400)[1] + 10
    assert len(np.unique(draw_depth(plain)[below:, 300:].reshape(-1, 3), axis=0)) == 1
    legend = draw_depth(holed)[below:, 300:].reshape(-1, 3)
    for color in (BLACK, SLATE, WHITE):
        assert (legend == color).all(-1).sum() > 20


def test_relative_values_are_nearer_where_larger():
    values = np.tile(np.linspace(-40, 70, 300, dtype=np.float32), (300, 1))
    values[5, 5] = np.nan
    image = draw_relative(values)
    assert warmth(image[0, 299]) > 100
    assert warmth(image[0, 0]) < -100
    assert tuple(image[5, 5]) == BLACK
    scaled = draw_relative(3 * values + 10)
    assert np.abs(image[:, :300].astype(int) - scaled[:, :300]).max() < 30


def test_images_leave_their_input():
    depth = ramp()
    depth[0, 0], depth[0, 1] = np.nan, -1
    before = depth.copy()
    draw_depth(depth)
    draw_relative(depth)
    np.testing.assert_array_equal(depth, before)


@pytest.mark.parametrize(
    ('limits', 'says'),
    [
        ({'near': 0}, 'near is 0 m'),
        ({'far': -1}, 'far is -1 m'),
        ({'far': np.nan}, 'far is nan m'),
        ({'near': 5, 'far': 5}, 'expected near < far'),
    ],
    ids=str,
)
def test_limits_that_are_none_are_refused(limits, says):
    with pytest.raises(DepthError, match=says):
        depth_to_colors(ramp(), **limits)


def test_what_is_no_depth_image_is_refused():
    with pytest.raises(DepthError, match=r'expected \(height, width\)'):
        depth_to_colors(np.ones((4, 4, 3), np.float32))
