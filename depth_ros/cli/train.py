# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros train CONFIG.yaml`: learn from frames with depth; run it again to go on."""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from depth_ros.types import DepthError

if TYPE_CHECKING:
    from depth_ros.lab.train.config import TrainConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', type=Path, help='YAML; see docs/train.md')
    parser.add_argument('--out', type=Path, help='the run; default runs/NAME')
    parser.add_argument('--steps', type=int, help='instead of what the configuration says')


def run(arguments: argparse.Namespace) -> int:
    """Render what is missing, train, and leave weights, card and curves."""
    import cv2

    try:
        import safetensors  # noqa: F401
        import torch
    except ImportError as error:
        raise DepthError(
            f"training needs {error.name}; install it with: pip install '.[models]'"
        ) from error
    from depth_ros.lab.train.checkpoint import claimed
    from depth_ros.lab.train.config import read_config

    config = read_config(arguments.config)
    if arguments.steps is not None:
        config = dataclasses.replace(config, steps=arguments.steps)
    out = arguments.out or Path('runs') / config.name
    torch.set_num_threads(_cores())
    cv2.setNumThreads(1)  # pictures are made in threads, each by itself
    with claimed(out):
        return _train(config, out)


def _train(config: TrainConfig, out: Path) -> int:
    from depth_ros.lab.train.data import find_frames
    from depth_ros.lab.train.trainer import Trainer, first_network, weights_to_mix

    # Weights that are missing are told before minutes of rendering.
    weights_to_mix(config, first_network(config, out))
    train = [frame for folder in config.data.folders for frame in find_frames(folder)]
    train += (
        find_frames(_rendered(config, out / 'data', check=False)) if config.data.frames else []
    )
    check = find_frames(_rendered(config, out / 'validation', check=True))
    trainer = Trainer(config, train, check, out)
    if trainer.step:
        print(f'going on at step {trainer.step} of {config.steps}')
    try:
        scores = trainer.run()
    except KeyboardInterrupt:
        trainer.save()
        print(f'stopped at step {trainer.step}; the same command goes on from here')
        return 130
    print(
        f'{out}: AbsRel {scores["abs_rel"]:.3f}, {scores["delta1"]:.1%} within 25 % '
        'on frames it has not seen'
    )
    return 0


def _rendered(config: TrainConfig, folder: Path, *, check: bool) -> Path:
    """Render the frames a configuration asks for, unless they are there already."""
    from depth_ros.lab.synthetic.dataset import SetOptions, write_set
    from depth_ros.lab.synthetic.scene.worlds import kinds

    data = config.data
    done = folder / 'complete'  # a set that a kill has left unfinished lacks it
    if done.exists():
        return folder
    frames = data.validation_frames if check else data.frames
    options = SetOptions(
        frames=frames,
        per_sequence=1,  # every frame another world: variety is what is learned from
        kinds=data.kinds or tuple(kinds()),
        # Seeds of the two sets must never meet.
        seed=data.seed * 10_000_000 + (5_000_000 if check else 0),
        width=data.render_width,
        height=data.render_height,
        jobs=_cores(),
        stereo=False,
        handheld=data.handheld,
        glances=data.glances,
        antialias=data.antialias,
    )
    from tqdm import tqdm

    what = 'validation frames' if check else 'frames'
    for _ in tqdm(write_set(folder, options), total=frames, desc=f'rendering {what}'):
        pass
    done.touch()
    return folder


def _cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
