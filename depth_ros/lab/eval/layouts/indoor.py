# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Indoor RGB-D: NYU Depth v2, TUM RGB-D, 7-Scenes, and numbered pairs with one pose file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from depth_ros.files.images import read_image
from depth_ros.lab.eval.frames import Frame, Layout, Source
from depth_ros.lab.eval.layouts.reading import (
    folders,
    frame_name,
    natural,
    numbered,
    quaternion_pose,
    read_lines,
    read_numbers,
    read_png_values,
    read_pose,
)
from depth_ros.types import Camera, DepthError, Image, Matrix

Intrinsics = tuple[float, float, float, float]  # fx, fy, cx, cy

NYU: Intrinsics = (518.85790117, 519.46961112, 325.58244941, 253.73616633)
SLAMBOOK: Intrinsics = (518.0, 519.0, 325.5, 253.5)
# The benchmark's own calibrations; lens distortion of fr1 and fr2 is left as it is.
TUM: dict[str, Intrinsics] = {
    'freiburg1': (517.306408, 516.469215, 318.643040, 255.313989),
    'freiburg2': (520.908620, 521.007327, 325.141442, 249.701764),
    'freiburg3': (535.4, 539.2, 320.1, 247.6),
}
TUM_DEFAULT: Intrinsics = (525.0, 525.0, 319.5, 239.5)
TUM_UNIT = 5000.0
TUM_GAP = 0.02  # seconds between image and depth, as the benchmark's associate tool allows


def _camera(image: Image, intrinsics: Intrinsics) -> Camera:
    fx, fy, cx, cy = intrinsics
    return Camera.pinhole(image.shape[1], image.shape[0], fx, fy, cx, cy)


def _load(
    name: str,
    image: Path,
    depth: Path,
    unit: float,
    intrinsics: Intrinsics,
    pose: Matrix | None = None,
    pose_file: Path | None = None,
) -> Frame:
    pixels = read_image(image)
    truth = read_png_values(depth, unit, invalid=(0, 65535))
    if pose_file is not None and pose_file.is_file():
        pose = read_pose(pose_file)
    return Frame(name, pixels, _camera(pixels, intrinsics), truth, pose=pose)


def _nyu(root: Path) -> list[Source]:
    found = []
    for folder in folders(root):
        truths = numbered(folder, 'sync_depth_', ('.png',))
        for key, path in numbered(folder, 'rgb_').items():
            if truths:
                name = frame_name(root, folder, key)
                truth = truths.get(key, folder / f'sync_depth_{key}.png')
                found.append(Source(name, partial(_load, name, path, truth, 1000.0, NYU)))
    return found


def _tum(root: Path) -> list[Source]:
    found = []
    for folder in folders(root, 1):
        if not ((folder / 'rgb.txt').is_file() and (folder / 'depth.txt').is_file()):
            continue
        colours, depths = _stamped(folder / 'rgb.txt'), _stamped(folder / 'depth.txt')
        poses = _tum_poses(folder / 'groundtruth.txt')
        known = next((k for k in TUM if k in folder.resolve().name), '')
        intrinsics = TUM.get(known, TUM_DEFAULT)
        for colour, depth in associate(list(colours), list(depths), TUM_GAP):
            name = frame_name(root, folder, f'{colour:.6f}')
            near = associate([colour], list(poses), TUM_GAP)
            found.append(
                Source(
                    name,
                    partial(
                        _load,
                        name,
                        folder / colours[colour],
                        folder / depths[depth],
                        TUM_UNIT,
                        intrinsics,
                        poses[near[0][1]] if near else None,
                    ),
                )
            )
    return found


def _stamped(path: Path) -> dict[float, str]:
    """Return the lines `stamp file` of a list."""
    rows = [line.split() for line in read_lines(path) if line[:1] not in ('#', '')]
    try:
        return {float(row[0]): row[1] for row in rows}
    except (ValueError, IndexError) as error:
        raise DepthError(f'{path} has a line that is not `stamp file`') from error


