#!/usr/bin/env python3
# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write docs/images/metric_scale.jpg: a relative prediction as a cloud before and after its scale.

The scene is rendered, the prediction is its inverse depth by an affine map with noise and local
bias, and the sensor is a LiDAR of 16 rings above the camera. Both clouds are seen from the side,
from the same place.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'test' / 'metric')]

from relative_maps import relative, scale_error  # noqa: E402

from depth_ros.geometry.edges import remove_flying_pixels  # noqa: E402
from depth_ros.geometry.unproject import depth_to_points  # noqa: E402
from depth_ros.lab.synthetic import (  # noqa: E402
    body_pose,
    lidar,
    make_scene,
    render,
)
from depth_ros.metric.fit import Fit, apply_fit  # noqa: E402
from depth_ros.metric.source import fit_source  # noqa: E402
from depth_ros.metric.sources.cloud import Cloud, CloudSource  # noqa: E402
from depth_ros.types import Camera, DepthKind, Prediction  # noqa: E402

CAMERA = Camera.pinhole(480, 360, 380.0)
WIDTH, HEIGHT = 460, 345
KIND = DepthKind.AFFINE_INVERSE


def main() -> None:
    """Render, fit and draw."""
    scene = make_scene('home', 1)
    pose = scene.start
    view = render(scene, CAMERA, pose)
    values, _ = relative(view.depth, np.random.default_rng(4), KIND, noise=0.01, bias=0.02)
    prediction = Prediction(KIND, values, CAMERA, 'example')
    body = body_pose(pose)
    body[2, 3] += 0.15
    sweep = lidar(scene, body, noise=0.02, rng=np.random.default_rng(0))
    fit = fit_source(CloudSource(), Cloud(sweep.points, np.linalg.inv(pose) @ body), prediction)
    # What a relative model's values are where they are taken for inverse metres: its nearest pixel
    # is put where it belongs, everything else is bent.
    nearest, farthest = float(np.nanmax(values)), float(np.nanmin(values))
    naive = Fit(1 / (np.nanmin(view.depth) * (nearest - farthest)), 0.0)
    lifted = (values - farthest + 0.25 * (nearest - farthest)).astype(np.float32)
    before = apply_fit(naive, lifted)
    after = apply_fit(fit, values)
    panels = [('image', cv2.resize(view.image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))]
    for name, depth in (('relative, taken for metres', before), ('with a LiDAR', after)):
        error = scale_error(depth, view.depth)
        shown = from_the_side(remove_flying_pixels(depth, 0.05), view.image, view.depth)
        panels.append((f'{name}: scale {error:+.1%}', shown))
    labelled = []
    for text, panel in panels:
        panel = np.ascontiguousarray(panel)
        cv2.putText(panel, text, (8, HEIGHT - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 3)
        cv2.putText(
            panel, text, (8, HEIGHT - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1
        )
        labelled.append(panel)
    path = ROOT / 'docs' / 'images' / 'metric_scale.jpg'
    image = cv2.cvtColor(np.hstack(labelled), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 82])
    print(f'{path}: {path.stat().st_size / 1000:.0f} kB, scale {fit.scale:g}, shift {fit.shift:g}')


def from_the_side(depth: np.ndarray, image: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the cloud as a camera high up on the left sees it, with the true one in grey."""
    middle = float(np.nanmedian(truth[np.isfinite(truth)]))
    goal = np.array([0.0, 0.0, 0.9 * middle])
    place = np.array([-1.9 * middle, -1.3 * middle, -0.9 * middle])
    ahead = (goal - place) / np.linalg.norm(goal - place)
    right = np.cross([0.0, 1.0, 0.0], ahead)
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(ahead, right), ahead])
    canvas = np.full((HEIGHT, WIDTH, 3), 24, np.uint8)
    for shown, colours in ((truth, None), (depth, image)):
        points = depth_to_points(shown, CAMERA).reshape(-1, 3)
        good = np.isfinite(points).all(axis=1) & (points[:, 2] < 4 * middle)
        seen = (points[good] - place) @ turn.T
        colour = np.full((len(seen), 3), 70) if colours is None else colours.reshape(-1, 3)[good]
        order = np.argsort(-seen[:, 2])
        seen, colour = seen[order], colour[order]
        x = (1.75 * WIDTH * seen[:, 0] / seen[:, 2] + WIDTH / 2).astype(int)
        y = (1.75 * WIDTH * seen[:, 1] / seen[:, 2] + HEIGHT / 2).astype(int)
        inside = (x >= 0) & (x < WIDTH - 1) & (y >= 0) & (y < HEIGHT - 1)
        for dx in (0, 1):  # two pixels wide, so that surfaces are closed
            for dy in (0, 1):
                canvas[y[inside] + dy, x[inside] + dx] = colour[inside]
    return canvas


if __name__ == '__main__':
    main()
