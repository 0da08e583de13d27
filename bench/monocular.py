# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Speed of a monocular model against the naive node body, in one run.

The naive body is what most wrappers do: image processor, float32 network, bicubic back. Both
sides take the same image with the same random weights; rounds are interleaved, so that a busy
machine slows both. `--cpu-time` counts processor seconds of this process instead of the clock,
which is fair on a machine that others use too, with `--threads 1`.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, View


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=0, help='input_size; 0 is the model’s own')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--threads', type=int, default=0, help='0: as torch chooses')
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--device', default='auto')
    parser.add_argument('--cpu-time', action='store_true')
    parser.add_argument('--compile', action='store_true', help='compiled variants too')
    parser.add_argument('--only', nargs='*', help='variants whose name contains any of these')
    parser.add_argument('--json', type=Path)
    arguments = parser.parse_args()

    import torch

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        write_random_weights(Path(folder), arguments.size)
        results = run(Path(folder), arguments, clock)
    print(f'{machine()}; the output spreads over {results[0]["spread"]:.2f} of its mean')
    for row in results:
        print(
            f'{row["name"]:<28} {row["ms"]:9.1f} ms  {row["ratio"]:5.2f} x  '
            f'mean change {row["mean_change"]:.2e}  max {row["max_change"]:.2e}  {row["way"]}'
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({'machine': machine(), 'rows': results}, indent=2))


def machine() -> str:
    import torch

    name = platform.processor()
    with Path('/proc/cpuinfo').open() as file:
        name = next((x.split(': ')[1].strip() for x in file if x.startswith('model name')), name)
    if torch.cuda.is_available():
        name += f', {torch.cuda.get_device_name()}'
    return f'{name}, {torch.get_num_threads()} threads, torch {torch.__version__}'


def write_random_weights(folder: Path, size: int) -> None:
    """Write Depth Anything V2 small with random weights that keep the variance."""
    import torch
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    backbone = {
        'model_type': 'dinov2',
        'image_size': 518,
        'hidden_size': 384,
        'num_hidden_layers': 12,
        'num_attention_heads': 6,
        'out_indices': [3, 6, 9, 12],
        'reshape_hidden_states': False,
        'patch_size': 14,
        'apply_layernorm': True,
    }
    torch.manual_seed(0)
    network = DepthAnythingForDepthEstimation(DepthAnythingConfig(backbone_config=backbone))
    with torch.no_grad():
        for name, value in network.named_parameters():
            if value.ndim >= 2 and 'position' not in name and 'token' not in name:
                value.normal_(0, value[0].numel() ** -0.5)
        # As of a trained network: positive, spread over a good part of its mean. A ReLU that
        # clips half of the image would leave a mean that says little about a change.
        network.head.conv3.weight.mul_(0.3)
        dict(network.named_parameters())['head.conv3.bias'].fill_(1.0)
    network.save_pretrained(folder)
    side = size or 518
    processor = {
        'image_processor_type': 'DPTImageProcessor',
        'size': {'height': side, 'width': side},
        'keep_aspect_ratio': True,
        'ensure_multiple_of': 14,
        'resample': 3,
        'image_mean': [0.485, 0.456, 0.406],
        'image_std': [0.229, 0.224, 0.225],
    }
    (folder / 'preprocessor_config.json').write_text(json.dumps(processor))


def pixels(height: int = 480, width: int = 640) -> np.ndarray:
    import cv2

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


