# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`stereo_depth` in its own process: matched pairs of a rendered plane against its exact depth."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import CameraSide, Listener, header, new_stamp
from node_scene import cloud_fields, encoded

from depth_ros.lab.synthetic import plane_scene, render, render_stereo, right_pose
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera, Distortion

pytestmark = pytest.mark.ros

MODULE = 'depth_ros.nodes.stereo_depth'
OUTPUTS = ('depth/image', 'depth/camera_info', 'points', 'disparity', 'confidence')
SGBM = {'disparity_range': 64}
FOCAL, BASELINE = 280.0, 0.12
LEFT = Camera.pinhole(320, 240, FOCAL)
RIGHT = Camera.pinhole(320, 240, FOCAL, baseline=BASELINE)
SCENE = plane_scene((0.25, -0.35, 1.0), 1.6, seed=3)
MS = 1_000_000


class Rig:
    """Both eyes of this process."""

    def __init__(self, graph, prefix=''):
        self.eyes = [
            CameraSide(graph, f'{prefix}{side}/image', f'{prefix}{side}/camera_info')
            for side in ('left', 'right')
        ]

    def send(
        self,
        images,
        cameras=(LEFT, RIGHT),
        apart=0,
        encoding='rgb8',
        order=(0, 1),
        infos=None,
    ):
        """Send a pair whose right stamp is `apart` ns later; return the stamp of the left."""
        for eye in self.eyes:
            eye.wait()
        stamp = new_stamp()
        for i in order:
            head = header(stamp + (0, apart)[i], ('left_optical', 'right_optical')[i])
            info = infos[i] if infos else camera_to_camera_info(cameras[i], head)
            info.header = head
            self.eyes[i].send(encoded(encoding, images[i], head), info)
        return stamp


@pytest.fixture(scope='module')
def rendered():
    return render_stereo(SCENE, LEFT, RIGHT)


@pytest.fixture(scope='module')
def images(rendered):
    return [eye.image for eye in rendered]


@pytest.fixture(scope='module')
def node(graph):
    return graph.start(MODULE, SGBM)


@pytest.fixture(scope='module')
def rig(graph, node):
    return Rig(graph)


@pytest.fixture(scope='module')
def listener(graph, node):
    return Listener(graph, 'stereo_depth', *OUTPUTS)


def assert_matches(depth, exact, focal=FOCAL, baseline=BASELINE):
    """Assert that most of the image is matched, and 95 % of it to less than a pixel."""
    valid = np.isfinite(depth)
    assert valid[:, 70:].mean() > 0.8  # the left border has no partner
    error = np.abs(focal * baseline / depth[valid] - focal * baseline / exact[valid])
    assert (error < 1).mean() >= 0.95
    assert np.median(error) < 0.25


@pytest.mark.parametrize('encoding', ['rgb8', 'mono8', 'bayer_rggb8', 'nv12'])
def test_depth_disparity_and_cloud_agree_with_the_scene(rig, listener, rendered, images, encoding):
    stamp = rig.send(images, encoding=encoding)
    depth_msg, info, cloud, disparity, confidence = listener.wait(stamp, *OUTPUTS)
    depth = image_to_depth(depth_msg)
    assert_matches(depth, rendered[0].depth)
    # disparity and depth are the same statement
    assert (disparity.f, disparity.t) == pytest.approx((FOCAL, BASELINE))
    values = np.frombuffer(disparity.image.data, np.float32).reshape(240, 320)
    valid = np.isfinite(depth)
    np.testing.assert_allclose(FOCAL * BASELINE / values[valid], depth[valid], rtol=1e-5)
    assert 0 < disparity.min_disparity <= values[valid].min()
    assert values[valid].max() <= disparity.max_disparity
    assert (values[~valid] < disparity.min_disparity).all() or np.isnan(values[~valid]).all()
    # the cloud is the unprojected depth
    points = cloud_fields(cloud)
    u = np.arange(320)
    np.testing.assert_allclose(points['z'], np.where(valid, depth, np.nan), rtol=1e-6)
    x = (u - LEFT.cx) / LEFT.fx * depth
    np.testing.assert_allclose(points['x'][valid], x[valid], rtol=1e-6, atol=1e-6)
    # the rest
    np.testing.assert_allclose(info.k, LEFT.K.ravel())
    trust = np.frombuffer(confidence.data, np.float32).reshape(240, 320)
    assert confidence.encoding == '32FC1'
    assert 0 <= np.nanmin(trust) <= np.nanmax(trust) <= 1
    messages = (depth_msg, info, cloud, disparity, disparity.image, confidence)
    assert {m.header.frame_id for m in messages} == {'left_optical'}


@pytest.mark.parametrize('order', [(0, 1), (1, 0)], ids=['left_first', 'right_first'])
def test_one_output_per_stamp_on_every_topic(graph, rig, listener, images, order):
    stamps = []
    for _ in range(10):
        stamps.append(rig.send(images, order=order))
        listener.wait(stamps[-1], *OUTPUTS)
    graph.spin_for(0.1)
    for topic in OUTPUTS:
        assert [s for s in listener.order[topic] if s >= stamps[0]] == stamps, topic


