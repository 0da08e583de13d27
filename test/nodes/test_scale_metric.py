# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A metric model keeps its own metres until a source corrects them, and the factor after that."""

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('diagnostic_msgs')

from node_harness import RELIABLE, CameraSide, Listener, header, new_stamp
from node_scene import encoded
from scale_side import CAMERA, DISTANCE, FRAME, NORMAL, TRUTH, sparse_depth
from sensor_msgs.msg import Image

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth

pytestmark = pytest.mark.ros

WRONG = 1.5  # times the true depth
PARAMETERS = {
    'model': 'plane',
    'distance': WRONG * DISTANCE,
    **dict(zip(('normal_x', 'normal_y', 'normal_z'), NORMAL)),
    'scale.source': 'depth',
    'scale.max_age': 0.5,
}
SECOND = 1_000_000_000


def test_a_source_corrects_a_metric_model(graph):
    graph.start('depth_ros.nodes.mono_depth', PARAMETERS)
    side = CameraSide(graph)
    listener = Listener(graph, 'mono_depth', 'depth/image', 'points', 'scale')
    sensor = graph.node.create_publisher(Image, 'scale/depth', RELIABLE)
    side.wait()
    graph.spin_until(sensor.get_subscription_count, 'the subscriber of scale/depth')
    graph.spin_for(0.3)

    def see(stamp):
        """Return the ratio of depth to the truth, and the status."""
        head = header(stamp, FRAME)
        image = np.zeros((72, 96, 3), np.uint8)
        side.send(encoded('rgb8', image, head), camera_to_camera_info(CAMERA, head))
        depth, _, scale = listener.wait(stamp, 'depth/image', 'points', 'scale')
        return image_to_depth(depth) / TRUTH, scale.status[0]

    start = new_stamp()
    ratio, status = see(start)
    np.testing.assert_allclose(ratio, WRONG, rtol=1e-4)
    assert status.level == b'\x02'
    sensor.publish(sparse_depth(header(start + SECOND, FRAME)))
    graph.spin_for(0.2)
    ratio, status = see(start + SECOND)
    np.testing.assert_allclose(ratio, 1, rtol=1e-3)
    assert status.level == b'\x00'
    ratio, status = see(start + 3 * SECOND)  # the source is silent
    np.testing.assert_allclose(ratio, 1, rtol=1e-3)
    assert status.level == b'\x03'
    assert 'expected at most 0.5 s' in status.message
