# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The network that ships against Depth Anything V2 small with random weights, whole frames.

Depth Anything runs as this package runs it, at its 518 pixels in float32; `builtin` as it runs by
default, without and with a known mount, which adds a second pass. All include everything
from the image to depth at the image's size.

    python bench/builtin.py [--frames 30]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from bench.monocular import write_random_weights
from bench.timing import interleaved, ratio_line
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, Ground, Known, View

BAR = 25.0


def run(frames: int = 30) -> dict[str, float]:
    """Return the median seconds of each."""
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    camera = Camera.pinhole(640, 480, 500.0)
    mounted = View(image, camera, Known(ground=Ground.below_mount(0.5, 0.1)))
    with tempfile.TemporaryDirectory() as scratch:
        write_random_weights(Path(scratch), 0)
        large = create_model(scratch, {'device': 'cpu', 'precision': 'float32'})
        small = create_model('builtin', {'device': 'cpu'})
        for model in (large, small):
            model.warm_up([camera])
        jobs = {
            'Depth Anything V2 small': partial(large.predict, [View(image, camera)]),
            'builtin': partial(small.predict, [View(image, camera)]),
            'builtin, mount known': partial(small.predict, [mounted]),
        }
        return interleaved(jobs, frames)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description='builtin against Depth Anything V2 small.')
    parser.add_argument('--frames', type=int, default=30)
    seconds = run(parser.parse_args().frames)
    print(f'threads: {torch.get_num_threads()}')
    large, *small = seconds.items()
    print(f'{large[0]} {large[1] * 1e3:.0f} ms')
    for name, median in small:
        print(f'{name} {median * 1e3:.1f} ms')
        print(ratio_line(f'{name}, times faster', large[1] / median, BAR))


if __name__ == '__main__':
    main()
