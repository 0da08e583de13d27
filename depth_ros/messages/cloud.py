# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth -> sensor_msgs/PointCloud2, about as fast as memory can be written.

x = depth * (u - cx) / fx, y = depth * (v - cy) / fy, z = depth; nothing is interpolated. Range
crops compare z, as depth_image_proc does; height crops compare -y, the height above the optical
axis of a camera that is held level.
"""

from __future__ import annotations

import sys
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import PointCloud2, PointField

from depth_ros.geometry.unproject import depth_to_points
from depth_ros.messages.image import array_to_bytes
from depth_ros.types import Camera, DepthError, FloatImage, Image

Fields = Literal['xyz', 'xyzrgb', 'xyzi']


class CloudBuilder:
    """Make clouds of one layout; what depends only on the camera is computed once."""

    def __init__(
        self,
        fields: Fields = 'xyz',
        organised: bool = True,
        decimation_x: int = 1,
        decimation_y: int = 1,
        min_range: float = 0.0,
        max_range: float = float('inf'),
        min_height: float = -float('inf'),
        max_height: float = float('inf'),
    ) -> None:
        self.fields = fields
        self.organised = organised
        self.decimation = (decimation_y, decimation_x)
        self.range = (min_range, max_range)
        self.height = (min_height, max_height)

    def __call__(
        self, depth: FloatImage, camera: Camera, header: Any, image: Image | None = None
    ) -> PointCloud2:
        """Return the cloud; the image has the pixels of the depth and is RGB or grey."""
        dy, dx = self.decimation
        points = depth_to_points(depth, camera)[::dy, ::dx]
        z, up = points[..., 2], -points[..., 1]
        valid = np.isfinite(z) & (z > 0)
        valid &= (z >= self.range[0]) & (z <= self.range[1])
        valid &= (up >= self.height[0]) & (up <= self.height[1])
        channels = 3 if self.fields == 'xyz' else 4
        out = np.zeros((*z.shape, channels), np.float32)
        out[..., :3] = np.where(valid[..., None], points, np.float32(np.nan))
        if channels == 4:
            if image is None:
                raise DepthError(f'{self.fields} cloud needs an image; pass it, or choose xyz')
            picture = image[::dy, ::dx]
            if self.fields == 'xyzi':
                grey = picture if picture.ndim == 2 else picture.mean(2)
                out[..., 3] = grey
            else:
                rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2)
                packed = out.view(np.uint8).reshape(*z.shape, 16)
                packed[..., 12:15] = rgb[..., ::-1]
        if not self.organised:
            out = out[valid][None]
        msg = PointCloud2(header=header)
        names = {
            'xyz': 'xyz',
            'xyzrgb': ('x', 'y', 'z', 'rgb'),
            'xyzi': ('x', 'y', 'z', 'intensity'),
        }
        msg.fields = [
            PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1)
            for i, n in enumerate(names[self.fields])
        ]
        msg.height, msg.width = out.shape[:2]
        msg.point_step = 4 * channels
        msg.row_step = msg.point_step * msg.width
        msg.is_bigendian = sys.byteorder != 'little'
        msg.is_dense = bool(valid.all()) or not self.organised
        msg.data = array_to_bytes(out)
        return msg


def cloud_to_points(msg: Any) -> npt.NDArray[Any]:
    """Return a structured array with one entry per point: HxW when organised, else N."""
    raise NotImplementedError