class Naive:
    """Image processor, float32 network, bicubic back."""

    def __init__(self, folder: Path, device: str) -> None:
        import torch
        from transformers import AutoImageProcessor, AutoModelForDepthEstimation

        self.device = 'cuda' if device == 'auto' and torch.cuda.is_available() else device
        self.device = 'cpu' if self.device == 'auto' else self.device
        self.processor = AutoImageProcessor.from_pretrained(folder)
        # transformers falls back to its Pillow processor where torchvision is missing.
        has_torchvision = importlib.util.find_spec('torchvision') is not None
        self.kind = 'tensor' if has_torchvision else 'pillow'
        network = AutoModelForDepthEstimation.from_pretrained(folder)
        self.network = network.eval().to(self.device)

    def __call__(self, image: np.ndarray, batch: int) -> np.ndarray:
        import PIL.Image
        import torch

        with torch.no_grad():
            frames = [PIL.Image.fromarray(image)] * batch
            inputs = self.processor(images=frames, return_tensors='pt').to(self.device)
            depth = self.network(**inputs).predicted_depth
            full = torch.nn.functional.interpolate(
                depth[:, None], image.shape[:2], mode='bicubic', align_corners=False
            )
        return full[:, 0].cpu().numpy()

    def preprocess(self, image: np.ndarray) -> Any:
        import PIL.Image

        return self.processor(images=PIL.Image.fromarray(image), return_tensors='pt')


def preprocessing(model: Any, image: np.ndarray) -> Callable[[], Any]:
    """Return a call that prepares one image, as a frame of the node does."""
    import torch

    plan = model.plan(*image.shape[:2])
    return lambda: model.adapter.prepare(torch.from_numpy(image[None]), plan)


def run(
    folder: Path, arguments: argparse.Namespace, clock: Callable[[], float]
) -> list[dict[str, Any]]:
    """Measure every variant that this machine can run."""
    import torch

    image, batch = pixels(), arguments.batch
    camera = Camera.pinhole(640, 480, 500.0)
    naive = Naive(folder, arguments.device)
    reference = naive(image, 1)[0]
    variants: dict[str, dict[str, Any]] = {
        'float32': {'precision': 'float32'},
        # With the very input of the naive body: what is left of the change is the network's.
        'float32, same processor': {'precision': 'float32', 'processor': naive.kind},
        'bfloat16': {'precision': 'bfloat16'},
        'auto': {},
        'onnxruntime float32': {'precision': 'float32', 'runtime': 'onnxruntime'},
        'openvino float32': {'precision': 'float32', 'runtime': 'openvino'},
        'openvino bfloat16': {'precision': 'bfloat16', 'runtime': 'openvino'},
    }
    if torch.cuda.is_available():
        variants['float16'] = {'precision': 'float16'}
    if arguments.compile:
        variants['bfloat16 compiled'] = {'precision': 'bfloat16', 'compile': 'auto'}
    if arguments.only:
        variants = {n: v for n, v in variants.items() if any(p in n for p in arguments.only)}
    runs: dict[str, Callable[[], Any]] = {'naive': lambda: naive(image, batch)}
    ways, changes = {'naive': ''}, {'naive': (0.0, 0.0)}
    views = [[View(image, camera)]] * batch
    for name, options in variants.items():
        try:
            model: Any = create_model(str(folder), {**options, 'device': arguments.device})
            model.warm_up([camera])
        except ModelError as error:
            print(f'{name}: {error}')
            continue
        values = model.predict(views[0]).values
        change = np.abs(values - reference) / np.abs(reference).mean()
        changes[name] = (float(change.mean()), float(change.max()))
        ways[name] = model.describe()
        runs[name] = functools.partial(model.predict_batch, views)
        if name == 'float32':
            runs['preprocessing'] = preprocessing(model, image)
            runs['naive preprocessing'] = lambda: naive.preprocess(image)
            ways['preprocessing'] = ways['naive preprocessing'] = ''
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(arguments.rounds):
        for name, call in runs.items():
            started = clock()
            for _ in range(10 if 'preprocessing' in name else 1):
                call()
            seconds[name].append((clock() - started) / (10 if 'preprocessing' in name else 1))
    rows = []
    for name, taken in seconds.items():
        base = 'naive preprocessing' if 'preprocessing' in name else 'naive'
        mean_change, max_change = changes.get(name, (0.0, 0.0))
        rows.append(
            {
                'name': name,
                'ms': statistics.median(taken) * 1e3,
                'ratio': statistics.median(seconds[base]) / statistics.median(taken),
                'mean_change': mean_change,
                'max_change': max_change,
                'way': ways[name],
                'spread': float(reference.std() / reference.mean()),
            }
        )
    return rows


if __name__ == '__main__':
    main()
