# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a frame becomes for navigation: each output against the function that computes it."""

import math

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from clouds import xyz
from std_msgs.msg import Header

from depth_ros.geometry.free_space import free_points
from depth_ros.geometry.planes import plane_depth
from depth_ros.geometry.uncertainty import stereo_sigma
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.compressed_depth import compressed_to_depth
from depth_ros.nodes.output import transported_points
from depth_ros.nodes.output.output import all_outputs, outputs_of
from depth_ros.nodes.parameters.spec import checked
from depth_ros.nodes.parameters.specs import MONO, STEREO
from depth_ros.pipeline import DepthFrame
from depth_ros.types import Camera, DepthKind, Ground, Prediction

CAMERA = Camera.pinhole(160, 120, 120.0)
HEIGHT, PITCH = 0.6, 0.3
MOUNT = {'mount_height': HEIGHT, 'mount_pitch': PITCH}
LEVEL = Ground.below_mount(HEIGHT, PITCH)
HEADER = Header(frame_id='camera_optical')
WALL = 2.0  # metres ahead, level
OUTPUTS = {output.topic: output for output in all_outputs()}


def wall_depth(ground=LEVEL):
    """Return depth of a floor and an upright wall ahead, with sky above and one hole."""
    x, y, z = ground.down.tolist()
    floor = plane_depth(CAMERA, (x, y, z), ground.height)
    forward = np.array([0, -math.sin(PITCH), math.cos(PITCH)])
    wall = plane_depth(CAMERA, tuple(forward.tolist()), WALL)
    depth = np.minimum(floor, wall)
    depth[:20] = np.inf
    depth[60:64, 40:44] = np.nan
    return depth


def frame_of(depth, confidence=None, kind=DepthKind.METRIC, **more):
    prediction = Prediction(kind, depth, CAMERA, confidence=confidence, **more)
    image = np.zeros((120, 160, 3), np.uint8)
    metres = None if kind is DepthKind.SCALE_INVARIANT else depth
    return DepthFrame(prediction, metres, CAMERA, image, {})


def built(topic, frame, values=None, specs=MONO):
    output = OUTPUTS[topic]
    return output.build(frame, HEADER, output.prepare(checked(specs, values or MOUNT)))


def test_both_nodes_have_the_outputs_for_navigation():
    wanted = {
        'free_points', 'ground', 'obstacles', 'scan', 'range', 'depth/image/compressedDepth',
    }  # fmt: skip
    for views, specs in ((1, MONO), (2, STEREO)):
        assert wanted <= {output.topic for output in outputs_of(views)}
        names = [spec.name for spec in specs]
        assert len(names) == len(set(names))


@pytest.mark.parametrize('values', [MOUNT, {}], ids=['mount', 'estimated'])
def test_ground_and_obstacles_share_the_points_out(values):
    frame = frame_of(wall_depth())
    ground, obstacles = (built(topic, frame, values) for topic in ('ground', 'obstacles'))
    for msg in (ground, obstacles):
        assert msg.header.frame_id == 'camera_optical'
        assert [f.name for f in msg.fields] == ['x', 'y', 'z', 'height']
        assert msg.width > 1000
    on, off = cloud_to_points(ground), cloud_to_points(obstacles)
    assert np.abs(on['height']).max() <= 0.1 + 1e-5
    assert off['height'].min() > 0.1
    assert off['height'].max() <= 1.0
    level = xyz(obstacles) @ (0, -math.sin(PITCH), math.cos(PITCH))
    np.testing.assert_allclose(level, WALL, atol=0.02)
    # The fields that Nav2 reads are those of the points themselves.
    np.testing.assert_allclose(HEIGHT - xyz(obstacles) @ LEVEL.down, off['height'], atol=0.02)


def test_the_mount_of_the_model_will_do():
    frame = frame_of(np.full((120, 160), np.nan, np.float32))
    values = checked(MONO, {})
    output = OUTPUTS['obstacles']
    assert output.build(frame, HEADER, output.prepare(values)) is None
    values |= {'camera_height': HEIGHT, 'camera_pitch': PITCH}
    assert output.build(frame, HEADER, output.prepare(values)).width == 0
    # What is set for the mount comes first.
    settings = output.prepare(values | {'mount_height': 1.5})[1]
    assert (settings.height, settings.pitch) == (1.5, 0.0)


def test_free_points_are_those_of_the_function():
    depth = wall_depth()
    msg = built('free_points', frame_of(depth), {'clearing_range': 6.0})
    np.testing.assert_allclose(xyz(msg), free_points(depth, CAMERA, 6.0), rtol=1e-5)
    few = built('free_points', frame_of(depth), {'decimation_x': 2, 'decimation_y': 2})
    np.testing.assert_allclose(xyz(few), free_points(depth, CAMERA, 8.0, step=2), rtol=1e-5)
    sky = np.linalg.norm(xyz(few), axis=1).max()
    assert sky == pytest.approx(8.0, rel=1e-4)


