# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a broken driver or a wrong calibration sends to a mono node, over DDS.

Each gets a sentence that says what was expected and what came; the node lives, and the next good
frame comes out right. One process gets it all, one after the other, as on a robot.
"""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import CameraSide, Listener, header, new_stamp
from node_scene import DISTANCE, NORMAL, plane_depth
from node_spoil import (
    CAMERA,
    IMAGE,
    NAN,
    H,
    W,
    both_with,
    data_of,
    good,
    image_with,
    info_with,
    refuse,
)
from sensor_msgs.msg import CameraInfo, CompressedImage

from depth_ros.messages.depth_image import image_to_depth

pytestmark = pytest.mark.ros

MONO = 'depth_ros.nodes.mono_depth'
PLANE = {
    'model': 'plane',
    'distance': DISTANCE,
    **dict(zip(('normal_x', 'normal_y', 'normal_z'), NORMAL)),
}


# what is wrong -> (what is done to a good pair of messages, what the node says)
IMAGES = {
    'zero_width': (image_with(width=0), 'image is 0x48 pixels, both must be positive; check'),
    'zero_height': (image_with(height=0), 'image is 64x0 pixels, both must be positive; check'),
    'zero_size': (
        image_with(width=0, height=0, step=0, data=data_of(0)),
        'image is 0x0 pixels, both must be positive; check',
    ),
    'no_data': (image_with(data=data_of(0)), r'image has 0 bytes, expected 9216 .*cut off; check'),
    'truncated_data': (
        image_with(data=data_of(5000)),
        r'image has 5000 bytes, expected 9216 .*was cut off; check',
    ),
    'one_byte_short': (image_with(data=data_of(9215)), 'image has 9215 bytes, expected 9216'),
    'too_much_data': (
        image_with(data=data_of(9999)),
        r'image has 9999 bytes, expected 9216 .*does not fit its step; check',
    ),
    'step_too_small': (image_with(step=64), 'image step is 64, a row of 64 rgb8 .*192.*; check'),
    'step_zero': (image_with(step=0), 'image step is 0, a row of 64 rgb8 pixels takes 192'),
    'step_too_large': (image_with(step=200), 'image has 9216 bytes, expected 9600'),
    'huge_size': (
        image_with(width=2**31, height=2**31, step=2**32 - 1),
        r'image (step|is|has)',
    ),
    'unknown_encoding': (
        image_with(encoding='rgb9'),
        "encoding 'rgb9' is not known; expected one of mono8, .*set the camera driver",
    ),
    'no_encoding': (image_with(encoding=''), "encoding '' is not known; expected one of"),
    'encoding_in_capitals': (image_with(encoding='RGB8'), "'RGB8' is not known; expected one of"),
    'depth_float': (
        image_with(encoding='32FC1', step=256, data=data_of(256 * H)),
        '32FC1 is a depth image, expected an image; subscribe',
    ),
    'depth_millimetres': (
        image_with(encoding='16UC1', step=128, data=data_of(128 * H)),
        '16UC1 is a depth image, expected an image; subscribe',
    ),
    'odd_bayer': (
        image_with(encoding='bayer_rggb8', width=63, step=63, data=data_of(63 * H)),
        'image is 63x48 but camera_info describes 64x48',
    ),
    'odd_nv12': (
        image_with(encoding='nv12', height=47, step=64, data=data_of(64 * 72)),
        'nv12 image is 64x47, expected multiples of 2x2',
    ),
    'odd_yuv422': (
        image_with(encoding='yuv422_yuy2', width=63, step=126, data=data_of(126 * H)),
        'yuv422_yuy2 image is 63x48, expected multiples of 2x1',
    ),
    'wrong_encoding_of_right_size': (
        image_with(encoding='rgba8'),
        'image step is 192, a row of 64 rgba8 pixels takes 256',
    ),
}
CALIBRATIONS = {
    'K_and_P_zero': (
        info_with(k=[0.0] * 9, p=[0.0] * 12),
        r'K\[0\] = 0, expected a focal length: .*calibration',
    ),
    'K_negative': (
        info_with(k_0=-50.0, p=[0.0] * 12),
        r'K has focal length \(-50, 50\)',
    ),
    'K_nan': (info_with(k_2=NAN), 'NaN or infinity in K, expected numbers; calibrate'),
    'P_nan': (info_with(p_0=NAN), 'NaN or infinity in P, expected numbers; calibrate'),
    'P_zero_focal': (info_with(p_0=0.0), r'P has focal length \(0, 50\) px, it must be positive'),
    'P_negative': (info_with(p_5=-50.0), r'P has focal length \(50, -50\) px, it must be'),
    'P_beside_the_image': (
        info_with(p_2=1e4),
        'no pixel of the rectified 64x48 image lies in the raw one .*; check R and P',
    ),
    'K_of_a_hair': (info_with(k_0=1e-30), 'K has a focal length of 1e-30 px .*; calibrate'),
    'lens_with_a_name_of_1_MB': (
        info_with(distortion_model='x' * 1_000_000, d=[0.1]),
        r"distortion model 'x{60,75}\.\.\.' is not known",
    ),
    'R_nan': (info_with(r_0=NAN), 'NaN or infinity in R, expected numbers; calibrate'),
    'R_no_rotation': (info_with(r_0=2.0), 'R is not a rotation .*calibrate'),
    'D_nan': (info_with(d=[NAN, 0.0, 0.0, 0.0, 0.0]), 'NaN or infinity in D, expected numbers'),
    'D_too_short': (
        info_with(d=[0.1, 0.2, 0.3]),
        "'plumb_bob' has 3 coefficients .*4 or 5; check",
    ),
    'D_too_long': (info_with(d=[0.1] * 9), "'plumb_bob' has 9 coefficients .*4 or 5; check"),
    'unknown_lens': (
        info_with(distortion_model='telecentric', d=[0.1]),
        "'telecentric' is not known, expected one of .*; convert",
    ),
    'zero_size': (info_with(width=0, height=0), 'camera_info is for 0x0 pixels, both must be'),
    'zero_width': (info_with(width=0), 'camera_info is for 0x48 pixels, both must be'),
    'other_size': (
        info_with(width=640, height=480),
        'image is 64x48 but camera_info describes 640x480 .*calibrate for this size',
    ),
    'turned_by_90_degrees': (
        info_with(width=48, height=64),
        'image is 64x48 but camera_info describes 48x64',
    ),
    'roi_outside': (
        info_with(roi_x_offset=30, roi_width=64, roi_height=48),
        r'ROI is 64x48 at \(30, 0\), expected a window within the 64x48',
    ),
    'roi_without_height': (info_with(roi_width=10), r'ROI is 10x0 at \(0, 0\), expected'),
    'roi_of_another_size': (
        info_with(roi_width=32, roi_height=24),
        'image is 64x48 but camera_info describes 32x24',
    ),
    'binning_that_was_not_done': (
        info_with(binning_x=2, binning_y=4),
        'image is 64x48 but camera_info describes 32x12',
    ),
    'binning_beyond_the_image': (
        info_with(binning_x=1000, binning_y=1),
        'binning is 1000x1 on 64x48 pixels, nothing would be left',
    ),
}
# These are worked on all the same, and named.
ODDITIES = {
    'no_frame_id': (both_with(''), 'image has no frame_id, expected an optical frame; set it'),
    'two_frame_ids': (
        lambda image, info: setattr(info.header, 'frame_id', 'other' + 'x' * 1_000_000),
        r"image is in frame 'camera_optical', its camera_info in 'otherx{55,70}\.\.\.'",
    ),
}


class Mono:
    """The node, this process's camera, and what is right."""

    def __init__(self, graph):
        self.graph = graph
        self.node = graph.start(MONO, PLANE)
        self.side = CameraSide(graph)
        self.listener = Listener(graph, 'mono_depth', 'depth/image', 'points')

    def check_good_frame(self):
        self.side.wait()
        stamp = new_stamp()
        self.side.send(*good(header(stamp)))
        depth, cloud = self.listener.wait(stamp, 'depth/image', 'points')
        np.testing.assert_allclose(image_to_depth(depth), plane_depth(CAMERA), rtol=1e-4)
        assert (cloud.height, cloud.width, cloud.is_dense) == (H, W, True)


