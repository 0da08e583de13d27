# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`stereo_depth` with a sharp model of one view: no holes, in the metres of the match."""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import CameraSide, Graph, Listener, header, new_stamp
from node_scene import encoded

from depth_ros.lab.synthetic import plane_scene, render_stereo
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

MODULE = 'depth_ros.nodes.stereo_depth'
CAMERAS = (Camera.pinhole(320, 240, 280.0), Camera.pinhole(320, 240, 280.0, baseline=0.12))
NORMAL, DISTANCE = (0.25, -0.35, 1.0), 1.6
PLANE = dict(zip(('refine.normal_x', 'refine.normal_y', 'refine.normal_z'), NORMAL))
REFINED = {
    'disparity_range': 64,
    'refine': 'inverse_plane',
    'refine.distance': 3 * DISTANCE,  # whatever its scale is, it is not that of the result
    **PLANE,
}


@pytest.fixture
def fresh():
    graph = Graph()
    yield graph
    graph.close()


class Rig:
    def __init__(self, graph, *topics):
        self.eyes = [
            CameraSide(graph, f'{s}/image', f'{s}/camera_info') for s in ('left', 'right')
        ]
        self.listener = Listener(graph, 'stereo_depth', *topics)

    def see(self, images, *topics):
        stamp = new_stamp()
        for eye, image, camera in zip(self.eyes, images, CAMERAS):
            eye.wait()
            head = header(stamp)
            eye.send(encoded('rgb8', image, head), camera_to_camera_info(camera, head))
        return self.listener.wait(stamp, *topics)


def test_holes_are_filled_in_the_metres_of_the_match(fresh):
    fresh.start(MODULE, REFINED)
    views = render_stereo(plane_scene(NORMAL, DISTANCE, seed=3), *CAMERAS)
    topics = ('depth/image', 'disparity')
    depth, match = Rig(fresh, *topics).see([view.image for view in views], *topics)
    found = np.frombuffer(match.image.data, np.float32).reshape(240, 320) > 0
    assert found.mean() < 0.9  # the match has no answer at the border
    depth = image_to_depth(depth)
    np.testing.assert_allclose(depth, views[0].depth, rtol=0.02)


def test_a_match_that_cannot_be_refined_is_published_as_it_is(fresh):
    process = fresh.start(MODULE, REFINED)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(2)]  # no pair at all
    rig = Rig(fresh, 'depth/image')
    (depth,) = rig.see(images, 'depth/image')
    assert np.isnan(image_to_depth(depth)).mean() > 0.5
    fresh.spin_until(
        lambda: process.said('without refinement: .* have a sure match'), 'the sentence'
    )


def test_a_model_of_two_views_cannot_refine(fresh):
    process = fresh.start(MODULE, {'refine': 'sgbm'})
    fresh.spin_until(lambda: process.said('expected a model of one image'), 'the sentence')
    assert fresh.state('stereo_depth') == 'unconfigured'
