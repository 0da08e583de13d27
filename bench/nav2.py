# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Drive a rendered robot past people, and count what stays in Nav2's costmap after they have gone.

The costmap is the model of test/nav2, which follows nav2_costmap_2d; the same depth reaches it as
~/obstacles and ~/free_points with config/nav2_voxel_layer.yaml, and as a plain cloud with the
configuration of Nav2's tutorial for depth models. Both maps go into one image.

    python bench/nav2.py --width 320 --image docs/images/nav2_ghosts.png
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'test' / 'nav2'))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nav2_drive import (
    LENGTH,
    PITCH,
    RATE,
    RESOLUTION,
    WALKS,
    Drive,
    Report,
    filtered,
    near_solids,
    with_ours,
    with_tutorial,
)

from depth_ros.types import Camera, Image

SCALE = 44  # pixels per metre
X, Y = (-0.6, 9.6), (-3.8, 3.8)
INK, PAPER = (40, 40, 40), (255, 255, 255)
WALL, REAL, GHOST, FREE = (205, 205, 205), (150, 90, 30), (40, 40, 215), (247, 243, 238)


def place(x: float, y: float) -> tuple[int, int]:
    """Return the pixel of a point of the world; forward is to the right."""
    return round((x - X[0]) * SCALE), round((Y[1] - y) * SCALE)


def paint(canvas: Image, cells: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Fill cells given by their middles."""
    half = RESOLUTION / 2
    for x, y in cells.tolist():
        cv2.rectangle(canvas, place(x - half, y + half), place(x + half, y - half), colour, -1)


def panel(report: Report, camera: Camera, title: str) -> Image:
    """Return the map at the end of a drive, people gone: what is there, and what is not."""
    size = (round((Y[1] - Y[0]) * SCALE), round((X[1] - X[0]) * SCALE), 3)
    canvas = np.full(size, FREE, np.uint8)
    assert report.scene is not None
    grid = np.mgrid[X[0] : X[1] : RESOLUTION, Y[0] : Y[1] : RESOLUTION].reshape(2, -1).T
    paint(canvas, grid[near_solids(grid, report.scene, 0.15, 1.0, margin=0.0)], WALL)
    cells = report.layer.lethal
    empty = ~near_solids(cells, report.scene, 0.05, 2.0)
    paint(canvas, cells[~empty], REAL)
    paint(canvas, cells[empty], GHOST)
    robot = place(*report.robot)
    angle = math.atan(camera.width / 2 / camera.fx / math.cos(PITCH))
    for side in (-1, 1):
        end = report.robot[0] + 4 * math.cos(angle), report.robot[1] + side * 4 * math.sin(angle)
        cv2.line(canvas, robot, place(*end), INK, 1, cv2.LINE_AA)
    cv2.circle(canvas, robot, round(0.25 * SCALE), INK, -1, cv2.LINE_AA)
    head = np.full((44, size[1], 3), PAPER, np.uint8)
    cv2.putText(head, title, (8, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.55, INK, 1, cv2.LINE_AA)
    return np.vstack([head, canvas])


def draw(ours: Report, tutorial: Report, camera: Camera) -> Image:
    """Return both maps side by side with a legend, BGR."""
    panels = [
        panel(tutorial, camera, "plain cloud, the tutorial's voxel layer"),
        panel(ours, camera, 'obstacles and free_points, shipped layer'),
    ]
    gap = np.full((panels[0].shape[0], 12, 3), PAPER, np.uint8)
    image = np.hstack([panels[0], gap, panels[1]])
    foot = np.full((36, image.shape[1], 3), PAPER, np.uint8)
    at = 10
    for colour, text in (
        (REAL, 'marked, real'),
        (GHOST, 'marked, nothing is there: people have walked here and gone'),
        (WALL, 'walls, boxes, a chair; glass on the right'),
    ):
        cv2.rectangle(foot, (at, 12), (at + 14, 26), colour, -1)
        cv2.putText(foot, text, (at + 20, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
        at += 40 + round(7.2 * len(text))
    return np.vstack([image, foot])


def line(name: str, report: Report) -> str:
    """Return one line of the table."""
    marked = [str(m) for m in report.marked_after if m is not None]
    return (
        f'{name:37s} marked after {", ".join(marked)} update(s) | ghosts at the end '
        f'{report.ghosts[-1]:5d} cells, in view {report.seen_ghosts[-1]:5d} '
        f'(most {max(report.seen_ghosts)}) | lethal {report.lethal[-1]}'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--width', type=int, default=320, help='pixels of the image, 4:3')
    parser.add_argument('--seconds', type=float, default=12.0, help='of the drive')
    parser.add_argument('--image', type=Path, help='PNG to write')
    options = parser.parse_args()
    camera = Camera.pinhole(options.width, options.width * 3 // 4, options.width * 0.75)
    drive = Drive(camera, options.seconds)
    ours, tutorial = with_ours(drive), with_tutorial(drive)
    print(
        f'{drive.count} updates at {RATE:g} Hz, {camera.width}x{camera.height} pixels, '
        f'{len(WALKS)} people, a hall of {LENGTH:g} m with a pane of glass and sky behind it'
    )
    print(line('this package, shipped layer', ours))
    print(line("plain cloud, tutorial's layer", tutorial))
    print(line("~/points, tutorial's layer", with_tutorial(drive, cloud=filtered)))
    print(line("plain cloud, on the tutorial's 3x3 m", with_tutorial(drive, size=3.0)))
    if options.image:
        cv2.imwrite(str(options.image), draw(ours, tutorial, camera))
        print(f'wrote {options.image}')


if __name__ == '__main__':
    main()
