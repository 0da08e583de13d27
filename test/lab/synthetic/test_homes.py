# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Furnished homes: all of it is inside, and cameras look at it, not out of the window."""

import numpy as np
import pytest

from depth_ros.lab import synthetic
from depth_ros.types import Camera

SEEDS = range(8)


@pytest.mark.parametrize('seed', SEEDS)
def test_nothing_stands_outside(seed):
    scene = synthetic.make_scene('home', seed)
    x0, x1, y0, y1 = scene.area
    centre = scene.solids.centre[scene.solids.half.max(1) < 20]  # without the ground outside
    assert (centre > np.array([x0, y0, 0]) - 0.3).all()
    assert (centre < np.array([x1, y1, 3.0]) + 0.3).all()
    assert len(np.unique(scene.solids.instance)) > 15


def test_cameras_see_the_room():
    camera = Camera.pinhole(64, 48, 50.0)
    depth = np.stack(
        [synthetic.render(synthetic.make_scene('home', seed), camera).depth for seed in SEEDS]
    )
    assert (np.median(depth, (1, 2)) < 8).all()
    assert np.isinf(depth).mean() < 0.1


def test_seeds_differ_and_repeat():
    camera = Camera.pinhole(32, 24, 25.0)
    first, again, other = (
        synthetic.render(synthetic.make_scene('home', seed), camera) for seed in (3, 3, 4)
    )
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)
