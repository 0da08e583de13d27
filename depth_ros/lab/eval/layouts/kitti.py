# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""KITTI: stereo 2012 and 2015, depth, depth with images side by side, object with LiDAR."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from depth_ros.files.images import read_image
from depth_ros.files.reading import read_bytes
from depth_ros.lab.eval.frames import Frame, Layout, Source
from depth_ros.lab.eval.layouts.reading import (
    folders,
    frame_name,
    numbered,
    read_keys,
    read_numbers,
    read_png_values,
    take,
)
from depth_ros.types import Camera, DepthError, FloatImage, Matrix

LARGEST_SWEEP = 256 << 20  # bytes; a sweep of 64 beams has two million
METRE = 256.0  # 16-bit files hold metres, or pixels of disparity, times 256

# Left colour, right colour, truth, calibration, keys of the calibration.
_STEREO = (
    ('image_2', 'image_3', 'disp_occ_0', 'calib_cam_to_cam', ('P_rect_02', 'P_rect_03')),
    ('colored_0', 'colored_1', 'disp_occ', 'calib', ('P2', 'P3')),
    ('image_0', 'image_1', 'disp_occ', 'calib', ('P0', 'P1')),
)


def _stereo(root: Path) -> list[Source]:
    found = []
    for folder in folders(root, 1):
        for left, right, truth, calib, keys in _STEREO:
            disparities = numbered(folder / truth, '', ('.png',))
            rights = numbered(folder / right, '', ('.png',))
            if not disparities or not rights:
                continue
            for key, path in disparities.items():
                files = (
                    folder / left / f'{key}.png',
                    folder / right / f'{key}.png',
                    path,
                    folder / calib / f'{key.split("_")[0]}.txt',
                )
                name = frame_name(root, folder, key)
                found.append(Source(name, partial(_load_stereo, name, files, keys)))
            break
    return found


def _load_stereo(name: str, files: tuple[Path, Path, Path, Path], keys: tuple[str, str]) -> Frame:
    left, right = read_image(files[0]), read_image(files[1])
    disparity = read_png_values(files[2], METRE)
    height, width = left.shape[:2]
    metric = files[3].is_file()
    if metric:
        calib = read_keys(files[3])
        P0, P1 = (take(files[3], calib, key, 3, 4) for key in keys)
        baseline = (P0[0, 3] - P1[0, 3]) / P0[0, 0]  # the left colour camera is not at zero
    else:
        P0 = P1 = np.array([[width, 0, width / 2, 0], [0, width, height / 2, 0], [0, 0, 1, 0.0]])
        baseline = 0.54
    cameras = [
        Camera.pinhole(width, height, P[0, 0], P[1, 1], P[0, 2], P[1, 2], baseline=eye)
        for P, eye in ((P0, 0.0), (P1, float(baseline)))
    ]
    return Frame(
        name,
        left,
        cameras[0],
        right=right,
        right_camera=cameras[1],
        disparity=disparity,
        metric=metric,
    )


def _depth(root: Path) -> list[Source]:
    found = []
    for folder in folders(root):
        for key, path in numbered(folder / 'image', '', ('.png',)).items():
            truth = (
                folder
                / 'groundtruth_depth'
                / path.name.replace('_sync_image_', '_sync_groundtruth_depth_')
            )
            if not (folder / 'groundtruth_depth').is_dir():
                break
            name = frame_name(root, folder, key)
            intrinsics = folder / 'intrinsics' / f'{path.stem}.txt'
            found.append(Source(name, partial(_load_depth, name, path, truth, intrinsics)))
    return found


