# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Clouds in the aligned layout of PCL, as stereo_image_proc writes them by default.

x, y and z take 16 bytes, and every further field begins after them, so that vector instructions
can load a point: 16 bytes for x, y, z, and 32 for x, y, z, rgb.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from depth_ros.messages.classes import PointField
from depth_ros.messages.fast import array_to_bytes
from depth_ros.types import DepthError, quoted

ALIGNMENT = 16  # bytes


def pad_cloud(msg: Any) -> Any:
    """Return the cloud with padding; it must be x, y, z and more float32 without gaps."""
    names = [field.name for field in msg.fields]
    packed = [(field.offset, field.datatype, field.count) for field in msg.fields] == [
        (4 * i, PointField.FLOAT32, 1) for i in range(len(names))
    ]
    if not packed or names[:3] != ['x', 'y', 'z'] or msg.point_step != 4 * len(names):
        raise DepthError(
            f'cloud has fields {quoted(names)} in a point_step of {msg.point_step}, expected x, '
            'y, z and more float32 fields without gaps; give a cloud of this package'
        )
    more = len(names) - 3
    step = ALIGNMENT + -(-4 * more // ALIGNMENT) * ALIGNMENT
    places = [0, 4, 8, *(ALIGNMENT + 4 * i for i in range(more))]
    count = msg.height * msg.width
    points = np.frombuffer(msg.data, np.float32) if count else np.empty(0, np.float32)
    padded = np.zeros((count, step // 4), np.float32)
    padded[:, np.array(places) // 4] = points.reshape(count, len(names))
    result = copy.copy(msg)
    result.fields = [
        PointField(name=name, offset=place, datatype=PointField.FLOAT32, count=1)
        for name, place in zip(names, places)
    ]
    result.point_step, result.row_step = step, step * msg.width
    result.data = array_to_bytes(padded)
    return result
