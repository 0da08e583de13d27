# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The memory of clouds, used again once a message is done with it: new pages take time."""

from __future__ import annotations

import array
import math
import sys

import numpy as np

from depth_ros.types import FloatImage

_SPARE_BUFFERS = 3


class CloudBuffer:
    """The data of one message, as bytes for the message and as points for the builder."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.data = array.array('B', bytes(4 * math.prod(shape)))
        self.points: FloatImage = np.frombuffer(self.data, np.float32).reshape(shape)
        self.idle = self.holders()

    def holders(self) -> int:
        """Count the holders of the data; a message that is still read holds its data."""
        return sys.getrefcount(self.data)


class CloudMemory:
    """Buffers that are lent to messages and taken again once no holder of the message is left."""

    def __init__(self) -> None:
        self._buffers: list[CloudBuffer] = []
        self._shape: tuple[int, int, int] | None = None

    def take(self, shape: tuple[int, int, int], reuse: bool = True) -> CloudBuffer:
        """Return a buffer of this shape (height, width, fields) without other holders."""
        if self._shape != shape:
            self._shape, self._buffers = shape, []
        for buffer in self._buffers:
            if buffer.holders() <= buffer.idle:
                return buffer
        buffer = CloudBuffer(shape)
        if reuse and len(self._buffers) < _SPARE_BUFFERS:
            self._buffers.append(buffer)
        return buffer