def _load_depth(name: str, image: Path, truth: Path, intrinsics: Path) -> Frame:
    pixels = read_image(image)
    height, width = pixels.shape[:2]
    K = read_numbers(intrinsics, 9).reshape(3, 3)
    camera = Camera.pinhole(width, height, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    return Frame(name, pixels, camera, read_png_values(truth, METRE))


# Frame 2011_09_30 of the raw recordings, as published with Metric3D; other frames bring their own.
_DEMO = np.array([[707.0493, 0, 604.0814], [0, 707.0493, 180.5066], [0, 0, 1]])


def _side_by_side(root: Path) -> list[Source]:
    found = []
    for folder in folders(root):
        truths = numbered(folder, 'depth_', ('.png',))
        for key, path in numbered(folder, 'rgb_', ('.png',)).items():
            if key in truths:
                name = frame_name(root, folder, key)
                found.append(
                    Source(name, partial(_load_side_by_side, name, path, truths[key], folder))
                )
    return found


def _load_side_by_side(name: str, image: Path, truth: Path, folder: Path) -> Frame:
    pixels = read_image(image)
    height, width = pixels.shape[:2]
    file = folder / 'intrinsics.txt'
    K = read_numbers(file, 9).reshape(3, 3) if file.is_file() else _DEMO
    camera = Camera.pinhole(width, height, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    return Frame(name, pixels, camera, read_png_values(truth, METRE))


def _object(root: Path) -> list[Source]:
    found = []
    for folder in folders(root, 1):
        nested = numbered(folder / 'image_2', '', ('.png',))
        flat = numbered(folder, 'image_2_', ('.png',))
        for key, path in (nested or flat).items():
            sweep, calib = (
                (folder / 'velodyne' / f'{key}.bin', folder / 'calib' / f'{key}.txt')
                if nested
                else (folder / f'velodyne_{key}.bin', folder / f'calib_{key}.txt')
            )
            if (folder / 'velodyne').is_dir() or sweep.is_file():
                name = frame_name(root, folder, key)
                found.append(Source(name, partial(_load_object, name, path, sweep, calib)))
    return found


def _load_object(name: str, image: Path, sweep: Path, calib: Path) -> Frame:
    pixels = read_image(image)
    height, width = pixels.shape[:2]
    keys = read_keys(calib)
    P = take(calib, keys, 'P2', 3, 4)
    camera = Camera.pinhole(width, height, P[0, 0], P[1, 1], P[0, 2], P[1, 2])
    to_camera, rectify = np.eye(4), np.eye(4)
    to_camera[:3] = take(calib, keys, 'Tr_velo_to_cam', 3, 4)
    rectify[:3, :3] = take(calib, keys, 'R0_rect', 3, 3)
    # P2 = K [I | t]: in the frame of the colour camera points are t from the rectified origin.
    move = np.eye(4)
    move[:3, 3] = np.linalg.solve(camera.K, P[:, 3])
    packed = read_bytes(sweep, LARGEST_SWEEP, 'give the data set as it was published')
    if len(packed) % 16:
        raise DepthError(f'{sweep} has {len(packed)} bytes, expected four numbers for each point')
    points = np.frombuffer(packed, np.float32)
    depth = sparse_depth(
        points.reshape(-1, 4)[:, :3], move @ rectify @ to_camera, camera.K, width, height
    )
    return Frame(name, pixels, camera, depth)


def sparse_depth(
    points: np.ndarray, to_camera: Matrix, K: np.ndarray, width: int, height: int
) -> FloatImage:
    """Return the depth image of points (N, 3); of several in one pixel the nearest stays."""
    xyz = points.astype(np.float64) @ to_camera[:3, :3].T + to_camera[:3, 3]
    xyz = xyz[(xyz[:, 2] > 0.1) & np.isfinite(xyz).all(axis=1)]
    pixels = np.rint((xyz @ K.T)[:, :2] / xyz[:, 2:])
    u, v = pixels.clip(-1, max(width, height)).astype(np.int64).T
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    u, v, z = u[inside], v[inside], xyz[inside, 2]
    far_first = np.argsort(-z, kind='stable')
    depth = np.full((height, width), np.nan, np.float32)
    depth[v[far_first], u[far_first]] = z[far_first]
    return depth


LAYOUTS = (
    Layout(
        'kitti-stereo',
        'KITTI stereo 2015 and 2012: image_2, image_3, disp_occ_0, calib_cam_to_cam',
        _stereo,
    ),
    Layout(
        'kitti-depth',
        'KITTI depth: image, groundtruth_depth, intrinsics (depth times 256)',
        _depth,
        'kitti-garg',
    ),
    Layout(
        'kitti-rgbd',
        'rgb_KEY.png beside depth_KEY.png (times 256), intrinsics.txt of nine numbers',
        _side_by_side,
        'kitti-garg',
    ),
    Layout(
        'kitti-object',
        'KITTI object: image_2, velodyne, calib; the sweep is projected',
        _object,
        'kitti-garg',
    ),
)
