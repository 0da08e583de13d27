# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages as a faulty driver, or an attacker on the network, could send them."""

from __future__ import annotations

import array
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header
from stereo_msgs.msg import DisparityImage

from bench.fuzz.files import images
from bench.fuzz.readers import Reader, choice, edited, size, text
from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.disparity import prediction_to_depth
from depth_ros.geometry.distortion import rays_to_pixels, unproject
from depth_ros.geometry.rectify import Rectifier, needs_rectification
from depth_ros.messages.camera_info import camera_info_to_camera, camera_to_camera_info
from depth_ros.messages.cloud import cloud_to_points, unpack_rgb
from depth_ros.messages.compressed import compressed_to_view_array
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.messages.disparity import disparity_image_to_prediction
from depth_ros.messages.encodings import ENCODINGS
from depth_ros.messages.image import array_to_image, image_to_array, image_to_view_array
from depth_ros.models.mono.plane import PLANE, PlaneModel, PlaneOptions
from depth_ros.pipeline import Pipeline
from depth_ros.types import Camera, View

_LENSES = ('', 'plumb_bob', 'rational_polynomial', 'equidistant', 'fisheye', 'none')
_SMALL = 1 << 14  # pixels of an image that is worked on, or a run would see few inputs


def _bytes(reader: Reader, wanted: int) -> array.array[int]:
    """Return as many bytes as are expected, or nearly."""
    count = wanted if 0 <= wanted < 1 << 20 and reader.integer(0, 7) else reader.integer(0, 4096)
    return array.array('B', reader.data(64).ljust(count, b'\x7f')[:count])


def _image(reader: Reader) -> Image:
    msg = Image(encoding=text(reader, tuple(ENCODINGS)))
    msg.width, msg.height = size(reader), size(reader)
    known = ENCODINGS.get(msg.encoding)
    step = msg.width * known.pixel_bytes if known else msg.width
    rows = msg.height * known.rows if known else msg.height
    step += choice(reader, (0, 0, 0, 1, 2, 3, 16))
    msg.step = step if step < 2**32 and reader.integer(0, 7) else size(reader)
    msg.is_bigendian = reader.integer(0, 1)
    msg.data = _bytes(reader, int(msg.step * rows))
    return msg


def image(reader: Reader) -> None:
    """Convert an image of any encoding."""
    msg = _image(reader)
    image_to_array(msg)
    pixels = image_to_view_array(msg)
    assert pixels.dtype == np.uint8
    assert pixels.shape[:2] == (msg.height, msg.width)


def depth(reader: Reader) -> None:
    """Read a depth image."""
    msg = _image(reader)
    values = image_to_depth(msg)
    assert values.dtype == np.float32
    assert values.shape == (msg.height, msg.width)


def compressed(reader: Reader) -> None:
    """Decode a compressed image."""
    msg = CompressedImage(format=text(reader, ('jpeg', 'png', 'bayer_rggb8; png compressed')))
    msg.data = array.array('B', edited(reader, images()))
    size_wh = (33, 19) if reader.integer(0, 1) else None
    pixels = compressed_to_view_array(msg, size_wh)
    assert pixels.dtype == np.uint8
    assert size_wh is None or pixels.shape[:2] == size_wh[::-1]


def _info(reader: Reader) -> CameraInfo:
    msg = CameraInfo(distortion_model=text(reader, _LENSES))
    msg.width, msg.height = size(reader), size(reader)
    focal = max(msg.width, 1) * choice(reader, (0.3, 1.0, 3.0))
    K = [focal, 0.0, msg.width / 2, 0.0, focal, msg.height / 2, 0.0, 0.0, 1.0]
    P = [*K[:3], 0.0, *K[3:6], 0.0, *K[6:], 0.0]
    R = np.eye(3).ravel().tolist()
    count = choice(reader, (0, 4, 5, 8, 12, 14, reader.integer(0, 40)))
    D = [choice(reader, (0.0, 0.1, -0.1, 0.01)) for _ in range(count)]
    for values in (K, P, R, D):
        for _ in range(reader.integer(0, 2) * reader.integer(0, 1)):
            if values:
                values[reader.integer(0, len(values) - 1)] = reader.number()
    msg.k, msg.p, msg.r, msg.d = K, P, R, D
    if not reader.integer(0, 3):
        msg.binning_x, msg.binning_y = size(reader), size(reader)
        msg.roi.x_offset, msg.roi.y_offset = size(reader), size(reader)
        msg.roi.width, msg.roi.height = size(reader), size(reader)
    return msg


