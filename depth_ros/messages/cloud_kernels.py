# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write the points of a cloud in one pass over memory, where numba is installed.

One loop serves every camera and layout. It is compiled for each layout, because the stores of a
row become vectors only where the step between points is a constant.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from depth_ros.geometry.compiled import compile_loop

Write = Callable[..., int]
"""points (H, C W), bits of points, depth, ray_x, ray_y, bounds (4), rgb (H, 3 W), more -> valid"""


@functools.cache
def compiled_writer(channels: int, lens: bool, colour: bool) -> Write | None:
    """
    Return the compiled loop for a layout, or None where numba is missing, broken or off.

    :param lens: rays are given by pixel; else ray_x is (1, W) and ray_y (H, 1).
    :param colour: the fourth field is rgb.
    """
    plane, stack = ('float32', 2, True), ('float32', 3, True)
    return compile_loop(
        _writer(channels, lens, colour),
        'int64',
        ('float32', 2, False),
        ('uint32', 2, False),
        plane,
        plane,
        plane,
        ('float32', 1, True),
        ('uint8', 2, True),
        stack,
    )


def _writer(channels: int, lens: bool, colour: bool) -> Write:
    first = 4 if colour else 3  # of the further fields

    def write(
        points: Any,
        bits: Any,
        depth: Any,
        ray_x: Any,
        ray_y: Any,
        bounds: Any,
        rgb: Any,
        more: Any,
    ) -> int:
        near, far, top, bottom = bounds
        invalid = np.float32(np.nan)
        count = 0
        for v in range(depth.shape[0]):
            valid = 0
            for u in range(depth.shape[1]):
                z = depth[v, u]
                x = z * (ray_x[v, u] if lens else ray_x[0, u])
                y = z * (ray_y[v, u] if lens else ray_y[v, 0])
                # Comparisons with NaN are false, so that rays beyond the lens are out.
                inside = (z >= near) & (z <= far) & (y >= top) & (y <= bottom) & (x == x)
                valid += inside
                points[v, channels * u] = x if inside else invalid
                points[v, channels * u + 1] = y if inside else invalid
                points[v, channels * u + 2] = z if inside else invalid
                if colour:
                    bits[v, channels * u + 3] = (
                        (np.uint32(rgb[v, 3 * u]) << np.uint32(16))
                        | (np.uint32(rgb[v, 3 * u + 1]) << np.uint32(8))
                        | np.uint32(rgb[v, 3 * u + 2])
                    )
            for k in range(channels - first):
                for u in range(depth.shape[1]):
                    points[v, channels * u + first + k] = more[k, v, u]
            count += valid
        return count

    return write
