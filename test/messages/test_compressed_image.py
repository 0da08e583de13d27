# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compressed images: what is in them, how large they claim to be, and where they end."""

import array
import struct

import cv2
import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from forged_png import png_claiming
from sensor_msgs.msg import CompressedImage

from depth_ros.messages.compressed import (
    compressed_to_grey,
    compressed_to_rgb,
    compressed_to_view_array,
)
from depth_ros.types import DepthError

HEIGHT, WIDTH = 48, 64


def smooth_rgb():
    """Return an image that survives jpeg: slow gradients, different in each channel."""
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    return np.dstack([40 + 2 * u, 200 - 2 * v, 60 + u + v]).astype(np.uint8)


def encoded(pixels, extension, *options):
    done, data = cv2.imencode(extension, pixels, list(options))
    assert done
    return data.tobytes()


def message(data, text):
    msg = CompressedImage(format=text)
    msg.data = array.array('B', data)
    return msg


BGR = smooth_rgb()[..., ::-1]
JPEG = encoded(BGR, '.jpg', cv2.IMWRITE_JPEG_QUALITY, 98)
PROGRESSIVE = encoded(BGR, '.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
PNG = encoded(BGR, '.png')


@pytest.mark.parametrize(
    ('data', 'text', 'tolerance'),
    [
        (JPEG, 'jpeg', 6),
        (JPEG, 'rgb8; jpeg compressed bgr8', 6),
        (JPEG, 'bgr8; jpeg compressed bgr8', 6),
        (JPEG, '', 6),  # some drivers leave the format empty
        (JPEG, 'png', 6),  # or say the wrong one
        (JPEG + bytes(16), 'jpeg', 6),  # cameras pad to whole blocks
        (PROGRESSIVE, 'jpeg', 12),
        (PNG, 'png', 0),
        (PNG, 'rgb8; png compressed bgr8', 0),
    ],
)
def test_images_come_out_as_rgb(data, text, tolerance):
    got = compressed_to_rgb(message(data, text))
    assert got.dtype == np.uint8
    assert np.abs(got.astype(int) - smooth_rgb()).max() <= tolerance
    np.testing.assert_array_equal(compressed_to_view_array(message(data, text)), got)


def test_colours_that_were_stored_swapped_are_swapped_back():
    data = encoded(smooth_rgb(), '.png')  # RGB handed to an encoder that takes BGR
    got = compressed_to_rgb(message(data, 'rgb8; png compressed rgb8'))
    np.testing.assert_array_equal(got, smooth_rgb())


def test_grey_stays_grey():
    grey = smooth_rgb()[..., 0]
    msg = message(encoded(grey, '.png'), 'mono8; png compressed ')
    np.testing.assert_array_equal(compressed_to_view_array(msg), grey)
    np.testing.assert_array_equal(compressed_to_grey(msg), grey)
    np.testing.assert_array_equal(compressed_to_rgb(msg), np.repeat(grey[..., None], 3, 2))


def test_16_bits_are_scaled():
    values = np.linspace(0, 65535, HEIGHT * WIDTH).astype(np.uint16).reshape(HEIGHT, WIDTH)
    got = compressed_to_grey(message(encoded(values, '.png'), 'mono16; png compressed mono16'))
    np.testing.assert_array_equal(got, np.rint(values * (255 / 65535)).astype(np.uint8))


def test_transparency_is_dropped():
    bgra = np.dstack([BGR, np.full((HEIGHT, WIDTH), 9, np.uint8)])
    np.testing.assert_array_equal(
        compressed_to_rgb(message(encoded(bgra, '.png'), 'png')), smooth_rgb()
    )


def test_a_stored_mosaic_is_demosaiced():
    red = np.zeros((HEIGHT, WIDTH), np.uint8)
    red[::2, ::2] = 200
    got = compressed_to_rgb(message(encoded(red, '.png'), 'bayer_rggb8; png compressed '))
    assert np.all(got == (200, 0, 0))


def exif_turned(jpeg):
    """Return the jpeg with an EXIF segment that asks viewers to turn it by 90 degrees."""
    tiff = b'II*\0' + struct.pack('<IHHHIHHI', 8, 1, 0x0112, 3, 1, 6, 0, 0)
    segment = b'Exif\0\0' + tiff
    return jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(segment) + 2) + segment + jpeg[2:]


def test_exif_does_not_turn_a_camera():
    turned = compressed_to_rgb(message(exif_turned(JPEG), 'jpeg'))
    np.testing.assert_array_equal(turned, compressed_to_rgb(message(JPEG, 'jpeg')))


def jpeg_claiming(width, height):
    position = JPEG.index(b'\xff\xc0')
    return JPEG[: position + 5] + struct.pack('>HH', height, width) + JPEG[position + 9 :]


MALFORMED = {
    'empty': (message(b'', 'jpeg'), 'neither jpeg nor png'),
    'text': (message(b'hello, this is no image', 'jpeg'), 'neither jpeg nor png'),
    'bitmap': (message(encoded(BGR, '.bmp'), 'bmp'), 'neither jpeg nor png'),
    'depth by its format': (message(PNG, '16UC1; compressedDepth png'), 'not depth'),
    'depth by its encoding': (message(PNG, '32FC1; png compressed '), 'not depth'),
    'jpeg cut in its header': (message(JPEG[:30], 'jpeg'), 'no size in its header'),
    'jpeg cut in its pixels': (message(JPEG[: len(JPEG) // 2], 'jpeg'), 'cut off'),
    'jpeg without its end': (message(JPEG[:-2], 'jpeg'), 'cut off'),
    'png cut in its header': (message(PNG[:20], 'png'), 'no size in its header'),
    'png cut in its pixels': (message(PNG[: len(PNG) // 2], 'png'), 'cut off'),
    'png without its end': (message(PNG[:-5], 'png'), 'cut off'),
    'png bomb': (message(png_claiming(100_000, 100_000), 'png'), 'claims 100000x100000'),
    'png of size zero': (message(png_claiming(0, 10), 'png'), 'claims 0x10'),
    'jpeg bomb': (message(jpeg_claiming(65_500, 65_500), 'jpeg'), 'claims 65500x65500'),
    'jpeg of size zero': (message(jpeg_claiming(64, 0), 'jpeg'), 'claims 64x0'),
    'png with damaged pixels': (
        message(PNG[:60] + b'\0' * 60 + PNG[120:], 'png'),
        'cannot be decoded',
    ),
}


@pytest.mark.parametrize(('msg', 'problem'), MALFORMED.values(), ids=MALFORMED)
def test_malformed_images_are_refused_in_one_sentence(msg, problem):
    with pytest.raises(DepthError) as caught:
        compressed_to_rgb(msg)
    assert problem in str(caught.value)
    assert '\n' not in str(caught.value)


def test_the_size_is_compared_before_anything_is_decoded(monkeypatch):
    msg = message(PNG, 'png')
    assert compressed_to_rgb(msg, (WIDTH, HEIGHT)).shape == (HEIGHT, WIDTH, 3)
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was decoded'))
    for convert in (compressed_to_rgb, compressed_to_grey, compressed_to_view_array):
        with pytest.raises(DepthError, match='camera_info describes 64x47'):
            convert(msg, (WIDTH, HEIGHT - 1))
