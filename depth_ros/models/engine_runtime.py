# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
OpenVINO or ONNX Runtime executes the network: exported, cached, and checked before it is trusted.

The float32 network in torch stays beside the engine: it is what the engine is compared with, and
what exports again when a camera of another size comes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from depth_ros.models.base import ModelError, required_library
from depth_ros.models.torch_runtime import TorchRuntime, choose_precision

if TYPE_CHECKING:
    from depth_ros.models.adapter import Adapter
    from depth_ros.models.transformers_model import TransformersOptions

log = logging.getLogger(__name__)

# Mean difference from float32 torch, relative to the mean output, beyond which an engine is
# refused.
BOUNDS = {'float32': 1e-3, 'float16': 2e-2, 'bfloat16': 2e-2}
OUTPUTS = ('predicted_depth', 'field_of_view')
RUNTIME = 'this runtime'  # who needs the library that is missing
Engine = Callable[[np.ndarray], dict[str, np.ndarray]]


class EngineRuntime(TorchRuntime):
    """A network in another runtime on the CPU, one engine for each size of its input."""

    kind = ''
    engine_precision = 'float32'
    identity = ''

    @classmethod
    def load(cls, folder: Path, options: TransformersOptions, adapter: Adapter) -> EngineRuntime:
        """Load the weights of a checked folder, to be exported when the first size is known."""
        if adapter.takes_prompt:
            raise ModelError(
                f'runtime {options.runtime} cannot take depth prompts; set runtime to torch'
            )
        if not adapter.is_one_graph:
            raise ModelError(
                f'runtime {options.runtime} cannot run this model, which chooses a head by what '
                'it sees, and an exported graph has one way only; set runtime to torch'
            )
        library = required_library(options.runtime, RUNTIME, options.runtime)
        if options.device not in ('auto', 'cpu'):
            raise ModelError(
                f'runtime {options.runtime} runs on the CPU, device is {options.device!r}; '
                'set device to cpu or runtime to torch'
            )
        plain = dataclasses.replace(options, device='cpu', precision='float32', compile='off')
        made = super().load(folder, plain, adapter)
        assert isinstance(made, cls)
        made.kind = options.runtime
        made.engine_precision = choose_precision(options.precision, made.device)
        if options.runtime == 'onnxruntime':
            if options.precision not in ('auto', 'float32'):
                raise ModelError(
                    f'runtime onnxruntime runs in float32, precision is {options.precision!r}; '
                    'set precision to auto, or runtime to openvino or torch'
                )
            made.engine_precision = 'float32'
        made.identity = _identity(folder, options.focal, library.__version__)
        made.engines = {}
        return made

    engines: dict[tuple[int, ...], Engine]

    @property
    def precision(self) -> str:
        return self.engine_precision

    def describe(self) -> str:
        return f'{self.kind} {self.precision} on cpu'

    def tune(self, pixels: Any, extra: Mapping[str, Any]) -> None:
        self._engine(pixels)

    def __call__(self, pixels: Any, extra: Mapping[str, Any]) -> dict[str, Any]:
        import torch

        outputs = self._engine(pixels)(_numpy(pixels))
        return {name: torch.from_numpy(value) for name, value in outputs.items()}

    def close(self) -> None:
        self.engines.clear()
        super().close()

    def _engine(self, pixels: Any) -> Engine:
        shape = tuple(pixels.shape)
        if shape not in self.engines:
            self.engines[shape] = self._build(shape)
        return self.engines[shape]

    def _build(self, shape: tuple[int, ...]) -> Engine:
        """Export or read from the cache, compile, and compare with torch."""
        import torch

        sample = check_input(shape)
        with torch.inference_mode():
            reference = super().__call__(torch.from_numpy(sample), {})
        name = f'{self.identity}-{"x".join(map(str, shape))}'
        builder = _openvino if self.kind == 'openvino' else _onnxruntime
        try:
            engine = builder(self.network, sample, name, self.engine_precision)
            outputs = engine(sample)
        except Exception as error:  # exporters and compilers raise of every kind
            line = (str(error).strip().splitlines() or [''])[0][:200]
            raise ModelError(
                f'{self.kind} cannot run this model ({type(error).__name__}: {line}); '
                'set runtime to torch'
            ) from error
        check_engine(self.kind, self.engine_precision, outputs, reference)
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


