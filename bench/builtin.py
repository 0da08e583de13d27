# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The compact network against Depth Anything V2 small, whole frames, random weights on both sides.

Depth Anything runs as this package runs it, at its 518 pixels in float32; the compact network as
it runs by default. Both include everything from the picture to depth at the picture's size.

    python bench/builtin.py [--frames 30]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from safetensors.torch import save_file

from bench.monocular import write_random_weights
from bench.timing import interleaved, ratio_line
from depth_ros.models.networks.compact import CompactDepth
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, View

BAR = 25.0


def write_compact(folder: Path) -> None:
    """Write a network as `depth_ros train` does, untrained."""
    folder.mkdir(parents=True)
    network = CompactDepth()
    facts = {'layout': json.dumps(network.layout.as_dict()), 'size': json.dumps([256, 192])}
    save_file(
        {k: v.contiguous() for k, v in network.state_dict().items()},
        folder / 'model.safetensors',
        facts,
    )
    (folder / 'model_card.md').write_text('untrained, for measuring speed\n')


def run(frames: int = 30) -> dict[str, float]:
    """Return milliseconds of both and their ratio."""
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    camera = Camera.pinhole(640, 480, 500.0)
    view = View(image, camera)
    with tempfile.TemporaryDirectory() as scratch:
        large, small = Path(scratch) / 'large', Path(scratch) / 'small'
        large.mkdir()
        write_random_weights(large, 0)
        write_compact(small)
        options = {'device': 'cpu', 'precision': 'float32'}
        models = {
            'depth_anything': create_model(str(large), options),
            'compact': create_model(str(small), {'device': 'cpu'}),
        }
        for model in models.values():
            model.warm_up([camera])
        jobs = {name: partial(model.predict, [view]) for name, model in models.items()}
        medians = interleaved(jobs, frames)
    return {
        'depth_anything_ms': medians['depth_anything'] * 1e3,
        'compact_ms': medians['compact'] * 1e3,
        'ratio': medians['depth_anything'] / medians['compact'],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description='The compact network against Depth Anything V2.')
    parser.add_argument('--frames', type=int, default=30)
    result = run(parser.parse_args().frames)
    print(f'threads: {torch.get_num_threads()}')
    print(f'Depth Anything V2 small {result["depth_anything_ms"]:.0f} ms')
    print(f'compact {result["compact_ms"]:.1f} ms')
    print(ratio_line('compact, times faster', result['ratio'], BAR))


if __name__ == '__main__':
    main()
