# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth <-> sensor_msgs/PointCloud2, about as fast as memory can be written.

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

from depth_ros.geometry.depth_values import LARGEST, SMALLEST
from depth_ros.messages.classes import Header, PointCloud2, PointField
from depth_ros.messages.cloud_kernels import kernels
from depth_ros.messages.cloud_memory import CloudBuffer, CloudMemory, Strip, StripPlan, Target
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
    the crops. With `reuse`, the memory of a message is taken again once nobody holds the message.
    `extra` adds fields by name whose images are given with each call; Nav2's collision monitor
    reads `height`. Without any, clouds take no more time than without the option.
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
        # Inclusive float32 bounds within which depth is valid: positive and finite in any case.
        self._near = np.float32(max(min_range, SMALLEST))
        self._far = np.float32(min(max_range, LARGEST))
        # y points down.
        self._top, self._bottom = np.float32(-max_height), np.float32(-min_height)
        self._crops_height = math.isfinite(min_height) or math.isfinite(max_height)
        self._reuse = reuse
        self.extra = tuple(extra)
        self._names = (*_NAMES[fields], *self.extra)
        self._template = _empty_cloud(self._names)
        self._plan: StripPlan | None = None
        self._memory = CloudMemory()

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
        picture = self._check(depth, camera, image)
        more = self._more(depth, extra)
        dy, dx = self.decimation_yx
        depth = np.ascontiguousarray(depth[::dy, ::dx])
        picture = None if picture is None else np.ascontiguousarray(picture[::dy, ::dx])
        if self._plan is None or (self._plan.camera is not camera and self._plan.camera != camera):
            self._plan = StripPlan(camera, self.decimation_yx, len(self._names))
            self._memory = CloudMemory()
            _set_shape(self._template, depth.shape)
        memory = self._memory.take(self._plan, self._reuse)
        dense = None
        if not more:
            dense = self._run_kernel(self._plan, memory.points, depth, picture)
        if dense is None:
            dense = self._run_strips(self._plan, memory.targets, depth, picture, more)
        return self._message(memory, header, dense)

    def _run_strips(
        self,
        plan: StripPlan,
        targets: list[Target],
        depth: FloatImage,
        picture: Image | None,
        more: Sequence[FloatImage],
    ) -> bool:
        # Some builds of OpenCV take longer to enter IPP than to merge a strip without it.
        ipp = cv2.ipp.useIPP()
        cv2.ipp.setUseIPP(False)
        try:
            with np.errstate(invalid='ignore', over='ignore'):
                return self._fill(plan, targets, depth, picture, more)
        finally:
            cv2.ipp.setUseIPP(ipp)

    def _run_kernel(
        self, plan: StripPlan, points: FloatImage, depth: FloatImage, picture: Image | None
    ) -> bool | None:
        """Write all points with a compiled loop; None where there is none for this case."""
        compiled = kernels()
        if compiled is None or plan.axes is None or self._crops_height:
            return None
        rows = points.reshape(len(points), -1)
        bounds = (*plan.axes, self._near, self._far)
        if picture is None:
            return compiled.xyz(depth, *bounds, rows) == depth.size
        if self.fields != 'xyzrgb' or picture.ndim != 3:
            return None
        rgb = picture.reshape(len(picture), -1)
        return compiled.xyzrgb(depth, *bounds, rgb, rows, rows.view(np.uint32)) == depth.size

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
                f'a cloud with fields {self.fields} needs a picture and got none; '
                'pass the image, or choose xyz'
            )
        if (
            image.dtype != np.uint8
            or image.shape[:2] != depth.shape
            or image.shape[2:] not in ((), (3,))
        ):
            raise DepthError(
                f'the picture of the cloud is {image.dtype} with shape {image.shape}, expected '
                f'uint8 {depth.shape} grey or RGB; give the picture in the pixels of the depth'
            )
        return image

    def _more(self, depth: FloatImage, extra: Mapping[str, FloatImage] | None) -> list[FloatImage]:
        """Return the images of the extra fields, decimated."""
        given = extra or {}
        dy, dx = self.decimation_yx
        found = []
        for name in self.extra:
            values = given.get(name)
            if values is None or values.dtype != np.float32 or values.shape != depth.shape:
                came = 'none' if values is None else f'{values.dtype} {values.shape}'
                raise DepthError(
                    f'the cloud field {name!r} needs float32 {depth.shape} and got {came}; pass '
                    'it with the depth'
                )
            found.append(np.ascontiguousarray(values[::dy, ::dx]))
        return found

    def _fill(
        self,
        plan: StripPlan,
        targets: list[Target],
        depth: FloatImage,
        picture: Image | None,
        more: Sequence[FloatImage],
    ) -> bool:
        """Write all points and tell whether every one of them is valid."""
        # Two reductions tell whether depth needs cleaning at all. NaN alone does not: it makes
        # x, y and z NaN by itself.
        low, high = depth.min(), depth.max()
        dense = not np.isnan(low)
        if not dense:
            low, high = np.fmin.reduce(depth, axis=None), np.fmax.reduce(depth, axis=None)
        clean = bool(low >= self._near and high <= self._far) or bool(np.isnan(low))
        dense = dense and clean and plan.all_rays
        for strip, target in zip(plan.strips, targets):
            z = depth[strip.rows]
            if not clean:
                self._clean(strip, z)
                z = strip.z
            np.multiply(z, strip.ray_x, out=strip.x)
            np.multiply(z, strip.ray_y, out=strip.y)
            if not plan.all_rays:  # beyond the lens: x and y are NaN, so z must be
                np.subtract(strip.x, strip.x, out=strip.other)
                z = np.add(z, strip.other, out=strip.z)
            if self._crops_height:
                dense = self._crop_height(strip, z) and dense
                z = strip.z
            planes = [strip.x, strip.y, z]
            if picture is not None:
                self._colour(strip, picture[strip.rows])
                planes.append(strip.other)
            planes += [values[strip.rows] for values in more]
            target.merge(planes)
        return dense

    def _clean(self, strip: Strip, z: FloatImage) -> None:
        """Write z to strip.z, NaN where it is out of bounds; NaN is neither above nor below."""
        np.greater_equal(z, self._near, out=strip.flags)
        np.less_equal(z, self._far, out=strip.more_flags)
        np.logical_and(strip.flags, strip.more_flags, out=strip.flags)
        strip.mask_invalid()
        np.bitwise_or(z.view(np.int32), strip.mask, out=strip.z.view(np.int32))

    def _crop_height(self, strip: Strip, z: FloatImage) -> bool:
        """Make NaN of the points out of the height crop; tell whether there were none."""
        np.greater_equal(strip.y, self._top, out=strip.flags)
        np.less_equal(strip.y, self._bottom, out=strip.more_flags)
        np.logical_and(strip.flags, strip.more_flags, out=strip.flags)
        strip.mask_invalid()
        for plane, out in ((strip.x, strip.x), (strip.y, strip.y), (z, strip.z)):
            np.bitwise_or(plane.view(np.int32), strip.mask, out=out.view(np.int32))
        return bool(strip.flags.all())

    def _colour(self, strip: Strip, picture: Image) -> None:
        if self.fields == 'xyzi':
            grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            np.copyto(strip.other, grey)
            return
        code = cv2.COLOR_GRAY2BGRA if picture.ndim == 2 else cv2.COLOR_RGB2BGRA
        cv2.cvtColor(picture, code, strip.bgra)
        # An alpha of 255 would make NaN of the float, and readers that skip NaN would drop it.
        np.bitwise_and(strip.mask, 0x00FFFFFF, out=strip.mask)


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
