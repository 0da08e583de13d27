# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a badly calibrated or badly wired pair sends to a stereo node, over DDS."""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import CameraSide, Listener, header, new_stamp
from node_spoil import CAMERA, NAN, H, W, data_of, good, image_with, info_with, refuse

from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

STEREO = 'depth_ros.nodes.stereo_depth'
RIGHT = Camera.pinhole(W, H, 50.0, baseline=0.1)


class Stereo:
    """The node and both eyes of this process."""

    def __init__(self, graph):
        self.node = graph.start(STEREO, {'disparity_range': 16})
        self.eyes = [
            CameraSide(graph, f'{side}/image', f'{side}/camera_info') for side in ('left', 'right')
        ]
        self.listener = Listener(graph, 'stereo_depth', 'disparity', 'depth/image')
        wide = np.random.default_rng(0).integers(0, 255, (H, W + 5, 3), np.uint8)
        self.images = wide[:, :W], wide[:, 5:]  # a wall at a disparity of 5

    def pair(self):
        head = header(new_stamp())
        return [good(head, camera, image) for camera, image in zip((CAMERA, RIGHT), self.images)]

    def send(self, pair):
        for eye, messages in zip(self.eyes, pair):
            eye.wait()
            eye.send(*messages)
        stamp = pair[0][0].header.stamp
        return stamp.sec * 1_000_000_000 + stamp.nanosec

    def check_good_pair(self):
        disparity, depth = self.listener.wait(self.send(self.pair()), 'disparity', 'depth/image')
        values = np.frombuffer(disparity.image.data, np.float32).reshape(H, W)[8:-8, 24:-8]
        assert np.median(np.abs(values - 5)) < 0.1
        depths = image_to_depth(depth)[8:-8, 24:-8]
        assert np.nanmedian(np.abs(depths - 50.0 * 0.1 / 5)) < 0.02


@pytest.fixture(scope='module')
def stereo(graph):
    result = Stereo(graph)
    result.check_good_pair()
    return result


def right(spoil):
    return lambda pair: spoil(*pair[1])


def eyes_of_two_sizes(pair):
    head = pair[1][0].header
    image = np.zeros((H, 2 * W, 3), np.uint8)
    pair[1] = good(head, Camera.pinhole(2 * W, H, 50.0, baseline=0.1), image)


def swap_calibrations(pair):
    pair[0], pair[1] = (pair[0][0], pair[1][1]), (pair[1][0], pair[0][1])


PAIRS = {
    'negative_baseline': (
        right(info_with(p_3=10.0)),
        'baseline is -0.2 m, expected a positive one: left and right are swapped; exchange',
    ),
    'swapped_eyes': (swap_calibrations, 'left and right are swapped; exchange the topics'),
    'vertical_pair': (right(info_with(p_7=-5.0)), r'P\[7\] of the right camera .*side by side'),
    'right_all_zero': (
        right(info_with(k=[0.0] * 9, p=[0.0] * 12)),
        r'K\[0\] = 0, expected a focal length',
    ),
    'right_P_nan': (right(info_with(p_3=NAN)), 'NaN or infinity in P, expected numbers'),
    'right_cut_off': (right(image_with(data=data_of(77))), 'image has 77 bytes, expected 9216'),
    'right_encoding': (right(image_with(encoding='x')), "encoding 'x' is not known"),
    'right_other_size': (
        right(info_with(width=640, height=480)),
        'image is 64x48 but camera_info describes 640x480',
    ),
}


@pytest.mark.parametrize('name', PAIRS)
def test_bad_pairs(graph, stereo, name):
    spoil, sentence = PAIRS[name]
    pair = stereo.pair()
    spoil(pair)
    # The same sentence is not repeated at once, so it may stand from the case before.
    refuse(graph, stereo.node, lambda: stereo.send(pair), sentence)
    stereo.check_good_pair()
    assert stereo.node.alive


def test_without_a_baseline_disparity_is_published_and_no_metres(graph, stereo):
    """Upstream's fixture sends P with P[3] = 0 and no K: disparity needs neither."""
    pair = stereo.pair()
    for eye in pair:
        info_with(k=[0.0] * 9)(*eye)
    right(info_with(p_3=0.0))(pair)
    since = len(stereo.node.lines)
    stamp = stereo.send(pair)
    (disparity,) = stereo.listener.wait(stamp, 'disparity')
    values = np.frombuffer(disparity.image.data, np.float32).reshape(H, W)[8:-8, 24:-8]
    assert np.median(np.abs(values - 5)) < 0.1
    assert disparity.t == 0
    graph.spin_until(
        lambda: stereo.node.said(r'baseline of the pair is 0 m.*P\[3\] of the right', since),
        'the reason why there are no metres',
    )
    stereo.check_good_pair()
    assert stamp not in stereo.listener.received['depth/image']


def test_the_baseline_is_counted_from_the_left_eye(stereo):
    """Both P[3] of KITTI's colour pair are counted from a third camera."""
    pair = stereo.pair()
    info_with(p_3=3.0)(*pair[0])
    info_with(p_3=-2.0)(*pair[1])
    (depth,) = stereo.listener.wait(stereo.send(pair), 'depth/image')
    assert np.nanmedian(image_to_depth(depth)) == pytest.approx(50.0 * 0.1 / 5, abs=0.02)


def test_eyes_of_two_sizes(graph, stereo):
    """Their images cannot be a rectified pair; whether it is resampled or refused, it lives."""
    pair = stereo.pair()
    eyes_of_two_sizes(pair)
    stereo.send(pair)
    stereo.check_good_pair()
    assert stereo.node.alive
