# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the built-in network is given beside colours is geometry, and silent where unknown."""

import numpy as np
import pytest

from depth_ros.geometry.camera import resize_camera
from depth_ros.geometry.planes import plane_depth
from depth_ros.models.networks.builtin.answer import CHANNELS, read_answer
from depth_ros.models.networks.builtin.known import FARTHEST, known_planes
from depth_ros.models.networks.builtin.scale import CANONICAL_FOCAL, LOG_DEPTH_BIAS
from depth_ros.types import Camera, Ground

GROUND = Ground.below_mount(0.7, 0.35, 0.1)


@pytest.mark.parametrize('fx', [60.0, 240.0])
def test_the_planes_are_those_of_the_bare_ground(fx):
    """Against plane_depth, which computes it another way, as far as the network counts."""
    camera = Camera.pinhole(64, 48, fx, 1.1 * fx, 30.0, 21.0)
    focal = np.sqrt(camera.fx * camera.fy) / CANONICAL_FOCAL
    planes = known_planes(camera, GROUND, 32, 24)
    _, _, known, slope, log_depth, log_height = planes
    half = resize_camera(camera, 32, 24)
    truth = plane_depth(half, tuple(GROUND.down.tolist()), GROUND.height)
    farthest = np.exp(FARTHEST) * focal
    near = truth < farthest
    seen = np.exp(log_depth + LOG_DEPTH_BIAS) * focal
    np.testing.assert_allclose(seen[near], truth[near], rtol=1e-3)
    np.testing.assert_allclose(seen[~near], farthest, rtol=1e-5)
    assert (known == 1).all()
    assert ((slope > 0) == np.isfinite(truth)).all()
    np.testing.assert_allclose(np.exp(log_height) * focal, GROUND.height, rtol=1e-5)
    unknown = known_planes(camera, None, 32, 24)
    assert not unknown[2:].any()
    np.testing.assert_array_equal(unknown[:2], planes[:2])


def test_rays_of_another_size_are_those_of_the_resized_camera():
    camera = Camera.pinhole(64, 48, 60.0, 66.0, 30.0, 21.0)
    half = resize_camera(camera, 32, 24)
    x, y = known_planes(camera, None, 32, 24)[:2]
    np.testing.assert_allclose(x[5], (np.arange(32) - half.cx) / half.fx, rtol=1e-5)
    np.testing.assert_allclose(y[:, 5], (np.arange(24) - half.cy) / half.fy, rtol=1e-5)


def test_an_output_is_read_as_it_is_trained():
    """Four depths of a place are its 2x2 pixels, in the order of torch's pixel shuffle."""
    torch = pytest.importorskip('torch')
    output = np.random.default_rng(0).normal(size=(CHANNELS, 6, 8)).astype(np.float32)
    answer = read_answer(output)
    shuffled = torch.nn.functional.pixel_shuffle(torch.from_numpy(output[None, :4]), 2)[0, 0]
    np.testing.assert_array_equal(answer.log_depth, shuffled.numpy() + LOG_DEPTH_BIAS)
    np.testing.assert_array_equal(answer.sky, output[5])
    np.testing.assert_array_equal(answer.bare, output[6])
