# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`mono_depth` with networks of Depth Anything 3: kinds, focal lengths and sky, over DDS."""

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('torch')
pytest.importorskip('safetensors')

import tiny_da3
from node_harness import RELIABLE, CameraSide, Listener, header, new_stamp
from node_scene import encoded
from tiny_da3 import METRIC, MONO, RAYS

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

EXACT = {'input_size': 84, 'precision': 'float32', 'device': 'cpu', 'edge_threshold': 0.0}
TOPICS = ('depth/image', 'points', 'relative')


def image():
    coarse = np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8)
    return cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC)


class Node:
    """A node with a small network, and a camera before it."""

    def __init__(self, graph, name, folder):
        remaps = {'__node': name, 'image': f'/{name}/image', 'camera_info': f'/{name}/info'}
        self.process = process = graph.start(
            'depth_ros.nodes.mono_depth', {**EXACT, 'model': str(folder)}, remaps=remaps
        )
        self.listener = Listener(graph, name, *TOPICS)
        self.side = CameraSide(graph, f'/{name}/image', f'/{name}/info', qos=RELIABLE)
        graph.spin_until(lambda: process.said('loaded in'), 'the network', timeout=90)
        self.side.wait()

    def see(self, focal, *topics):
        stamp = new_stamp()
        head = header(stamp)
        info = camera_to_camera_info(Camera.pinhole(80, 60, focal), head)
        self.side.send(encoded('rgb8', image(), head), info)
        return self.listener.wait(stamp, *topics)

    def silent(self, *topics):
        return not any(self.listener.received[topic] for topic in topics)


@pytest.fixture
def node_of(graph):
    """Return a function that makes a Node, which ends with the test."""
    made = []

    def make(*args):
        made.append(Node(graph, *args))
        return made[-1]

    yield make
    for node in made:
        node.process.stop()


def test_metres_follow_the_focal_length_of_camera_info(node_of, tmp_path):
    node = node_of('metric', tiny_da3.write(tmp_path / 'm', METRIC))
    depths = [image_to_depth(node.see(f, 'depth/image', 'points')[0]) for f in (70.0, 140.0)]
    assert np.isfinite(depths[0]).all()
    np.testing.assert_allclose(depths[1], 2 * depths[0], rtol=1e-5)
    assert node.silent('relative')
    words = (
        'licence of the weights: unknown; commercial use is excluded, or not known to be allowed'
    )
    assert node.process.said(words)


def test_the_sky_is_no_wall(node_of, tmp_path):
    node = node_of('sky', tiny_da3.write(tmp_path / 's', METRIC, sky=2.0))
    depth, points = node.see(70.0, 'depth/image', 'points')
    assert np.isposinf(image_to_depth(depth)).all()
    assert not np.isfinite(cloud_to_points(points)['z']).any()


@pytest.mark.parametrize('kind', [MONO, RAYS])
def test_relative_depth_is_not_published_as_metres(node_of, tmp_path, kind):
    folder = tiny_da3.write(tmp_path / 'r', kind)
    node = node_of(f'relative_{kind[:4].replace("-", "_")}', folder)
    (near,) = node.see(70.0, 'relative')
    (same,) = node.see(140.0, 'relative')
    values = image_to_depth(near)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(image_to_depth(same), values, rtol=1e-5)
    assert node.silent('depth/image', 'points')
    # What is published is nearness: the inverse of the depth that the model predicts.
    from depth_ros.models.registry import create_model
    from depth_ros.types import DepthKind, View

    options = {key: EXACT[key] for key in ('input_size', 'precision', 'device')}
    model = create_model(str(folder), options)
    found = model.predict([View(image(), Camera.pinhole(80, 60, 70.0))])
    assert found.kind is DepthKind.SCALE_INVARIANT
    np.testing.assert_allclose(values * found.values, 1, rtol=1e-3)
