# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read the files that data sets consist of; every error names the file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, FloatImage, Matrix

PICTURES = ('.png', '.jpg', '.jpeg')


def read_png_values(path: Path, scale: float, invalid: Iterable[int] = (0,)) -> FloatImage:
    """
    Return the numbers of an 8- or 16-bit picture divided by scale, NaN where they are invalid.

    :param scale: how much of the file's unit is one metre or one pixel.
    """
    raw = _decode(path)
    if raw.ndim != 2 or raw.dtype not in (np.uint8, np.uint16):
        raise DepthError(
            f'{path} holds {raw.dtype} with shape {raw.shape}; expected one channel of 8 or 16 bit'
        )
    values = raw.astype(np.float32) / np.float32(scale)
    values[np.isin(raw, np.array(list(invalid), raw.dtype))] = np.nan
    return values


def _decode(path: Path) -> npt.NDArray[np.generic]:
    if not path.is_file():
        raise DepthError(f'there is no file {path}; the data set is not complete')
    try:
        raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DepthError(f'{path} cannot be decoded: {error.err}') from error
    if raw is None:
        raise DepthError(f'{path} cannot be decoded; the file is damaged or no picture')
    return np.asarray(raw)


def read_pfm(path: Path) -> FloatImage:
    """Return a one-channel PFM file, top row first; infinite values become NaN."""
    if not path.is_file():
        raise DepthError(f'there is no file {path}; the data set is not complete')
    data = path.read_bytes()
    head = re.match(rb'(P[fF])\s+(\d+)\s+(\d+)\s+([-+.\deE]+)\s', data)
    if head is None or head[1] != b'Pf':
        raise DepthError(f'{path} is no PFM file of one channel (it should start with Pf)')
    width, height, scale = int(head[2]), int(head[3]), float(head[4])
    order = '<' if scale < 0 else '>'
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
    if not path.is_file():
        raise DepthError(f'there is no file {path}; the data set is not complete')
    lines = (line.split('#')[0] for line in path.read_text(errors='replace').splitlines())
    try:
        numbers = np.array(' '.join(lines).replace(',', ' ').split(), np.float64)
    except ValueError as error:
        raise DepthError(f'{path} holds something that is no number: {error}') from error
    if count is not None and numbers.size != count:
        raise DepthError(f'{path} holds {numbers.size} numbers, expected {count}')
    return numbers


def read_pose(path: Path) -> Matrix:
    """Return the 4x4 camera-to-world matrix of a text file."""
    return read_numbers(path, 16).reshape(4, 4)


def read_keys(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Return the lines `key: numbers` or `key=numbers` of a calibration; others are skipped."""
    if not path.is_file():
        raise DepthError(f'there is no file {path}; the data set is not complete')
    found = {}
    for line in path.read_text(errors='replace').splitlines():
        key, mark, text = line.partition('=' if '=' in line else ':')
        if not mark:
            continue
        try:
            found[key.strip()] = np.array(re.sub(r'[\[\];,]', ' ', text).split(), dtype=np.float64)
        except ValueError:  # dates and names
            continue
    return found


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


def numbered(folder: Path, prefix: str, suffixes: Iterable[str] = PICTURES) -> dict[str, Path]:
    """Return the files prefix + KEY + suffix of a folder by KEY, in the order of their numbers."""
    found = {}
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name.startswith(prefix) and path.suffix.lower() in suffixes:
                found[path.stem[len(prefix) :]] = path
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def natural(text: str) -> list[tuple[int, str]]:
    """Return a sorting key by which frame 2 comes before frame 10."""
    return [(int(part), '') if part.isdigit() else (-1, part) for part in re.split(r'(\d+)', text)]


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
