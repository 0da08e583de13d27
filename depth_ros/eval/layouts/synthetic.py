# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The layout that `depth_ros synth` writes: pairs with depth, calibration and poses."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from depth_ros.eval.frames import Frame, Layout, Source
from depth_ros.eval.layouts.reading import (
    folders,
    frame_name,
    numbered,
    read_numbers,
    read_png_values,
)
from depth_ros.files.calibration import read_camera
from depth_ros.files.images import read_image
from depth_ros.types import DepthError, Matrix

METRE = 256.0


def _find(root: Path) -> list[Source]:
    found = []
    for folder in folders(root):
        if not ((folder / 'camera.yaml').is_file() and (folder / 'depth').is_dir()):
            continue
        for index, (key, path) in enumerate(numbered(folder / 'image_left', '').items()):
            name = frame_name(root, folder, key)
            found.append(Source(name, partial(_load, name, folder, path, index)))
    return found


def _load(name: str, folder: Path, image: Path, index: int) -> Frame:
    depth = read_png_values(folder / 'depth' / f'{image.stem}.png', METRE)
    right = folder / 'image_right' / image.name
    pair = right.is_file() and (folder / 'camera_right.yaml').is_file()
    return Frame(
        name,
        read_image(image),
        read_camera(folder / 'camera.yaml'),
        depth,
        read_image(right) if pair else None,
        read_camera(folder / 'camera_right.yaml') if pair else None,
        pose=_pose(folder / 'poses.txt', index),
    )


def _pose(path: Path, index: int) -> Matrix | None:
    """Return a row of the file as a 4x4 matrix: camera to world, of the left eye."""
    if not path.is_file():
        return None
    rows = read_numbers(path)
    if rows.size % 12:
        raise DepthError(f'{path} holds {rows.size} numbers, expected twelve per frame')
    poses = rows.reshape(-1, 3, 4)
    if index >= len(poses):
        raise DepthError(f'{path} has {len(poses)} poses and none for frame {index}')
    pose = np.eye(4)
    pose[:3] = poses[index]
    return pose


LAYOUTS = (
    Layout(
        'depth_ros',
        'depth_ros synth: image_left, image_right, depth (times 256), camera.yaml, poses.txt',
        _find,
    ),
)
