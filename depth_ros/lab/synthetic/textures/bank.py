# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The bank of procedural textures: tileable, with every coarser level ready.

A texture has two channels, a and b, that span a square whose corners are four colours of the
material: brick is `a` within the bricks and `b` the mortar. So one pattern serves any number of
materials. They are drawn once per process, with a fixed seed each, and looked up bilinearly at
the level that fits the pixel's footprint; that is what keeps far surfaces from flickering and
two views of a surface alike.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

# surfaces and graphics fill PATTERNS.
from depth_ros.lab.synthetic.textures import graphics, surfaces  # noqa: F401
from depth_ros.lab.synthetic.textures.pattern import PATTERNS, SIZE

LEVELS = 9  # 256, 128, ..., 1


def names() -> list[str]:
    """Return the names of all patterns; a material's texture is an index into this list."""
    return list(PATTERNS)


@functools.cache
def index_of(name: str) -> int:
    """Return the index of a pattern."""
    return names().index(name)


def texture(index: int) -> npt.NDArray[np.uint8]:
    """Return all levels of one texture, finest first, as one (n, 2) table of uint8."""
    name = names()[index]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    a, b = PATTERNS[name](rng)
    level = np.clip(np.stack([a, b], axis=-1), 0, 1).astype(np.float32)
    levels = []
    for _ in range(LEVELS):
        levels.append(np.round(level * 255).astype(np.uint8).reshape(-1, 2))
        if level.shape[0] > 1:
            n = level.shape[0] // 2
            level = level.reshape(n, 2, n, 2, 2).mean(axis=(1, 3))
    return np.concatenate(levels)


# Where each level starts in a texture's table, and how many entries a texture has.
STARTS = np.concatenate([[0], np.cumsum([(SIZE >> i) ** 2 for i in range(LEVELS)])])
ENTRIES = int(STARTS[-1])


@functools.cache
def _empty_bank() -> tuple[npt.NDArray[np.uint16], set[int]]:
    return np.zeros(len(names()) * ENTRIES, np.uint16), set()


def bank(indices: Iterable[int] | None = None) -> npt.NDArray[np.uint16]:
    """
    Return the tables of all textures, a in the low byte and b in the high one.

    Only those asked for (default all) are sure to be drawn already; texture i starts at entry
    i * ENTRIES. There is one bank in a process.
    """
    table, drawn = _empty_bank()
    for i in set(range(len(names())) if indices is None else indices) - drawn:
        table[i * ENTRIES : (i + 1) * ENTRIES] = texture(i).view('<u2')[:, 0]
        drawn.add(i)
    return table


def sample(
    xp: Any, table: Any, start: Any, u: Any, v: Any, footprint: Any, integer: Any
) -> tuple[Any, Any]:
    """
    Return the channels a and b at texture coordinates u, v, in repetitions.

    `start` is the entry where each texture begins in `table`, `footprint` the width of a pixel
    in repetitions, `integer` the namespace's int dtype for indices.
    """
    level = xp.log2(xp.clip(footprint * SIZE, 1.0, SIZE))
    fine = xp.floor(level)
    blend = level - fine
    fine = _to(fine, integer)
    a0, b0 = _bilinear(xp, table, start, u, v, fine, integer)
    a1, b1 = _bilinear(xp, table, start, u, v, xp.clip(fine + 1, 0, LEVELS - 1), integer)
    return a0 + (a1 - a0) * blend, b0 + (b1 - b0) * blend


def sample_one(
    xp: Any, table: Any, start: Any, u: Any, v: Any, footprint: Any, integer: Any
) -> Any:
    """Return channel a at the nearest level: enough for a layer that only tints."""
    level = _to(xp.log2(xp.clip(footprint * SIZE, 1.0, SIZE)) + 0.5, integer)
    return _bilinear(xp, table, start, u, v, xp.clip(level, 0, LEVELS - 1), integer, False)[0]


def _to(value: Any, dtype: Any) -> Any:
    return value.to(dtype) if hasattr(value, 'to') else value.astype(dtype)


def _bilinear(
    xp: Any, table: Any, start: Any, u: Any, v: Any, level: Any, integer: Any, both: bool = True
) -> tuple[Any, Any]:
    bits = 8 - level
    size = 1 << bits
    # Level l starts after SIZE^2 * (1 + 1/4 + ...) = (4^9 - 4^(9-l)) / 3 entries.
    first = start + ((1 << 18) - (1 << (2 * bits + 2))) // 3
    width = _to(size, u.dtype)
    x = (u - xp.floor(u)) * width - 0.5
    y = (v - xp.floor(v)) * width - 0.5
    x_floor, y_floor = xp.floor(x), xp.floor(y)
    fx, fy = x - x_floor, y - y_floor
    mask = size - 1
    x0, y0 = _to(x_floor, integer) & mask, _to(y_floor, integer) & mask
    x1 = (x0 + 1) & mask
    row0, row1 = first + (y0 << bits), first + (((y0 + 1) & mask) << bits)
    a, b = 0.0, 0.0
    for entry, weight in (
        (row0 + x0, (1 - fx) * (1 - fy)),
        (row0 + x1, fx * (1 - fy)),
        (row1 + x0, (1 - fx) * fy),
        (row1 + x1, fx * fy),
    ):
        packed = table.take(entry)  # of an array or a tensor
        a = a + _to(packed & 255, u.dtype) * weight
        if both:
            b = b + _to(packed >> 8, u.dtype) * weight
    return a * (1 / 255), b * (1 / 255)
