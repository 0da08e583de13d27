# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""compressedDepth against the arithmetic of compressed_depth_image_transport."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip('sensor_msgs')

from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from depth_ros.geometry.depth_values import metres_to_millimetres
from depth_ros.messages.compressed_depth import compressed_to_depth, depth_to_compressed
from depth_ros.types import DepthError

HEADER = Header(frame_id='camera_optical')


def some_depth(seed=0):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.2, 9.9, (30, 40)).astype(np.float32)
    depth[0, :6] = [np.nan, np.inf, -np.inf, 0.0, -1.0, 12.0]
    return depth


def upstream(depth, depth_max=10.0, quantization=100.0):
    """Return what encodeCompressedDepthImage of codec.cpp stores of 32FC1, in float32 as there."""
    f = np.float32
    a = f(quantization) * (f(quantization) + f(1))
    b = f(1) - a / f(depth_max)
    with np.errstate(all='ignore'):
        stored = np.where((depth > 0) & (depth < f(depth_max)), np.trunc(a / depth + b), 0)
    done, png = cv2.imencode('.png', stored.astype(np.uint16))
    assert done
    data = struct.pack('<iff', 0, a, b) + png.tobytes()
    return CompressedImage(format='32FC1; compressedDepth png', data=data)


def upstream_decoded(msg):
    """Return what decodeCompressedDepthImage of codec.cpp makes of 32FC1."""
    data = bytes(msg.data)
    _, a, b = struct.unpack('<iff', data[:12])
    stored = cv2.imdecode(np.frombuffer(data[12:], np.uint8), cv2.IMREAD_UNCHANGED)
    with np.errstate(all='ignore'):
        metres = np.float32(a) / (stored.astype(np.float32) - np.float32(b))
    return np.where(stored == 0, np.float32(np.nan), metres)


def step_at(depth, quantization=100.0):
    """Return how far apart two stored depths are."""
    return depth**2 / (quantization * (quantization + 1))


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_what_others_encode_is_decoded(seed):
    depth = np.abs(some_depth(seed))
    depth[0, :4] = np.nan
    msg = upstream(depth)
    ours = compressed_to_depth(msg)
    np.testing.assert_allclose(ours, upstream_decoded(msg), rtol=1e-5)
    kept = depth < 10
    assert (np.abs(ours - depth)[kept] <= 1.02 * step_at(depth[kept]) + 1e-6).all()
    assert np.isnan(ours[~kept]).all()


def test_others_decode_what_we_encode_and_without_a_bias():
    depth = some_depth()
    msg = depth_to_compressed(depth, HEADER)
    assert msg.format == '32FC1; compressedDepth png'
    assert msg.header.frame_id == 'camera_optical'
    theirs = upstream_decoded(msg)
    kept = (depth > 0) & (depth < 10)
    np.testing.assert_array_equal(np.isnan(theirs), ~kept)
    off = (theirs - depth)[kept] / step_at(depth[kept])
    assert np.abs(off).max() < 0.56
    assert abs(off.mean()) < 0.05
    # What upstream stores is cut off, so that its depth comes back too large.
    cut = (upstream_decoded(upstream(depth)) - depth)[kept] / step_at(depth[kept])
    assert cut.mean() > 0.4
    np.testing.assert_allclose(compressed_to_depth(msg), theirs, rtol=1e-5)


@pytest.mark.parametrize(('depth_max', 'quantization'), [(10, 100), (50, 100), (5, 75)])
def test_parameters_travel_in_the_header(depth_max, quantization):
    depth = some_depth() * np.float32(depth_max / 10)
    msg = depth_to_compressed(depth, HEADER, '32FC1', depth_max, quantization)
    back = compressed_to_depth(msg)
    far = (depth > 0.4) & (depth < depth_max)
    assert (np.abs(back - depth)[far] <= 0.56 * step_at(depth[far], quantization)).all()
    assert np.isnan(back[(depth >= depth_max) | ~(depth > 0)]).all()


def test_depth_too_near_for_16_bits_is_the_nearest_there_is():
    depth = np.full((4, 4), 0.05, np.float32)
    back = compressed_to_depth(depth_to_compressed(depth, HEADER))
    assert (back > 0.1).all()
    assert (back < 0.155).all()


def test_millimetres_are_stored_as_they_are():
    depth = some_depth()
    msg = depth_to_compressed(depth, HEADER, '16UC1')
    assert msg.format == '16UC1; compressedDepth png'
    stored = cv2.imdecode(np.frombuffer(bytes(msg.data)[12:], np.uint8), cv2.IMREAD_UNCHANGED)
    kept = (depth > 0) & (depth <= 10)
    np.testing.assert_array_equal(stored[kept], metres_to_millimetres(depth)[kept])
    assert (stored[~kept] == 0).all()
    back = compressed_to_depth(msg)
    np.testing.assert_allclose(back[kept], depth[kept], atol=5.01e-4)
    assert np.isnan(back[~kept]).all()


@pytest.mark.parametrize('text', ['16UC1; compressedDepth', '16UC1', '16UC1;compressedDepth png'])
def test_formats_of_older_publishers_are_read(text):
    depth = np.full((4, 5), 1.5, np.float32)
    msg = depth_to_compressed(depth, HEADER, '16UC1')
    msg.format = text
    np.testing.assert_allclose(compressed_to_depth(msg), depth)


def spoil(**changes):
    msg = depth_to_compressed(some_depth(), HEADER)
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


DATA = bytes(depth_to_compressed(some_depth(), HEADER).data)
COLOUR = cv2.imencode('.png', np.zeros((4, 4, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'format': '32FC1; compressedDepth rvl'}, 'format png'),
        ({'format': 'rgb8; jpeg compressed bgr8'}, 'compressedDepth'),
        ({'format': 'mono8; compressedDepth png'}, '32FC1 in metres'),
        ({'data': DATA[:-4]}, 'cut off'),
        ({'data': DATA[:8]}, 'cut off'),
        ({'data': b''}, 'cut off'),
        ({'data': struct.pack('<iff', 0, 0.0, 0.0) + DATA[12:]}, 'inverse depth'),
        ({'data': struct.pack('<iff', 7, 1.0, 0.0) + DATA[12:]}, 'inverse depth'),
        ({'data': DATA[:12] + COLOUR}, 'one channel of 16 bits'),
    ],
    ids=str,
)
def test_what_is_no_compressed_depth_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(DepthError, match=sentence):
        compressed_to_depth(spoil(**changes))


def test_a_claim_of_too_many_pixels_is_refused_before_memory_is_taken():
    with pytest.raises(DepthError, match='at most 100'):
        compressed_to_depth(spoil(), max_pixels=100)


@pytest.mark.parametrize(
    'call',
    [
        lambda: depth_to_compressed(np.ones((3, 3)), HEADER),
        lambda: depth_to_compressed(some_depth(), HEADER, '8UC1'),
        lambda: depth_to_compressed(some_depth(), HEADER, depth_max=0.0),
    ],
)
def test_what_cannot_be_encoded_is_refused(call):
    with pytest.raises(DepthError, match='expected'):
        call()
