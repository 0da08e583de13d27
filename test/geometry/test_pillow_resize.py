# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The compiled resizing against Pillow itself: not one byte differs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

PIL_Image = pytest.importorskip('PIL.Image')

from depth_ros.geometry import pillow_resize  # noqa: E402
from depth_ros.geometry.compiled import wanted  # noqa: E402
from depth_ros.geometry.pillow_resize import filter_taps, resize_like_pillow  # noqa: E402

NUMBERS = {'bilinear': 2, 'bicubic': 3}
compiled = pytest.mark.skipif(not wanted(), reason='numba is missing or switched off')


def same(image, width, height, mode):
    ours = resize_like_pillow(image, width, height, mode)
    theirs = PIL_Image.fromarray(image).resize((width, height), resample=NUMBERS[mode])
    np.testing.assert_array_equal(ours, np.asarray(theirs))


@compiled
@pytest.mark.parametrize('mode', NUMBERS)
@pytest.mark.parametrize(
    'size',
    [(518, 392), (640, 480), (924, 518), (518, 480), (640, 100), (7, 5), (700, 600), (1300, 90)],
    ids=str,
)
def test_noise_is_resized_to_the_bit(size, mode):
    same(np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8), *size, mode)


@compiled
@settings(max_examples=60, deadline=None)
@given(*(st.integers(1, 60) for _ in range(4)), st.sampled_from(list(NUMBERS)), st.integers(0, 99))
def test_any_size(width, height, new_width, new_height, mode, seed):
    # Black and white alone: sums overshoot at both ends.
    image = np.random.default_rng(seed).integers(0, 2, (height, width, 3), np.uint8) * 255
    same(image, new_width, new_height, mode)


@pytest.mark.parametrize('mode', NUMBERS)
@pytest.mark.parametrize('sizes', [(640, 518), (5, 90), (90, 5), (1, 7), (7, 1)], ids=str)
def test_filters_lie_within_the_image_and_sum_to_one(sizes, mode):
    before, after = sizes
    first, weights = filter_taps(before, after, mode)
    assert first.min() >= 0
    assert (first + weights.shape[1]).max() <= before
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


@compiled
def test_a_view_that_is_not_contiguous():
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)[::2, ::-1]
    same(image, 31, 17, 'bicubic')


def test_without_numba_nothing_is_returned(monkeypatch):
    monkeypatch.setattr(pillow_resize, '_loops', lambda: None)
    assert resize_like_pillow(np.zeros((4, 4, 3), np.uint8), 2, 2, 'bicubic') is None