def check_input(shape: tuple[int, ...]) -> np.ndarray:
    """Return the picture engines are checked on: shading, edges and texture, normalised."""
    count, channels, height, width = shape
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    shading = 2 * x - y
    boards = np.sign(np.sin(25 * x) * np.sin(25 * y))
    texture = np.sin(300 * x * y) * (x > y)
    layers = [shading + 0.5 * boards, 0.8 * boards + texture, shading * texture - boards]
    picture = np.stack([layers[i % 3] for i in range(channels)])
    return np.repeat(picture[None], count, axis=0).astype(np.float32)


def cache_folder() -> Path:
    """Return where engines are kept, made where it is missing."""
    base = os.environ.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')
    folder = Path(base) / 'depth_ros' / 'engines'
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _identity(folder: Path, focal: str, version: str) -> str:
    """Return a name that changes with the weights, the configuration and the libraries."""
    import torch
    import transformers

    digest = hashlib.sha256()
    for part in (focal, version, torch.__version__, transformers.__version__):
        digest.update(f'{part}\n'.encode())
    for path in sorted(folder.glob('*.json')) + sorted(folder.glob('*.safetensors')):
        digest.update(path.name.encode())
        with path.open('rb') as file:
            for block in iter(lambda: file.read(1 << 20), b''):
                digest.update(block)
    return digest.hexdigest()[:24]


def _exportable(network: Any) -> Any:
    """Return a module whose outputs are a plain tuple."""
    import torch

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: Any) -> Any:
            outputs = self.network(pixels)
            found = [getattr(outputs, name, None) for name in OUTPUTS]
            return tuple(value for value in found if value is not None)

    return Plain().eval()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep exporters from printing graphs and warning of every shape they fix."""
    exporter = logging.getLogger('torch.onnx')
    level = exporter.level
    exporter.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        exporter.setLevel(level)


def _store(path: Path, write: Callable[[Path], None]) -> None:
    """Write files beside their place and move them there, so that none is ever half there."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write(Path(folder) / path.name)
        for made in sorted(Path(folder).iterdir(), key=lambda p: p.suffix == path.suffix):
            made.replace(path.parent / made.name)


def _openvino(network: Any, sample: np.ndarray, name: str, precision: str) -> Engine:
    import torch

    openvino = required_library('openvino', RUNTIME, 'openvino')
    path = cache_folder() / f'{name}.xml'
    core = openvino.Core()
    if not path.is_file():

        def write(target: Path) -> None:
            with _quiet(), torch.no_grad():
                model = openvino.convert_model(
                    _exportable(network),
                    example_input=torch.from_numpy(sample),
                    input=[list(sample.shape)],
                )
            openvino.save_model(model, target, compress_to_fp16=False)

        _store(path, write)
    hints = {'float32': 'f32', 'bfloat16': 'bf16', 'float16': 'f16'}
    compiled = core.compile_model(
        path,
        'CPU',
        {'INFERENCE_PRECISION_HINT': hints[precision], 'PERFORMANCE_HINT': 'LATENCY'},
    )

    def run(pixels: np.ndarray) -> dict[str, np.ndarray]:
        results = compiled(pixels, share_inputs=True)
        return dict(zip(OUTPUTS, (np.array(v, np.float32) for v in results.values())))

    return run


def _onnxruntime(network: Any, sample: np.ndarray, name: str, precision: str) -> Engine:
    import torch

    onnxruntime = required_library('onnxruntime', RUNTIME, 'onnxruntime')
    path = cache_folder() / f'{name}.onnx'
    if not path.is_file():
        for needed in ('onnx', 'onnxscript'):
            required_library(needed, RUNTIME, needed)

        def write(target: Path) -> None:
            with _quiet(), torch.no_grad():
                torch.onnx.export(
                    _exportable(network),
                    (torch.from_numpy(sample),),
                    str(target),
                    input_names=['pixels'],
                    dynamo=True,
                    external_data=False,
                    verbose=False,
                )

        _store(path, write)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, ['CPUExecutionProvider'])
    entry = session.get_inputs()[0].name

    def run(pixels: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(OUTPUTS, session.run(None, {entry: pixels})))

    return run


def _numpy(pixels: Any) -> np.ndarray:
    return np.ascontiguousarray(pixels.float().numpy())
