# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The network that ships: its time in every runtime, and how steady it is from frame to frame.

    python bench/builtin.py [--frames 30] [--data FOLDER] [--model builtin]

Depth Anything V2 small with random weights runs beside it, as this package runs it, at its 518
pixels in float32. All times are from the image to depth at the image's size. With FOLDER, the
scale that each posed frame would need is compared with that of the frame before.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from bench.monocular import write_random_weights
from bench.timing import interleaved, ratio_line
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, Ground, Known, View

BAR = 25.0


WAYS = (
    ('opencv', 'float32'),
    ('onnxruntime', 'float32'),
    ('openvino', 'float32'),
    ('openvino', 'bfloat16'),
    ('torch', 'float32'),
    ('torch', 'bfloat16'),
)
POSED = ('posed_7scenes', 'posed_rgbd_slambook')


def run(frames: int = 30, name: str = 'builtin') -> dict[str, float]:
    """Return the median seconds of each."""
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    camera = Camera.pinhole(640, 480, 500.0)
    view = View(image, camera)
    mounted = View(image, camera, Known(ground=Ground.below_mount(0.5, 0.1)))
    with tempfile.TemporaryDirectory() as scratch:
        write_random_weights(Path(scratch), 0)
        large = create_model(scratch, {'device': 'cpu', 'precision': 'float32'})
        jobs = {'Depth Anything V2 small': partial(large.predict, [view])}
        for runtime, precision in WAYS:
            if importlib.util.find_spec(runtime) is None and runtime != 'opencv':
                continue
            options = {'runtime': runtime, 'precision': precision, 'device': 'cpu'}
            small = create_model(name, options)
            jobs[f'{runtime} {precision}'] = partial(small.predict, [view])
            if runtime == 'opencv':
                jobs['opencv float32, mount known'] = partial(small.predict, [mounted])
        for job in jobs.values():
            job()
        return interleaved(jobs, frames)


def unsteadiness(data: Path, name: str) -> dict[str, float]:
    """Return the mean change of log scale from one posed frame to the next."""
    found = {}
    model = create_model(name, {'device': 'cpu'})
    for folder in POSED:
        scales = []
        for source in open_dataset(data / folder).sources:
            frame = source.load()
            assert frame.depth is not None
            depth = model.predict([View(frame.image, frame.camera)]).values
            known = np.isfinite(depth) & np.isfinite(frame.depth) & (frame.depth > 0)
            scales.append(float(np.median(np.log(depth[known] / frame.depth[known]))))
        found[folder] = float(np.abs(np.diff(scales)).mean())
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description='The network that ships.')
    parser.add_argument('--frames', type=int, default=30)
    parser.add_argument('--data', type=Path)
    parser.add_argument('--model', default='builtin')
    arguments = parser.parse_args()
    if arguments.data:
        for name, change in unsteadiness(arguments.data, arguments.model).items():
            print(f'{name}: the scale changes by {np.expm1(change):.1%} from frame to frame')
    if not arguments.frames:
        return
    seconds = run(arguments.frames, arguments.model)
    print(f'threads: {torch.get_num_threads()}')
    large, *small = seconds.items()
    print(f'{large[0]} {large[1] * 1e3:.0f} ms')
    for name, median in small:
        print(f'{name} {median * 1e3:.1f} ms')
        print(ratio_line(f'{name}, times faster', large[1] / median, BAR))


if __name__ == '__main__':
    main()
