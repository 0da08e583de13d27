# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The layout that `depth_ros synth` writes: pairs with depth, calibration and poses."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from depth_ros.files.calibration import read_camera
from depth_ros.files.images import read_image
from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.distortion import pixel_grid, unproject
from depth_ros.geometry.rectify import Rectifier, needs_rectification, raw_pixels
from depth_ros.lab.eval.frames import Frame, Layout, Source
from depth_ros.lab.eval.layouts.reading import (
    folders,
    frame_name,
    numbered,
    read_numbers,
    read_png_values,
)
from depth_ros.types import Camera, DepthError, FloatImage, Ground, Image, Matrix

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


def _load(name: str, folder: Path, file: Path, index: int) -> Frame:
    raw = read_png_values(folder / 'depth' / f'{file.stem}.png', METRE)
    raw_camera = _camera(folder / 'camera.yaml')
    image, camera, depth = _rectified(file, raw_camera, raw)
    right = folder / 'image_right' / file.name
    other: tuple[Image | None, Camera | None] = (None, None)
    if right.is_file() and (folder / 'camera_right.yaml').is_file():
        other = _rectified(right, _camera(folder / 'camera_right.yaml'))[:2]
    pose = _pose(folder / 'poses.txt', index)
    if pose is not None:
        turn = np.eye(4)
        turn[:3, :3] = raw_camera.R.T
        pose = pose @ turn
    ground = None if pose is None else Ground.below_pose(pose)
    return Frame(name, image, camera, depth, *other, pose=pose, ground=ground)


def _camera(path: Path) -> Camera:
    return _camera_as_of(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=1 << 15)
def _camera_as_of(path: Path, written: int) -> Camera:
    # Parsing YAML takes longer than decoding the image, and training reads a frame many times.
    return read_camera(path)


def _rectified(
    file: Path, camera: Camera, depth: FloatImage | None = None
) -> tuple[Image, Camera, FloatImage | None]:
    """
    Return image, camera and truth without distortion, because models see such images.

    Truth is taken from the nearest pixel, turned with the camera where R turns it.
    """
    image = read_image(file)
    if depth is not None and image.shape[:2] != depth.shape:
        raise DepthError(
            f'{file} is {image.shape[1]}x{image.shape[0]}, its depth is '
            f'{depth.shape[1]}x{depth.shape[0]}; the files do not belong together'
        )
    if not needs_rectification(camera):
        return image, rectified_camera(camera), depth
    rectifier = Rectifier(camera)
    image = rectifier(image)
    if depth is not None:
        pixels = np.rint(raw_pixels(camera, pixel_grid(*rectifier.camera.size_wh)))
        last = np.array(camera.size_wh) - 1
        u, v = np.moveaxis(np.nan_to_num(pixels).clip(0, last).astype(np.intp), -1, 0)
        rays = unproject(camera, np.stack([u, v], -1))
        # Z of the rectified camera: the third row of R times the point.
        factor = rays @ camera.R[2, :2] + camera.R[2, 2]
        depth = np.where(rectifier.valid, depth[v, u] * factor, np.nan).astype(np.float32)
    return image, rectifier.camera, depth


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
