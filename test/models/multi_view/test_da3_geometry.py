# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rendered views: their ray maps give back their cameras, and with their depth one cloud."""

import numpy as np
import pytest

pytest.importorskip('torch')

import torch

from depth_ros.geometry.camera import resize_camera
from depth_ros.geometry.fusion import PosedDepth, depth_of_points, disagreement, fused_cloud
from depth_ros.geometry.poses import angle_between, inverse_pose
from depth_ros.lab.synthetic import make_scene, render, trajectory
from depth_ros.models.networks.depth_anything_3.ray_pose import cameras_of_rays
from depth_ros.types import Camera

SIZE = (252, 336)  # height, width of the network's input
GRID = (36, 48)  # of the ray map, and of the rendered depth: one ray for each 7x7 pixels
CAMERA = resize_camera(Camera.pinhole(640, 480, 520.0), GRID[1], GRID[0])


@pytest.fixture(scope='module', params=['room', 'street'])
def drive(request):
    """Return views with their true depth and poses."""
    scene = make_scene(request.param, seed=5)
    poses = trajectory(scene, np.random.default_rng(1), 4, rate=2.0)
    views = []
    for pose in poses:
        seen = render(scene, CAMERA, pose, antialias=1)
        views.append(PosedDepth(seen.depth, CAMERA, pose, seen.image))
    return views


def ray_maps(views):
    """Return (1, views, rows, columns, 6): directions whose z is 1 in the camera, and origins."""
    v, u = np.mgrid[: GRID[0], : GRID[1]].astype(np.float64)
    local = np.stack(
        [(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones_like(u)], -1
    )
    first = inverse_pose(views[0].pose)
    maps = []
    for view in views:
        pose = first @ view.pose
        origin = np.broadcast_to(pose[:3, 3], local.shape)
        maps.append(np.concatenate([local @ pose[:3, :3].T, origin], -1))
    return torch.from_numpy(np.stack(maps))[None]


def found_poses(rays):
    """Return camera-to-world poses in the world of the first view, and intrinsics."""
    found = cameras_of_rays(rays, None, SIZE)
    extrinsics = np.tile(np.eye(4), (rays.shape[1], 1, 1))
    extrinsics[:, :3] = found.extrinsics[0].double().numpy()
    return inverse_pose(extrinsics), found.intrinsics[0].numpy()


def errors(poses, views):
    """Return the largest angle, and the largest distance over the baseline."""
    first = inverse_pose(views[0].pose)
    true = [first @ view.pose for view in views]
    baseline = max(np.linalg.norm(pose[:3, 3]) for pose in true)
    assert baseline > 0.2
    turned = max(angle_between(own, pose) for own, pose in zip(poses, true))
    moved = max(np.linalg.norm(own[:3, 3] - pose[:3, 3]) for own, pose in zip(poses, true))
    return turned, moved / baseline


def test_points_are_where_the_rays_say(drive):
    """Origin plus depth times direction is the rendered point: the map is that of the image."""
    first = inverse_pose(drive[0].pose)
    for view, rays in zip(drive, ray_maps(drive)[0].numpy()):
        points = rays[..., 3:] + view.depth[..., None] * rays[..., :3]
        known = np.isfinite(view.depth)
        cloud = depth_of_points(points[known], CAMERA, first @ view.pose)
        np.testing.assert_allclose(cloud[known], view.depth[known], rtol=1e-4)


def test_cameras_of_rendered_views_come_back(drive):
    poses, intrinsics = found_poses(ray_maps(drive))
    turned, moved = errors(poses, drive)
    assert turned < 1e-3
    assert moved < 1e-3
    scale = SIZE[1] / GRID[1]
    np.testing.assert_allclose(intrinsics[:, 0, 0], CAMERA.fx * scale, rtol=1e-3)


@pytest.mark.parametrize('seed', range(3))
def test_outliers_and_noise_cost_little(drive, seed):
    """20 % of the rays are wrong; the others are off by 0.01 rad and 1 % of the baseline."""
    rays = ray_maps(drive)
    generator = torch.Generator().manual_seed(seed)
    baseline = rays[..., 3:].norm(dim=-1).max()

    def drawn(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    rays[..., :3] += 0.01 * rays[..., :3].norm(dim=-1, keepdim=True) * drawn(*rays.shape[:-1], 3)
    rays[..., 3:] += 0.01 * baseline * drawn(*rays.shape[:-1], 3)
    wrong = torch.rand(rays.shape[:-1], generator=generator) < 0.2
    rays[wrong] = drawn(int(wrong.sum()), 6) + baseline * torch.tensor([0, 0, 0, 1.0, 0, 0])
    turned, moved = errors(found_poses(rays)[0], drive)
    assert turned < 1e-2
    assert moved < 1e-2


def test_recovered_cameras_fuse_true_depth_into_one_cloud(drive):
    poses, _ = found_poses(ray_maps(drive))
    views = [PosedDepth(view.depth, CAMERA, pose, view.image) for view, pose in zip(drive, poses)]
    true = np.median(disagreement(drive[0], drive[1]))
    assert np.median(disagreement(views[0], views[1])) < true + 2e-3
    cloud = fused_cloud(views)
    for view in views:
        back = depth_of_points(cloud.points, view.camera, view.pose)
        known = np.isfinite(back) & np.isfinite(view.depth)
        difference = np.abs(back[known] - view.depth[known]) / view.depth[known]
        assert np.median(difference) < 0.01
