# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What `demo --relative` gives its nodes agrees with what its camera sees."""

import numpy as np

from depth_ros.cli.demo_relative import NODES, parameters, write_sensors
from depth_ros.geometry.poses import pose_from_text
from depth_ros.lab.synthetic import Renderer, camera_pose, make_scene
from depth_ros.metric.sources.cloud import Cloud, cloud_points
from depth_ros.types import Camera

CAMERA = Camera.pinhole(160, 120, 105.0)


def test_the_sensors_measure_what_the_camera_sees(tmp_path):
    scene = make_scene('corridor', 8)
    poses = [camera_pose((*scene.start[:2, 3], 1.0), yaw, 0.2) for yaw in (0.0, 0.3)]
    write_sensors(tmp_path, scene, poses)
    given = parameters(tmp_path, 1.0, 0.2)
    assert set(given) == set(NODES)
    text = next(p for p in given['by_cloud'] if p.startswith('scale.cloud.pose:=')).split(':=')[1]
    extrinsic = pose_from_text(text.strip("'"), 'pose')
    with np.load(tmp_path / 'sensors.npz') as stored:
        np.testing.assert_array_equal(stored['poses'], poses)
        clouds = np.split(stored['points'], np.cumsum(stored['sizes'])[:-1])
    renderer = Renderer(scene)
    for pose, points in zip(poses, clouds, strict=True):
        depth = renderer.render(CAMERA, pose).depth
        seen = cloud_points(Cloud(points, extrinsic), CAMERA)
        assert len(seen) > 100
        at = depth[np.rint(seen.rows).astype(int), np.rint(seen.columns).astype(int)]
        assert np.median(np.abs(seen.metres / at - 1)) < 0.01