def test_stamps_that_differ_are_named(graph, node, rig, listener, images):
    since = len(node.lines)
    pairs = []
    for _ in range(3):
        graph.spin_for(0.1)  # far more than 31 ms, or other stamps would be nearer
        pairs.append(rig.send(images, apart=31 * MS))
    sentence = 'left and right stamps differ by 31 ms, tolerance 0 ms; .*set approximate_sync'
    graph.spin_until(lambda: node.said(sentence, since), 'the sentence about stamps')
    assert not any(stamp in listener.received['disparity'] for stamp in pairs)
    graph.spin_for(0.1)  # the right eye was 31 ms ahead: an earlier stamp would be a jump back
    listener.wait(rig.send(images), 'disparity')  # and the next good pair comes out


def test_eyes_of_different_focal_length(rig, listener):
    K = np.array([[300.0, 0, 165], [0, 300, 118], [0, 0, 1]])
    P = np.hstack([K, [[-300 * BASELINE], [0], [0]]])
    right = Camera(320, 240, K, P=P)
    one, other = render(SCENE, LEFT), render(SCENE, right, right_pose(np.eye(4), right))
    stamp = rig.send([one.image, other.image], (LEFT, right))
    (message,) = listener.wait(stamp, 'depth/image')
    assert_matches(image_to_depth(message), one.depth)


def test_raw_eyes_with_lenses(rig, listener):
    """Distorted eyes, each with its own lens and K, rectified by the node."""
    raw = []
    for camera, D in ((LEFT, [-0.15, 0.03, 0, 0, 0]), (RIGHT, [-0.12, 0.02, 0.001, 0, 0])):
        K = camera.K * np.array([[1.02], [1.01], [1]])
        lens = dataclasses.replace(
            camera, K=K, D=np.array(D), distortion=Distortion.PLUMB_BOB, P=camera.P
        )
        raw.append(lens)
    one, other = render(SCENE, raw[0]), render(SCENE, raw[1], right_pose(np.eye(4), RIGHT))
    exact = render(SCENE, LEFT).depth
    stamp = rig.send([one.image, other.image], raw)
    depth_msg, info = listener.wait(stamp, 'depth/image', 'depth/camera_info')
    np.testing.assert_allclose(info.k, LEFT.K.ravel())
    assert_matches(image_to_depth(depth_msg), exact)


def test_binned_eyes_behind_a_window(rig, listener, rendered, images):
    """The calibration of a sensor twice as large; what arrives is its middle, binned 2x2."""
    infos = []
    for camera in (LEFT, RIGHT):
        info = camera_to_camera_info(camera, header(0))
        info.width, info.height, info.binning_x, info.binning_y = 800, 600, 2, 2
        roi = info.roi
        roi.x_offset, roi.y_offset, roi.width, roi.height = 60, 40, 640, 480
        for matrix, width in ((info.k, 3), (info.p, 4)):
            matrix[0], matrix[width + 1] = 2 * matrix[0], 2 * matrix[width + 1]
            matrix[2] = 2 * matrix[2] + 60
            matrix[width + 2] = 2 * matrix[width + 2] + 40
        info.p[3] *= 2
        infos.append(info)
    stamp = rig.send(images, infos=infos)
    depth_msg, info, disparity = listener.wait(
        stamp, 'depth/image', 'depth/camera_info', 'disparity'
    )
    np.testing.assert_allclose(info.k, LEFT.K.ravel())
    assert (info.width, info.height, info.binning_x, info.roi.width) == (320, 240, 1, 0)
    assert (disparity.f, disparity.t) == pytest.approx((FOCAL, BASELINE))
    assert_matches(image_to_depth(depth_msg), rendered[0].depth)


@pytest.fixture(scope='module')
def loose(graph):
    """A node that pairs by nearest stamps."""
    process = graph.start(
        MODULE,
        {**SGBM, 'approximate_sync': True, 'approximate_sync_tolerance_seconds': 0.02},
        remaps={'__node': 'loose', '__ns': '/rig'},
    )
    return process, Rig(graph, '/rig/'), Listener(graph, 'rig/loose', 'disparity')


@pytest.mark.parametrize('apart', [0, 15 * MS, -15 * MS])
def test_approximate_pairs(graph, loose, images, apart):
    _, rig, listener = loose
    graph.spin_for(0.05)  # so that stamps do not go back from one pair to the next
    (message,) = listener.wait(rig.send(images, apart=apart), 'disparity')
    assert message.header.frame_id == 'left_optical'


def test_approximate_sync_has_a_tolerance(graph, loose, images):
    process, rig, listener = loose
    listener.wait(rig.send(images), 'disparity')
    since = len(process.lines)
    graph.spin_for(0.05)
    stamp = rig.send(images, apart=31 * MS)
    sentence = 'left and right stamps differ by 31 ms, tolerance 20 ms; .*raise'
    graph.spin_until(lambda: process.said(sentence, since), 'the sentence about stamps')
    assert stamp not in listener.received['disparity']
