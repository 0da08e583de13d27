# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The memory that makes clouds fast: strips that stay in the cache, and buffers used again.

A whole image at a time, every step of x = z * ray would go through main memory. In strips of
some rows, only depth is read from there and only points are written.
"""

from __future__ import annotations

import array
import sys
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.geometry.camera import is_plain
from depth_ros.geometry.distortion import ray_axes, ray_grid
from depth_ros.types import Camera, FloatImage

# Pixels of a strip: its planes and points, half a megabyte, fit the second-level cache.
_STRIP_PIXELS = 20480
_PAGE = 4096
# Planes at the same place of a page would push each other out of the first-level cache, and
# those that do not begin a cache line are written at half the speed.
_STAGGER = 1344
_SPARE_BUFFERS = 3
_VECTOR = 64  # bytes of the widest vector register


@dataclass
class Strip:
    """Some rows of a cloud: their rays, and scratch planes that all strips share."""

    rows: slice
    ray_x: FloatImage
    ray_y: FloatImage
    x: FloatImage
    y: FloatImage
    z: FloatImage
    other: FloatImage
    flags: npt.NDArray[np.bool_]
    more_flags: npt.NDArray[np.bool_]
    mask: npt.NDArray[np.int32] = field(init=False)  # the bits of `other`
    bgra: npt.NDArray[np.uint8] = field(init=False)  # its bytes

    def __post_init__(self) -> None:
        self.mask = self.other.view(np.int32)
        self.bgra = self.other.view(np.uint8).reshape(*self.other.shape, 4)

    def mask_invalid(self) -> None:
        """Set all bits of the mask where the flag is off: a number or-ed with that is NaN."""
        signed = self.more_flags.view(np.int8)
        np.subtract(self.flags.view(np.int8), np.int8(1), out=signed)
        np.copyto(self.mask, signed)


class StripPlan:
    """What depends only on the camera: its rays, cut into strips."""

    def __init__(self, camera: Camera, decimation_yx: tuple[int, int], channels: int) -> None:
        dy, dx = decimation_yx
        self.camera = camera
        self.channels = channels
        ray_x: FloatImage
        ray_y: FloatImage
        self.axes: tuple[FloatImage, FloatImage] | None = None  # x by column, y by row
        if is_plain(camera):
            by_column, by_row = ray_axes(camera)
            self.axes = np.ascontiguousarray(by_column[::dx]), np.ascontiguousarray(by_row[::dy])
            ray_x = by_column[None, ::dx]
            # One loop over a whole plane takes less time than one per row with its own number.
            ray_y = np.repeat(by_row[::dy, None], ray_x.shape[1], axis=1)
            self.all_rays = True
        else:
            grid = ray_grid(camera)[::dy, ::dx]
            ray_x, ray_y = (np.ascontiguousarray(grid[..., i]) for i in range(2))
            self.all_rays = bool(np.isfinite(ray_x).all() and np.isfinite(ray_y).all())
        self.shape = (ray_y.shape[0], ray_x.shape[1])
        height, width = self.shape
        count = min(height, max(1, _STRIP_PIXELS // width))
        x, y, z, other, tile = _planes(5, (count, width))
        flags, more_flags = np.empty((2, count, width), np.bool_)
        tile[:] = ray_x[:1]
        self.strips = []
        for start in range(0, height, count):
            n = min(count, height - start)
            rows = slice(start, start + n)
            self.strips.append(
                Strip(
                    rows=rows,
                    ray_x=ray_x[rows] if len(ray_x) == height else tile[:n],
                    ray_y=ray_y[rows],
                    x=x[:n],
                    y=y[:n],
                    z=z[:n],
                    other=other[:n],
                    flags=flags[:n],
                    more_flags=more_flags[:n],
                )
            )


def _planes(count: int, shape: tuple[int, int]) -> list[FloatImage]:
    size = 4 * shape[0] * shape[1]
    pitch = -(-size // _PAGE) * _PAGE + _STAGGER
    block = np.empty(count * pitch + _PAGE, np.uint8)
    start = -block.ctypes.data % _PAGE
    offsets = [start + i * pitch for i in range(count)]
    return [block[o : o + size].view(np.float32).reshape(shape) for o in offsets]


class Target:
    """
    Where the points of a strip go.

    cv2.merge writes past the cache, which saves reading what is overwritten, but only where its
    target begins at a whole vector; memory from malloc does not. So the first few points are
    merged by themselves.
    """

    def __init__(self, points: FloatImage) -> None:
        step = points.strides[1]
        heads = (k for k in range(_VECTOR) if (points.ctypes.data + k * step) % _VECTOR == 0)
        self.head = min(next(heads, 0), points.shape[1] - 1)
        self.first, self.rest = points[:, : self.head], points[:, self.head :]

    def merge(self, planes: list[FloatImage]) -> None:
        """Interleave contiguous planes into the points."""
        flat = [plane.reshape(1, -1) for plane in planes]
        if self.head:
            cv2.merge([plane[:, : self.head] for plane in flat], self.first)
            flat = [plane[:, self.head :] for plane in flat]
        cv2.merge(flat, self.rest)


class CloudBuffer:
    """The data of one message, as bytes for the message and as points for the builder."""

    def __init__(self, plan: StripPlan) -> None:
        height, width = plan.shape
        self.data = array.array('B', bytes(4 * height * width * plan.channels))
        self.points: FloatImage = np.frombuffer(self.data, np.float32).reshape(
            height, width, plan.channels
        )
        flat = self.points.reshape(1, -1, plan.channels)
        self.targets = [
            Target(flat[:, s.rows.start * width : s.rows.stop * width]) for s in plan.strips
        ]
        self.idle = self.holders()

    def holders(self) -> int:
        """Count the holders of the data; a message that is still read holds its data."""
        return sys.getrefcount(self.data)


class CloudMemory:
    """Buffers that are lent to messages and taken again once no holder of the message is left."""

    def __init__(self) -> None:
        self._buffers: list[CloudBuffer] = []

    def take(self, plan: StripPlan, reuse: bool = True) -> CloudBuffer:
        """Return a buffer without other holders."""
        for buffer in self._buffers:
            if buffer.holders() <= buffer.idle:
                return buffer
        buffer = CloudBuffer(plan)
        if reuse and len(self._buffers) < _SPARE_BUFFERS:
            self._buffers.append(buffer)
        return buffer
