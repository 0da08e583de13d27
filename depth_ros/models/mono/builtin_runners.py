# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What executes the built-in network: OpenCV, ONNX Runtime or OpenVINO on the CPU, torch on a GPU.

Beside its weights lies what the network predicts for one made-up input. Whatever executes it is
compared with that before it is trusted.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from depth_ros.files.reading import read_array
from depth_ros.models.engine.graph import GraphOptions, open_graph, reading
from depth_ros.models.mono.builtin_weights import read_network, read_size
from depth_ros.models.protocol import ModelError, required_library
from depth_ros.types import FloatImage, quoted

ONNX = 'model.onnx'
CHECK = 'check.npy'  # the output for check_inputs
IMAGE, KNOWN, OUTPUT = 'image', 'known', 'output'
OPEN = {'h': 96, 'w': 128, 'a': 48, 'b': 64}  # letters of the file's open sizes
LARGEST_CHECK = 1 << 20  # bytes
CLOSE = 1e-3  # of the mean output
BFLOAT16_CLOSE = 5e-2
RUNTIMES = ('auto', 'opencv', 'onnxruntime', 'openvino', 'torch')
GPU_DEVICES = ('/dev/nvidiactl', '/dev/nvmap')  # of a computer, of a Jetson

Run = Callable[[FloatImage, FloatImage], FloatImage]


class Runner(NamedTuple):
    """A network that is ready: image (3, H, W) and known planes give its output (7, H/2, W/2)."""

    run: Run
    runtime: str
    device: str
    precision: str
    size: tuple[int, int]  # width and height that it was trained at


def open_runner(folder: Path, runtime: str, device: str, precision: str) -> Runner:
    """Return the network of a folder that `depth_ros train` wrote."""
    runtime = _chosen(folder, runtime, device, precision)
    if runtime == 'torch':
        runner = _torch(folder, device, precision)
    else:
        if device not in ('auto', 'cpu') and not runtime.startswith('onnx'):
            raise ModelError(
                f'runtime {runtime} runs on the CPU, device is {quoted(device)}; set device to '
                'cpu, or runtime to torch'
            )
        runner = _exported(folder, runtime, device, precision)
    _check(folder, runner)
    return runner


def check_inputs() -> tuple[FloatImage, FloatImage]:
    """Return an image and planes with every frequency in them, the same everywhere."""
    shapes = (3, OPEN['h'], OPEN['w']), (6, OPEN['a'], OPEN['b'])
    image, known = (
        np.sin(np.arange(np.prod(shape)) ** 1.5 % 1000, dtype=np.float64).reshape(shape)
        for shape in shapes
    )
    known[2] = 1  # the ground is known
    return image.astype(np.float32), known.astype(np.float32)


def _chosen(folder: Path, runtime: str, device: str, precision: str) -> str:
    """Return what runs the network: torch where a GPU is, the lightest elsewhere."""
    if runtime == 'auto':
        has_torch = importlib.util.find_spec('torch') is not None
        on_gpu = device.startswith('cuda') or (
            device == 'auto' and any(Path(path).exists() for path in GPU_DEVICES)
        )
        if has_torch and (on_gpu or precision == 'bfloat16' or not (folder / ONNX).is_file()):
            return 'torch'
        # The faster one; OpenCV holds 30 MB less and is always there.
        runtime = 'onnxruntime' if importlib.util.find_spec('onnxruntime') else 'opencv'
    if runtime != 'torch' and not (folder / ONNX).is_file():
        raise ModelError(
            f'{folder / ONNX} is missing and runtime is {runtime}; install onnx and run '
            '`depth_ros train` again, or install torch and safetensors and set runtime to torch'
        )
    if precision == 'bfloat16' and runtime in ('opencv', 'onnxruntime'):
        raise ModelError(
            f'runtime {runtime} computes in float32, precision is bfloat16; set runtime to torch '
            'or openvino'
        )
    return runtime


def _exported(folder: Path, runtime: str, device: str, precision: str) -> Runner:
    path = folder / ONNX
    if runtime == 'opencv':
        from depth_ros.models.engine.opencv import OpenCvGraph

        graph: Any = OpenCvGraph(path, OPEN)
    else:
        number_format = 'bfloat16' if precision == 'bfloat16' else 'float32'
        graph = open_graph(path, GraphOptions(runtime, device, number_format))

    def run(image: FloatImage, known: FloatImage) -> FloatImage:
        found = graph.run({IMAGE: image[None], KNOWN: known[None]}, [OUTPUT])
        return np.asarray(found[0][0], np.float32)

    shown = graph.precision if runtime == 'openvino' else 'float32'
    return Runner(run, runtime, graph.device, shown, read_size(folder))


def _torch(folder: Path, device_name: str, precision: str) -> Runner:
    for needed in ('torch', 'safetensors'):
        required_library(needed, 'runtime torch', 'torch safetensors')
    import torch

    from depth_ros.models.engine.device import choose_device, choose_precision, guard
    from depth_ros.models.networks.builtin.network import fold_normalisation

    device = choose_device(device_name)
    offered = ('float32', 'bfloat16')  # float16 would overflow
    number_format = choose_precision(precision, device, offered)
    dtype = getattr(torch, number_format)
    with guard(device):
        network = fold_normalisation(read_network(folder)).to(device)
        network = network.to(memory_format=torch.channels_last)

    def run(image: FloatImage, known: FloatImage) -> FloatImage:
        with guard(device), torch.inference_mode():
            inputs = [
                torch.from_numpy(x[None]).to(device, memory_format=torch.channels_last)
                for x in (image, known)
            ]
            with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
                output = network(*inputs)
            return np.asarray(output[0].float().cpu().numpy())

    return Runner(run, 'torch', str(device), number_format, read_size(folder))


def _check(folder: Path, runner: Runner) -> None:
    """Refuse a runtime whose output is not the one that the training run left."""
    path = folder / CHECK
    if not path.is_file():  # of a run without one
        return
    expected = read_array(path, 'train or install it again', largest=LARGEST_CHECK)
    with reading(folder / ONNX, runner.runtime):  # what cannot run raises of every kind
        found = runner.run(*check_inputs())
    bound = BFLOAT16_CLOSE if runner.precision == 'bfloat16' else CLOSE
    error = np.inf
    if found.shape == expected.shape:
        error = float(np.abs(found - expected).mean() / np.abs(expected).mean())
    if not error <= bound:  # NaN is refused too
        raise ModelError(
            f'{runner.runtime} computes {folder.name} wrongly: its output differs by '
            f'{error:.2g} from what it should be; set runtime to another of '
            f'{", ".join(RUNTIMES[1:])}, or install depth_ros again'
        )
