# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Another executor wrapped around a network: exported, cached, and checked before it is trusted.

The float32 network in torch stays beside the engine: it is what the engine is compared with, and
what exports again when a camera of another size comes.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from depth_ros.models.engine.cache import cache_folder
from depth_ros.models.engine.runtime import Executable, TorchRuntime
from depth_ros.models.protocol import ModelError
from depth_ros.types import FloatImage, Image

log = logging.getLogger(__name__)

# Mean difference from float32 torch, relative to the mean output, beyond which an engine is
# refused.
BOUNDS = {'float32': 1e-3, 'float16': 2e-2, 'bfloat16': 2e-2}
Engine = Callable[..., Sequence[np.ndarray]]
Shapes = tuple[tuple[int, ...], ...]


class ExportedRuntime:
    """
    A network in another executor on the CPU, one engine for each size of its inputs.

    :param kind: `openvino` or `onnxruntime`; the module of that name builds the engines.
    """

    def __init__(
        self, executable: Executable, reference: TorchRuntime, kind: str, precision: str
    ) -> None:
        self._executable, self._reference = executable, reference
        self.kind, self._precision = kind, precision
        self.device = reference.device
        module = {'openvino': 'openvino', 'onnxruntime': 'onnx'}[kind]
        builder = importlib.import_module(f'depth_ros.models.engine.{module}')
        self._build_engine, version = builder.build, builder.version()
        self._name = hashlib.sha256(f'{executable.identity} {version}'.encode()).hexdigest()[:24]
        self.engines: dict[Shapes, Engine] = {}

    @property
    def precision(self) -> str:
        return self._precision

    def describe(self) -> str:
        return f'{self.kind} {self.precision} on cpu'

    def upload(self, images: Sequence[Image]) -> Any:
        """Return the images as one uint8 NHWC tensor."""
        return self._reference.upload(images)

    def download(self, values: Any) -> FloatImage:
        """Return float32 in NumPy."""
        return self._reference.download(values)

    def guard(self) -> contextlib.AbstractContextManager[None]:
        """Run without gradients; what goes wrong becomes one sentence."""
        return self._reference.guard()

    def tune(self, *inputs: Any) -> None:
        """Build the engine for the size of these inputs."""
        self._engine(inputs)

    def __call__(self, *inputs: Any) -> dict[str, Any]:
        """Return the network's outputs by name, in float32."""
        import torch

        arrays = [np.ascontiguousarray(x.float().numpy()) for x in inputs]
        outputs = self._engine(inputs)(*arrays)
        return dict(zip(self._executable.outputs, map(torch.from_numpy, outputs)))

    def close(self) -> None:
        self.engines.clear()
        self._reference.close()

    def _engine(self, inputs: Sequence[Any]) -> Engine:
        shapes = tuple(tuple(x.shape) for x in inputs)
        if shapes not in self.engines:
            self.engines[shapes] = self._build(shapes)
        return self.engines[shapes]

    def _build(self, shapes: Shapes) -> Engine:
        """Export or read from the cache, compile, and compare with torch."""
        import torch

        if self._executable.samples is not None:
            samples = self._executable.samples(shapes)
        else:
            samples = [check_input(shape, number) for number, shape in enumerate(shapes)]
        with torch.inference_mode():
            expected = self._reference(*map(torch.from_numpy, samples))
        size = '_'.join('x'.join(map(str, shape)) for shape in shapes)
        path = cache_folder() / f'{self._name}-{size}'
        try:
            engine = self._build_engine(self._reference.network, samples, path, self.precision)
            outputs = engine(*samples)
        except ModelError:
            raise
        except Exception as error:  # exporters and compilers raise of every kind
            line = (str(error).strip().splitlines() or [''])[0][:200]
            raise ModelError(
                f'{self.kind} cannot run this model ({type(error).__name__}: {line}); '
                'set runtime to torch'
            ) from error
        named = dict(zip(self._executable.outputs, outputs))
        check_engine(self.kind, self.precision, named, expected)
        return engine


def check_engine(
    kind: str, precision: str, outputs: Mapping[str, np.ndarray], reference: Mapping[str, Any]
) -> None:
    """Refuse an engine whose numbers are not those of float32 torch."""
    bound = BOUNDS[precision]
    for name, expected in reference.items():
        truth = expected.numpy()
        difference = np.abs(outputs[name] - truth).mean() / max(np.abs(truth).mean(), 1e-30)
        if not difference <= bound:  # NaN is refused too
            raise ModelError(
                f'{kind} in {precision} gives a {name} that differs from float32 torch by '
                f'{difference:.2g} on average, expected at most {bound:g}; set runtime to torch'
            )
        log.info('%s in %s differs from float32 torch by %.2g', kind, precision, difference)


def check_input(shape: tuple[int, ...], number: int = 0) -> np.ndarray:
    """
    Return the image that engines are checked on: shading, edges and texture, normalised.

    The second of a pair is the first one moved by some pixels.
    """
    count, channels, height, width = shape
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    shading = 2 * x - y
    boards = np.sign(np.sin(25 * x) * np.sin(25 * y))
    texture = np.sin(300 * x * y) * (x > y)
    layers = [shading + 0.5 * boards, 0.8 * boards + texture, shading * texture - boards]
    image = np.stack([layers[i % 3] for i in range(channels)])
    image = np.roll(image, -4 * number, axis=-1)
    return np.repeat(image[None], count, axis=0).astype(np.float32)
