# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A recording with measured depth is a data set: every point lands in the pixel that saw it."""

import json

import numpy as np
import pytest
from bag_files import PERIOD, START, camera_info, drive, header, image, kind, write

from depth_ros.cli.main import main
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.types import Camera, DepthError

CAMERA = Camera.pinhole(32, 24, 30.0)


def cloud(points, stamp, frame_id):
    field = kind('sensor_msgs/msg/PointField')
    fields = [field(name, 4 * i, 7, 1) for i, name in enumerate('xyz')]
    data = np.ascontiguousarray(points, np.float32)
    return kind('sensor_msgs/msg/PointCloud2')(
        header(stamp, frame_id), 1, len(data), fields, False, 12, 12 * len(data),
        data.view(np.uint8).ravel(), True,
    )  # fmt: skip


def transform(parent, child, translation, rotation):
    """Return a TFMessage; the rotation is a quaternion x y z w."""
    return kind('tf2_msgs/msg/TFMessage')(
        [
            kind('geometry_msgs/msg/TransformStamped')(
                header(START, parent),
                child,
                kind('geometry_msgs/msg/Transform')(
                    kind('geometry_msgs/msg/Vector3')(*translation),
                    kind('geometry_msgs/msg/Quaternion')(*rotation),
                ),
            )
        ]
    )


def test_a_depth_image_of_the_same_camera_is_taken_as_it_is(tmp_path):
    recorded = drive(3)
    depth = np.random.default_rng(0).uniform(1, 9, (24, 32)).astype(np.float32)
    depth[3, 4] = np.nan
    for i in range(3):
        stamp = START + i * PERIOD
        recorded.append(('/depth/camera_info', stamp, camera_info(CAMERA, stamp)))
        recorded.append(('/depth/image', stamp + 9, image(depth + i, '32FC1', stamp)))
    source = write(tmp_path / 'in', sorted(recorded, key=lambda m: m[1]))
    for path in (source, source / 'in.mcap'):
        data = open_dataset(path)
        assert data.layout.name == 'bag'
        assert len(data.sources) == 3
        frame = data.sources[2].load()
        np.testing.assert_allclose(frame.depth, depth + 2, rtol=1e-6)
        pixels = np.random.default_rng(2).integers(0, 256, (24, 32, 3), np.uint8)
        np.testing.assert_array_equal(frame.image, pixels)


def test_lidar_points_go_through_the_recorded_transforms(tmp_path):
    # base: x forward; the LiDAR 0.5 m up; the camera 0.1 m ahead of the LiDAR, optical axes.
    half = 0.5
    recorded = drive(2)
    tf = transform('base', 'lidar', (0.0, 0.0, 0.5), (0.0, 0.0, 0.0, 1.0))
    optical = transform('lidar', 'camera_optical', (0.1, 0.0, 0.0), (-half, half, -half, half))
    points = np.array([[2.1, 0.0, 0.0], [4.1, 1.0, -0.5], [-3.0, 0.0, 0.0]])
    recorded += [('/tf_static', START, tf), ('/tf_static', START, optical)]
    recorded.append(('/lidar/points', START + 20, cloud(points, START + 30_000_000, 'lidar')))
    source = write(tmp_path / 'in', sorted(recorded, key=lambda m: m[1]))
    (only,) = open_dataset(source).sources
    depth = only.load().depth
    found = {(int(v), int(u)): float(depth[v, u]) for v, u in np.argwhere(np.isfinite(depth))}
    # x right is minus y of the LiDAR, y down is minus z: (0, 0, 2) and (-1, 0.5, 4).
    assert found == pytest.approx({(12, 16): 2.0, (15, 8): 4.0}, abs=1e-4)


def test_what_is_missing_is_said(tmp_path):
    recorded = drive(1)
    recorded.append(('/lidar/points', START + 20, cloud(np.ones((2, 3)), START, 'lidar')))
    source = write(tmp_path / 'in', recorded)
    with pytest.raises(DepthError, match='tf_static'):
        open_dataset(source).sources[0].load()
    with pytest.raises(DepthError, match='no data set'):
        open_dataset(write(tmp_path / 'plain', drive(1)))


def test_the_command_measures_a_recording(tmp_path, capsys):
    from depth_ros.models.registry import create_model
    from depth_ros.types import View

    options = {'camera_height': 1.0, 'camera_pitch': 0.5}
    view = View(np.zeros((24, 32, 3), np.uint8), CAMERA)
    exact = create_model('floor', options).predict([view]).values
    recorded = drive(2)
    for i in range(2):
        stamp = START + i * PERIOD
        recorded.append(('/depth/camera_info', stamp, camera_info(CAMERA, stamp)))
        recorded.append(('/depth/image', stamp + 9, image(exact, '32FC1', stamp)))
    source = write(tmp_path / 'in', sorted(recorded, key=lambda m: m[1]))
    arguments = ['eval', '--data', str(source), '--model', 'floor', '--json', '-']
    for name, value in options.items():
        arguments += ['--option', f'{name}={value}']
    assert main(arguments) == 0
    (model,) = json.loads(capsys.readouterr().out)['models']
    assert len(model['frames']) == 2
    for frame in model['frames']:
        assert frame['metrics']['abs_rel'] == pytest.approx(0, abs=1e-6)
