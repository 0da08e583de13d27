# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`multi_view_depth` in its own process, with a small network of random weights, over DDS."""

import importlib
import importlib.util

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('torch')
pytest.importorskip('safetensors')

import tiny_da3
from node_harness import RELIABLE, CameraSide, Listener, header, new_stamp
from node_scene import encoded

from depth_ros.geometry.poses import inverse_pose, pose_of, quaternion_of
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.models.registry import create_model
from depth_ros.nodes.multi_view_depth import names_of, poses_of
from depth_ros.pipeline import Pipeline
from depth_ros.types import Camera, DepthError, Known, View

pytestmark = pytest.mark.ros

MODULE = 'depth_ros.nodes.multi_view_depth'
CAMERA = Camera.pinhole(80, 60, 70.0)
EXACT = {'input_size': 84, 'precision': 'float32', 'device': 'cpu'}
needs_odometry = pytest.mark.skipif(
    importlib.util.find_spec('nav_msgs') is None, reason='nav_msgs is not installed'
)
# The optical frame of a camera that looks ahead, 0.3 m before the middle of the robot.
MOUNT = pose_of((0.3, 0.0, 0.2), (-0.5, 0.5, -0.5, 0.5))
MOUNT_TEXT = '0.3 0 0.2 -0.5 0.5 -0.5 0.5'
STEP = 100_000_000  # ns between images


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return {
        name: str(tiny_da3.write(tmp_path_factory.mktemp(name), name))
        for name in (tiny_da3.RAYS, tiny_da3.NESTED, tiny_da3.MONO)
    }


def image(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)
    return cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC)


def body(number):
    """Return the pose of the robot at an image: it drives a curve."""
    angle = 0.1 * number
    return pose_of(
        (0.25 * number, 0.03 * number**2, 0), (0, 0, np.sin(angle / 2), np.cos(angle / 2))
    )


def expected(folder, numbers, poses=None):
    """Return the frames of images seen together, in their order."""
    poses = [None] * len(numbers) if poses is None else poses
    views = [View(image(n), CAMERA, Known(pose=p)) for n, p in zip(numbers, poses)]
    return Pipeline(create_model(folder, EXACT)).scene(views)


def matrix(pose):
    place, turn = pose.position, pose.orientation
    return pose_of((place.x, place.y, place.z), (turn.x, turn.y, turn.z, turn.w))


class Robot:
    """A node, its camera or cameras, and its odometry."""

    def __init__(self, graph, name, folder, topics, cameras=('',), **parameters):
        self.graph, self.name = graph, name
        self.sides = []
        remaps = {'__node': name, 'odometry': f'/{name}/odom'}
        for camera in cameras:
            inner = f'{camera}/image_raw' if camera else 'image'
            info = f'{camera}/camera_info' if camera else 'camera_info'
            remaps[inner] = f'/{name}/{camera or "own"}/image'
            remaps[info] = f'/{name}/{camera or "own"}/info'
            side = CameraSide(graph, remaps[inner], remaps[info], qos=RELIABLE)
            self.sides.append((camera or 'camera', side))
        self.process = graph.start(
            MODULE, {'model': folder, 'window': 3, **EXACT, **parameters}, remaps=remaps
        )
        self.odometry = None
        if parameters.get('poses', 'odometry') == 'odometry':
            kind = importlib.import_module('nav_msgs.msg').Odometry
            self.odometry = graph.node.create_publisher(kind, f'/{name}/odom', RELIABLE)
            self.message = kind
        self.listener = Listener(graph, name, *topics)
        self.start = new_stamp()
        graph.spin_until(lambda: self.process.said('loaded in'), 'the network', timeout=90)
        for _, side in self.sides:
            side.wait()
        if self.odometry is not None:
            graph.spin_until(lambda: self.odometry.get_subscription_count() == 1, 'odometry')

    def stamp(self, number):
        return self.start + number * STEP

    def tell(self, number, share=0.0):
        """Publish where the robot is at an image, or a share of the way to the next."""
        message = self.message(header=header(self.stamp(number) + round(share * STEP), 'odom'))
        message.child_frame_id = 'base_link'
        pose = body(number + share)
        place, turn = message.pose.pose.position, message.pose.pose.orientation
        place.x, place.y, place.z = pose[:3, 3]
        turn.x, turn.y, turn.z, turn.w = quaternion_of(pose)
        self.odometry.publish(message)

    def see(self, number, numbers=None):
        """Publish an image of each camera."""
        numbers = [number] if numbers is None else numbers
        for (camera, side), seed in zip(self.sides, numbers):
            head = header(self.stamp(number), f'{camera}_optical')
            side.send(encoded('rgb8', image(seed), head), camera_to_camera_info(CAMERA, head))

    def wait(self, number, *topics):
        return self.listener.wait(self.stamp(number), *topics)

    def silent(self, *topics):
        return not any(self.listener.received[topic] for topic in topics)


