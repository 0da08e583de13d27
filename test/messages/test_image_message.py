# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every image encoding against the image it was made from, and every way a message is wrong."""

import array
import sys

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from depth_ros.messages.encodings import ENCODINGS
from depth_ros.messages.image import (
    array_to_image,
    image_to_array,
    image_to_grey,
    image_to_rgb,
    image_to_view_array,
)
from depth_ros.types import DepthError

WIDTH, HEIGHT = 16, 12


def message(pixels, encoding, width=WIDTH, height=HEIGHT, padding=0, bigendian=False):
    """Return a message of the pixels as a driver would lay them out."""
    rows = np.ascontiguousarray(pixels)
    if bigendian:
        rows = rows.astype(rows.dtype.newbyteorder('>'))
    rows = rows.view(np.uint8).reshape(rows.shape[0], -1)
    rows = np.hstack([rows, np.full((len(rows), padding), 0xA5, np.uint8)])
    msg = Image(height=height, width=width, encoding=encoding, is_bigendian=int(bigendian))
    msg.step = rows.shape[1]
    msg.data = array.array('B', rows.tobytes())
    return msg


@pytest.fixture
def rgb():
    """Return an image whose colours are flat enough for subsampled encodings to keep."""
    blocks = np.random.default_rng(3).integers(40, 200, (HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    return np.repeat(np.repeat(blocks, 4, axis=0), 4, axis=1)


def luma_chroma(rgb):
    """Return Y, U, V in video range by the definition of ITU-R BT.601, in float."""
    r, g, b = (rgb[..., i].astype(np.float64) for i in range(3))
    y = 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
    u = 128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255
    v = 128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255
    return tuple(np.round(p).astype(np.uint8) for p in (y, u, v))


def mosaic(rgb, pattern):
    """Return what a sensor behind these colour filters sees; the pattern is rows first."""
    out = np.empty(rgb.shape[:2], rgb.dtype)
    for i, colour in enumerate(pattern):
        y, x = divmod(i, 2)
        out[y::2, x::2] = rgb[y::2, x::2, 'rgb'.index(colour)]
    return out


def encode(rgb, encoding):
    """Return the bytes of the image in an encoding, written without the code under test."""
    y, u, v = luma_chroma(rgb)
    wide = rgb.astype(np.uint16) * 257
    alpha = np.full((*rgb.shape[:2], 1), 77)
    interleaved = np.empty((HEIGHT, WIDTH, 2), np.uint8)
    if encoding in ('yuv422', 'uyvy'):
        interleaved[..., 1], interleaved[:, ::2, 0], interleaved[:, 1::2, 0] = (
            y,
            u[:, ::2],
            v[:, ::2],
        )
        return interleaved
    if encoding in ('yuv422_yuy2', 'yuyv'):
        interleaved[..., 0], interleaved[:, ::2, 1], interleaved[:, 1::2, 1] = (
            y,
            u[:, ::2],
            v[:, ::2],
        )
        return interleaved
    if encoding in ('nv12', 'nv21'):
        first, second = (u, v) if encoding == 'nv12' else (v, u)
        chroma = np.stack([first[::2, ::2], second[::2, ::2]], axis=-1)
        return np.vstack([y, chroma.reshape(HEIGHT // 2, WIDTH)])
    if encoding == 'nv24':
        return np.vstack([y, np.stack([u, v], axis=-1).reshape(2 * HEIGHT, WIDTH)])
    image = wide if '16' in encoding else rgb
    if encoding.startswith('bayer'):
        return mosaic(image, encoding[6:10])
    if encoding.startswith(('rgb', 'bgr', '8UC3', '16UC3', '8UC4', '16UC4')):
        order = image if encoding.startswith('rgb') else image[..., ::-1]
        four = encoding.startswith(('rgba', 'bgra')) or encoding.endswith('UC4')
        return np.dstack([order, alpha.astype(image.dtype)]) if four else order
    raise AssertionError(encoding)


COLOUR = [e.name for e in ENCODINGS.values() if e.is_colour]
EXACT = [e.name for e in ENCODINGS.values() if e.family == 'colour']


@pytest.mark.parametrize('padding', [0, 8], ids=['packed', 'padded'])
@pytest.mark.parametrize('encoding', COLOUR)
def test_colour_encodings_give_the_image(rgb, encoding, padding):
    msg = message(encode(rgb, encoding), encoding, padding=padding)
    got = image_to_rgb(msg)
    assert got.shape == (HEIGHT, WIDTH, 3)
    assert got.dtype == np.uint8
    if encoding in EXACT:
        np.testing.assert_array_equal(got, rgb)
    elif encoding.startswith('bayer'):
        # The inside of each flat block is known exactly; at its rim colours are interpolated.
        inside = np.zeros((HEIGHT, WIDTH), bool)
        for dy in (1, 2):
            for dx in (1, 2):
                inside[dy::4, dx::4] = True
        np.testing.assert_array_equal(got[inside], rgb[inside])
    else:
        assert np.abs(got.astype(int) - rgb).max() <= 3  # rounding of Y, U and V
    np.testing.assert_array_equal(image_to_view_array(msg), got)


@pytest.mark.parametrize('encoding', COLOUR)
def test_colour_becomes_grey(rgb, encoding):
    y, _, _ = luma_chroma(rgb)
    weights = rgb @ np.array([0.299, 0.587, 0.114])
    got = image_to_grey(message(encode(rgb, encoding), encoding))
    assert got.shape == (HEIGHT, WIDTH)
    if ENCODINGS[encoding].family == 'yuv':
        np.testing.assert_array_equal(got, y)
    elif ENCODINGS[encoding].family == 'colour':
        assert np.abs(got - weights).max() <= 1
    else:
        assert np.abs(got - weights)[5::4, 5::4].max() <= 1  # inside blocks


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'], ids=lambda p: f'bayer_{p}')
def test_a_red_scene_is_red_in_every_mosaic(pattern):
    # OpenCV's names for mosaics are not ROS's: taken literally, red and blue change places.
    scene = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    scene[..., 0] = 200
    got = image_to_rgb(message(mosaic(scene, pattern), f'bayer_{pattern}8'))
    np.testing.assert_array_equal(got, scene)


@pytest.mark.parametrize('bigendian', [False, True], ids=['little', 'big'])
@pytest.mark.parametrize('padding', [0, 6])
def test_mono16_is_scaled_and_rounded(bigendian, padding):
    values = np.linspace(0, 65535, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
    msg = message(values, 'mono16', padding=padding, bigendian=bigendian)
    raw, encoding = image_to_array(msg)
    np.testing.assert_array_equal(raw, values)
    assert encoding == 'mono16'
    assert raw.dtype.isnative
    expected = np.rint(values * (255 / 65535)).astype(np.uint8)
    np.testing.assert_array_equal(image_to_grey(msg), expected)
    np.testing.assert_array_equal(image_to_view_array(msg), expected)
    np.testing.assert_array_equal(image_to_rgb(msg), np.repeat(expected[..., None], 3, 2))


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey_stays_grey_without_a_copy(encoding):
    values = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    msg = message(values, encoding)
    got = image_to_view_array(msg)
    np.testing.assert_array_equal(got, values)
    assert np.shares_memory(got, np.frombuffer(msg.data, np.uint8))


@pytest.mark.parametrize('padding', [0, 5])
def test_rgb_is_a_view_of_the_message(rgb, padding):
    msg = message(rgb, 'rgb8', padding=padding)
    got = image_to_rgb(msg)
    np.testing.assert_array_equal(got, rgb)
    assert np.shares_memory(got, np.frombuffer(msg.data, np.uint8))


@pytest.mark.parametrize('bigendian', [False, True], ids=['little', 'big'])
def test_floats_keep_every_bit(bigendian):
    values = np.random.default_rng(0).normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    got, encoding = image_to_array(message(values, '32FC1', padding=4, bigendian=bigendian))
    np.testing.assert_array_equal(got, values)
    assert encoding == '32FC1'


@pytest.mark.parametrize('size', [(1, 1), (2, 1), (1, 3), (3, 3)])
@pytest.mark.parametrize('encoding', COLOUR)
def test_tiny_images_are_converted_or_refused(encoding, size):
    width, height = size
    layout = ENCODINGS[encoding]
    rows = int(height * layout.rows)
    msg = message(np.zeros((rows, width * layout.pixel_bytes), np.uint8), encoding, width, height)
    if width % layout.multiple_wh[0] or height % layout.multiple_wh[1]:
        with pytest.raises(DepthError, match='multiples'):
            image_to_rgb(msg)
    else:
        assert image_to_rgb(msg).shape == (height, width, 3)
        assert image_to_grey(msg).shape == (height, width)


@pytest.mark.parametrize(
    'encoding', ['rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', 'mono16', '32FC1', '16UC1', 'yuv422']
)
def test_round_trip_through_a_message(encoding):
    layout = ENCODINGS[encoding]
    shape = (HEIGHT, WIDTH) + ((layout.channels,) if layout.channels > 1 else ())
    values = np.random.default_rng(1).integers(0, 200, shape).astype(layout.dtype)
    header = Header(frame_id='camera')
    msg = array_to_image(values, encoding, header)
    assert (msg.width, msg.height, msg.step) == (WIDTH, HEIGHT, WIDTH * layout.pixel_bytes)
    assert msg.header.frame_id == 'camera'
    assert msg.is_bigendian == int(sys.byteorder != 'little')
    assert isinstance(msg.data, array.array)
    got, name = image_to_array(msg)
    np.testing.assert_array_equal(got, values)
    assert name == encoding


def test_a_slice_is_packed_when_it_is_written():
    values = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)[::2, 3:21]
    got, _ = image_to_array(array_to_image(values, 'rgb8', Header()))
    np.testing.assert_array_equal(got, values)


def test_a_message_does_not_change_with_the_array_it_was_made_from():
    values = np.zeros((4, 4), np.uint8)
    msg = array_to_image(values, 'mono8', Header())
    values[:] = 9
    assert not any(msg.data)


@pytest.mark.parametrize(
    ('pixels', 'encoding'),
    [
        (np.zeros((4, 4), np.uint8), 'rgb8'),  # no channels
        (np.zeros((4, 4, 4), np.uint8), 'rgb8'),
        (np.zeros((4, 4), np.float64), '32FC1'),
        (np.zeros((4, 4), np.dtype('>u2')), 'mono16'),
        (np.zeros((0, 4), np.uint8), 'mono8'),
        (np.zeros(4, np.uint8), 'mono8'),
        (np.zeros((6, 4), np.uint8), 'nv12'),
        (np.zeros((4, 4), np.uint8), 'jpeg'),
    ],
)
def test_arrays_that_do_not_fit_their_encoding_are_refused(pixels, encoding):
    with pytest.raises(DepthError):
        array_to_image(pixels, encoding, Header())


def wrong(**changes):
    """Return a good rgb8 message with some fields changed."""
    msg = message(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 'rgb8')
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


MALFORMED = {
    'zero width': (wrong(width=0), 'both must be positive'),
    'zero height': (wrong(height=0), 'both must be positive'),
    'no data': (wrong(data=array.array('B')), 'was cut off'),
    'truncated': (wrong(data=array.array('B', bytes(WIDTH * HEIGHT * 3 - 1))), 'was cut off'),
    'too long': (wrong(data=array.array('B', bytes(WIDTH * HEIGHT * 3 + 1))), 'does not fit'),
    'step zero': (wrong(step=0), 'image step is 0'),
    'step of mono': (wrong(step=WIDTH), f'image step is {WIDTH}'),
    'step too large': (wrong(step=WIDTH * 3 + 1), 'was cut off'),
    'absurd size': (wrong(width=2**32 - 1, height=2**32 - 1), 'image step'),
    'absurd height': (wrong(height=2**32 - 1), 'was cut off'),
    'absurd step': (wrong(step=2**32 - 1), 'was cut off'),
    'encoding empty': (wrong(encoding=''), "encoding '' is not known"),
    'encoding endless': (wrong(encoding='x' * 9999), f"encoding '{'x' * 35}...' is not known"),
    'encoding unknown': (wrong(encoding='yuv9000'), "'yuv9000' is not known"),
    'encoding in capitals': (wrong(encoding='RGB8'), "'RGB8' is not known"),
    'encoding wider than the data': (wrong(encoding='rgba8'), 'image step'),
    'a depth image': (wrong(encoding='32FC1', width=WIDTH // 2), 'depth image'),
    'odd yuv422': (message(np.zeros((4, 14), np.uint8), 'yuv422', 7, 4), 'multiples of 2x1'),
    'odd nv12': (message(np.zeros((6, 5), np.uint8), 'nv12', 5, 4), 'multiples of 2x2'),
    'nv12 without chroma': (message(np.zeros((4, 4), np.uint8), 'nv12', 4, 4), 'cut off'),
}


@pytest.mark.parametrize(('msg', 'problem'), MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize('read', [image_to_rgb, image_to_grey, image_to_view_array])
def test_malformed_images_are_refused_in_one_sentence(read, msg, problem):
    with pytest.raises(DepthError) as caught:
        read(msg)
    text = str(caught.value)
    assert problem in text
    assert '\n' not in text
