# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages that cannot be are refused in a sentence, before they cost time or memory."""

import array
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header
from stereo_msgs.msg import DisparityImage

from depth_ros.files.image_header import MAX_PIXELS, MAX_SCANS
from depth_ros.messages import compressed
from depth_ros.messages import image as image_module
from depth_ros.messages.camera_info import camera_info_to_camera
from depth_ros.messages.cloud import cloud_to_points, unpack_rgb
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.messages.disparity import disparity_image_to_prediction
from depth_ros.messages.image import array_to_image, image_to_array, image_to_grey
from depth_ros.types import DepthError

LONG = 'x' * 10_000_000


def refused(action, *words):
    """Check that an action is refused with one short sentence, at once."""
    start = time.monotonic()
    with pytest.raises(DepthError) as caught:
        action()
    text = str(caught.value)
    assert '\n' not in text
    assert len(text) < 600
    assert time.monotonic() - start < 60  # without a bound: hours
    for word in words:
        assert word in text, text


# Calibrations

K = [500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]
P = [500.0, 0.0, 320.0, 0.0, 0.0, 500.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def info(**changes):
    msg = CameraInfo(width=640, height=480, distortion_model='plumb_bob', d=[0.0] * 5, k=K, p=P)
    msg.r = np.eye(3).ravel()
    for name, value in changes.items():
        field, _, index = name.partition('_')
        if index.isdigit():
            values = list(getattr(msg, field))
            values[int(index)] = value
            setattr(msg, field, values)
        else:
            setattr(msg, name, value)
    return msg


INFOS = {
    'singular K': (info(k_1=500.0, k_3=500.0), 'maps the image onto a line'),
    'singular P': (info(p_1=500.0, p_4=500.0), 'maps the image onto a line'),
    'fx 1e-30': (info(k_0=1e-30), 'K has a focal length of 1e-30'),
    'fx 1e30': (info(k_0=1e30), 'K has a focal length of 1e+30'),
    'fy 1e30': (info(k_4=1e30), 'K has a focal length of 1e+30'),
    'cx 1e300': (info(k_2=1e300), 'K[0][2] is 1e+300'),
    'P of fx 1e30': (info(p_0=1e30), 'P has a focal length of 1e+30'),
    'P of cx 1e300': (info(p_2=1e300), 'P[0][2] is 1e+300'),
    'baseline of a galaxy': (info(p_3=-1e30), 'P[0][3] is -1e+30'),
    'lens of a galaxy': (info(d=[1e300] * 5), 'D holds 1e+300'),
    'R doubled': (info(r=2 * np.eye(3).ravel()), 'not a rotation'),
    'R mirrored': (info(r_0=-1.0), 'not a rotation'),
    'R of ones': (info(r=[1.0] * 9), 'not a rotation'),
    'lens with a name of 10 MB': (info(distortion_model=LONG), 'is not known'),
    'lens with a name of 10 MB, nearly good': (
        info(distortion_model='plumb_bob' + ' ' * 10_000_000, d=[0.1] * 3),
        'has 3 coefficients',
    ),
    'a million coefficients': (info(d=[0.1] * 1_000_000), 'coefficients in D'),
    'gigapixels': (
        info(width=60_000, height=60_000, k_0=3e4, k_4=3e4),
        f'expected at most {MAX_PIXELS}',
    ),
    'the largest size': (
        info(width=2**32 - 1, height=2**32 - 1, k_0=1e9, k_4=1e9, p=[0.0] * 12),
        'at most',
    ),
}


@pytest.mark.parametrize(('msg', 'words'), INFOS.values(), ids=list(INFOS))
def test_calibrations_that_cannot_be(msg, words):
    with np.errstate(over='ignore', invalid='ignore'):
        refused(lambda: camera_info_to_camera(msg), words)


def test_a_window_of_a_huge_sensor_is_fine():
    msg = info(width=60_000, height=60_000, k_0=3e4, k_4=3e4, p=[0.0] * 12)
    msg.roi.width, msg.roi.height = 640, 480
    assert camera_info_to_camera(msg).size_wh == (640, 480)


# Raw images


def test_huge_images_are_not_converted(monkeypatch):
    msg = array_to_image(np.zeros((20, 30), np.uint8), 'mono8', Header())
    assert image_to_grey(msg).shape == (20, 30)
    monkeypatch.setattr(image_module, 'MAX_PIXELS', 599)
    refused(lambda: image_to_grey(msg), 'image is 30x20 pixels, expected at most 599')
    refused(lambda: image_to_array(msg), 'at most 599')


@pytest.mark.parametrize('encoding', ['mono16', 'rgb16', 'bayer_rggb16', '16UC1'])
@pytest.mark.parametrize('padding', [1, 2, 3])
def test_rows_that_begin_within_a_number_are_read(encoding, padding):
    channels = 3 if encoding == 'rgb16' else 1
    shape = (4, 6, channels) if channels > 1 else (4, 6)
    values = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    plain = array_to_image(values, encoding, Header())
    padded = Image(height=4, width=6, encoding=encoding, is_bigendian=plain.is_bigendian)
    padded.step = plain.step + padding
    rows = np.frombuffer(plain.data, np.uint8).reshape(4, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    padded.data = array.array('B', rows.tobytes())
    np.testing.assert_array_equal(image_to_array(padded)[0], values)
    read = image_to_depth if encoding == '16UC1' else image_to_grey
    np.testing.assert_array_equal(read(padded), read(plain))


# Compressed images


def smooth(channels=3):
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, channels), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


def packed(pixels, ending='.jpg', *flags):
    return cv2.imencode(ending, pixels, list(flags))[1].tobytes()


def message(data, text='jpeg'):
    return CompressedImage(format=text, data=array.array('B', data))


def scans(count):
    whole = packed(smooth(), '.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    start, end = whole.rfind(b'\xff\xda'), whole.rfind(b'\xff\xd9')
    return whole[:end] + whole[start:end] * count + whole[end:]


def without_middle(data):
    return data[: len(data) // 2] + data[len(data) // 2 + 4096 :]


COMPRESSED = {
    'a thousand scans': (message(scans(1000)), f'expected at most {MAX_SCANS}'),
    'without 4 kB in its middle': (message(without_middle(packed(smooth()))), 'lacks a part'),
    'webp': (message(packed(smooth(), '.webp')), 'neither jpeg nor png'),
    'tiff': (message(packed(smooth(), '.tiff')), 'neither jpeg nor png'),
    'format of 10 MB': (message(b'', LONG), 'neither jpeg nor png'),
    'depth, format of 10 MB': (message(b'', f'16UC1; {LONG}'), 'not depth'),
}


@pytest.mark.parametrize(('msg', 'words'), COMPRESSED.values(), ids=list(COMPRESSED))
def test_compressed_images_that_cannot_be(msg, words):
    refused(lambda: compressed.compressed_to_rgb(msg), words)


@pytest.mark.parametrize('kind', ['a thousand scans', 'webp', 'tiff'])
def test_what_would_take_long_is_not_decoded(monkeypatch, kind):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was decoded'))
    refused(lambda: compressed.compressed_to_rgb(COMPRESSED[kind][0]))


def test_too_many_bytes_are_not_copied(monkeypatch):
    monkeypatch.setattr(compressed, 'MAX_BYTES', 99)
    refused(lambda: compressed.compressed_to_rgb(message(packed(smooth()))), 'at most 99')


@pytest.mark.parametrize('ending', ['.jpg', '.png'])
def test_grey_stays_grey(ending):
    grey = smooth(1)
    view = compressed.compressed_to_view_array(message(packed(grey, ending)))
    assert view.shape == (240, 320)
    assert np.abs(view.astype(int) - grey).mean() < 3


# Clouds


def cloud(width=2, height=1, step=16, row=None, data=None, **field):
    msg = PointCloud2(width=width, height=height, point_step=step)
    msg.row_step = width * step if row is None else row
    parts = {'name': 'x', 'offset': 0, 'datatype': PointField.FLOAT32, 'count': 1, **field}
    msg.fields = [PointField(**parts)]
    size = min(msg.row_step * height, 1 << 20) if data is None else data
    msg.data = array.array('B', bytes(size))
    return msg


def many_fields(count, each):
    msg = cloud(step=1 << 19, width=1)
    msg.fields = [
        PointField(name=f'f{i}', offset=0, datatype=PointField.UINT8, count=each)
        for i in range(count)
    ]
    return msg


TOP = 2**32 - 1
CLOUDS = {
    'four billion values': (cloud(count=TOP), f'count {TOP}'),
    'four billion values of a huge point': (cloud(step=TOP, row=0, count=TOP), f'step of {TOP}'),
    'a field beyond the point': (cloud(offset=13), 'at byte 13 of 16'),
    'an offset of four billion': (cloud(offset=TOP), f'at byte {TOP} of 16'),
    'a name of 10 MB': (cloud(name=LONG), 'cloud field'),
    'a name of 10 MB, often': (cloud(name=LONG, count=4), 'cloud field'),
    'count zero': (cloud(count=0), 'count 0'),
    'unknown type': (cloud(datatype=99), 'datatype 99'),
    'points of a gigabyte': (cloud(step=1 << 30, row=0, width=0), 'point_step'),
    'five thousand fields': (many_fields(5000, 1), '5000 fields'),
    'a million values in all': (many_fields(1000, 1000), 'count 1000'),
    'no data': (cloud(width=TOP, height=TOP, step=4, row=TOP), 'check the publisher'),
}


@pytest.mark.parametrize(('msg', 'words'), CLOUDS.values(), ids=list(CLOUDS))
def test_clouds_that_cannot_be(msg, words):
    refused(lambda: cloud_to_points(msg), words)


def test_colours_have_four_bytes():
    points = cloud_to_points(cloud(name='rgb', datatype=PointField.FLOAT64))
    refused(lambda: unpack_rgb(points), 'expected four bytes')


# Disparity


@pytest.mark.parametrize(
    ('low', 'high'), [(np.nan, 5.0), (0.0, np.nan), (5.0, 1.0), (-np.inf, 1.0), (0.0, np.inf)]
)
def test_disparity_without_a_range(low, high):
    msg = DisparityImage(f=50.0, t=0.1, min_disparity=low, max_disparity=high)
    msg.image = array_to_image(np.ones((4, 6), np.float32), '32FC1', Header())
    refused(lambda: disparity_image_to_prediction(msg), 'min_disparity and max_disparity')
    msg.min_disparity, msg.max_disparity = 0.0, 64.0
    assert np.isfinite(disparity_image_to_prediction(msg).values).all()
    msg.f = 1e-30
    refused(lambda: disparity_image_to_prediction(msg), 'focal length')