@pytest.fixture(scope='module')
def mono(graph):
    result = Mono(graph)
    result.check_good_frame()
    return result


BAD = {
    **{f'image_{name}': case for name, case in IMAGES.items()},
    **{f'camera_info_{name}': case for name, case in CALIBRATIONS.items()},
}


@pytest.mark.parametrize('name', BAD)
def test_bad_messages(graph, mono, name):
    spoil, sentence = BAD[name]
    stamp = new_stamp()
    image, info = good(header(stamp))
    spoil(image, info)
    refuse(graph, mono.node, lambda: mono.side.send(image, info), sentence)
    mono.check_good_frame()
    assert stamp not in mono.listener.received['depth/image']
    assert mono.node.alive


@pytest.mark.parametrize('name', ODDITIES)
def test_odd_messages_are_used_and_named(graph, mono, name):
    spoil, sentence = ODDITIES[name]
    stamp = new_stamp()
    image, info = good(header(stamp))
    spoil(image, info)
    refuse(graph, mono.node, lambda: mono.side.send(image, info), sentence)
    (depth,) = mono.listener.wait(stamp, 'depth/image')
    np.testing.assert_allclose(image_to_depth(depth), plane_depth(CAMERA), rtol=1e-4)
    assert depth.header.frame_id == image.header.frame_id
    mono.check_good_frame()


