# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read the files that data sets consist of; every error names the file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from depth_ros.files.images import read_values
from depth_ros.files.reading import LARGEST_ARRAY, LARGEST_TEXT, read_bytes
from depth_ros.types import DepthError, FloatImage, Matrix, quoted

IMAGES = ('.png', '.jpg', '.jpeg')
_REMEDY = 'give the data set as it was published'


def read_png_values(path: Path, scale: float, invalid: Iterable[int] = (0,)) -> FloatImage:
    """
    Return the numbers of an 8- or 16-bit image divided by scale, NaN where they are invalid.

    :param scale: how much of the file's unit is one metre or one pixel.
    """
    _there(path)
    raw = read_values(path)
    if raw.ndim != 2 or raw.dtype not in (np.uint8, np.uint16):
        raise DepthError(
            f'{path} holds {raw.dtype} with shape {raw.shape}; expected one channel of 8 or 16 bit'
        )
    values = raw.astype(np.float32) / np.float32(scale)
    values[np.isin(raw, np.array(list(invalid), raw.dtype))] = np.nan
    return values


def _there(path: Path) -> None:
    if not os.path.isfile(path):
        raise DepthError(f'there is no file {path}; the data set is not complete')


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file; bytes that are no text become question marks."""
    _there(path)
    return read_bytes(path, LARGEST_TEXT, _REMEDY).decode('utf-8', 'replace').splitlines()


def read_pfm(path: Path) -> FloatImage:
    """Return a one-channel PFM file, top row first; infinite values become NaN."""
    _there(path)
    data = read_bytes(path, LARGEST_ARRAY, _REMEDY)
    head = re.match(rb'(P[fF])\s+(\d{1,9})\s+(\d{1,9})\s+([-+.\deE]{1,40})\s', data)
    if head is None or head[1] != b'Pf':
        raise DepthError(f'{path} is no PFM file of one channel (it should start with Pf)')
    width, height = int(head[2]), int(head[3])
    try:
        scale = float(head[4])
    except ValueError:
        raise DepthError(f'{path} has a scale of {quoted(head[4])}, expected a number') from None
    order = '<' if scale < 0 else '>'
    if not width or not height:
        raise DepthError(f'{path} has {width}x{height} pixels, expected at least one')
    if len(data) - head.end() < 4 * width * height:
        raise DepthError(
            f'{path} ends after {len(data) - head.end()} of {4 * width * height} bytes'
        )
    flat = np.frombuffer(data, f'{order}f4', width * height, head.end())
    values = flat.reshape(height, width)[::-1].astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def read_numbers(path: Path, count: int | None = None) -> npt.NDArray[np.float64]:
    """Return all numbers of a text file; lines may end in comments after #."""
    lines = (line.split('#')[0] for line in read_lines(path))
    try:
        numbers = np.array(' '.join(lines).replace(',', ' ').split(), np.float64)
    except ValueError as error:
        raise DepthError(
            f'{path} holds something that is no number: {quoted(str(error))}'
        ) from error
    if count is not None and numbers.size != count:
        raise DepthError(f'{path} holds {numbers.size} numbers, expected {count}')
    return numbers


def read_pose(path: Path) -> Matrix:
    """Return the 4x4 camera-to-world matrix of a text file."""
    return read_numbers(path, 16).reshape(4, 4)


def read_keys(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Return the lines `key: numbers` or `key=numbers` of a calibration; others are skipped."""
    found = {}
    for line in read_lines(path):
        key, mark, text = line.partition('=' if '=' in line else ':')
        if not mark:
            continue
        try:
            found[key.strip()] = np.array(re.sub(r'[\[\];,]', ' ', text).split(), dtype=np.float64)
        except ValueError:  # dates and names
            continue
    return found


def take(
    path: Path, keys: Mapping[str, npt.NDArray[np.float64]], name: str, *shape: int
) -> npt.NDArray[np.float64]:
    """Return one of the keys of a calibration file in a shape."""
    values = keys.get(name)
    count = int(np.prod(shape))
    if values is None or values.size != count:
        found = 'no' if values is None else f'{values.size} numbers in'
        raise DepthError(f'{path} has {found} {name}, expected {count} numbers')
    return values.reshape(shape)


def quaternion_pose(numbers: npt.ArrayLike) -> Matrix:
    """Return the 4x4 matrix of tx ty tz qx qy qz qw."""
    tx, ty, tz, *q = np.asarray(numbers, np.float64)
    norm = float(np.linalg.norm(q))
    if norm < 1e-9:
        raise DepthError('a pose has the quaternion 0, which is no rotation')
    x, y, z, w = np.array(q) / norm
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), tx],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), ty],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), tz],
            [0, 0, 0, 1],
        ]
    )


def numbered(folder: Path, prefix: str, suffixes: Iterable[str] = IMAGES) -> dict[str, Path]:
    """Return the files prefix + KEY + suffix of a folder by KEY, in the order of their numbers."""
    found = {}
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name.startswith(prefix) and path.suffix.lower() in suffixes:
                found[path.stem[len(prefix) :]] = path
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def natural(text: str) -> list[tuple[int, str]]:
    """Return a sorting key by which frame 2 comes before frame 10."""
    return [
        (int(part), '') if part.isdecimal() else (-1, part) for part in re.split(r'(\d+)', text)
    ]


def folders(root: Path, depth: int = 2) -> list[Path]:
    """Return root and the folders below it, sorted, no deeper than said."""
    found = [root]
    if depth > 0 and root.is_dir():
        below = (p for p in root.iterdir() if p.is_dir() and not p.name.startswith('.'))
        for path in sorted(below, key=lambda p: natural(p.name)):
            found += folders(path, depth - 1)
    return found


def frame_name(root: Path, path: Path, name: str) -> str:
    """Return the name of a frame: its folder below root, and its own."""
    folder = path.relative_to(root).as_posix()
    return name if folder == '.' else f'{folder}/{name}' if name else folder
