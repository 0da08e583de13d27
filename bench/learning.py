# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure whether networks learn: reduced width, random weights, a few rendered scenes.

    python bench/learning.py stereo [NAME ...] [--steps 150]    16 pairs with exact disparity
    python bench/learning.py views [--steps 900]                16 pairs of views with depth, poses

The error is that on the very scenes that are learned from, before the first step and on the way:
the question is whether a network can learn, not what it is good for. Both take one thread.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault('OMP_NUM_THREADS', '1')

import cv2
import torch

from depth_ros.lab.synthetic.dataset import SetOptions, write_set
from depth_ros.lab.train.networks.choice import make_task
from depth_ros.lab.train.networks.config import network_config_from
from depth_ros.lab.train.networks.trainer import NetworkTrainer

UNITS = {'hidden_dims': [32, 32, 32], 'encoder_widths': [16, 24, 32], 'motion_dim': 32}
UNITS |= {'head_dim': 32}
RAFT = {'shape': UNITS | {'feature_dim': 32}, 'iterations': 4}
RANGES = {'s_disp_range': 16, 'm_disp_range': 16, 'l_disp_range': 32, 'max_disp': 128}
AANET = {'shape': {'max_disp': 48, 'width': 8, 'num_fusions': 3, 'num_deform_blocks': 1}}
LIGHT = {'maxdisp': 48, 'backbone_width': 0.5}
# The pairs as they are: not a random part of each in other colours.
FIXED = {'colour': 0.0, 'flip': False}
SMALL = FIXED | {'width': 64, 'height': 64, 'data': {'scale': 0.67}, 'iterations': 3}
FROZEN = {'still': True, 'rate': 2e-3}  # as the authors train: normalisation keeps its statistics
NARROW: dict[str, dict[str, Any]] = {
    'anynet': {
        'shape': {'init_channels': 2, 'maxdisplist': [3, 3, 3], 'channels_3d': 4},
        'rate': 5e-3,
    },
    'lightstereo-s-sceneflow': {'shape': LIGHT},
    'lightstereo-m-sceneflow': {'shape': LIGHT | {'aggregation_blocks': [2, 4, 8]}},
    'raft-stereo-realtime': RAFT | FIXED | FROZEN | {'width': 128, 'steps': 300},
    'raft-stereo-sceneflow': RAFT | SMALL | FROZEN,
    'rt-igev-plusplus-sceneflow': {
        'shape': {
            'max_disp': 64,
            'hidden_dim': 32,
            'encoder_dim': 16,
            'head_dim': 32,
            'backbone_width': 0.25,
        },
        'iterations': 4,
    },
    'igev-stereo-sceneflow': {
        'shape': UNITS | {'max_disp': 64, 'backbone_width': 0.25},
        'iterations': 4,
    },
    'igev-plusplus-sceneflow': {
        'shape': UNITS | RANGES | {'geometry_dim': 24, 'backbone_width': 0.25},
        'rate': 2e-3,
        'steps': 60,
        **SMALL,
    },
    'aanet-sceneflow': AANET,
    'aanet-plus-sceneflow': AANET,
    'leastereo-sceneflow': {
        'shape': {'maxdisp': 48, 'fea_filter_multiplier': 2, 'mat_filter_multiplier': 2}
    },
    'psmnet-sceneflow': {
        'shape': {'maxdisp': 96, 'width': 8, 'blocks': [1, 1, 1, 1]},
        'width': 256,
        'height': 256,
        'rate': 2e-3,
        'steps': 100,
        **FIXED,
    },
}
BACKBONE = {'width': 64, 'depth': 4, 'heads': 4, 'outputs': [0, 1, 2, 3]}
ACROSS = {'across_from': 1, 'normalised_from': 1, 'rotated_from': 1}
VIEWS = {
    'shape': {
        'backbone': BACKBONE | ACROSS,
        'head': {'width': 16, 'stages': [16, 16, 16, 16]},
    },
    'width': 56,
    'height': 42,
    'batch': 4,
    'rate': 2e-3,
    'warm_up': 20,
    'views': 2,
    'colour': 0.0,
    'known_cameras': 0.0,
    'max_depth': 20.0,
}


def rendered(folder: Path, **options: Any) -> str:
    """Render a small set; return its folder."""
    list(write_set(folder, SetOptions(antialias=1, sensor=False, **options)))
    return str(folder)


def learned(name: str, values: dict[str, Any], folder: str, out: Path, steps: int) -> None:
    """Train on a folder and print the errors on it."""
    common = {'name': name, 'network': name, 'steps': steps, 'warm_up': 10, 'device': 'cpu'}
    common |= {'batch': 2, 'width': 96, 'height': 96, 'rate': 1e-3, 'validate_every': 50}
    data = {**values.get('data', {}), 'folders': [folder], 'unseen': [folder]}
    config = network_config_from({**common, **values, 'data': data, 'steps': steps})
    task = make_task(config, [folder], [folder])
    trainer = NetworkTrainer(config, task, out)
    trainer.run()
    scores = trainer.scores
    parameters = sum(p.numel() for p in task.modules.parameters())
    print(f'{name}: {parameters / 1e6:.2f} M parameters, {steps} steps')
    for place, measure in enumerate(task.measures, 1):
        numbers = ', '.join(f'{row[place]:.3f}' for row in scores)
        print(f'  {measure.words}: {numbers} ({scores[-1][place] / scores[0][place]:.2f})')


def main() -> None:
    """Train what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('kind', choices=('stereo', 'views'))
    parser.add_argument('names', nargs='*', help='of stereo networks; all by default')
    parser.add_argument('--steps', type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        if arguments.kind == 'views':
            kinds = ('corridor', 'room', 'clutter')
            drives = {'frames': 32, 'per_sequence': 2, 'rate': 1.0, 'seed': 3, 'stereo': False}
            folder = rendered(
                root / 'data', width=112, height=84, focal=80.0, kinds=kinds, **drives
            )
            learned('da3-small', VIEWS, folder, root / 'run', arguments.steps or 900)
            return
        more = ('corridor', 'room', 'clutter', 'warehouse')
        pairs = {'frames': 16, 'per_sequence': 1, 'focal': 90.0, 'baseline': 0.12}
        folder = rendered(root / 'data', width=128, height=96, kinds=more, **pairs)
        for name in arguments.names or NARROW:
            steps = arguments.steps or NARROW[name].get('steps', 150)
            learned(name, NARROW[name], folder, root / name, steps)


if __name__ == '__main__':
    main()
