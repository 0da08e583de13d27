# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the synthetic renderer: images a second with image, depth, normals and instances.

    python bench/synthetic.py [--processes 2] [--seconds 5]        NumPy, one process per core

Scenes are made beforehand and seen from a new pose each time; `scenes` is what making them costs.
NumPy is timed by the wall and by the processor: on a machine that does other things the second
says what the first would be without them. Shadows, highlights and fog are on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np

from depth_ros.lab import synthetic
from depth_ros.types import Camera

CAMERA = Camera.pinhole(320, 240, 260.0)
SEEDS = range(2)


def _worker(task: tuple[int, float, int]) -> dict[str, tuple[int, float, float]]:
    """Render for some seconds; return images, wall and processor seconds of each kind."""
    number, seconds, antialias = task
    rng = np.random.default_rng(number)
    kinds = synthetic.kinds()
    result = {}
    for kind in kinds:
        scenes = [synthetic.make_scene(kind, seed) for seed in SEEDS]
        renderers = [synthetic.Renderer(s) for s in scenes]
        poses = [synthetic.trajectory(s, rng, 16) for s in scenes]
        renderers[0].render(CAMERA)  # textures are drawn at first use
        count, wall, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - wall < seconds / len(kinds):
            i = count % len(scenes)
            renderers[i].render(CAMERA, poses[i][count % 16], antialias=antialias)
            count += 1
        result[kind] = count, time.perf_counter() - wall, time.process_time() - cpu
    return result


def numpy_rate(processes: int, seconds: float, antialias: int) -> dict[str, Any]:
    """Return images a second of all processes together, by the wall and by the processor."""
    context = multiprocessing.get_context('spawn')
    with context.Pool(processes) as pool:
        parts = pool.map(_worker, [(i, seconds, antialias) for i in range(processes)])
    rates = {
        kind: (
            sum(p[kind][0] / p[kind][1] for p in parts),
            sum(p[kind][0] / p[kind][2] for p in parts),
        )
        for kind in parts[0]
    }
    # Kinds in equal parts take the sum of their times: the harmonic mean.
    wall, cpu = (statistics.harmonic_mean([r[i] for r in rates.values()]) for i in (0, 1))
    return {
        'images_per_second': wall,
        'images_per_cpu_second_x_processes': cpu,
        'kinds': {k: [round(v, 1) for v in r] for k, r in rates.items()},
    }


def scene_cost() -> float:
    """Return the median seconds of processor that one scene takes to make."""
    costs = []
    for kind in synthetic.kinds():
        synthetic.make_scene(kind, 0)
        begun = time.process_time()
        synthetic.make_scene(kind, 1)
        costs.append(time.process_time() - begun)
    return statistics.median(costs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])  # type: ignore[union-attr]
    parser.add_argument('--processes', type=int, default=os.cpu_count() or 1)
    parser.add_argument('--seconds', type=float, default=6.0)
    parser.add_argument('--antialias', type=int, default=1)
    args = parser.parse_args()
    report = numpy_rate(args.processes, args.seconds, args.antialias)
    report |= {'processes': args.processes, 'antialias': args.antialias}
    report['load_before'] = os.getloadavg()[0]
    report['scene_cpu_seconds'] = scene_cost()
    report['size'] = list(CAMERA.size_wh)
    print(json.dumps(report, indent=2))


if __name__ == '__main__':
    main()