@pytest.mark.parametrize(
    ('stamp', 'sentence'),
    [
        (0, 'image has stamp 0, expected the time of its acquisition; set it in the driver'),
        (1_000_000_000, 'stamps went back by .* s; the model starts afresh'),
    ],
    ids=['zero', 'backwards'],
)
def test_odd_stamps_are_used_and_named(graph, mono, stamp, sentence):
    refuse(graph, mono.node, lambda: mono.side.send(*good(header(stamp))), sentence)
    mono.listener.wait(stamp, 'depth/image')
    mono.check_good_frame()


def test_a_frame_without_any_valid_pixel_is_named(graph, mono):
    assert graph.set_parameter('mono_depth', 'max_depth', 0.5) == (True, '')
    stamp = new_stamp()
    sentence = r'no pixel has a valid depth, expected some \(0% NaN, 100% beyond max_depth, 0% '
    refuse(graph, mono.node, lambda: mono.side.send(*good(header(stamp))), sentence)
    mono.listener.wait(stamp, 'depth/image')
    assert graph.set_parameter('mono_depth', 'max_depth', float('inf')) == (True, '')
    mono.check_good_frame()


def test_a_second_publisher_of_the_calibration_is_named(graph, mono):
    since = len(mono.node.lines)
    second = graph.node.create_publisher(CameraInfo, 'camera_info', 1)
    sentence = '2 publishers of camera_info on /camera_info, expected one'
    graph.spin_until(lambda: mono.node.said(sentence, since), sentence)
    graph.node.destroy_publisher(second)
    mono.check_good_frame()


@pytest.fixture(scope='module')
def starved(graph):
    """A node whose camera never sends a calibration."""
    remaps = {'__node': 'starved', 'image': '/starved/image', 'camera_info': '/starved/info'}
    process = graph.start(MONO, PLANE, remaps=remaps)
    return process, Listener(graph, 'starved', 'depth/image')


def test_camera_info_missing(graph, starved):
    process, listener = starved
    side = CameraSide(graph, '/starved/image', '/starved/info')
    side.wait()

    def send():
        side.send(good(header(new_stamp()))[0], None)

    sentence = 'image arrives, camera_info does not: nothing comes on /starved/info; publish'
    refuse(graph, process, send, sentence)
    stamp = new_stamp()
    side.send(*good(header(stamp)))
    listener.wait(stamp, 'depth/image')
    side.close()


COMPRESSED = {
    'no_data': (b'', 'compressed image'),
    'no_image': (b'this is no image at all, only text' * 10, 'compressed image'),
    'cut_off': (None, '200 bytes and no end, expected a whole file'),
}


@pytest.fixture(scope='module')
def packed(graph):
    process = graph.start(
        MONO,
        {**PLANE, 'image_transport': 'compressed'},
        remaps={'__node': 'packed', 'image': '/packed/image', 'camera_info': '/packed/info'},
    )
    side = CameraSide(graph, '/packed/image', '/packed/info', compressed=True)
    listener = Listener(graph, 'packed', 'depth/image')
    side.wait()
    return process, side, listener


@pytest.mark.parametrize('name', COMPRESSED)
def test_bad_compressed_images(graph, packed, name):
    import cv2

    process, side, listener = packed
    data, sentence = COMPRESSED[name]
    png = cv2.imencode('.png', IMAGE)[1].tobytes()
    for content in (png[:200] if data is None else data, png):
        stamp = new_stamp()
        head = header(stamp)
        info = good(head)[1]
        message = CompressedImage(header=head, format='png', data=content)
        if content is png:
            side.send(message, info)
            (depth,) = listener.wait(stamp, 'depth/image')
            np.testing.assert_allclose(image_to_depth(depth), plane_depth(CAMERA), rtol=1e-4)
        else:
            refuse(graph, process, lambda m=message, i=info: side.send(m, i), sentence)
