# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Files of camera poses, in the two formats that SLAM systems and benchmarks share.

TUM: a line is `stamp tx ty tz qx qy qz qw`. KITTI: a line is the 3x4 matrix, row by row. Both are
camera-to-world. Lines that begin with # are comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from depth_ros.files.reading import read_text
from depth_ros.files.writing import write_text
from depth_ros.geometry.poses import check_poses, pose_of, quaternion_of
from depth_ros.types import DepthError, Matrix

Format = Literal['tum', 'kitti']
LARGEST = 64 << 20  # bytes
GAP = 0.02  # seconds between an image and its pose, as the TUM benchmark allows
_NUMBERS = {8: 'tum', 12: 'kitti'}


@dataclass(frozen=True, eq=False)
class PoseFile:
    """Poses (N, 4, 4), camera-to-world, and stamps (N,) in seconds where the format has them."""

    poses: Matrix
    stamps: Matrix | None
    name: str

    @property
    def format(self) -> Format:
        return 'kitti' if self.stamps is None else 'tum'


def read_poses(path: str | Path) -> PoseFile:
    """Return the poses of a TUM or KITTI file; eight or twelve numbers a line tell which it is."""
    path = Path(path)
    text = read_text(path, 'give poses in TUM or KITTI format', LARGEST)
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split('#', 1)[0].replace(',', ' ').split()
        if not words:
            continue
        rows.append(_row(words, path, number, len(rows[0]) if rows else 0))
    if not rows:
        raise DepthError(f'{path} holds no pose, expected TUM or KITTI lines; check the file')
    try:
        return _poses(np.array(rows), path)
    except DepthError as error:
        raise DepthError(f'{path}: {error}') from error


def _row(words: Sequence[str], path: Path, number: int, before: int) -> list[float]:
    try:
        row = [float(word) for word in words]
    except ValueError:
        raise DepthError(
            f'{path} line {number} holds {" ".join(words)[:60]!r}, expected numbers; '
            'give poses in TUM or KITTI format'
        ) from None
    if len(row) not in _NUMBERS or (before and len(row) != before):
        raise DepthError(
            f'{path} line {number} has {len(row)} numbers, expected '
            f'{before or "8 (TUM) or 12 (KITTI)"}; give one pose a line'
        )
    return row


def _poses(rows: Matrix, path: Path) -> PoseFile:
    if rows.shape[1] == 8:
        poses = np.stack([pose_of(row[1:4], row[4:]) for row in rows])
        return PoseFile(check_poses(poses, 'the poses'), rows[:, 0], path.name)
    poses = np.tile(np.eye(4), (len(rows), 1, 1))
    poses[:, :3] = rows.reshape(-1, 3, 4)
    return PoseFile(check_poses(poses, 'the poses'), None, path.name)


def poses_of_images(file: PoseFile, images: Sequence[Path]) -> Matrix:
    """
    Return one pose for each image, (images, 4, 4).

    Images called by their stamp are found by it, within 0.02 s. Otherwise the file has as many
    poses as there are images, in their order, or a KITTI file has a line for each number that
    the images are called by.
    """
    stamps = [_number(path) for path in images]
    if file.stamps is not None and None not in stamps:
        apart = np.abs(np.array(stamps, np.float64)[:, None] - file.stamps[None])
        nearest = apart.argmin(1)
        if (apart[np.arange(len(images)), nearest] <= GAP).all():
            return file.poses[nearest]
    if len(file.poses) == len(images):
        return file.poses
    if file.stamps is None and None not in stamps:
        indices = np.array(stamps, np.float64)
        whole = (indices == indices.round()) & (indices >= 0) & (indices < len(file.poses))
        if whole.all():
            return file.poses[indices.astype(np.intp)]
    raise DepthError(
        f'{file.name} has {len(file.poses)} poses for {len(images)} images, expected one for each '
        'in their order, or images called by their stamp (TUM) or line number from 0 (KITTI); '
        'rename the images or give the poses of these'
    )


def _number(path: Path) -> float | None:
    match = re.search(r'(\d+(?:\.\d+)?)$', path.stem)
    return None if match is None else float(match[1])


def write_poses(path: str | Path, poses: Matrix, stamps: Sequence[float] | None = None) -> None:
    """Write poses (N, 4, 4), camera-to-world: as TUM with stamps in seconds, else as KITTI."""
    lines = []
    for index, pose in enumerate(check_poses(poses, 'the poses')):
        if stamps is None:
            lines.append(' '.join(f'{value:.9g}' for value in pose[:3].ravel()))
            continue
        numbers = [*pose[:3, 3], *quaternion_of(pose)]
        lines.append(f'{stamps[index]:.9f} ' + ' '.join(f'{value:.9g}' for value in numbers))
    write_text(path, '\n'.join(lines) + '\n')