def test_cameras_are_named_and_mounted_as_the_parameters_state():
    assert names_of('') == []
    assert names_of('front, left/,/up') == ['front', 'left', 'up']
    assert poses_of(' ', 3) == []
    np.testing.assert_allclose(poses_of(f'{MOUNT_TEXT}; 0 0 0 0 0 0 2', 2), [MOUNT, np.eye(4)])
    for wrong in ('front', 'a,a', 'a,/'):
        with pytest.raises(DepthError, match='expected two or more different names'):
            names_of(wrong)
    with pytest.raises(DepthError, match=r'holds 2 pose\(s\) for 1 camera'):
        poses_of('0 0 0 0 0 0 1; 0 0 0 0 0 0 1', 1)
    with pytest.raises(DepthError, match=r'number 2, is .* expected seven numbers'):
        poses_of('0 0 0 0 0 0 1; 1 2 3', 2)


@pytest.fixture
def robot_of(graph):
    """Return a function that makes a Robot, whose node ends with the test."""
    made = []

    def make(*args, **parameters):
        made.append(Robot(graph, *args, **parameters))
        return made[-1]

    yield make
    for robot in made:
        robot.process.stop()


METRIC = ('depth/image', 'points', 'pose', 'local_points')


@needs_odometry
def test_odometry_makes_metres_poses_a_path_and_a_cloud(graph, weights, robot_of):
    topics = (*METRIC, 'path', 'depth/camera_info', 'confidence')
    robot = robot_of('driven', weights[tiny_da3.RAYS], topics, camera_poses=MOUNT_TEXT)
    robot.tell(0)
    robot.see(0)
    robot.wait(0, 'confidence')
    assert robot.silent(*METRIC, 'path')  # one view has no scale
    for number in (1, 2, 3):
        robot.tell(number)
        robot.see(number)
        robot.wait(number, *topics)
    poses = [body(n) @ MOUNT for n in (3, 2, 1)]
    frames = expected(weights[tiny_da3.RAYS], (3, 2, 1), poses)
    depth, points, pose, local, path, info, _ = robot.wait(3, *topics)
    np.testing.assert_allclose(image_to_depth(depth), frames[0].depth, rtol=1e-4)
    assert depth.header.frame_id == local.header.frame_id == 'camera_optical'
    assert (info.width, info.height) == (84, 70)
    assert info.k[0] == pytest.approx(70 * 84 / 80)
    assert points.width * points.height == 84 * 70
    assert pose.header.frame_id == path.header.frame_id == 'odom'
    np.testing.assert_allclose(matrix(pose.pose), poses[0], atol=1e-6)
    assert len(path.poses) == 3
    for placed, number in zip(path.poses, (1, 2, 3)):
        np.testing.assert_allclose(matrix(placed.pose), body(number) @ MOUNT, atol=1e-6)
        assert placed.header.stamp == header(robot.stamp(number)).stamp
    cloud = cloud_to_points(local).reshape(-1)
    kept = sum(int(np.isfinite(frame.depth).sum()) for frame in frames)
    assert len(cloud) == pytest.approx(0.6 * kept, rel=0.05)
    # Every point of the cloud is on a surface of one of the views.
    xyz = np.stack([cloud[axis] for axis in 'xyz'], -1).astype(np.float64)
    world = xyz @ poses[0][:3, :3].T + poses[0][:3, 3]
    off = np.full(len(world), np.inf)
    for frame, own in zip(frames, poses):
        back = inverse_pose(own)
        x, y, z = (world @ back[:3, :3].T + back[:3, 3]).T
        with np.errstate(divide='ignore', invalid='ignore'):
            u = np.rint(frame.camera.fx * x / z + frame.camera.cx)
            v = np.rint(frame.camera.fy * y / z + frame.camera.cy)
        inside = (z > 0) & (u >= 0) & (u < 84) & (v >= 0) & (v < 70)
        seen = frame.depth[v[inside].astype(int), u[inside].astype(int)]
        off[inside] = np.fmin(off[inside], np.abs(seen - z[inside]) / z[inside])
    assert np.median(off) < 1e-4
    assert (off < 1e-3).mean() > 0.99


@needs_odometry
def test_an_image_between_two_poses_waits_for_the_second(graph, weights, robot_of):
    robot = robot_of(
        'between', weights[tiny_da3.RAYS], ('pose', 'confidence'), camera_poses=MOUNT_TEXT,
        odometry_tolerance=5.0,
    )  # fmt: skip
    robot.tell(0)
    robot.see(0)
    robot.wait(0, 'confidence')
    robot.tell(1, -0.5)
    robot.see(1)
    graph.spin_for(0.3)
    assert robot.silent('pose')
    robot.tell(1, 0.5)
    (pose,) = robot.wait(1, 'pose')
    np.testing.assert_allclose(matrix(pose.pose), body(1) @ MOUNT, atol=2e-2)
    # Where the robot was before or after is farther away than that.
    assert np.linalg.norm(body(0.5)[:3, 3] - body(1)[:3, 3]) > 0.1


