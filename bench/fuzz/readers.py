# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Where the values of an input come from: from bytes, or from Hypothesis.

A target asks a reader for numbers, texts and bytes, and builds its message of them. The same
target then serves random bytes, the coverage-guided ones of atheris, and Hypothesis, which makes
what it finds small.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar('T')

NUMBERS = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 100.0, 500.0, 1e-3, 1e3, 1e-30, 1e30, 1e-300, 1e300),
    *(math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 1e16, 2.0**31, 2.0**63),
)
INTEGERS = (0, 1, 2, 3, 4, 7, 8, 255, 256, 640, 480, 65535, 65536, 2**31 - 1, 2**32 - 1)


class Reader(Protocol):
    """Where a target takes its values from."""

    def integer(self, low: int, high: int) -> int: ...
    def data(self, most: int) -> bytes: ...
    def number(self) -> float: ...


def choice(reader: Reader, options: Sequence[T]) -> T:
    """Return one of the options."""
    return options[reader.integer(0, len(options) - 1)]


def size(reader: Reader, most: int = 2**32 - 1) -> int:
    """Return a count as messages have it: mostly small, sometimes absurd."""
    kind = reader.integer(0, 3)
    if kind == 0:
        return min(choice(reader, INTEGERS), most)
    return reader.integer(0, (16, 100, most)[kind - 1])


def text(reader: Reader, usual: Sequence[str] = ('',)) -> str:
    """Return one of the usual words, or anything."""
    if reader.integer(0, 3):
        return choice(reader, usual)
    return reader.data(40).decode('utf-8', 'replace')


def edited(reader: Reader, seeds: Sequence[bytes]) -> bytes:
    """Return a seed with a few edits: what is nearly right goes deepest."""
    value = bytearray(choice(reader, seeds))
    for _ in range(reader.integer(0, 6)):
        place = reader.integer(0, max(len(value) - 1, 0))
        kind = reader.integer(0, 8)
        if kind == 0 and value:
            value[place] ^= 1 << reader.integer(0, 7)
        elif kind == 1 and value:
            value[place] = reader.integer(0, 255)
        elif kind == 2:
            value[place:place] = reader.data(8)
        elif kind == 3:
            del value[place : place + reader.integer(1, 64)]
        elif kind == 4:
            del value[place:]
        elif kind == 5:
            piece = bytes(value[place : place + reader.integer(1, 64)])
            value[place:place] = piece * reader.integer(1, 20)
        elif kind == 6:
            order = choice(reader, ('<', '>'))
            value[place : place + 4] = struct.pack(f'{order}I', choice(reader, INTEGERS))
        elif kind == 7:
            value[place:place] = repr(reader.number()).encode()
        else:
            other = choice(reader, seeds)
            value[place:] = other[reader.integer(0, len(other)) :]
        if len(value) > 1 << 20:
            del value[1 << 20 :]
    return bytes(value)


class ByteReader:
    """Values from bytes; zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken.ljust(count, b'\0')

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high."""
        span = high - low + 1
        return low + int.from_bytes(self._take((span.bit_length() + 7) // 8), 'little') % span

    def data(self, most: int) -> bytes:
        """Return up to so many bytes."""
        return self._take(self.integer(0, most))

    def number(self) -> float:
        """Return a number, one of the difficult ones every other time."""
        if self._take(1)[0] & 1:
            return NUMBERS[self.integer(0, len(NUMBERS) - 1)]
        return float(struct.unpack('<d', self._take(8))[0])


class DrawReader:
    """Values that Hypothesis draws."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high."""
        from hypothesis import strategies as st

        return int(self._draw(st.integers(low, high)))

    def data(self, most: int) -> bytes:
        """Return up to so many bytes."""
        from hypothesis import strategies as st

        return bytes(self._draw(st.binary(max_size=most)))

    def number(self) -> float:
        """Return any number."""
        from hypothesis import strategies as st

        return float(self._draw(st.one_of(st.sampled_from(NUMBERS), st.floats())))
