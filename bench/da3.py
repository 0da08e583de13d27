# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Peak memory and time of Depth Anything 3 for 1, 2, 8 and 32 views, with random weights.

    python bench/da3.py                       da3-small, 640x480, input of 252 pixels
    python bench/da3.py --size 504 --rounds 5

Each number of views has a process of its own. Memory is the peak beyond that of the loaded model.
Time is processor time, so that other work on the machine does not count. The plain form calls the
same modules with attention as matrix products and a softmax, all views in the head at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.memory import forget_peak, peak_bytes
from depth_ros.types import Camera, View

MOST = {'openvino': 1, 'onnxruntime': 1, 'plain': 8}  # views; attention of 32 fills the memory
CAMERA = Camera.pinhole(640, 480, 500.0)


def write_weights(folder: Path, name: str) -> None:
    """Write random weights of a configuration as the authors publish theirs."""
    import torch
    from safetensors.torch import save_file

    from depth_ros.models.networks.depth_anything_3.configurations import CONFIGURATIONS
    from depth_ros.models.networks.depth_anything_3.network import build

    torch.manual_seed(0)
    state = build(CONFIGURATIONS[name]).state_dict()
    save_file(
        {f'model.{k}': v.clone().contiguous() for k, v in state.items()}, folder / 'w.safetensors'
    )


def views_of(count: int) -> list[View]:
    """Return different images of one camera."""
    random = np.random.default_rng(0)
    return [View(random.integers(0, 256, (480, 640, 3), np.uint8), CAMERA) for _ in range(count)]


def plain_attention(query: Any, key: Any, value: Any) -> Any:
    """Return attention as it is written on paper."""
    weights = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    return weights.softmax(-1) @ value


def measure(args: argparse.Namespace) -> dict[str, float]:
    """Return memory in MiB and the median seconds of a prediction, of one kind and count."""
    import torch

    from depth_ros.models.registry import create_model

    torch.set_num_threads(args.threads)
    options = {
        'weights': str(Path(args.weights) / 'w.safetensors'),
        'device': 'cpu',
        'input_size': args.size,
        'precision': 'bfloat16' if args.form == 'bfloat16' else 'float32',
        'runtime': args.form if args.form in ('openvino', 'onnxruntime') else 'torch',
    }
    if args.form == 'plain' and not args.name.startswith('da3m'):
        options['views_at_once'] = args.count
    model: Any = create_model(args.model, options)
    if args.form == 'plain':
        for module in model._network.modules():
            if hasattr(module, 'attend'):
                module.attend = plain_attention
    views = views_of(args.count)
    before = forget_peak()
    found = model.predict(views)
    peak = (peak_bytes() - before) / (1 << 20)
    spent = []
    for _ in range(args.rounds):
        start = time.process_time()
        found = model.predict(views)
        spent.append(time.process_time() - start)
    np.save(Path(args.weights) / f'{args.form}_{args.count}.npy', found.values)
    return {'memory': peak, 'seconds': statistics.median(spent)}


def in_process(args: argparse.Namespace, form: str, count: int, folder: str) -> dict[str, float]:
    """Return what a process of its own measures."""
    command = [
        sys.executable,
        __file__,
        '--weights',
        folder,
        '--form',
        form,
        '--count',
        str(count),
    ]
    for name in ('model', 'name', 'size', 'rounds', 'threads'):
        command += [f'--{name}', str(getattr(args, name))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def change(folder: str, form: str, count: int) -> float:
    """Return the mean change of depth against float32, up to one factor."""
    exact, other = (np.load(Path(folder) / f'{n}_{count}.npy') for n in ('float32', form))
    ratio = other / exact
    return float(np.abs(ratio / np.median(ratio) - 1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--model', default='da3-small')
    parser.add_argument('--name', default='da3-small', help='its configuration')
    parser.add_argument('--size', type=int, default=252)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--counts', type=int, nargs='+', default=[1, 2, 8, 32])
    parser.add_argument(
        '--forms', nargs='+', default=['float32', 'plain', 'bfloat16'],
        help='float32 first; also openvino and onnxruntime, for one view',
    )  # fmt: skip
    parser.add_argument('--weights', help=argparse.SUPPRESS)
    parser.add_argument('--form', help=argparse.SUPPRESS)
    parser.add_argument('--count', type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.form:
        print(json.dumps(measure(args)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_weights(Path(folder), args.name)
        print(f'{args.model}, input of {args.size} px, {args.threads} thread(s)')
        for count in args.counts:
            base: dict[str, float] = {}
            for form in args.forms:
                if count > MOST.get(form, count):
                    continue
                found = in_process(args, form, count, folder)
                base = base or found
                print(
                    f'{count:3d} views, {form:12s} {found["memory"]:7.0f} MiB '
                    f'{1e3 * found["seconds"]:8.0f} ms, {base["seconds"] / found["seconds"]:.2f} '
                    f'times as fast as {args.forms[0]}, depth differs by '
                    f'{change(folder, form, count):.2e}',
                    flush=True,
                )


if __name__ == '__main__':
    main()
