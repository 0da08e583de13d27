# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Decimated input: each pixel is the mean of n x n pixels, with the camera that sees it."""

import tracemalloc
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from depth_ros.geometry.camera import decimated_camera
from depth_ros.geometry.distortion import pixel_grid, unproject
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.encodings import ENCODINGS
from depth_ros.messages.image import array_to_image, image_to_view_array
from depth_ros.shots import Resolver
from depth_ros.types import Camera, DepthError

W, H = 1030, 614  # neither is a multiple of 4; more than one strip
V, U = np.mgrid[:H, :W]
SMOOTH = np.stack([U / W, V / H, (U + V) / (W + H)], axis=-1)
SMOOTH = (40 + 170 * SMOOTH).astype(np.uint8)
CAMERA = Camera.pinhole(W, H, 700.0, cx=500.0)
INFO = camera_to_camera_info(CAMERA, Header())


def blocks(image, n):
    """Return the means of whole n x n blocks."""
    rows, columns = image.shape[0] // n, image.shape[1] // n
    cut = image[: rows * n, : columns * n].astype(np.float64)
    return (
        cut.reshape(rows, n, columns, n, -1)
        .mean(axis=(1, 3))
        .reshape(rows, columns, *image.shape[2:])
    )


def raw(encoding):
    """Return a message of any bytes in this encoding; of a mosaic or planes, smooth ones."""
    layout = ENCODINGS[encoding]
    rng = np.random.default_rng(0)
    rows = int(H * layout.rows)
    shape = (rows, W, layout.channels)
    if layout.family in ('bayer', 'yuv'):
        values = np.linspace(60, 190, rows)[:, None, None] + np.linspace(0, 20, W)[:, None]
        values = np.broadcast_to(values, shape) * (257 if layout.dtype is np.uint16 else 1)
    else:
        values = rng.integers(0, np.iinfo(layout.dtype).max + 1, shape)
    step = W * layout.pixel_bytes
    data = np.ascontiguousarray(values.astype(layout.dtype)).tobytes()
    return SimpleNamespace(
        encoding=encoding, width=W, height=H, step=step, is_bigendian=0, data=data
    )


@pytest.mark.parametrize('n', [2, 4, 8])
@pytest.mark.parametrize(
    'encoding', [name for name, layout in ENCODINGS.items() if layout.family != 'depth']
)
def test_every_encoding_is_the_mean_of_what_it_is_whole(encoding, n):
    msg = raw(encoding)
    whole, few = image_to_view_array(msg), image_to_view_array(msg, n)
    expected = blocks(whole, n)
    assert few.shape == expected.shape
    assert np.abs(few - expected).max() <= 1.01


@pytest.mark.parametrize('n', [2, 4, 8])
@pytest.mark.parametrize('ending', ['.jpg', '.png'])
@pytest.mark.parametrize('colour', [True, False])
def test_compressed_images_are_the_mean_as_well(ending, n, colour):
    image = SMOOTH if colour else SMOOTH[..., 0]
    packed = cv2.imencode(ending, image[..., ::-1] if colour else image)[1].tobytes()
    msg = CompressedImage(format=ending[1:], data=packed)
    got, camera = Resolver()(msg, INFO, n)
    expected = blocks(image if colour else np.dstack([image] * 3), n)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() < 4
    assert camera == decimated_camera(CAMERA, n)


@pytest.mark.parametrize('n', [2, 4, 8])
def test_the_camera_sees_each_pixel_where_its_pixels_were(n):
    few = decimated_camera(CAMERA, n)
    rays = blocks(unproject(CAMERA, pixel_grid(W, H)), n)
    np.testing.assert_allclose(unproject(few, pixel_grid(*few.size_wh)), rays, atol=1e-12)


def test_a_resolver_follows_the_decimation():
    resolve = Resolver()
    msg = array_to_image(SMOOTH, 'rgb8', Header())
    for n in (1, 4, 1, 2):
        image, camera = resolve(msg, INFO, n)
        assert camera.size_wh == image.shape[1::-1] == (W // n, H // n)


def test_sizes_are_compared_before_anything_is_decoded():
    packed = cv2.imencode('.jpg', SMOOTH)[1].tobytes()
    other = camera_to_camera_info(Camera.pinhole(W // 2, H // 2, 350.0), Header())
    for n in (1, 2):
        with pytest.raises(DepthError, match='camera_info describes 515x307'):
            Resolver()(CompressedImage(format='jpeg', data=packed), other, n)
        with pytest.raises(DepthError, match='camera_info describes 515x307'):
            Resolver()(array_to_image(SMOOTH, 'rgb8', Header()), other, n)


def test_an_image_smaller_than_a_pixel_is_refused():
    tiny = camera_to_camera_info(Camera.pinhole(7, 9, 5.0), Header())
    for msg in (
        array_to_image(np.zeros((9, 7, 3), np.uint8), 'rgb8', Header()),
        CompressedImage(
            format='jpeg', data=cv2.imencode('.jpg', np.zeros((9, 7, 3), np.uint8))[1].tobytes()
        ),
    ):
        with pytest.raises(DepthError, match=r'7x9.*smaller'):
            Resolver()(msg, tiny, 8)


@pytest.mark.parametrize('encoding', ['bgr8', 'bayer_rggb8', 'nv12', 'mono16', 'jpeg', 'png'])
def test_memory_is_that_of_the_result(encoding):
    wide, high = 3840, 2160
    camera = Camera.pinhole(wide, high, 3000.0)
    info = camera_to_camera_info(camera, Header())
    if encoding in ('jpeg', 'png'):
        packed = cv2.imencode(f'.{encoding}', np.full((high, wide, 3), 90, np.uint8))[1].tobytes()
        msg = CompressedImage(format=encoding, data=packed)
    else:
        layout = ENCODINGS[encoding]
        step = wide * layout.pixel_bytes
        msg = SimpleNamespace(
            encoding=encoding, width=wide, height=high, step=step, is_bigendian=0
        )
        msg.data = np.full(int(step * high * layout.rows), 90, np.uint8)
    resolve = Resolver()
    tracemalloc.start()
    try:
        resolve(msg, info, 8)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.25 * 3 * wide * high
