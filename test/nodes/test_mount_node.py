# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mount of the camera, live: from parameters, from an IMU and from TF."""

import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('diagnostic_msgs')

from geometry_msgs.msg import TransformStamped
from node_harness import SENSOR, CameraSide, Listener, header, new_stamp
from node_scene import cloud_fields, encoded
from sensor_msgs.msg import Imu

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

MONO = 'depth_ros.nodes.mono_depth'
CAMERA = Camera.pinhole(96, 72, 80.0)
FRAME = 'camera_optical'
PICTURE = np.zeros((72, 96, 3), np.uint8)
STAND_IN = str(Path(__file__).with_name('tf_stand_in'))
REPOSITORY = str(Path(__file__).resolve().parents[2])


def floor_depth(height, pitch, roll=0.0):
    """Return Z of the floor below a camera; +Inf above the horizon."""
    v, u = np.mgrid[:72, :96].astype(np.float64)
    x, y = (u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy
    below = math.cos(pitch) * (math.sin(roll) * x + math.cos(roll) * y) + math.sin(pitch)
    with np.errstate(divide='ignore'):
        return np.where(below > 1e-9, height / below, np.inf)


class Robot:
    """A camera, an IMU and a node."""

    def __init__(self, graph, parameters, topics=('depth/image',), environment=None):
        self.graph, self.stamp = graph, 0
        self.node = graph.start(MONO, parameters, environment=environment)
        self.camera = CameraSide(graph)
        self.listener = Listener(graph, 'mono_depth', *topics)
        self.imu = graph.node.create_publisher(Imu, 'imu', SENSOR)
        self.camera.wait()

    def send(self):
        stamp, self.stamp = self.stamp or new_stamp(), 0
        head = header(stamp, FRAME)
        self.camera.send(encoded('rgb8', PICTURE, head), camera_to_camera_info(CAMERA, head))
        return stamp

    def see(self):
        return image_to_depth(self.listener.wait(self.send(), 'depth/image')[0])

    def feel(self, pitch, roll=0.0, orientation=True):
        """Publish what an IMU in the optical frame measures at rest."""
        down = np.array(
            [
                math.cos(pitch) * math.sin(roll),
                math.cos(pitch) * math.cos(roll),
                math.sin(pitch),
            ]
        )
        self.stamp = new_stamp()  # of the next image too
        message = Imu(header=header(self.stamp, FRAME))
        if orientation:
            # The optical frame of a level camera in a world with z up, turned by pitch: -x.
            half, turn = pitch / 2, np.array([-0.5, 0.5, -0.5, 0.5])
            x, y, z, w = turn
            s, c = math.sin(-half), math.cos(half)
            q = (x * c + w * s, y * c + z * s, z * c - y * s, w * c - x * s)
            orientation = message.orientation
            orientation.x, orientation.y, orientation.z, orientation.w = q
        else:
            message.orientation_covariance[0] = -1.0
            up = -9.81 * down
            force = message.linear_acceleration
            force.x, force.y, force.z = up.tolist()
        self.graph.spin_until(self.imu.get_subscription_count, 'the subscriber of imu')
        self.imu.publish(message)
        self.graph.spin_for(0.2)


@pytest.fixture
def robot(graph):
    made = []

    def make(*arguments, **more):
        made.append(Robot(graph, *arguments, **more))
        return made[-1]

    yield make
    for one in made:
        one.listener.close()
        one.camera.close()
        one.node.stop()


def same(depth, exact):
    known = np.isfinite(exact) & (exact < 50)
    np.testing.assert_allclose(depth[known], exact[known], rtol=1e-3)
    assert not np.isfinite(depth[np.isinf(exact)]).any()


def test_the_mount_of_a_model_is_set_while_it_runs(graph, robot):
    one = robot({'model': 'floor', 'camera_height': 1.2, 'camera_pitch': 0.3})
    same(one.see(), floor_depth(1.2, 0.3))
    for name, value in (('camera_height', 0.5), ('camera_pitch', 0.6), ('camera_roll', 0.1)):
        assert graph.set_parameter('mono_depth', name, value) == (True, '')
    same(one.see(), floor_depth(0.5, 0.6, 0.1))


@pytest.mark.parametrize('orientation', [True, False], ids=['orientation', 'acceleration'])
def test_an_imu_gives_the_attitude_and_nothing_replaces_it(graph, robot, orientation):
    one = robot({'model': 'floor', 'camera_height': 1.2, 'mount_imu': True})
    one.send()
    graph.spin_until(lambda: one.node.said('no attitude came on /imu'), 'the sentence')
    assert not one.listener.order['depth/image']  # not that of a camera held level
    one.feel(0.4, orientation=orientation)
    same(one.see(), floor_depth(1.2, 0.4))
    graph.spin_for(0.2)
    count = len(one.listener.order['depth/image'])
    one.send()
    graph.spin_until(lambda: one.node.said('the nearest attitude on /imu is'), 'the sentence')
    assert len(one.listener.order['depth/image']) == count


def test_an_imu_gives_the_pitch_to_the_source_ground(graph, robot):
    exact = floor_depth(0.8, 0.5)
    one = robot(
        {
            'model': 'inverse_plane',
            'normal_x': 0.0,
            'normal_y': math.cos(0.5),
            'normal_z': math.sin(0.5),
            'distance': 0.8,
            'scale.source': 'ground',
            'mount_height': 0.8,
            'mount_imu': True,
        },
        topics=('depth/image', 'scale', 'relative'),
    )
    stamp = one.send()
    (scale,) = one.listener.wait(stamp, 'scale')
    assert 'no attitude came on /imu' in scale.status[0].message
    one.feel(0.5)
    same(one.see(), exact)


def test_tf_gives_the_mount_as_it_is_now(graph, robot):
    path = f'{STAND_IN}:{REPOSITORY}'
    one = robot(
        {'model': 'floor', 'mount_frame': 'base_footprint'}, environment={'PYTHONPATH': path}
    )
    transforms = graph.node.create_publisher(TransformStamped, '/transform_stand_in', 10)
    one.send()
    graph.spin_until(lambda: one.node.said('is not known'), 'the sentence')
    assert not one.listener.order['depth/image']
    graph.spin_until(transforms.get_subscription_count, 'the listener')
    graph.spin_for(0.5)
    for height, pitch in ((1.0, 0.3), (0.6, 0.7)):  # a legged robot crouches and looks down
        message = TransformStamped(header=header(new_stamp(), 'base_footprint'))
        message.child_frame_id = FRAME
        message.transform.translation.z = height
        x, y, z, w = -0.5, 0.5, -0.5, 0.5
        s, c = math.sin(-pitch / 2), math.cos(pitch / 2)
        turn = message.transform.rotation
        turn.x, turn.y, turn.z, turn.w = x * c + w * s, y * c + z * s, z * c - y * s, w * c - x * s
        transforms.publish(message)
        graph.spin_for(0.3)
        same(one.see(), floor_depth(height, pitch))


def test_the_ground_follows_the_mount_and_is_not_guessed(graph, robot):
    one = robot(
        {
            'model': 'plane',
            'normal_x': 0.0,
            'normal_y': math.cos(0.5),
            'normal_z': math.sin(0.5),
            'distance': 0.8,
            'mount_height': 0.8,
            'mount_imu': True,
        },
        topics=('depth/image', 'ground'),
    )
    one.feel(0.5)
    stamp = one.send()
    (ground,) = one.listener.wait(stamp, 'ground')
    heights = cloud_fields(ground)['height']
    assert heights.size > 1000
    assert np.abs(heights).max() < 0.01
    graph.spin_for(0.2)
    one.listener.wait(one.send(), 'depth/image')  # the IMU is silent: no ground, but depth
    graph.spin_until(lambda: one.node.said('no ground is known: the nearest'), 'the sentence')
    assert one.listener.order['ground'] == [stamp]
