# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Odometry over DDS makes metres of a relative model, and a jump of it makes no wrong ones."""

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('diagnostic_msgs')
pytest.importorskip('nav_msgs')

from nav_msgs.msg import Odometry
from node_harness import SENSOR, CameraSide, Listener, header, new_stamp
from node_scene import encoded
from scale_side import DISTANCE, FRAME, NORMAL

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

CAMERA = Camera.pinhole(320, 240, 260.0)
ALONG = np.array([0.8, 0.0, -0.3]) / np.hypot(0.8, 0.3)  # in the plane: its depth stays the same
STEP = 0.06  # metres between two images
PARAMETERS = {
    'model': 'inverse_plane',
    'distance': DISTANCE,
    **dict(zip(('normal_x', 'normal_y', 'normal_z'), NORMAL)),
    'scale.source': 'motion',
    'scale.motion.pose': '0 0 0 0 0 0 1',
    'scale.max_age': 10.0,
}
V, U = np.mgrid[:240, :320].astype(np.float64)
RAYS = np.stack([(U - CAMERA.cx) / CAMERA.fx, (V - CAMERA.cy) / CAMERA.fy, np.ones(U.shape)], -1)
TRUTH = DISTANCE * np.linalg.norm(NORMAL) / (RAYS @ NORMAL)


def picture(place):
    """Return what a camera at a place sees of the plane: a texture fixed to it."""
    rng = np.random.default_rng(3)
    texture = cv2.GaussianBlur(rng.integers(0, 255, (2048, 2048)).astype(np.float32), (0, 0), 2)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    points = RAYS * TRUTH[..., None] + place
    across = np.cross(NORMAL, ALONG)
    across = across / np.linalg.norm(across)
    x, y = (1024 + 120 * points @ axis for axis in (ALONG, across))
    seen = cv2.remap(texture, np.float32(x), np.float32(y), cv2.INTER_LINEAR, cv2.BORDER_WRAP)
    return np.repeat(np.uint8(seen)[..., None], 3, -1)


@pytest.fixture
def robot(graph):
    graph.start('depth_ros.nodes.mono_depth', PARAMETERS)
    camera = CameraSide(graph)
    listener = Listener(graph, 'mono_depth', 'depth/image', 'relative', 'scale')
    odometry = graph.node.create_publisher(Odometry, 'odometry', SENSOR)
    camera.wait()
    graph.spin_until(odometry.get_subscription_count, 'the subscriber of odometry')
    graph.spin_for(0.3)
    return graph, camera, listener, odometry


def test_odometry_gives_metres_and_a_jump_of_it_no_wrong_ones(robot):
    graph, camera, listener, odometry = robot
    start, seen = new_stamp(), []

    def move(index, jumped=0.0, told=True):
        stamp = start + index * 100_000_000
        place = ALONG * STEP * index
        head = header(stamp, FRAME)
        camera.send(encoded('rgb8', picture(place), head), camera_to_camera_info(CAMERA, head))
        _, scale = listener.wait(stamp, 'relative', 'scale')
        if told:  # odometry comes after the image, and between two images as well
            for share in (0.0, 0.5):
                message = Odometry(header=header(stamp + int(share * 1e8), 'odom'))
                message.child_frame_id = 'base_link'
                at = message.pose.pose
                x, y, z = place + ALONG * STEP * share + jumped
                at.position.x, at.position.y, at.position.z = x, y, z
                at.orientation.w = 1.0
                odometry.publish(message)
            graph.spin_for(0.1)
        if scale.status[0].level == b'\x02':
            return None
        seen.append(image_to_depth(listener.wait(stamp, 'depth/image')[0]))
        return scale.status[0]

    assert move(0, told=False) is None
    for index in range(1, 14):
        last = move(index)
    assert last.hardware_id == 'motion'
    assert len(seen) > 5
    errors = [abs(np.median(depth / TRUTH) - 1) for depth in seen]
    assert max(errors) < 0.05
    count = len(seen)
    for index in range(14, 22):
        move(index, jumped=7.0 if index < 18 else 0.0)
    assert len(seen) > count  # the scale is still known
    assert max(abs(np.median(depth / TRUTH) - 1) for depth in seen[count:]) < 0.05
