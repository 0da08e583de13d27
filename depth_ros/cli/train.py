# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros train CONFIG.yaml`: learn from frames with depth; run it again to go on."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth_ros.files.reading import read_text
from depth_ros.files.writing import make_folder, write_text
from depth_ros.lab.synthetic.dataset import SetOptions, write_set
from depth_ros.lab.synthetic.scene.worlds import kinds
from depth_ros.types import DepthError, quoted

if TYPE_CHECKING:
    from depth_ros.lab.train.config import TrainConfig
    from depth_ros.lab.train.networks.config import ClipData, NetworkConfig
    from depth_ros.lab.train.networks.trainer import NetworkTrainer
    from depth_ros.lab.train.trainer import Trainer


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
    from depth_ros.lab.train.networks.config import is_network_config

    if is_network_config(arguments.config):
        return _run_network(arguments)
    config = read_config(arguments.config)
    if arguments.steps is not None:
        config = dataclasses.replace(config, steps=arguments.steps)
    out = arguments.out or Path('runs') / config.name
    torch.set_num_threads(_cores())
    cv2.setNumThreads(1)  # images are made in threads, each by itself
    with claimed(out):
        return _train(config, out)


def _train(config: TrainConfig, out: Path) -> int:
    from depth_ros.lab.train.data import find_frames
    from depth_ros.lab.train.trainer import Trainer, first_network

    first_network(config, out)  # report missing weights before minutes of rendering
    sky = config.data.sky
    train = [frame for folder in config.data.folders for frame in find_frames(folder, sky=sky)]
    if config.data.frames:
        train += find_frames(_rendered(config, out / 'data', check=False), sky=True)
    check = find_frames(_rendered(config, out / 'validation', check=True), sky=True)
    with stops() as stop:
        trainer = Trainer(config, train, check, out)
        scores = _run(trainer, stop)
    if scores is None:
        return 128 + stop.number
    print(
        f'{out}: AbsRel {scores["abs_rel"]:.3f}, {scores["delta1"]:.1%} within 25 % '
        'on frames it has not seen'
    )
    return 0


def _run(trainer: Trainer | NetworkTrainer, stop: Stop) -> Any:
    """Train to the end, or until asked to stop; say where a run begins and where it stopped."""
    steps = trainer.config.steps
    if trainer.step:
        print(f'going on at step {trainer.step} of {steps}')
    try:
        scores = trainer.run(stop.is_set)
    except BrokenPipeError:  # the reader of the progress has gone, as with `| head`
        trainer.save()
        raise
    if scores is None:
        print(f'stopped at step {trainer.step}; the same command goes on from here')
    return scores


class Stop:
    """Which signal has asked for the end, if any."""

    number = 0

    def is_set(self) -> bool:
        return bool(self.number)


