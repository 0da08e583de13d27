# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Read what stands at the front of serialised messages, without converting the rest.

The doctor listens to images and clouds that others need; converting each of them would take the
processor from what is measured. /tf is read here too, because tf2_msgs may not be installed.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from depth_ros.geometry.poses import pose_of
from depth_ros.types import DepthError, Matrix


class Head(NamedTuple):
    """A header: nanoseconds and frame; `end` is where the next field may begin."""

    stamp: int
    frame: str
    end: int


class Reader:
    """Read the fields of one message in CDR, as ROS 2 middlewares send it."""

    def __init__(self, data: bytes, at: int = 4) -> None:
        if len(data) < 4:
            raise DepthError(f'a message has {len(data)} bytes, expected at least 4')
        self.data, self.at = data, at
        self._order = '<' if data[1] & 1 else '>'

    def number(self, code: str) -> float:
        """Return one number of a struct code, aligned to its own size."""
        return self.numbers(code, 1)[0]

    def numbers(self, code: str, count: int) -> tuple[float, ...]:
        """Return several numbers of one kind."""
        size = struct.calcsize(code)
        self.at += -(self.at - 4) % size  # alignment counts from behind the four first bytes
        try:
            values = struct.unpack_from(f'{self._order}{count}{code}', self.data, self.at)
        except struct.error:
            raise DepthError(
                f'a message of {len(self.data)} bytes ends within a field, expected more; check '
                'its publisher'
            ) from None
        self.at += count * size
        return values

    def text(self) -> str:
        """Return one string."""
        length = int(self.number('I'))
        raw = self.data[self.at : self.at + length]
        if len(raw) < length:
            raise DepthError('a message ends within a string, expected more; check its publisher')
        self.at += length
        return bytes(raw).rstrip(b'\0').decode('utf-8', 'replace')

    def head(self) -> Head:
        """Return a std_msgs/Header."""
        seconds, nanoseconds = int(self.number('i')), int(self.number('I'))
        frame = self.text()
        return Head(seconds * 1_000_000_000 + nanoseconds, frame, self.at)


def head_of(data: bytes) -> Head:
    """Return the header of a message that begins with one."""
    return Reader(data).head()


def image_shape(data: bytes) -> tuple[int, int]:
    """Return width and height of a sensor_msgs/Image."""
    reader = Reader(data)
    reader.head()
    height, width = reader.numbers('I', 2)
    return int(width), int(height)


def transforms_of(data: bytes) -> list[tuple[str, str, Matrix]]:
    """Return (parent, child, pose of the child in its parent) of a tf2_msgs/TFMessage."""
    reader = Reader(data)
    found = []
    for _ in range(int(reader.number('I'))):
        parent, child = reader.head().frame, reader.text()
        values = reader.numbers('d', 7)
        try:
            found.append((parent, child, pose_of(values[:3], values[3:])))
        except DepthError:
            continue  # a rotation of no length connects nothing
    return found


def clock_of(data: bytes) -> int:
    """Return the nanoseconds of a rosgraph_msgs/Clock."""
    reader = Reader(data)
    return int(reader.number('i')) * 1_000_000_000 + int(reader.number('I'))
