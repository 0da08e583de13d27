# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
An ONNX file in OpenCV's own `dnn` module, which every machine with ROS has.

OpenCV wants to know the sizes of inputs while it reads a file, though it runs any other size
afterwards. A file that leaves them open for other runtimes is given some on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.models.engine.graph import reading

TAIL = 4096  # bytes at the end of a file, where inputs and outputs are described
LARGEST = 1 << 14
LARGEST_FILE = 1 << 30  # bytes


def set_sizes(data: npt.NDArray[np.uint8], sizes: Mapping[str, int]) -> None:
    """
    Put sizes in place of the open dimensions of an ONNX file, each named by one letter.

    Both forms of a dimension take three bytes in protobuf: field 2, a text of one letter, and
    field 1, a number of two bytes. So the rest of the file stays where it is.
    """
    tail = data[-TAIL:].tobytes()
    for letter, size in sizes.items():
        is_open = b'\x0a\x03\x12\x01' + letter.encode('ascii')
        if not (0 < size < LARGEST and len(is_open) == 5 and is_open in tail):
            raise ValueError(f'it has no open dimension {letter}, or {size} does not fit')
        tail = tail.replace(is_open, b'\x0a\x03\x08' + bytes([0x80 | size & 0x7F, size >> 7]))
    data[-TAIL:] = np.frombuffer(tail, np.uint8)


class OpenCvGraph:
    """A network in OpenCV; every call may have other sizes."""

    runtime, device, precision = 'opencv', 'cpu', 'float32'

    def __init__(self, path: Path, sizes: Mapping[str, int]) -> None:
        with reading(path, 'OpenCV'):
            if path.stat().st_size > LARGEST_FILE:
                raise ValueError(f'it has more than {LARGEST_FILE} bytes')
            data = np.fromfile(path, np.uint8)
            set_sizes(data, sizes)
            self._net = cv2.dnn.readNetFromONNX(data)

    def run(self, arrays: Mapping[str, np.ndarray], wanted: list[str]) -> list[np.ndarray]:
        """Return the named outputs for one float32 array per input."""
        for name, array in arrays.items():
            self._net.setInput(array, name)
        # A copy: OpenCV may write the next result into the same memory.
        return [np.array(self._net.forward(name)) for name in wanted]
