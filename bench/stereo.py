# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Time and memory of the stereo networks beside `sgbm`; what half precision and OpenVINO gain.

Weights are random, which changes neither time nor memory. Every network runs in a process of its
own, in turn with `sgbm` on the same pair. `--cpu-time` counts processor seconds of both, which is
fair on a machine that others use too; `--accuracy FOLDER` measures converted weights that mean
something, as those of AnyNet, against exact disparity.

    python bench/stereo.py [--models anynet ...] [--sizes 640x480] [--cpu-time]
    python bench/stereo.py --ways [--models raft-stereo-realtime]
    python bench/stereo.py --accuracy FOLDER ...
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.memory import forget_peak, peak_bytes
from bench.sgbm import KINDS, SIZES, Errors, rendered_pairs
from bench.timing import interleaved
from depth_ros.lab.synthetic import make_scene, render_stereo, stereo_cameras
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model, family_of
from depth_ros.types import View

# One name of each network.
MODELS = (
    'anynet',
    'lightstereo-s-kitti',
    'lightstereo-m-kitti',
    'aanet-kitti2015',
    'aanet-plus-kitti2015',
    'psmnet-kitti2015',
    'leastereo-kitti2015',
    'raft-stereo-realtime',
    'raft-stereo-sceneflow',
    'raft-stereo-rvc',
    'igev-stereo-sceneflow',
    'igev-plusplus-sceneflow',
    'rt-igev-plusplus-sceneflow',
)
PLACES = ('320x240', '640x480', '1280x720')
WAYS = {
    'float32': {'precision': 'float32'},
    'bfloat16': {'precision': 'bfloat16'},
    'openvino float32': {'precision': 'float32', 'runtime': 'openvino'},
    'openvino bfloat16': {'precision': 'bfloat16', 'runtime': 'openvino'},
}
BASELINE = 0.08


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--models', nargs='*', default=MODELS)
    parser.add_argument('--sizes', nargs='*', default=PLACES)
    parser.add_argument(
        '--frames', type=int, default=5, help='timed frames of each; 0: the first one of a network'
    )
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--cpu-time', action='store_true', help='processor time, not the clock')
    parser.add_argument('--ways', action='store_true', help='bfloat16 and OpenVINO, in turn')
    parser.add_argument('--accuracy', nargs='*', type=Path, help='converted folders')
    parser.add_argument('--option', nargs='*', default=[], help='options of the models, k=v')
    parser.add_argument('--one', help=argparse.SUPPRESS)
    parser.add_argument('--limit', type=int, default=1200, help='seconds for one network and size')
    arguments = parser.parse_args()
    if arguments.accuracy is not None:
        return accuracy(arguments.accuracy)
    if arguments.one:
        measure = ways if arguments.ways else beside_sgbm
        print(json.dumps(measure(arguments.one, arguments.sizes[0], arguments)))
        return 0
    for size in arguments.sizes:
        for name in arguments.models:
            print(f'{size} {name}: {in_own_process(name, size, arguments)}', flush=True)
    return 0


def in_own_process(name: str, size: str, arguments: argparse.Namespace) -> str:
    """Return the line of one network at one size."""
    command = [sys.executable, __file__, '--one', name, '--sizes', size]
    command += ['--frames', str(arguments.frames), '--threads', str(arguments.threads)]
    command += ['--cpu-time'] * arguments.cpu_time + ['--ways'] * arguments.ways
    command += ['--option', *arguments.option] if arguments.option else []
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=arguments.limit, check=False
        )
    except subprocess.TimeoutExpired:
        return f'not done within {arguments.limit} s'
    if done.returncode:
        return f'failed: {(done.stderr.strip().splitlines() or [str(done.returncode)])[-1]}'
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return '; '.join(f'{key} {value}' for key, value in found.items())


def random_weights(name: str, folder: Path) -> Path:
    """Write random weights for a name that keep numbers in range; return the folder."""
    import torch
    from safetensors.torch import save_file

    from depth_ros.lab.parity.fill import filled_array
    from depth_ros.models.weights.official import skeleton_of

    official = family_of(name).official
    assert official is not None
    state = {
        key: torch.from_numpy(filled_array(key, tuple(value.shape), 1.0))
        for key, value in skeleton_of(official, name, {}).state_dict().items()
    }
    save_file(state, folder / 'model.safetensors', {'model': json.dumps(name)})
    return folder


