# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write docs/images/history.jpg: one rendered corridor as models of several years see it.

Networks without weights that may be shipped are trained first, shortly, on corridors: in both
configurations `data` gets kinds [corridor], mount_height 0 and baseline 0.1.

    depth_ros train config/train/eigen2014.yaml --out runs/eigen2014
    depth_ros train config/train/monodepth.yaml --out runs/monodepth
    PYTHONPATH=. python scripts/write_history.py runs/eigen2014 runs/monodepth
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from depth_ros.files.depth_colors import depth_to_colors
from depth_ros.files.writing import write_image
from depth_ros.lab.synthetic import make_scene, render_stereo, stereo_cameras
from depth_ros.models.registry import create_model
from depth_ros.pipeline import Pipeline
from depth_ros.types import FloatImage, Image, View

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 320, 240
FOCAL = 0.6 * WIDTH  # as in the frames that the configurations render
BASELINE = 0.12
SEED = 15_000_002  # a corridor that no run has learned from
COLUMNS = 4
BAR = 20  # rows of a title


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('runs', nargs='*', help='folders that depth_ros train wrote')
    parser.add_argument('--out', type=Path, default=ROOT / 'docs' / 'images' / 'history.jpg')
    arguments = parser.parse_args()
    scene = make_scene('corridor', SEED)
    cameras = stereo_cameras(WIDTH, HEIGHT, FOCAL, BASELINE)
    eyes = render_stereo(scene, *cameras, scene.start)
    views = [View(eye.image, camera) for eye, camera in zip(eyes, cameras, strict=True)]
    truth = eyes[0].depth
    height = float(scene.start[2, 3])
    pitch = math.asin(-float(scene.start[2, 2]))
    mount = {'camera_height': height, 'camera_pitch': pitch}
    shown = [('image', eyes[0].image), ('exact depth', None)]
    depths: list[FloatImage] = [truth]
    models: list[tuple[str, dict[str, Any]]] = [(run, {}) for run in arguments.runs]
    models += [
        ('floor', mount),
        ('builtin', {}),
        ('builtin', mount),
        ('sgbm', {'disparity_range': 64}),
    ]
    for name, options in models:
        model = create_model(name, options)
        found = Pipeline(model)(views if model.info.views == 2 else views[:1])
        depth, scaled = found.depth, ''
        if depth is None or name in arguments.runs:  # what learned shortly has no scale yet
            depth = _at_median(found.prediction.values if depth is None else depth, truth)
            scaled = ', scaled'
        error = np.abs(depth - truth) / truth
        usable = np.isfinite(error)
        print(
            f'{name} {options}: AbsRel {error[usable].mean():.3f} on {usable.mean():.0%}{scaled}'
        )
        words = Path(name).name + (' with mount' if options is mount else '') + scaled
        shown.append((words, None))
        depths.append(depth)
    near, far = np.percentile(truth[np.isfinite(truth)], [2, 98])
    colours = [depth_to_colors(depth, float(near), float(far)) for depth in depths]
    images = [shown[0][1], *colours]
    write_image(arguments.out, _montage([words for words, _ in shown], images))
    print(arguments.out)
    return 0


def _at_median(values: FloatImage, truth: FloatImage) -> FloatImage:
    """Return depth with the median of the truth."""
    both = np.isfinite(values) & np.isfinite(truth)
    return values * np.float32(np.median(truth[both]) / np.median(values[both]))


def _montage(titles: list[str], images: list[Any]) -> Image:
    """Return the images in rows, each below its title."""
    cells = []
    for title, image in zip(titles, images, strict=True):
        bar = np.full((BAR, WIDTH, 3), 255, np.uint8)
        cv2.putText(bar, title, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
        cells.append(np.vstack([bar, image]))
    blank = np.full_like(cells[0], 255)
    cells += [blank] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


if __name__ == '__main__':
    raise SystemExit(main())
