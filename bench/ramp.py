# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Fit the tilted plane that a model must beat: one for all frames of a set, images unseen.

In inverse depth a plane at a distance of 1 is a ramp, 1/Z = normal_z + normal_y * y/z; its third
component is left out, because scenes have no side. What is printed goes to `depth_ros eval`:

    python bench/ramp.py --data runs/compact/data [--frames 400]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from depth_ros.lab.eval.layouts import open_dataset

PIXELS = 400  # of each frame


def samples(folder: Path, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return y/z and inverse depth of some pixels of every frame."""
    rng = np.random.default_rng(0)
    rays, inverse = [], []
    sources = open_dataset(folder).sources
    # Spread over the whole set: its names begin with the kind of scene.
    for source in sources[:: max(1, len(sources) // frames)]:
        frame = source.load()
        if frame.depth is None:
            continue
        known = np.flatnonzero((frame.depth > 0.1) & (frame.depth < 80))
        if len(known) < PIXELS:
            continue
        chosen = rng.choice(known, PIXELS)
        row = chosen // frame.camera.width
        rays.append((row - frame.camera.cy) / frame.camera.fy)
        inverse.append(1 / frame.depth.ravel()[chosen])
    if not rays:
        raise SystemExit(f'{folder} holds no frame with depth in metres')
    return np.concatenate(rays), np.concatenate(inverse)


def fit(rays: np.ndarray, inverse: np.ndarray) -> tuple[float, float]:
    """Return normal_y and normal_z of the least absolute error relative to inverse depth."""
    terms = np.stack([rays, np.ones_like(rays)], axis=1)
    weights = np.ones_like(inverse)
    solution = np.zeros(2)
    for _ in range(30):  # reweighted least squares
        root = np.sqrt(weights)
        solution = np.linalg.lstsq(terms * root[:, None], inverse * root, rcond=None)[0]
        error = np.abs(terms @ solution - inverse)
        weights = 1 / (np.maximum(error, 1e-3) * np.maximum(inverse, 1e-2))
    return float(solution[0]), float(solution[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--frames', type=int, default=400)
    arguments = parser.parse_args()
    normal_y, normal_z = fit(*samples(arguments.data, arguments.frames))
    print(f'--model plane --option normal_y={normal_y:.3f} --option normal_z={normal_z:.3f}')


if __name__ == '__main__':
    main()
