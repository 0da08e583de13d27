# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Clouds in one pass over memory, where numba is installed.

Without numba, NumPy and OpenCV write the same points, from strips in the cache, in up to twice the
time. The kernels know pinhole cameras without a height crop, which is nearly all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.compiled import compile_loop
from depth_ros.types import FloatImage, Image

Axis = npt.NDArray[np.float32]


class Kernels(NamedTuple):
    """Compiled loops; each returns how many points are valid."""

    xyz: Callable[..., int]  # depth, ray_x, ray_y, near, far, points (H, 3 W)
    xyzrgb: Callable[..., int]  # the same with rgb (H, 3 W), points (H, 4 W) and their bits


@functools.cache
def kernels() -> Kernels | None:
    """Return the compiled loops, or None where they cannot be had."""
    points, bits = ('float32', 2, False), ('uint32', 2, False)
    axis = ('float32', 1, True)
    inputs = (('float32', 2, True), axis, axis, 'float32', 'float32')
    xyz = compile_loop(_xyz, 'int64', *inputs, points)
    xyzrgb = compile_loop(_xyzrgb, 'int64', *inputs, ('uint8', 2, True), points, bits)
    return None if xyz is None or xyzrgb is None else Kernels(xyz, xyzrgb)


def _xyz(
    depth: FloatImage, ray_x: Axis, ray_y: Axis, near: Any, far: Any, points: FloatImage
) -> int:
    # Flat rows: the compiler turns the stores of a row into vectors, of single points it does not.
    invalid = np.float32(np.nan)
    count = 0
    for v in range(depth.shape[0]):
        y = ray_y[v]
        valid = 0
        for u in range(depth.shape[1]):
            z = depth[v, u]
            inside = (z >= near) & (z <= far)
            valid += inside
            z = z if inside else invalid
            points[v, 3 * u] = z * ray_x[u]
            points[v, 3 * u + 1] = z * y
            points[v, 3 * u + 2] = z
        count += valid
    return count


def _xyzrgb(
    depth: FloatImage,
    ray_x: Axis,
    ray_y: Axis,
    near: Any,
    far: Any,
    rgb: Image,
    points: FloatImage,
    bits: npt.NDArray[np.uint32],
) -> int:
    invalid = np.float32(np.nan)
    count = 0
    for v in range(depth.shape[0]):
        y = ray_y[v]
        valid = 0
        for u in range(depth.shape[1]):
            z = depth[v, u]
            inside = (z >= near) & (z <= far)
            valid += inside
            z = z if inside else invalid
            points[v, 4 * u] = z * ray_x[u]
            points[v, 4 * u + 1] = z * y
            points[v, 4 * u + 2] = z
            red, green, blue = rgb[v, 3 * u], rgb[v, 3 * u + 1], rgb[v, 3 * u + 2]
            bits[v, 4 * u + 3] = (
                (np.uint32(red) << np.uint32(16))
                | (np.uint32(green) << np.uint32(8))
                | np.uint32(blue)
            )
        count += valid
    return count
