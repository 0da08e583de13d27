# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Middlebury and ETH3D two-view sets, and the two Middlebury pairs that come with libraries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from depth_ros.files.images import read_image
from depth_ros.files.reading import read_array
from depth_ros.lab.eval.frames import Frame, Layout, Source
from depth_ros.lab.eval.layouts.reading import (
    folders,
    frame_name,
    read_keys,
    read_lines,
    read_pfm,
    read_png_values,
    take,
)
from depth_ros.types import Camera, DepthError, FloatImage, Image

LARGEST_DISPARITY = 64 << 20  # bytes


def _truth_file(scene: Path) -> Path | None:
    return next((f for n in ('disp0GT.pfm', 'disp0.pfm') if (f := scene / n).is_file()), None)


def _calibrated(root: Path, eth3d: bool) -> list[Source]:
    found = []
    for scene in folders(root):
        truth = _truth_file(scene)
        if truth is None or not (scene / 'im0.png').is_file():
            continue
        calib = scene / 'calib.txt'
        # Both benchmarks share one format; Middlebury alone writes the bounds of its disparity.
        bounds = calib.is_file() and any('vmin' in line for line in read_lines(calib))
        if bounds != eth3d:
            name = frame_name(root, scene, '') if scene != root else root.name
            found.append(Source(name, partial(_load_calibrated, scene, truth, name)))
    return found


def _load_calibrated(scene: Path, truth: Path, name: str) -> Frame:
    left, right = read_image(scene / 'im0.png'), read_image(scene / 'im1.png')
    file = scene / 'calib.txt'
    calib = read_keys(file)
    K0, K1 = (take(file, calib, name, 3, 3) for name in ('cam0', 'cam1'))
    # The files speak in millimetres.
    baseline = float(take(file, calib, 'baseline', 1)[0]) / 1000
    return _pair(name, left, right, read_pfm(truth), K0, K1, baseline)


def _pair(
    name: str,
    left: Image,
    right: Image,
    disparity: FloatImage,
    K0: np.ndarray,
    K1: np.ndarray,
    baseline: float,
    metric: bool = True,
) -> Frame:
    cameras = [
        Camera.pinhole(
            image.shape[1], image.shape[0], K[0, 0], K[1, 1], K[0, 2], K[1, 2], baseline=eye
        )
        for image, K, eye in ((left, K0, 0.0), (right, K1, baseline))
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


def _uncalibrated(name: str, left: Image, right: Image, disparity: FloatImage) -> Frame:
    """Make up a calibration: the pairs are cropped by amounts that their authors do not tell."""
    height, width = left.shape[:2]
    K = np.array([[width, 0, (width - 1) / 2], [0, width, (height - 1) / 2], [0, 0, 1]])
    return _pair(name, left, right, disparity, K, K, baseline=0.1, metric=False)


# Names of left, right and truth; width of the full-size images. The pairs of 2001 look like
# those of 2003 but count disparity differently: the width tells them apart.
_OLD = (
    (('im2', 'im6', 'disp2'), 1800),  # 2003
    (('view1', 'view5', 'disp1'), 1240),  # 2005 and 2006
)


def _old(root: Path) -> list[Source]:
    found = []
    for scene in folders(root):
        for names, full_width in _OLD:
            files = [
                next(
                    (f for s in ('.png', '.ppm', '.pgm') if (f := scene / (n + s)).is_file()), None
                )
                for n in names
            ]
            known = [file for file in files if file is not None]
            if len(known) == len(names):
                name = frame_name(root, scene, '') if scene != root else root.name
                found.append(Source(name, partial(_load_old, name, known, full_width)))
    return found


def _load_old(name: str, files: Sequence[Path], full_width: int) -> Frame:
    left, right = read_image(files[0]), read_image(files[1])
    # Disparity is stored in pixels of the full-size image, of which this is 1, 1/2, 1/3, 1/4.
    scale = max(1, round(full_width / left.shape[1]))
    if full_width == 1800 and scale * left.shape[1] != full_width:
        raise DepthError(
            f'{files[0]} is {left.shape[1]} px wide, the pairs of 2003 are 450, 900 or 1800; '
            'the unit of its disparity is not known'
        )
    return _uncalibrated(name, left, right, read_png_values(files[2], scale))


def _skimage(root: Path) -> list[Source]:
    files = [root / f'motorcycle_{n}' for n in ('left.png', 'right.png', 'disp.npz')]
    if not all(f.is_file() for f in files):
        return []
    return [Source('motorcycle', partial(_load_skimage, files))]


def _load_skimage(files: list[Path]) -> Frame:
    remedy = 'give the file that scikit-image brings'
    disparity = read_array(files[2], remedy, 'arr_0', LARGEST_DISPARITY).astype(np.float32)
    if disparity.ndim != 2:
        raise DepthError(f'{files[2]} has shape {disparity.shape}, expected height x width')
    disparity[~np.isfinite(disparity)] = np.nan
    K = np.array([[994.978, 0, 311.193], [0, 994.978, 254.877], [0, 0, 1]])
    other = K.copy()
    other[0, 2] += 31.086
    return _pair(
        'motorcycle', read_image(files[0]), read_image(files[1]), disparity, K, other, 0.193001
    )


def _opencv(root: Path) -> list[Source]:
    files = [root / f'aloe{n}' for n in ('L.jpg', 'R.jpg', 'GT.png')]
    if not all(f.is_file() for f in files):
        return []
    return [
        Source(
            'aloe',
            lambda: _uncalibrated(
                'aloe', read_image(files[0]), read_image(files[1]), read_png_values(files[2], 1)
            ),
        )
    ]


LAYOUTS = (
    Layout(
        'middlebury',
        'Middlebury 2014 and later: im0.png, im1.png, disp0.pfm, calib.txt with vmin',
        partial(_calibrated, eth3d=False),
    ),
    Layout(
        'eth3d',
        'ETH3D two-view: im0.png, im1.png, disp0GT.pfm, calib.txt',
        partial(_calibrated, eth3d=True),
    ),
    Layout(
        'middlebury-2006',
        'Middlebury 2003 to 2006: im2, im6, disp2 or view1, view5, disp1; disparity only',
        _old,
    ),
    Layout('skimage', 'the motorcycle pair of scikit-image', _skimage),
    Layout('opencv', 'the aloe pair of OpenCV; disparity only', _opencv),
)