def _tum_poses(path: Path) -> dict[float, Matrix]:
    if not path.is_file():
        return {}
    rows = read_numbers(path)
    if rows.size % 8:
        raise DepthError(f'{path} holds {rows.size} numbers, expected eight per line')
    return {float(row[0]): quaternion_pose(row[1:]) for row in rows.reshape(-1, 8)}


def associate(first: list[float], second: list[float], gap: float) -> list[tuple[float, float]]:
    """Return the pairs of stamps that are nearest to each other, each used once, within gap."""
    if not first or not second:
        return []
    a, b = np.sort(np.array(first)), np.sort(np.array(second))
    right = np.clip(np.searchsorted(b, a), 1, len(b) - 1) if len(b) > 1 else np.zeros(len(a), int)
    left = np.maximum(right - 1, 0)
    candidates = sorted(
        (abs(a[i] - b[j]), i, j)
        for i in range(len(a))
        for j in {int(left[i]), int(right[i])}
        if abs(a[i] - b[j]) <= gap
    )
    pairs, used_a, used_b = [], set(), set()
    for _, i, j in candidates:
        if i not in used_a and j not in used_b:
            used_a.add(i)
            used_b.add(j)
            pairs.append((float(a[i]), float(b[j])))
    return sorted(pairs)


def _seven_scenes(root: Path) -> list[Source]:
    found = []
    for folder in folders(root):
        colours = {
            p.name.split('.')[0]: p
            for p in folder.glob('frame-*.color.*')
            if p.suffix in ('.png', '.jpg')
        }
        for key in sorted(colours, key=natural):
            depth = folder / f'{key}.depth.png'
            name = frame_name(root, folder, key)
            found.append(
                Source(
                    name,
                    partial(
                        _load_seven_scenes,
                        name,
                        colours[key],
                        depth,
                        folder / 'camera-intrinsics.txt',
                        folder / f'{key}.pose.txt',
                    ),
                )
            )
    return found


def _load_seven_scenes(name: str, image: Path, depth: Path, intrinsics: Path, pose: Path) -> Frame:
    values: Intrinsics = (585.0, 585.0, 320.0, 240.0)  # the default that the authors give
    if intrinsics.is_file():
        K = read_numbers(intrinsics, 9).reshape(3, 3)
        values = (K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    return _load(name, image, depth, 1000.0, values, pose_file=pose)


def _numbered(root: Path) -> list[Source]:
    poses = root / 'pose.txt'
    colours, depths = numbered(root, 'color_'), numbered(root, 'depth_', ('.png',))
    if not colours or not depths or not poses.is_file():
        return []
    rows = read_numbers(poses)
    if rows.size % 7:
        raise DepthError(f'{poses} holds {rows.size} numbers, expected seven per frame')
    matrices = [quaternion_pose(row) for row in rows.reshape(-1, 7)]
    return [
        Source(
            key,
            partial(_load, key, path, depths.get(key, root / f'depth_{key}.png'), 1000.0, SLAMBOOK)
            if index >= len(matrices)
            else partial(
                _load,
                key,
                path,
                depths.get(key, root / f'depth_{key}.png'),
                1000.0,
                SLAMBOOK,
                matrices[index],
            ),
        )
        for index, (key, path) in enumerate(colours.items())
    ]


LAYOUTS = (
    Layout('nyu', 'NYU Depth v2: rgb_KEY.jpg beside sync_depth_KEY.png (mm)', _nyu, 'nyu'),
    Layout('tum', 'TUM RGB-D: rgb.txt, depth.txt, groundtruth.txt (depth times 5000)', _tum),
    Layout('7scenes', '7-Scenes: frame-KEY.color, .depth (mm), .pose.txt', _seven_scenes),
    Layout('rgbd-poses', 'color_N.png, depth_N.png (mm) and pose.txt of slambook', _numbered),
)
