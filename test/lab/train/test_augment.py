# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to a frame, every pixel still shows the point its depth and camera say."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip('torch')

from depth_ros.lab.train.augment import Sample, fit, vary_colour, vary_geometry, vary_ground
from depth_ros.lab.train.config import AugmentConfig
from depth_ros.types import Camera, Ground

NORMAL, DISTANCE = np.array([0.1, 0.25, 1.0]), 3.0
CAMERA = Camera.pinhole(160, 120, 110.0, 120.0, 75.0, 62.0)
LENGTH = np.linalg.norm(NORMAL)
GROUND = Ground(NORMAL / LENGTH, DISTANCE / LENGTH)  # the same plane


def plane(camera, normal=NORMAL):
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    return (DISTANCE / (normal[0] * x + normal[1] * y + normal[2])).astype(np.float32)


def frame():
    image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    return Sample(image, plane(CAMERA), CAMERA, GROUND)


def implied_normal(sample):
    """Fit n in n . ray = DISTANCE / Z: three numbers, exact on a plane."""
    v, u = np.nonzero(np.isfinite(sample.depth))
    camera = sample.camera
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(len(u))], 1)
    return np.linalg.lstsq(rays, DISTANCE / sample.depth[v, u], rcond=None)[0]


@pytest.mark.parametrize('size', [(64, 48), (96, 96), (320, 240)], ids=str)
def test_fitting_keeps_the_plane(size):
    fitted = fit(frame(), *size)
    assert fitted.image.shape == (size[1], size[0], 3)
    np.testing.assert_allclose(implied_normal(fitted), NORMAL, atol=0.01)
    assert fitted.ground is GROUND


@pytest.mark.parametrize('seed', range(12))
def test_crop_mirror_and_turn_move_the_plane_as_they_move_the_camera(seed):
    """The plane's normal turns about the optical axis or is mirrored; its slope stays."""
    varied = vary_geometry(frame(), AugmentConfig(), 96, 64, np.random.default_rng(seed))
    normal = implied_normal(varied)
    assert normal[2] == pytest.approx(NORMAL[2], abs=0.02)
    assert np.hypot(*normal[:2]) == pytest.approx(np.hypot(*NORMAL[:2]), abs=0.02)
    # What the sample says of the ground is what its pixels show.
    np.testing.assert_allclose(varied.ground.down * LENGTH, normal, atol=0.02)
    assert varied.ground.height == GROUND.height


def test_the_ground_is_given_in_a_share_of_frames_and_nearly_right():
    rng = np.random.default_rng(0)
    varied = [vary_ground(GROUND, AugmentConfig(ground=0.6), rng) for _ in range(400)]
    known = [ground for ground in varied if ground is not None]
    assert 200 < len(known) < 280
    tilts = [np.arccos(ground.down @ GROUND.down) for ground in known]
    heights = [np.log(ground.height / GROUND.height) for ground in known]
    assert 0 < np.median(tilts) < 0.03
    assert 0 < np.std(heights) < 0.05
    assert vary_ground(GROUND, AugmentConfig(), rng) is None
    assert vary_ground(None, AugmentConfig(ground=1.0), rng) is None


def test_zoom_makes_the_lens_longer_and_never_shorter():
    rng = np.random.default_rng(3)
    plain = fit(frame(), 96, 72).camera.fx
    focals = [
        vary_geometry(frame(), AugmentConfig(zoom=2.0, roll=0.0), 96, 72, rng).camera.fx
        for _ in range(40)
    ]
    assert min(focals) >= plain * 0.9
    assert max(focals) > plain * 1.4


@pytest.mark.parametrize('seed', range(6))
def test_bare_is_what_lies_on_the_ground_however_the_frame_is_turned(seed):
    sample = frame()
    nearer = sample.depth.copy()
    nearer[30:60, 40:90] *= 0.9  # a box a tenth of the camera's height high
    nearer[80:100, 100:140] *= 0.97  # a rug
    nearer[:4] = np.nan
    sample = dataclasses.replace(sample, depth=nearer)
    expected = np.ones((120, 160), bool)
    expected[30:60, 40:90] = expected[:4] = False
    np.testing.assert_array_equal(sample.bare(), expected)
    varied = vary_geometry(sample, AugmentConfig(roll=0.3), 96, 64, np.random.default_rng(seed))
    truth = plane(varied.camera, varied.ground.down * LENGTH)
    same = np.isfinite(varied.depth) & (np.abs(varied.depth / truth - 1) < 0.05)
    # Resampling moves depth by up to half a pixel, on a plane by a few per cent.
    assert (varied.bare() == same).mean() > 0.98
    assert not dataclasses.replace(sample, ground=None).bare().any()


@pytest.mark.parametrize('size', [(320, 96), (96, 192)], ids=str)
def test_another_shape_is_cut_out_and_not_squeezed_in(size):
    rng = np.random.default_rng(5)
    before = CAMERA.fx / CAMERA.fy
    for _ in range(10):
        varied = vary_geometry(frame(), AugmentConfig(roll=0.0), *size, rng)
        assert varied.camera.size_wh == size
        assert varied.camera.fx / varied.camera.fy == pytest.approx(before, rel=0.18)
        assert np.isfinite(varied.depth).all()


def test_what_lies_outside_the_image_has_no_depth():
    turned = vary_geometry(
        frame(), AugmentConfig(zoom=1.0, roll=0.4), 96, 72, np.random.default_rng(1)
    )
    assert np.isnan(turned.depth).any()


def test_depth_is_never_mixed_across_an_edge():
    sample = frame()
    stepped = np.where(np.arange(160) < 80, np.float32(1), np.float32(9)) * np.ones((120, 1))
    sample = dataclasses.replace(sample, depth=stepped.astype(np.float32))
    for seed in range(5):
        varied = vary_geometry(sample, AugmentConfig(), 96, 64, np.random.default_rng(seed))
        assert set(np.unique(varied.depth[np.isfinite(varied.depth)])) <= {1.0, 9.0}


def test_colours_change_by_the_seed_and_stay_images():
    image = frame().image
    config = AugmentConfig()
    first, again, other = (
        vary_colour(image, config, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.dtype == np.uint8
    assert first.shape == image.shape


def test_no_variation_leaves_the_image_as_it_is():
    nothing = AugmentConfig(colour=0, grey=0, blur=0, noise=0, jpeg=0)
    image = frame().image
    np.testing.assert_array_equal(vary_colour(image, nothing, np.random.default_rng(0)), image)