@contextlib.contextmanager
def stops() -> Iterator[Stop]:
    """
    Let Ctrl-C and SIGTERM ask for the end, which comes between two steps with the state saved.

    The second one ends at once: what was saved last is kept.
    """
    stop = Stop()

    def ask(number: int, frame: object) -> None:
        if stop.number:
            raise KeyboardInterrupt
        stop.number = number

    before = {n: signal.signal(n, ask) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _rendered(config: TrainConfig, folder: Path, *, check: bool) -> Path:
    """Render the frames a configuration asks for, unless they are there already."""
    data = config.data
    options = SetOptions(
        frames=data.validation_frames if check else data.frames,
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
    _check_options(options, folder)
    done = folder / 'complete'  # a set that a kill has left unfinished lacks it
    if done.exists():
        return folder
    from tqdm import tqdm

    what = 'validation frames' if check else 'frames'
    for _ in tqdm(write_set(folder, options), total=options.frames, desc=f'rendering {what}'):
        pass
    write_text(done, '')
    return folder


def _check_options(options: SetOptions, folder: Path) -> None:
    """Refuse options other than those that a folder is rendered with; keep them at the start."""
    path = folder / 'options.json'
    wanted = {**dataclasses.asdict(options), 'kinds': list(options.kinds)}
    del wanted['jobs']
    if not path.exists():
        if not (folder / 'complete').exists():  # else of a version that did not keep them
            make_folder(folder)
            write_text(path, json.dumps(wanted, indent=2) + '\n')
        return
    try:
        found = json.loads(read_text(path, 'delete its folder to render it anew'))
        changed = [name for name, value in wanted.items() if found.get(name) != value]
    except (ValueError, AttributeError) as error:
        if isinstance(error, DepthError):
            raise
        raise DepthError(
            f'{path} holds no options; delete its folder to render it anew'
        ) from error
    if changed:
        name = changed[0]
        raise DepthError(
            f'{folder} was rendered with {name} {quoted(found.get(name))}, the configuration now '
            f'says {quoted(wanted[name])} (see `data`); give another --out, or delete that folder '
            'to render it anew'
        )


def _run_network(arguments: argparse.Namespace) -> int:
    """Train a network that has no loop of its own."""
    import cv2
    import torch

    from depth_ros.lab.train.checkpoint import claimed
    from depth_ros.lab.train.networks.config import read_network_config

    config = read_network_config(arguments.config)
    if arguments.steps is not None:
        config = dataclasses.replace(config, steps=arguments.steps)
    out = arguments.out or Path('runs') / config.name
    torch.set_num_threads(_cores())
    cv2.setNumThreads(1)
    with claimed(out):
        return _train_network(config, out)


def _train_network(config: NetworkConfig, out: Path) -> int:
    from depth_ros.lab.train.networks.choice import make_task
    from depth_ros.lab.train.networks.trainer import NetworkTrainer

    folders = list(config.data.folders)
    folders += [str(_rendered_clips(config.data, out, check=False))] if config.data.frames else []
    unseen = list(config.data.unseen) or [str(_rendered_clips(config.data, out, check=True))]
    with stops() as stop:
        trainer = NetworkTrainer(config, make_task(config, folders, unseen), out)
        scores = _run(trainer, stop)
    if scores is None:
        return 128 + stop.number
    before, after = scores[0][1], scores[-1][1]
    print(
        f'{out}: {trainer.task.measures[0].words}: {before:.3f} before, {after:.3f} after '
        f'({after / max(before, 1e-9):.2f} of it) on frames it has not seen'
    )
    return 0


def _rendered_clips(data: ClipData, out: Path, *, check: bool) -> Path:
    """Render the sequences that a configuration asks for, beside the run; others share them."""
    from depth_ros.lab.synthetic.dataset import SetOptions, write_set
    from depth_ros.lab.synthetic.scene.worlds import kinds
    from depth_ros.lab.train.checkpoint import claimed
    from depth_ros.lab.train.networks.config import data_name

    folder = out.parent / data_name(data) / ('unseen' if check else 'train')
    with claimed(folder):
        done = folder / 'complete'  # a set that a kill has left unfinished lacks it
        if done.exists():
            return folder
        frames = data.validation_frames if check else data.frames
        options = SetOptions(
            frames=frames,
            per_sequence=data.per_sequence,
            kinds=data.kinds or tuple(kinds()),
            # Seeds of the two sets must never meet.
            seed=data.seed * 10_000_000 + (5_000_000 if check else 0),
            width=data.width,
            height=data.height,
            focal=data.focal * data.width,
            baseline=data.baseline,
            stereo=data.baseline > 0,
            rate=data.rate,
            jobs=_cores(),
            antialias=data.antialias,
            mount_height=data.mount_height,
            mount_pitch=data.mount_pitch,
        )
        from tqdm import tqdm

        what = 'unseen sequences' if check else 'sequences'
        bar = tqdm(total=frames, desc=f'rendering {what}')
        for _, count in write_set(folder, options):
            bar.update(count)
        bar.close()
        done.touch()
    return folder


def _cores() -> int:
    """Return how many processors this process may use, or OMP_NUM_THREADS where it is fewer."""
    here = os.cpu_count() or 1
    if hasattr(os, 'sched_getaffinity'):
        here = len(os.sched_getaffinity(0))
    wanted = os.environ.get('OMP_NUM_THREADS', '')
    return min(here, max(1, int(wanted))) if wanted.isdecimal() else here