def test_pixels_of_low_confidence_are_nowhere():
    depth = wall_depth()
    confidence = np.full(depth.shape, 0.9, np.float32)
    confidence[:, 80:] = 0.3
    values = {**MOUNT, 'points_min_confidence': 0.5}
    for topic in ('points', 'free_points', 'obstacles', 'ground'):
        points = xyz(built(topic, frame_of(depth, confidence), values))
        points = points[np.isfinite(points).all(axis=-1)]
        assert len(points) > 1000
        assert points[..., 0].max() < 0
    scan = built('scan', frame_of(depth, confidence), values)
    assert np.isnan(np.array(scan.ranges)[: len(scan.ranges) // 2 - 1]).all()


def test_the_scan_sees_the_wall_in_its_level_frame():
    msg = built('scan', frame_of(wall_depth()))
    assert msg.header.frame_id == 'camera_optical_level'
    angles = msg.angle_min + msg.angle_increment * np.arange(len(msg.ranges))
    ranges = np.array(msg.ranges)
    seen = np.isfinite(ranges)  # beams at the sides have pixels of the floor alone
    assert seen[10:-10].all()
    np.testing.assert_allclose(ranges[seen], WALL / np.cos(angles[seen]), rtol=0.01)
    named = built('scan', frame_of(wall_depth()), {**MOUNT, 'scan_frame': 'base_level'})
    assert named.header.frame_id == 'base_level'
    assert HEADER.frame_id == 'camera_optical'


def test_a_ramp_is_no_obstacle_to_the_scan():
    """The plane may lean; level stays level."""
    ramp = Ground.below_mount(HEIGHT, PITCH + 0.12)
    x, y, z = ramp.down.tolist()
    depth = plane_depth(CAMERA, (x, y, z), HEIGHT).copy()
    msg = built('scan', frame_of(depth), {**MOUNT, 'scan_range_max': 3.0})
    assert not np.isfinite(msg.ranges).any()
    strict = built('scan', frame_of(depth), {**MOUNT, 'ground_max_tilt': 0.0})
    assert np.isfinite(strict.ranges).any()


def test_the_range_is_the_distance_ahead():
    msg = built('range', frame_of(wall_depth()), {**MOUNT, 'range_field_of_view': 0.2})
    assert msg.range == pytest.approx(WALL, rel=0.01)
    assert msg.header.frame_id == 'camera_optical_level'
    nothing = built('range', frame_of(np.full((120, 160), np.inf, np.float32)))
    assert nothing.range == math.inf
    unknown = built('range', frame_of(np.full((120, 160), np.nan, np.float32)))
    assert math.isnan(unknown.range)


@pytest.mark.parametrize('topic', ['scan', 'range'])
def test_without_a_mount_nothing_is_level(topic):
    assert built(topic, frame_of(wall_depth()), {'mount_height': 0.0}) is None
    assert 'mount_height' in OUTPUTS[topic].absent


@pytest.mark.parametrize(
    'topic',
    ['free_points', 'ground', 'obstacles', 'scan', 'range', 'depth/image/compressedDepth'],
)
def test_relative_depth_has_nothing_for_navigation(topic):
    frame = frame_of(np.ones((120, 160), np.float32), kind=DepthKind.SCALE_INVARIANT)
    assert built(topic, frame) is None


def test_compressed_depth_is_the_depth_image():
    depth = wall_depth()
    msg = built('depth/image/compressedDepth', frame_of(depth))
    back = compressed_to_depth(msg)
    near = np.isfinite(depth)
    np.testing.assert_allclose(back[near], depth[near], rtol=2e-3)
    assert np.isnan(back[~near]).all()
    mm = built('depth/image/compressedDepth', frame_of(depth), {'depth_encoding': '16UC1'})
    assert mm.format.startswith('16UC1')


def test_points_take_more_fields_on_request():
    depth = wall_depth()
    plain = built('points', frame_of(depth), {**MOUNT, 'points_fields': 'xyz'})
    values = {**MOUNT, 'points_fields': 'xyz', 'points_extra': 'height,uncertainty'}
    disparity = frame_of(depth, kind=DepthKind.DISPARITY, baseline=0.1, focal=120.0)
    msg = built('points', disparity, values)
    points = cloud_to_points(msg)
    assert points.dtype.names == ('x', 'y', 'z', 'height', 'uncertainty')
    np.testing.assert_allclose(xyz(msg), xyz(plain), rtol=1e-6)
    valid = np.isfinite(depth)
    sigma = stereo_sigma(depth, 120.0, 0.1)
    np.testing.assert_allclose(points['uncertainty'][valid], sigma[valid], rtol=1e-6)
    np.testing.assert_allclose(
        points['height'][valid], (HEIGHT - xyz(msg) @ LEVEL.down)[valid], atol=0.02
    )


def test_voxels_leave_few_points():
    depth = wall_depth()
    stereo = frame_of(depth, kind=DepthKind.DISPARITY, baseline=0.1, focal=120.0)
    msg = built('points', stereo, {'points_voxel_size': 0.05})
    assert (msg.height, msg.is_dense) == (1, True)
    assert [f.name for f in msg.fields] == ['x', 'y', 'z', 'uncertainty']
    assert 50 < msg.width < np.isfinite(depth).sum() / 10


def test_transports_are_there_where_their_libraries_are(monkeypatch):
    monkeypatch.setattr(transported_points, 'message_type', lambda: None)
    assert transported_points.transported('zlib') is None

    class Stored:
        """A stand-in for the message."""

    monkeypatch.setattr(transported_points, 'message_type', lambda: Stored)
    monkeypatch.setattr(transported_points, 'available', lambda: ('zlib',))
    assert transported_points.transported('draco') is None
    output = transported_points.transported('zlib')
    assert output.topic == 'points/zlib'
    msg = output.build(frame_of(wall_depth()), HEADER, output.prepare(checked(MONO, {})))
    raw = built('points', frame_of(wall_depth()), {})
    assert (msg.format, msg.width, msg.point_step) == ('zlib', raw.width, raw.point_step)
    assert len(msg.compressed_data) < len(raw.data) / 2
