# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Outputs for navigation over DDS, from nodes in their own processes, and compressed depth in."""

import math

import numpy as np
import pytest

pytest.importorskip('rclpy')

import rclpy
from clouds import xyz
from node_harness import RELIABLE, SENSOR, CameraSide, Listener, header, new_stamp
from node_scene import encoded
from sensor_msgs.msg import CompressedImage

from depth_ros.geometry.free_space import free_points
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.compressed_depth import compressed_to_depth, depth_to_compressed
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.nodes.input.measured import PromptInput
from depth_ros.types import Camera, DepthError

pytestmark = pytest.mark.ros

MODULE = 'depth_ros.nodes.mono_depth'
CAMERA = Camera.pinhole(160, 120, 120.0)
HEIGHT, PITCH, WALL = 0.6, 0.3, 2.0
MOUNT = {'mount_height': HEIGHT, 'mount_pitch': PITCH}
# An upright wall ahead, as far as a level robot would have to drive.
WALL_MODEL = {
    'model': 'plane', 'normal_x': 0.0, 'normal_y': -math.sin(PITCH),
    'normal_z': math.cos(PITCH), 'distance': WALL,
}  # fmt: skip
TOPICS = ('free_points', 'ground', 'obstacles', 'scan', 'range')


@pytest.fixture
def camera(graph):
    """A camera of its own for each test: nodes that are done with leave theirs in their time."""
    side = CameraSide(graph)
    yield side
    side.close()


def shot(camera):
    camera.wait()
    stamp = new_stamp()
    head = header(stamp)
    image = np.full((CAMERA.height, CAMERA.width, 3), 90, np.uint8)
    camera.send(encoded('rgb8', image, head), camera_to_camera_info(CAMERA, head))
    return stamp


def test_a_wall_is_obstacle_scan_and_range_and_the_way_to_it_is_free(graph, camera):
    graph.start(MODULE, {**WALL_MODEL, **MOUNT, 'range_field_of_view': 0.2})
    listener = Listener(graph, 'mono_depth', 'depth/image', 'depth/image/compressedDepth', *TOPICS)
    listener.wait_matched()
    stamp = shot(camera)
    image, compressed, free, ground, obstacles, scan, distance = listener.wait(
        stamp, 'depth/image', 'depth/image/compressedDepth', *TOPICS
    )
    depth = image_to_depth(image)
    near = np.isfinite(depth) & (depth < 10)
    np.testing.assert_allclose(compressed_to_depth(compressed)[near], depth[near], rtol=2e-3)
    np.testing.assert_allclose(xyz(free), free_points(depth, CAMERA, 8.0), rtol=1e-5)
    level = xyz(obstacles) @ (0, -math.sin(PITCH), math.cos(PITCH))
    np.testing.assert_allclose(level, WALL, rtol=1e-4)
    assert cloud_to_points(obstacles)['height'].min() > 0.1
    assert ground.width < obstacles.width / 3  # the foot of the wall
    assert scan.header.frame_id == 'camera_optical_level'
    angles = scan.angle_min + scan.angle_increment * np.arange(len(scan.ranges))
    ranges = np.array(scan.ranges)
    seen = np.isfinite(ranges)
    assert seen[10:-10].all()
    np.testing.assert_allclose(ranges[seen], WALL / np.cos(angles[seen]), rtol=0.01)
    assert distance.range == pytest.approx(WALL, rel=0.01)
    listener.close()


def test_a_floor_under_the_sky_is_free_and_holds_no_obstacle(graph, camera):
    # The model's own mount is that of the outputs as well.
    floor = {'model': 'floor', 'camera_height': HEIGHT, 'camera_pitch': 0.05}
    graph.start(MODULE, floor, remaps={'__node': 'floor_depth'})
    listener = Listener(graph, 'floor_depth', *TOPICS)
    listener.wait_matched()
    stamp = shot(camera)
    free, ground, obstacles, scan, distance = listener.wait(stamp, *TOPICS)
    assert obstacles.width == 0
    assert ground.width > 1000
    assert np.abs(cloud_to_points(ground)['height']).max() < 0.05
    assert free.width == CAMERA.width * CAMERA.height
    assert np.linalg.norm(xyz(free), axis=1).max() == pytest.approx(8.0, rel=1e-4)
    assert (np.array(scan.ranges) == np.inf).mean() > 0.9
    assert distance.range == math.inf
    listener.close()


def test_compressed_depth_serves_as_prompt(graph):
    depth = np.full((30, 40), 2.5, np.float32)
    complaints = []
    node = rclpy.create_node('prompted', context=graph.context)
    graph.executor.add_node(node)
    prompt = PromptInput(node, complaints.append)
    publisher = graph.node.create_publisher(CompressedImage, 'prompt/compressedDepth', SENSOR)
    try:
        prompt.listen(True, 'compressedDepth')
        with pytest.raises(DepthError, match='/prompt/compressedDepth'):
            prompt.nearest(0, 1.0)
        graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'the subscription')
        stamp = new_stamp()

        def arrived():
            publisher.publish(depth_to_compressed(depth, header(stamp)))
            try:
                return prompt.nearest(stamp, 1.0) is not None
            except DepthError:
                return False

        graph.spin_until(arrived, 'the compressed depth image')
        np.testing.assert_allclose(prompt.nearest(stamp, 1.0), depth, rtol=1e-3)
    finally:
        prompt.listen(False)
        graph.executor.remove_node(node)
        node.destroy_node()
        graph.node.destroy_publisher(publisher)
    assert not complaints


def test_scans_reach_consumers_of_either_reliability(graph, camera):
    """Nav2 subscribes to scans with sensor-data QoS."""
    graph.start(MODULE, {**WALL_MODEL, **MOUNT}, remaps={'__node': 'either'})
    sides = [Listener(graph, 'either', 'scan', qos=qos) for qos in (SENSOR, RELIABLE)]
    for side in sides:
        side.wait_matched()
    graph.spin_for(0.3)
    stamp = shot(camera)
    for side in sides:
        (scan,) = side.wait(stamp, 'scan')
        assert np.isfinite(scan.ranges).any()
        side.close()
