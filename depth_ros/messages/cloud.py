# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth <-> sensor_msgs/PointCloud2: one writer with numba, one with NumPy, the same points.

x = depth * (u - cx) / fx, y = depth * (v - cy) / fy, z = depth, and nothing is interpolated: a
decimated cloud keeps every n-th pixel as it is. Range crops compare z, as depth_image_proc does.
Height crops compare -y, the height above the optical axis: metres above a camera held level.
"""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.geometry.camera import is_plain
from depth_ros.geometry.channels import as_grey, as_rgb
from depth_ros.geometry.depth_values import LARGEST, SMALLEST
from depth_ros.geometry.distortion import ray_axes, ray_grid
from depth_ros.messages.classes import Header, PointCloud2, PointField
from depth_ros.messages.cloud_kernels import compiled_writer
from depth_ros.messages.cloud_memory import CloudBuffer, CloudMemory
from depth_ros.messages.cloud_plain import PlainWriter
from depth_ros.messages.fast import array_to_bytes, new_message
from depth_ros.types import Camera, DepthError, FloatImage, Image, quoted

LARGEST_COUNT = 4096  # values of one point that is read
LARGEST_STEP = 1 << 20  # bytes of one point
LARGEST_NAME = 256  # characters
Fields = Literal['xyz', 'xyzrgb', 'xyzi']
Extra = Literal['height', 'uncertainty']
# As rviz, PCL and depth_image_proc name them; rgb is 0x00RRGGBB in the bits of a float.
_NAMES = {
    'xyz': ('x', 'y', 'z'),
    'xyzrgb': ('x', 'y', 'z', 'rgb'),
    'xyzi': ('x', 'y', 'z', 'intensity'),
}


class CloudBuilder:
    """
    Make clouds of one layout, from one thread at a time.

    Organised clouds hold NaN in x, y and z where there is no depth; the others hold valid points
    only, in the order of the pixels. A pixel is valid where depth_values.is_valid says so, within
    the crops. With `reuse`, the memory of a message is used again once no holder of the message is
    left. `extra` adds fields by name whose images are given with each call; Nav2's collision
    monitor reads `height`.
    """

    def __init__(
        self,
        fields: Fields = 'xyz',
        organised: bool = True,
        decimation_x: int = 1,
        decimation_y: int = 1,
        min_range: float = 0.0,
        max_range: float = math.inf,
        min_height: float = -math.inf,
        max_height: float = math.inf,
        reuse: bool = True,
        extra: Sequence[Extra] = (),
    ) -> None:
        if fields not in get_args(Fields):
            raise DepthError(
                f'cloud fields are {quoted(fields)}, expected {", ".join(get_args(Fields))}'
            )
        if len(set(extra)) < len(extra) or not set(extra) <= set(get_args(Extra)):
            raise DepthError(
                f'extra cloud fields are {list(extra)}, expected each of '
                f'{", ".join(get_args(Extra))} at most once'
            )
        for name, n in (('decimation_x', decimation_x), ('decimation_y', decimation_y)):
            if n != int(n) or n < 1:
                raise DepthError(f'{name} is {n}, expected a whole number from 1 on (1 keeps all)')
        if not 0 <= min_range < max_range:
            raise DepthError(
                f'cloud range is {min_range:g} to {max_range:g} m, expected 0 <= min < max'
            )
        if not min_height < max_height:
            raise DepthError(
                f'cloud height is {min_height:g} to {max_height:g} m, expected min < max'
            )
        self.fields = fields
        self.organised = organised
        self.decimation_yx = (int(decimation_y), int(decimation_x))
        # Inclusive float32 bounds of z, positive and finite in any case, and of y, which points
        # down.
        near, far = max(min_range, SMALLEST), min(max_range, LARGEST)
        self._bounds = np.array([near, far, -max_height, -min_height], np.float32)
        self._reuse = reuse
        self.extra = tuple(extra)
        self._names = (*_NAMES[fields], *self.extra)
        self._template = _empty_cloud(self._names)
        self._camera: Camera | None = None
        self._rays: tuple[FloatImage, FloatImage] = (
            np.empty((1, 0), np.float32),
            np.empty((0, 1), np.float32),
        )
        self._memory = CloudMemory()
        self._plain = PlainWriter()

    @property
    def point_step(self) -> int:
        """Bytes per point."""
        return 4 * len(self._names)

    def __call__(
        self,
        depth: FloatImage,
        camera: Camera,
        header: Any,
        image: Image | None = None,
        extra: Mapping[str, FloatImage] | None = None,
    ) -> PointCloud2:
        """
        Return the cloud; the image has the pixels of the depth and is RGB or grey.

        `extra` holds float32 HxW for each extra field, by name.
        """
        rgb, more = self._inputs(depth, camera, image, extra)
        dy, dx = self.decimation_yx
        depth = np.ascontiguousarray(depth[::dy, ::dx])
        if self._camera is None or (self._camera is not camera and self._camera != camera):
            self._camera, self._rays = camera, _rays(camera, self.decimation_yx)
            _set_shape(self._template, depth.shape)
        memory = self._memory.take((*depth.shape, len(self._names)), self._reuse)
        dense = self._write(memory.points, depth, rgb, more)
        return self._message(memory, header, dense)

    def _writer(self, lens: bool) -> Any:
        return compiled_writer(len(self._names), lens, self.fields == 'xyzrgb')

    def _write(
        self, points: FloatImage, depth: FloatImage, rgb: Image | None, more: FloatImage
    ) -> bool:
        """Write all points and return whether every one of them is valid."""
        ray_x, ray_y = self._rays
        write = self._writer(lens=ray_x.shape == ray_y.shape)
        if write is None:
            # Some builds of OpenCV take longer to enter IPP than to merge a strip without it.
            ipp = cv2.ipp.useIPP()
            cv2.ipp.setUseIPP(False)
            try:
                return self._plain(points, depth, ray_x, ray_y, self._bounds, rgb, more)
            finally:
                cv2.ipp.setUseIPP(ipp)
        rows = points.reshape(len(points), -1)
        colours = np.empty((0, 0), np.uint8) if rgb is None else rgb.reshape(len(rgb), -1)
        bits = rows.view(np.uint32)
        valid = write(rows, bits, depth, ray_x, ray_y, self._bounds, colours, more)
        return bool(valid == depth.size)

    def _message(self, memory: CloudBuffer, header: Any, dense: bool) -> PointCloud2:
        # Setting nine fields, each with its check, costs a quarter of a VGA cloud where other work
        # has taken the cache. All but three are those of the cloud before.
        msg = copy.copy(self._template)
        msg.header = header
        msg.data = memory.data
        msg.is_dense = dense
        if not self.organised:
            points = memory.points.reshape(-1, memory.points.shape[-1])
            if not dense:
                points = points.take(np.flatnonzero(points[:, 2] > 0), axis=0)
                msg.data = array_to_bytes(points)
            _set_shape(msg, (1, len(points)))
            msg.is_dense = True
        return msg

    def _check(self, depth: FloatImage, camera: Camera, image: Image | None) -> Image | None:
        if depth.dtype != np.float32 or depth.shape != (camera.height, camera.width):
            raise DepthError(
                f'depth is {depth.dtype} with shape {depth.shape}, expected float32 '
                f'({camera.height}, {camera.width}) as its camera says; '
                'resize the camera with the image'
            )
        if self.fields == 'xyz':
            return None
        if image is None:
            raise DepthError(
                f'a cloud with fields {self.fields} needs an image and got none; '
                'pass the image, or choose xyz'
            )
        if (
            image.dtype != np.uint8
            or image.shape[:2] != depth.shape
            or image.shape[2:] not in ((), (3,))
        ):
            raise DepthError(
                f'the image of the cloud is {image.dtype} with shape {image.shape}, expected '
                f'uint8 {depth.shape} grey or RGB; give the image in the pixels of the depth'
            )
        return image

    def _inputs(
        self,
        depth: FloatImage,
        camera: Camera,
        image: Image | None,
        extra: Mapping[str, FloatImage] | None,
    ) -> tuple[Image | None, FloatImage]:
        """Return colours and the images of further fields (N, H, W), decimated."""
        image = self._check(depth, camera, image)
        dy, dx = self.decimation_yx
        rgb, planes = None, []
        if image is not None:
            image = np.ascontiguousarray(image[::dy, ::dx])
            if self.fields == 'xyzi':
                planes.append(as_grey(image).astype(np.float32))
            else:
                rgb = as_rgb(image)
        given = extra or {}
        for name in self.extra:
            values = given.get(name)
            if values is None or values.dtype != np.float32 or values.shape != depth.shape:
                came = 'none' if values is None else f'{values.dtype} {values.shape}'
                raise DepthError(
                    f'the cloud field {name!r} needs float32 {depth.shape} and got {came}; pass '
                    'it with the depth'
                )
            planes.append(np.ascontiguousarray(values[::dy, ::dx]))
        if len(planes) == 1:
            return rgb, planes[0][None]
        return rgb, np.stack(planes) if planes else _NO_PLANES


_NO_PLANES = np.empty((0, 0, 0), np.float32)


def _rays(camera: Camera, decimation_yx: tuple[int, int]) -> tuple[FloatImage, FloatImage]:
    """Return x / z by column (1, W) and y / z by row (H, 1), or both by pixel for a lens."""
    dy, dx = decimation_yx
    if is_plain(camera):
        by_column, by_row = ray_axes(camera)
        return (
            np.ascontiguousarray(by_column[None, ::dx]),
            np.ascontiguousarray(by_row[::dy, None]),
        )
    grid = ray_grid(camera)[::dy, ::dx]
    return np.ascontiguousarray(grid[..., 0]), np.ascontiguousarray(grid[..., 1])


def _empty_cloud(names: tuple[str, ...]) -> PointCloud2:
    """Return what the clouds of one layout have in common."""
    msg = new_message(PointCloud2, Header())
    msg.fields = tuple(  # that no reader of one message can change it in another
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(names)
    )
    msg.is_bigendian = sys.byteorder != 'little'
    msg.point_step = 4 * len(names)
    return msg


def _set_shape(msg: PointCloud2, shape: tuple[int, ...]) -> None:
    msg.height, msg.width = shape
    msg.row_step = msg.point_step * msg.width


_DATATYPES = {
    PointField.INT8: 'i1',
    PointField.UINT8: 'u1',
    PointField.INT16: 'i2',
    PointField.UINT16: 'u2',
    PointField.INT32: 'i4',
    PointField.UINT32: 'u4',
    PointField.FLOAT32: 'f4',
    PointField.FLOAT64: 'f8',
}


def cloud_to_points(msg: Any) -> npt.NDArray[Any]:
    """
    Return the points as a structured array, a view of the message: HxW if organised, else N.

    A field with a count of n becomes n fields, name_0 and on, as sensor_msgs_py reads it.
    """
    dtype = _point_type(msg)
    height, width, row_step = int(msg.height), int(msg.width), int(msg.row_step)
    data = np.frombuffer(msg.data, np.uint8) if len(msg.data) else np.zeros(0, np.uint8)
    if row_step < width * dtype.itemsize or data.size < height * row_step:
        raise DepthError(
            f'cloud of {width}x{height} points of {dtype.itemsize} bytes has row_step {row_step} '
            f'and {data.size} bytes, expected at least {width * dtype.itemsize} and '
            f'{height * row_step}; check the publisher'
        )
    points = np.ndarray((height, width), dtype, data, strides=(row_step, dtype.itemsize))
    return points if height > 1 else points.reshape(-1)


def unpack_rgb(points: npt.NDArray[Any]) -> Image:
    """Return the colours (..., 3) of points with an rgb field."""
    if points.dtype.names is None or 'rgb' not in points.dtype.names:
        raise DepthError(f'points have fields {points.dtype.names}, expected rgb among them')
    if points.dtype['rgb'].itemsize != 4:
        raise DepthError(f'rgb of the points is {points.dtype["rgb"]}, expected four bytes')
    bits = np.ascontiguousarray(points['rgb']).view(np.uint32)
    return np.stack([bits >> 16 & 255, bits >> 8 & 255, bits & 255], axis=-1).astype(np.uint8)


def _point_type(msg: Any) -> np.dtype[Any]:
    names: list[str] = []
    formats: list[str] = []
    offsets: list[int] = []
    order = '>' if msg.is_bigendian else '<'
    step = int(msg.point_step)
    if len(msg.fields) > LARGEST_COUNT or step > LARGEST_STEP:
        raise DepthError(
            f'cloud has {len(msg.fields)} fields in a point_step of {step}, expected at most '
            f'{LARGEST_COUNT} in {LARGEST_STEP} bytes; check the publisher'
        )
    for i, field in enumerate(msg.fields):
        code = _DATATYPES.get(int(field.datatype))
        name, count = field.name or f'unnamed_field_{i}', int(field.count)
        size = 0 if code is None else np.dtype(code).itemsize
        # Compared with the bytes of a point, and a bound, before as many names are made.
        fits = field.offset + count * size <= step and len(names) + count <= LARGEST_COUNT
        if code is None or count < 1 or not fits or len(name) > LARGEST_NAME:
            raise DepthError(
                f'cloud field {quoted(name)} has datatype {field.datatype} and count {count} at '
                f'byte {field.offset} of {step}, expected a datatype of sensor_msgs/PointField '
                'and at least one within the point_step; check the publisher'
            )
        for k in range(count):
            names.append(name if count == 1 else f'{name}_{k}')
            formats.append(order + code)
            offsets.append(int(field.offset) + k * size)
    if not names or len(set(names)) < len(names):
        raise DepthError(
            f'cloud has fields {quoted(names)}, expected at least one and distinct names; check '
            'the publisher'
        )
    return np.dtype({'names': names, 'formats': formats, 'offsets': offsets, 'itemsize': step})