@needs_odometry
def test_without_odometry_the_reason_is_stated_and_nothing_is_published(graph, weights, robot_of):
    robot = robot_of(
        'lost', weights[tiny_da3.RAYS], ('depth/image', 'relative'), camera_poses=MOUNT_TEXT
    )
    robot.see(0)
    sentence = r'no odometry came on /lost/odom, so the scale is not known; publish or remap it'
    graph.spin_until(lambda: robot.process.said(sentence), sentence)
    assert robot.silent('depth/image', 'relative')
    robot.tell(1)
    robot.see(1)
    robot.wait(1, 'relative')  # a first view


@needs_odometry
def test_a_mount_that_is_not_known_is_an_error(graph, weights, robot_of):
    robot = robot_of('loose', weights[tiny_da3.RAYS], ('depth/image',))
    robot.tell(0)
    robot.see(0)
    sentence = r"the pose of frame 'camera_optical' in 'base_link' is not known.*set camera_poses"
    graph.spin_until(lambda: robot.process.said(sentence), sentence)


@pytest.mark.skipif(
    importlib.util.find_spec('nav_msgs') is not None, reason='nav_msgs is installed'
)
def test_odometry_without_its_messages_is_an_error(graph, weights):
    process = graph.start(MODULE, {**EXACT, 'model': weights[tiny_da3.RAYS]})
    sentence = 'odometry needs the package nav_msgs, .*or set poses to none'
    graph.spin_until(lambda: process.said(sentence), sentence, timeout=60)
    assert process.said('~/path is left out: nav_msgs/msg/Path is not installed')
    assert process.stop() == 0


def test_without_poses_the_scale_is_not_known_and_no_topic_is_in_metres(graph, weights, robot_of):
    robot = robot_of(
        'guessing', weights[tiny_da3.RAYS], ('relative', *METRIC, 'confidence'),
        poses='none', keyframe_seconds=0.0,
    )  # fmt: skip
    for number in range(3):
        robot.see(number)
        relative, _ = robot.wait(number, 'relative', 'confidence')
    frame = expected(weights[tiny_da3.RAYS], (2, 1, 0))[0]
    assert frame.depth is None
    np.testing.assert_allclose(image_to_depth(relative), 1 / frame.prediction.values, rtol=1e-4)
    assert robot.silent(*METRIC)
    sentence = 'no scale is known, so only ~/relative is published; set poses to odometry'
    graph.spin_until(lambda: robot.process.said(sentence), sentence)


def test_a_metric_model_needs_no_odometry(graph, weights, robot_of):
    robot = robot_of(
        'nested', weights[tiny_da3.NESTED], METRIC, poses='none', keyframe_seconds=0.0
    )
    found = []
    for number in range(2):
        robot.see(number)
        found.append(robot.wait(number, *METRIC))
    frames = expected(weights[tiny_da3.NESTED], (1, 0))
    np.testing.assert_allclose(image_to_depth(found[1][0]), frames[0].depth, rtol=1e-4)
    first, second = (messages[2] for messages in found)
    assert first.header.frame_id == second.header.frame_id == 'visual_odometry'
    np.testing.assert_allclose(matrix(first.pose), np.eye(4), atol=1e-9)
    # The second camera in the frame of the first, as the model estimates it.
    chained = inverse_pose(frames[1].prediction.pose)
    np.testing.assert_allclose(matrix(second.pose), chained, atol=1e-3)


def test_cameras_at_once_have_the_scale_of_their_mounts(graph, weights, robot_of):
    mounts = ['0 0 0 0 0 0 1', '0.4 0 0 0 0 0 1', '0.1 0.3 0 0 0.1 0 1']
    robot = robot_of(
        'rig', weights[tiny_da3.RAYS], METRIC, cameras=('front', 'left', 'up'),
        poses='mounts', camera_poses='; '.join(mounts), camera_names='front,left,up',
    )  # fmt: skip
    robot.see(0, [4, 5, 6])
    depth, _, pose, _ = robot.wait(0, *METRIC)
    numbers = [[float(word) for word in text.split()] for text in mounts]
    poses = [pose_of(n[:3], n[3:]) for n in numbers]
    frame = expected(weights[tiny_da3.RAYS], (4, 5, 6), poses)[0]
    np.testing.assert_allclose(image_to_depth(depth), frame.depth, rtol=1e-4)
    assert depth.header.frame_id == 'front_optical'
    assert pose.header.frame_id == 'base_link'
    np.testing.assert_allclose(matrix(pose.pose), np.eye(4), atol=1e-9)


@pytest.mark.parametrize(
    ('parameters', 'sentence'),
    [
        ({'poses': 'mounts'}, 'poses is mounts and camera_names is empty, expected two cameras'),
        ({'poses': 'none', 'model': tiny_da3.MONO}, r'takes 1 view\(s\), expected one of any'),
    ],
)
def test_what_does_not_go_together_is_an_error(graph, weights, parameters, sentence):
    model = weights[parameters.get('model', tiny_da3.RAYS)]
    process = graph.start(MODULE, {**EXACT, **parameters, 'model': model})
    graph.spin_until(lambda: process.said(sentence), sentence, timeout=60)
    assert process.stop() == 0
