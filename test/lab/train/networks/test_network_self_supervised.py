# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth explains one image by another: on rendered drives the true depth does so best."""

import cv2
import drives
import numpy as np
import pytest
import torch

from depth_ros.lab.synthetic.render.view import Renderer
from depth_ros.lab.synthetic.scene.cameras import right_pose
from depth_ros.lab.synthetic.scene.worlds import plane_scene
from depth_ros.lab.train.networks import batches, self_supervised
from depth_ros.lab.train.networks.clips import Clip, read_clips
from depth_ros.lab.train.photometric import warp_by_pose
from depth_ros.models.networks.monodepth2 import Motion
from depth_ros.types import Camera

CAMERA = Camera.pinhole(96, 64, 70.0)
DISTANCE = 2.0
NEAR = 8.0  # metres; beyond, nothing moves from frame to frame


def moved(x=0.0, y=0.0, z=0.0, yaw=0.0):
    pose = np.eye(4)
    pose[:3, :3] = cv2.Rodrigues(np.array([0.0, yaw, 0.0]))[0]
    pose[:3, 3] = x, y, z
    return pose


@pytest.fixture(scope='module')
def wall():
    """A drive along a tilted wall, of a pair."""
    scene = plane_scene((0.2, 0.1, 1.0), DISTANCE, seed=3)
    renderer = Renderer(scene)
    poses = np.stack([moved(0.12 * n, 0.03 * n, 0.1 * n, 0.02 * n) for n in range(3)])
    right = Camera.pinhole(96, 64, 70.0, baseline=0.15)
    views = [renderer.render(CAMERA, pose, antialias=2) for pose in poses]
    other = [renderer.render(right, right_pose(pose, right), antialias=2) for pose in poses]
    return Clip(
        'wall',
        CAMERA,
        64 / 96,
        np.stack([view.image for view in views]),
        np.stack([view.depth for view in views]).astype(np.float32),
        np.stack([view.image for view in other]),
        0.15,
        poses,
    )


def config(learn, **more):
    return drives.configuration('fcrn', 'nowhere', learn=learn, **more)


def sample(wall, learn, flip=False, **more):
    taken = batches.take(wall, 1, config(learn, **more))
    depth = wall.depth[1]
    if flip:
        taken = batches.mirrored(taken, swapped=learn == 'pairs')
        depth = depth[:, ::-1]
    return batches.collated([taken], learn), torch.from_numpy(depth.copy())[None]


@pytest.mark.parametrize('flip', [False, True], ids=['plain', 'mirrored'])
def test_true_depth_explains_the_neighbours_by_odometry(wall, flip):
    batch, depth = sample(wall, 'video', flip, odometry=True)
    motions = [motion for motion in batch.motions if motion is not None]
    assert len(motions) == 2
    losses = {
        factor: float(self_supervised.explained(factor * depth, batch, motions))
        for factor in (0.7, 0.9, 1.0, 1.1, 1.4)
    }
    assert min(losses, key=losses.get) == 1.0
    assert losses[1.0] < 0.5 * min(losses[0.7], losses[1.4])


def test_true_depth_explains_the_right_eye(wall):
    batch, depth = sample(wall, 'pairs')
    motions = [motion for motion in batch.motions if motion is not None]
    losses = {
        factor: float(self_supervised.explained(factor * depth, batch, motions))
        for factor in (0.7, 0.9, 1.0, 1.1, 1.4)
    }
    assert min(losses, key=losses.get) == 1.0


def shares(wall, flip=False):
    """Return the true disparities of both eyes as shares of the width."""
    f, width = CAMERA.fx, CAMERA.width
    left = torch.from_numpy(f * wall.baseline / wall.depth[1] / width)
    # The wall is smooth, so what the right eye has at x, the left one has near x + disparity.
    grid = torch.arange(width, dtype=torch.float32)
    right = torch.stack(
        [
            torch.from_numpy(np.interp(grid + f * wall.baseline / DISTANCE, grid, row))
            for row in left.numpy()
        ]
    ).float()
    both = torch.stack([left, right])[None]
    return both.flip(1).flip(-1) if flip else both


@pytest.mark.parametrize('flip', [False, True], ids=['plain', 'mirrored'])
def test_true_disparities_of_both_eyes_cost_least(wall, flip):
    batch, _ = sample(wall, 'pairs', flip)
    true = shares(wall, flip)
    losses = {
        factor: float(
            self_supervised.pair_loss([factor * true], batch.images, batch.sources[0], 1e-6)
        )
        for factor in (0.5, 0.8, 1.0, 1.2, 1.5)
    }
    assert min(losses, key=losses.get) == 1.0
    # Left and right exchanged is wrong.
    wrong = self_supervised.pair_loss([true], batch.sources[0], batch.images, 1e-6)
    assert wrong > 2 * losses[1.0]


def test_a_disparity_that_looks_past_the_border_is_not_cheap(wall):
    batch, _ = sample(wall, 'pairs')
    true, past = shares(wall), torch.full_like(shares(wall), 1.5)
    found = [
        float(self_supervised.pair_loss([share], batch.images, batch.sources[0], 1e-6))
        for share in (true, past)
    ]
    assert found[0] < 0.3 * found[1]


