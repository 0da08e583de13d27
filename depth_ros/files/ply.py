# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Point clouds as binary PLY, which every viewer opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from depth_ros.files.writing import write_bytes
from depth_ros.types import DepthError

OPTICAL = 'metres; x right, y down, z forward (optical frame)'


def write_ply(
    path: str | Path,
    points: npt.ArrayLike,
    rgb: npt.NDArray[np.uint8] | None = None,
    comment: str = OPTICAL,
) -> int:
    """
    Write the finite points of (..., 3), little-endian; return how many there were.

    rgb has the shape of points, or is grey with one value per point. `comment` is one line that
    states the unit and the axes.
    """
    points = np.asarray(points, np.float32)
    if points.shape[-1:] != (3,):
        raise DepthError(f'points have shape {points.shape}, expected (..., 3): x, y, z in metres')
    fields: list[tuple[str, str]] = [('x', '<f4'), ('y', '<f4'), ('z', '<f4')]
    if rgb is not None:
        rgb = _colors(rgb, points.shape)
        fields += [('red', 'u1'), ('green', 'u1'), ('blue', 'u1')]
    finite = np.isfinite(points).all(axis=-1)
    vertices = np.empty(int(finite.sum()), np.dtype(fields))
    for axis, name in enumerate('xyz'):
        vertices[name] = points[finite, axis]
    if rgb is not None:
        for channel, name in enumerate(('red', 'green', 'blue')):
            vertices[name] = rgb[finite, channel]
    kinds = {'<f4': 'float', 'u1': 'uchar'}
    header = [
        'ply',
        'format binary_little_endian 1.0',
        f'comment {comment}',
        f'element vertex {len(vertices)}',
        *(f'property {kinds[kind]} {name}' for name, kind in fields),
        'end_header',
    ]
    write_bytes(path, ('\n'.join(header) + '\n').encode('ascii'), vertices.tobytes())
    return len(vertices)


def _colors(rgb: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    rgb = np.asarray(rgb)
    if rgb.dtype == np.uint8 and rgb.shape == shape[:-1]:
        rgb = np.broadcast_to(rgb[..., None], shape)
    if rgb.dtype != np.uint8 or rgb.shape != shape:
        raise DepthError(
            f'colours are {rgb.dtype} {rgb.shape}, expected uint8 {shape} (RGB) or {shape[:-1]} '
            '(grey): one colour for each point'
        )
    return rgb
