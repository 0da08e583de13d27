# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sensor effects do what their names say; lasers measure what is there; mounts are robots'."""

import math

import numpy as np
import pytest

from depth_ros.lab import synthetic
from depth_ros.lab.synthetic.sensors import camera as sensor
from depth_ros.lab.synthetic.sensors.lidar import body_pose, cast_rays, laser_scan, lidar
from depth_ros.types import Camera, DepthError, Distortion

GREY = np.full((40, 60, 3), 100, np.uint8)


@pytest.fixture(scope='module')
def pixels() -> np.ndarray:
    return synthetic.render(synthetic.make_scene('room', 3), Camera.pinhole(80, 60, 70.0)).image


def test_no_effect_is_no_change(pixels: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(sensor.Sensor().apply(pixels, rng), pixels)
    np.testing.assert_array_equal(sensor.expose(pixels, 0.0), pixels)
    np.testing.assert_array_equal(sensor.blur(pixels, 0.0, 1.0), pixels)
    np.testing.assert_array_equal(sensor.vignette(pixels, 0.0), pixels)


def test_one_stop_is_twice_the_light() -> None:
    brighter = sensor.expose(GREY, 1.0)
    assert (brighter[0, 0, 0] / 100) ** sensor.GAMMA == pytest.approx(2.0, rel=0.02)


def test_vignette_darkens_corners_and_leaves_the_centre() -> None:
    dark = sensor.vignette(GREY, 0.5)
    assert dark[20, 30, 0] == 100
    assert (dark[0, 0, 0] / 100) ** sensor.GAMMA == pytest.approx(0.5, rel=0.03)


def test_noise_follows_the_photons() -> None:
    rng = np.random.default_rng(0)
    few, many = (sensor.noise(GREY, rng, p, 0.0).astype(float).std() for p in (200, 20000))
    assert few / many == pytest.approx(10, rel=0.25)
    assert sensor.noise(GREY, rng, 5000, 0.0).mean() == pytest.approx(100, abs=0.5)


def test_blur_moves_along_its_direction_and_keeps_the_light() -> None:
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 255
    light = (sensor.blur(image, 8.0, 0.0) / 255.0) ** sensor.GAMMA
    assert light[20].sum() == pytest.approx(3.0, rel=0.05)
    assert light[20, 16:25, 0].min() > 0
    assert light[18].max() == 0


def test_jpeg_keeps_the_image_and_loses_detail(pixels: np.ndarray) -> None:
    good, poor = (np.abs(sensor.jpeg(pixels, q).astype(int) - pixels).mean() for q in (95, 10))
    assert 0 < good < poor < 30


def test_a_sampled_sensor_is_reproducible(pixels: np.ndarray) -> None:
    one, two, other = (
        sensor.sample_sensor(np.random.default_rng(s)).apply(pixels, np.random.default_rng(1))
        for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_exact_motion_blur_of_no_motion_is_the_image() -> None:
    scene = synthetic.make_scene('corridor', 1)
    renderer, camera = synthetic.Renderer(scene), Camera.pinhole(48, 36, 40.0)
    still = sensor.motion_blurred(renderer, camera, scene.start, scene.start, 3)
    sharp = renderer.render(camera).image
    assert np.abs(still.astype(int) - sharp).max() <= 1
    end = scene.start.copy()
    end[:3, 3] += 0.1 * end[:3, 0]
    moved = sensor.motion_blurred(renderer, camera, scene.start, end, 4)
    assert np.abs(moved.astype(int) - sharp).mean() > 0.5


# A floor 1.2 m below the sensor's origin: in the optical frame y is down.
FLOOR = synthetic.plane_scene((0, 1, 0), 1.2)


def test_lidar_beams_meet_the_floor_where_geometry_says() -> None:
    pose = body_pose(np.eye(4))
    sweep = lidar(FLOOR, pose, 8, 90, (math.radians(-30), math.radians(-5)), 50.0)
    np.testing.assert_allclose(sweep.points[:, 2], -1.2, atol=1e-9)
    elevation = np.linspace(math.radians(-30), math.radians(-5), 8)
    expected = 1.2 / np.sin(-elevation)
    ranges = np.linalg.norm(sweep.points, axis=1)
    np.testing.assert_allclose(ranges, expected[sweep.rings], rtol=1e-9)
    assert len(ranges) == 8 * 90


def test_lidar_leaves_out_what_is_beyond_its_range() -> None:
    sweep = lidar(FLOOR, body_pose(np.eye(4)), 4, 30, (-0.5, 0.5), 5.0)
    assert 0 < len(sweep.points) < 120
    assert np.linalg.norm(sweep.points, axis=1).max() <= 5.0


def test_laser_scan_of_a_wall() -> None:
    scene = synthetic.plane_scene((0, 0, 1), 2.0)  # straight ahead
    ranges = laser_scan(scene, body_pose(np.eye(4)), -0.6, 0.6, 61, 30.0)
    angles = np.linspace(-0.6, 0.6, 61)
    np.testing.assert_allclose(ranges, 2.0 / np.cos(angles), rtol=1e-6)
    behind = laser_scan(scene, body_pose(np.eye(4)), 2.0, 4.0, 20)
    assert np.isinf(behind).all()


def test_rays_and_images_agree() -> None:
    scene = synthetic.make_scene('warehouse', 2)
    view = synthetic.render(scene, Camera.pinhole(40, 30, 35.0))
    finite = ~view.sky
    points = synthetic.points_of(view)[finite]
    distance, ids = cast_rays(scene, view.pose[:3, 3], points - view.pose[:3, 3])
    np.testing.assert_allclose(
        distance, np.linalg.norm(points - view.pose[:3, 3], axis=1), rtol=1e-3
    )
    assert (ids == view.ids[finite]).mean() > 0.99
    with pytest.raises(DepthError, match=r'\(N, 3\)'):
        cast_rays(scene, np.zeros(3), np.zeros((3, 4, 4)))


def test_sampled_cameras_are_usable_and_varied() -> None:
    from depth_ros.geometry.distortion import ray_grid

    rng = np.random.default_rng(0)
    cameras = [synthetic.sample_camera(rng, 64, 48) for _ in range(60)]
    assert {c.distortion for c in cameras} == {
        Distortion.NONE, Distortion.PLUMB_BOB, Distortion.EQUIDISTANT
    }  # fmt: skip
    fields = [2 * math.degrees(math.atan(32 / c.fx)) for c in cameras]
    assert min(fields) < 60 < 90 < max(fields)
    for camera in cameras:
        assert np.isfinite(ray_grid(camera)).all()


def test_mounts_stay_within_what_robots_have() -> None:
    rng = np.random.default_rng(1)
    mounts = [synthetic.sample_mount(rng) for _ in range(300)]
    heights = np.array([m.height for m in mounts])
    assert heights.min() >= 0.11
    assert heights.max() <= 1.95
    assert np.abs([m.roll for m in mounts]).max() < 0.2


@pytest.mark.parametrize('kind', ['room', 'corridor', 'street'])
def test_a_drive_starts_at_the_start_and_moves_little_at_a_time(kind: str) -> None:
    scene = synthetic.make_scene(kind, 5)
    poses = synthetic.trajectory(scene, np.random.default_rng(0), 30, 10.0)
    np.testing.assert_allclose(poses[0], scene.start)
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    assert steps.max() <= 0.7 / 10 + 1e-9
    for pose in poses:
        np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
        assert pose[2, 3] == pytest.approx(scene.start[2, 3])
    turns = np.einsum('nij,nij->n', poses[1:, :3, :3], poses[:-1, :3, :3])
    assert np.degrees(np.arccos(np.clip((turns - 1) / 2, -1, 1))).max() < 8
    moved = synthetic.odometry(poses)
    np.testing.assert_allclose(moved[0], np.eye(4), atol=1e-12)
    np.testing.assert_allclose(poses[0] @ moved[-1], poses[-1], atol=1e-9)