@pytest.fixture(scope='module')
def ground(tmp_path_factory):
    """Textured ground as a robot sees it, without the noise of a sensor."""
    mount = {'mount_height': 0.5, 'mount_pitch': 0.1, 'antialias': 3, 'kinds': ('outdoor',)}
    folder = drives.write_drives(tmp_path_factory.mktemp('ground'), 1, 3, **mount)
    return read_clips([folder], drives.WIDTH, drives.HEIGHT)[0]


@pytest.mark.parametrize('learn', ['video', 'pairs'])
def test_the_truth_explains_the_image_outside_of_what_is_hidden(ground, learn):
    taken = batches.take(ground, 1, config(learn, odometry=learn == 'video'))
    batch = batches.collated([taken], learn)
    depth = torch.from_numpy(ground.depth[1])[None].nan_to_num(50.0)

    def apart(factor):
        seen = [
            warp_by_pose(source, factor * depth, batch.K, motion)
            for source, motion in zip(batch.sources, batch.motions)
        ]
        errors = torch.stack([(image - batch.images).abs().mean(1) for image, _ in seen])
        visible = torch.stack([visible for _, visible in seen]).any(0)
        return errors.min(0).values, visible & (depth < NEAR)

    error, visible = apart(1.0)
    assert visible.float().mean() > 0.3
    # What is left is what no neighbour sees, and texture finer than a pixel.
    assert error[visible].quantile(0.8) < 0.03
    for factor in (0.7, 1.4):
        assert error[visible].mean() < 0.8 * apart(factor)[0][visible].mean()


def test_consistency_of_both_eyes_counts(wall):
    batch, _ = sample(wall, 'pairs')
    true = shares(wall)
    grey = torch.full_like(batch.images, 0.5)
    alike = self_supervised.pair_loss([true], grey, grey, 1e-6)
    apart = true.clone()
    apart[:, 1] += 0.02
    found = self_supervised.pair_loss([apart], grey, grey, 1e-6)
    assert found - alike == pytest.approx(2 * 0.02, rel=0.3)


def test_rough_disparity_costs_where_the_image_is_even(wall):
    batch, _ = sample(wall, 'pairs')
    even = torch.full_like(batch.images, 0.5)
    rough = 0.05 + 0.02 * torch.rand(1, 2, 64, 96)
    for images, least in ((even, 5.0), (torch.rand_like(even), 0.0)):
        with_weight, without = (
            self_supervised.pair_loss([rough], images, images, weight) for weight in (1.0, 1e-9)
        )
        assert with_weight - without > least * 1e-3


@pytest.mark.parametrize('angle', [1e-7, 0.1, 2.0])
def test_a_rotation_is_that_of_opencv(angle):
    axis = np.array([0.3, -0.5, 0.8])
    axis = angle * axis / np.linalg.norm(axis)
    found = self_supervised.rotation(torch.tensor(axis[None]))[0].numpy()
    np.testing.assert_allclose(found, cv2.Rodrigues(axis)[0], atol=1e-6)


def test_a_motion_and_its_inverse_cancel():
    generator = torch.Generator().manual_seed(0)
    turn, shift = (torch.randn(3, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    there = self_supervised.motion_matrix(turn, shift)
    back = self_supervised.motion_matrix(turn, shift, inverse=True)
    torch.testing.assert_close(there @ back, torch.eye(4, dtype=torch.float64).expand(3, 4, 4))


def test_the_pose_network_sees_the_earlier_image_first(wall):
    batch, depth = sample(wall, 'video')
    order = []

    def pose(first, second):
        order.append((first, second))
        # As if it had been right: from an image to the next one the wall moves towards the camera.
        relative = torch.from_numpy(np.linalg.inv(wall.poses[1]) @ wall.poses[0]).float()
        if second is not batch.images:
            relative = torch.from_numpy(np.linalg.inv(wall.poses[2]) @ wall.poses[1]).float()
        angle = torch.from_numpy(cv2.Rodrigues(relative[:3, :3].double().numpy())[0]).float()
        return Motion(angle.reshape(1, 1, 3), relative[:3, 3].reshape(1, 1, 3))

    motions = self_supervised.predicted_motions(pose, batch)
    assert order[0][0] is batch.sources[0]
    assert order[0][1] is order[1][0] is batch.images
    known, _ = sample(wall, 'video', odometry=True)
    for found, expected in zip(motions, known.motions):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert self_supervised.explained(depth, batch, motions) < 0.05


def test_scales_are_averaged_and_smoothness_weighs_coarse_ones_less(wall):
    batch, depth = sample(wall, 'video', odometry=True)
    motions = [motion for motion in batch.motions if motion is not None]
    half = depth[:, ::2, ::2]
    one = self_supervised.video_loss([depth], batch, motions, 1e-3)
    two = self_supervised.video_loss([depth, half], batch, motions, 1e-3)
    alone = self_supervised.video_loss([half], batch, motions, 1e-3)
    torch.testing.assert_close(two, (one + alone) / 2)
    rough = depth * (1 + 0.5 * torch.rand_like(depth))
    weights = [self_supervised.video_loss([rough], batch, motions, w) for w in (1e-9, 1.0)]
    coarse = [
        self_supervised.video_loss([rough[:, ::2, ::2]], batch, motions, w) for w in (1e-9, 1.0)
    ]
    assert 0 < coarse[1] - coarse[0] < weights[1] - weights[0]
