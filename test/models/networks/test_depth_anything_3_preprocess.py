# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images become what the networks take, and their intrinsics with them."""

import numpy as np
import pytest

from depth_ros.models.networks.depth_anything_3.preprocess import (
    DEVIATION,
    MEAN,
    network_sizes,
    preprocess,
    preprocess_views,
)
from depth_ros.types import DepthError


def some_image(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def pinhole(width, height):
    return np.array([[0.8 * width, 0, width / 2], [0, 0.9 * height, height / 2], [0, 0, 1]])


@pytest.mark.parametrize(
    ('size', 'first', 'second'),
    [
        ((640, 480), (504, 378), (504, 378)),
        ((1242, 375), (504, 152), (504, 154)),  # KITTI
        ((1280, 720), (504, 284), (504, 280)),
        ((375, 1242), (152, 504), (154, 504)),
        ((300, 200), (504, 336), (504, 336)),
        ((504, 287), (504, 287), (504, 294)),  # half-way goes up
        ((2000, 5), (504, 1), (504, 14)),
    ],
)
def test_sizes_follow_the_rule(size, first, second):
    assert network_sizes(*size) == (first, second)


@pytest.mark.parametrize('longest', [504, 300])
def test_sizes_are_multiples_of_the_patch(longest):
    for width in range(20, 900, 37):
        for height in range(20, 900, 53):
            final = network_sizes(width, height, longest)[1]
            assert all(side % 14 == 0 and side > 0 for side in final)
            assert abs(max(final) - longest) <= 7


@pytest.mark.parametrize('size', [(640, 480), (333, 500), (97, 61)])
def test_intrinsics_scale_along(size):
    """Where the ray through a corner of the image goes, it still goes."""
    known = pinhole(*size)
    views = preprocess(some_image(*size), known)
    height, width = views.images.shape[2:]
    before = np.linalg.inv(known) @ [*size, 1]
    after = np.linalg.inv(views.intrinsics[0]) @ [width, height, 1]
    np.testing.assert_allclose(before, after)


def test_values_are_normalised():
    image = some_image(504, 280)
    views = preprocess(image)
    assert views.intrinsics is None
    assert views.images.dtype == np.float32
    back = views.images[0].transpose(1, 2, 0) * DEVIATION + MEAN
    np.testing.assert_allclose(back * 255, image, atol=1e-3)


def test_an_even_image_stays_even():
    image = np.full((123, 77, 3), (10, 200, 90), np.uint8)
    views = preprocess(image)
    expected = (np.array([10, 200, 90]) / 255 - MEAN) / DEVIATION
    np.testing.assert_allclose(views.images[0].max((1, 2)), expected, rtol=1e-5)
    np.testing.assert_allclose(views.images[0].min((1, 2)), expected, rtol=1e-5)


def test_views_of_one_size_are_as_each_alone():
    images = [some_image(640, 400, seed) for seed in range(3)]
    views = preprocess_views(images, [pinhole(640, 400)] * 3)
    for index, image in enumerate(images):
        alone = preprocess(image, pinhole(640, 400))
        np.testing.assert_array_equal(views.images[index], alone.images[0])
        np.testing.assert_array_equal(views.intrinsics[index], alone.intrinsics[0])


def test_views_of_other_proportions_are_cut_around_their_middle():
    sizes = [(504, 504), (504, 280)]
    views = preprocess_views([some_image(*s) for s in sizes], [pinhole(*s) for s in sizes])
    assert views.images.shape == (2, 3, 280, 504)
    np.testing.assert_array_equal(
        views.images[0], preprocess(some_image(504, 504)).images[0, :, 112:392]
    )
    for matrix in views.intrinsics:
        np.testing.assert_allclose(matrix[:2, 2], [252, 140])


@pytest.mark.parametrize(
    'image', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))]
)
def test_other_images_are_errors(image):
    with pytest.raises(DepthError, match='uint8'):
        preprocess(image)


def test_missing_views_are_errors():
    with pytest.raises(DepthError, match='at least one'):
        preprocess_views([])
    with pytest.raises(DepthError, match='as many'):
        preprocess_views([some_image(28, 28)] * 2, [pinhole(28, 28)])
    with pytest.raises(DepthError, match='at least one pixel'):
        network_sizes(0, 4)
