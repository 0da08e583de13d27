# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points that are no image any more -> sensor_msgs/PointCloud2; cloud.py does depth images."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import PointCloud2, PointField

from depth_ros.messages.fast import array_to_bytes, new_message
from depth_ros.types import DepthError, FloatImage


def points_to_cloud(
    points: FloatImage,
    header: Any,
    more: Mapping[str, npt.NDArray[np.float32]] | None = None,
) -> PointCloud2:
    """Return the unorganised cloud of finite points (N, 3), with more float32 fields (N,)."""
    fields = dict(more or {})
    if points.ndim != 2 or points.shape[1] != 3:
        raise DepthError(f'points have shape {points.shape}, expected (N, 3): x, y, z in metres')
    for name, values in fields.items():
        if values.shape != (len(points),):
            raise DepthError(
                f'the cloud field {name!r} has shape {values.shape}, expected ({len(points)},)'
            )
    columns = [points, *(values[:, None] for values in fields.values())]
    names = ('x', 'y', 'z', *fields)
    msg = new_message(PointCloud2, header)
    msg.height, msg.width = 1, len(points)
    msg.fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(names)
    ]
    msg.is_bigendian = sys.byteorder != 'little'
    msg.point_step = 4 * len(names)
    msg.row_step = msg.point_step * msg.width
    msg.data = array_to_bytes(np.concatenate(columns, axis=1, dtype=np.float32))
    msg.is_dense = True
    return msg
