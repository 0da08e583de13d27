# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A process imports what its model needs: seconds of every start, and hundreds of megabytes."""

import subprocess
import sys

import pytest

HEAVY = {'torch', 'transformers', 'scipy', 'PIL', 'openvino', 'onnxruntime', 'huggingface_hub'}
COMPILER = {'torch._dynamo', 'torch._inductor', 'torch.onnx', 'sympy'}
RUN = """
import sys
import numpy as np
from depth_ros.models.registry import create_model
from depth_ros.pipeline import Pipeline
from depth_ros.types import Camera, View
image = np.random.default_rng(0).integers(0, 255, (96, 256, 3), np.uint8)
model = create_model(sys.argv[1], {})
pair = [View(image, Camera.pinhole(256, 96, 100.0, baseline=b)) for b in (0.0, 0.1)]
Pipeline(model)(pair[: model.info.views])
print(*(name for name in sys.argv[2:] if name in sys.modules))
"""


@pytest.mark.parametrize(
    ('model', 'idle'),
    [
        ('sgbm', HEAVY | COMPILER),
        ('plane', HEAVY | COMPILER),
        ('floor', HEAVY | COMPILER),
        ('builtin', (HEAVY | COMPILER) - {'onnxruntime'}),
    ],
)
def test_what_a_model_does_not_need_is_not_imported(model, idle):
    done = subprocess.run(
        [sys.executable, '-c', RUN, model, *sorted(idle)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
