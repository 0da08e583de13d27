# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Time and peak memory of the classic networks of one image, each at the size of its training.

Weights are random, which changes neither. Every network runs in a process of its own, in turn with
`builtin` on the same image. `--openvino` adds that executor where it takes the network.

    python bench/classics.py [--models midas-v21-small ...] [--openvino] [--cpu-time]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.memory import forget_peak, peak_bytes
from bench.stereo import random_weights, settle
from bench.timing import interleaved
from depth_ros.lab.synthetic import make_scene, render
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, View

# One name of each network, with the width and height of its training.
MODELS = {
    'midas-v21-small': (256, 192),
    'midas-v21-large': (384, 288),
    'fastdepth': (299, 224),
    'fcrn-nyu': (304, 228),
    'densedepth-nyu': (640, 480),
    'bts-resnet50-nyu': (640, 480),
    'bts-densenet161-kitti': (1216, 352),
    'adabins-nyu': (640, 480),
    'monodepth-kitti': (512, 256),
    'monodepth-kitti-resnet50': (512, 256),
    'monodepth2-mono-640x192': (640, 192),
    'monodepth2-mono-resnet50-640x192': (640, 192),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--models', nargs='*', default=list(MODELS))
    parser.add_argument('--frames', type=int, default=5, help='timed frames of each')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--cpu-time', action='store_true', help='processor time, not the clock')
    parser.add_argument('--openvino', action='store_true', help='float32 and bfloat16 of it, too')
    parser.add_argument('--one', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments)))
        return 0
    for name in arguments.models:
        command = [sys.executable, __file__, '--one', name, '--frames', str(arguments.frames)]
        command += ['--threads', str(arguments.threads)]
        command += ['--cpu-time'] * arguments.cpu_time + ['--openvino'] * arguments.openvino
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
        print(f'{name}: {lines[-1] if lines else "ended by the system"}', flush=True)
    return 0


def measure(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return seconds of a network and of `builtin`, its memory, and what OpenVINO makes of it."""
    clock = settle(arguments)
    width, height = MODELS[name]
    camera = Camera.pinhole(width, height, 0.82 * width)
    scene = make_scene('room', 0)
    views = [View(render(scene, camera, scene.start).image, camera)]
    builtin = create_model('builtin')
    builtin.warm_up([camera])
    jobs: dict[str, Callable[[], Any]] = {'builtin': lambda: builtin.predict(views)}
    found: dict[str, Any] = {'size': f'{width}x{height}'}
    with tempfile.TemporaryDirectory() as folder:
        weights = str(random_weights(name, Path(folder)))
        before = forget_peak()
        model = create_model(name, {'weights': weights, 'precision': 'float32'})
        expected = model.predict(views).values
        found['MB'] = round((peak_bytes() - before) / (1 << 20))
        jobs['torch'] = lambda: model.predict(views)
        for precision in ('float32', 'bfloat16') if arguments.openvino else ():
            way = f'openvino {precision}'
            given = {'weights': weights, 'precision': precision, 'runtime': 'openvino'}
            try:
                other = create_model(name, given)
                other.warm_up([camera])
            except ModelError as error:
                found[way] = str(error)[:120]
                continue
            change = np.nanmean(np.abs(other.predict(views).values - expected))
            found[f'{way} change'] = f'{100 * change / np.nanmean(np.abs(expected)):.2g} %'
            jobs[way] = lambda other=other: other.predict(views)  # type: ignore[misc]
        seconds = interleaved(jobs, arguments.frames, 0, clock)
    found['seconds'] = f'{seconds["torch"]:.3g}'
    found['of builtin'] = f'{seconds["torch"] / seconds["builtin"]:.1f}'
    for way in seconds.keys() - {'torch', 'builtin'}:
        found[way] = f'{seconds["torch"] / seconds[way]:.2f} x'
    return found


if __name__ == '__main__':
    raise SystemExit(main())