def _rays(camera: Camera) -> None:
    """Check that every pixel with a ray is where that ray is projected to."""
    w, h = camera.size_wh
    pixels = np.array([[0, 0], [w - 1, h - 1], [w / 2, h / 2], [w / 3, h / 5]], np.float64)
    rays = unproject(camera, pixels)
    known = np.isfinite(rays).all(-1)
    back = rays_to_pixels(camera, rays[known])
    apart = np.abs(back - pixels[known]).max(initial=0)
    far = np.abs(rays[known]).max(initial=0)
    # NaN is allowed at the very rim of a lens; another pixel is not.
    assert not apart > 1e-3 * max(1.0, *camera.size_wh, far), (camera, pixels, rays, back)


def camera_info(reader: Reader) -> None:
    """Resolve a calibration, and do with it what a node does with its first frame."""
    msg = _info(reader)
    camera = camera_info_to_camera(msg)
    if not camera.distortion.value.startswith('rational'):
        _rays(camera)
    again = camera_info_to_camera(camera_to_camera_info(camera, msg.header))
    assert again.size_wh == camera.size_wh
    if camera.width * camera.height > _SMALL:
        return
    if needs_rectification(camera):
        assert Rectifier(camera).valid.any()
    pixels = np.zeros((camera.height, camera.width), np.uint8)
    frame = Pipeline(PlaneModel(PLANE, PlaneOptions()))([View(pixels, camera)])
    assert frame.depth is not None
    assert not (frame.depth <= 0).any()


def cloud(reader: Reader) -> None:
    """Read a point cloud."""
    msg = PointCloud2()
    if reader.integer(0, 2):  # right but for one thing
        return _read_cloud(_nearly_right(reader))
    msg.width, msg.height, msg.point_step = size(reader), size(reader), size(reader)
    row = msg.width * msg.point_step
    msg.row_step = row if row < 2**32 and reader.integer(0, 3) else size(reader)
    msg.fields = [
        PointField(
            name=text(reader, ('x', 'y', 'z', 'rgb', 'intensity')),
            offset=size(reader),
            datatype=reader.integer(0, 9),
            count=size(reader),
        )
        for _ in range(reader.integer(0, 5))
    ]
    msg.is_bigendian = bool(reader.integer(0, 1))
    msg.data = _bytes(reader, msg.row_step * msg.height)
    return _read_cloud(msg)


def _nearly_right(reader: Reader) -> PointCloud2:
    msg = PointCloud2(width=reader.integer(1, 9), height=reader.integer(1, 9))
    names = ('x', 'y', 'z', 'rgb')[: reader.integer(1, 4)]
    msg.fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(names)
    ]
    msg.point_step = 4 * len(names)
    msg.row_step = msg.width * msg.point_step
    msg.data = _bytes(reader, msg.row_step * msg.height)
    spoilt = choice(reader, ('', '', 'width', 'height', 'point_step', 'row_step', 'field'))
    if spoilt == 'field':
        field = choice(reader, msg.fields)
        field.offset, field.count = size(reader), size(reader)
        field.datatype = reader.integer(0, 9)
    elif spoilt:
        setattr(msg, spoilt, size(reader))
    return msg


def _read_cloud(msg: PointCloud2) -> None:
    points = cloud_to_points(msg)
    assert points.size == msg.width * msg.height
    if 'rgb' in (points.dtype.names or ()):
        unpack_rgb(points)


def disparity(reader: Reader) -> None:
    """Read a disparity image and make metres of it."""
    msg = DisparityImage(image=_image(reader))
    numbers = [50.0, 0.1, 0.0, 64.0]
    if reader.integer(0, 3):
        w, h = reader.integer(1, 9), reader.integer(1, 9)
        values = np.array([reader.number() for _ in range(w * h)])
        with np.errstate(over='ignore'):
            msg.image = array_to_image(values.astype(np.float32).reshape(h, w), '32FC1', Header())
    for _ in range(reader.integer(0, 2)):
        numbers[reader.integer(0, 3)] = reader.number()
    low = float(np.finfo(np.float32).max)
    msg.f, baseline, msg.min_disparity, msg.max_disparity = (
        value if not np.isfinite(value) else min(max(value, -low), low) for value in numbers
    )
    setattr(msg, 't' if hasattr(msg, 't') else 'T', baseline)
    prediction = disparity_image_to_prediction(msg)
    metres = prediction_to_depth(prediction)
    assert (is_valid(metres) | np.isnan(metres) | np.isposinf(metres)).all()


TARGETS: Mapping[str, Callable[[Reader], Any]] = {
    f.__name__: f for f in (image, depth, compressed, camera_info, cloud, disparity)
}