def rendered_pair(size: str) -> list[View]:
    """Return one rendered pair of a size."""
    width, height = map(int, size.split('x'))
    cameras = stereo_cameras(width, height, 0.82 * width, BASELINE)
    scene = make_scene(KINDS[0], 0)
    eyes = render_stereo(scene, *cameras, scene.start)
    return [View(eye.image, camera) for eye, camera in zip(eyes, cameras, strict=True)]


def settle(arguments: argparse.Namespace) -> Callable[[], float]:
    """Set the threads; return the clock."""
    import torch

    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    return time.process_time if arguments.cpu_time else time.perf_counter


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    return {k: yaml.safe_load(v) for k, v in (pair.split('=', 1) for pair in arguments.option)}


def beside_sgbm(name: str, size: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return seconds of a network and of `sgbm`, and the memory that the network takes."""
    clock = settle(arguments)
    views = rendered_pair(size)
    reach = 128 if views[0].camera.width <= 640 else 192
    sgbm = create_model('sgbm', {'disparity_range': reach})
    sgbm.predict(views)
    with tempfile.TemporaryDirectory() as folder:
        weights = random_weights(name, Path(folder))
        options = {'weights': str(weights), 'precision': 'float32', **_options(arguments)}
        before = forget_peak()
        model = create_model(name, options)
        start = clock()
        model.predict(views)
        first = clock() - start
        taken = (peak_bytes() - before) / (1 << 20)
        jobs = {name: lambda: model.predict(views), 'sgbm': lambda: sgbm.predict(views)}
        if not arguments.frames:
            seconds = {**interleaved({'sgbm': jobs['sgbm']}, 5, 0, clock), name: first}
        else:
            seconds = interleaved(jobs, arguments.frames, 0, clock)
    return {
        'seconds': f'{seconds[name]:.3g}',
        'of sgbm': f'{seconds[name] / seconds["sgbm"]:.1f}',
        'MB': f'{taken:.0f}',
    }


def ways(name: str, size: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how much faster than float32 torch each way is, and the mean change of its output."""
    clock = settle(arguments)
    views = rendered_pair(size)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = random_weights(name, Path(folder))
        jobs: dict[str, Callable[[], Any]] = {}
        reference = None
        for way, settings in WAYS.items():
            given = {'weights': str(weights), **settings, **_options(arguments)}
            try:
                model = create_model(name, given)
                model.warm_up([view.camera for view in views])
                values = model.predict(views).values
            except ModelError as error:
                found[way] = str(error)[:120]
                continue
            reference = values if reference is None else reference
            change = np.abs(values - reference).mean() / np.abs(reference).mean()
            found[way] = f'change {100 * change:.2g} %'
            jobs[way] = lambda model=model: model.predict(views)  # type: ignore[misc]
        seconds = interleaved(jobs, arguments.frames, 0, clock)
    for way, spent in seconds.items():
        found[way] += f', {seconds["float32"] / spent:.2f} x ({spent:.3g} s)'
    return found


def accuracy(folders: list[Path]) -> int:
    """Print bad-2, mean error and density of `sgbm` and of converted weights."""
    from safetensors import safe_open

    for size in SIZES:
        pairs = rendered_pairs(size)
        models = {'sgbm': create_model('sgbm', {'disparity_range': size.disparity_range})}
        for folder in folders:
            with safe_open(folder / 'model.safetensors', 'pt') as file:
                name = json.loads(file.metadata()['model'])
            models[name] = create_model(name, {'weights': str(folder)})
            models[f'{name}, consistent'] = create_model(
                name, {'weights': str(folder), 'left_right_check': 1.5}
            )
        for name, model in models.items():
            errors = Errors()
            for views, truth in pairs:
                errors.add(model.predict(views).values, truth)
            bad, mean, density = errors.summary
            print(f'{size.name} {name}: bad-2 {bad:.2%}, EPE {mean:.3f} px, density {density:.1%}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
