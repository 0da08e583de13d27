# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What mono_depth does until its first depth, in processor time: imports, node, model, first frame.

    python bench/start_stages.py [--model builtin]

Processor time, because imports wait for the disk and for others on a machine that is used.
`depth_ros bench --node` has the same by the clock, with processes and messages.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

HEAVY = ('torch', 'torch._dynamo', 'sympy', 'numba', 'transformers', 'openvino', 'onnxruntime')


class Stages:
    """Processor seconds between marks."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._last = time.process_time()

    def mark(self, name: str) -> None:
        now = time.process_time()
        self.spent[name] = now - self._last
        self._last = time.process_time()


def run(model: str) -> dict[str, float]:
    """Return the seconds of each stage."""
    stages = Stages()
    mono_depth = importlib.import_module('depth_ros.nodes.mono_depth')
    rclpy = importlib.import_module('rclpy')
    stages.mark('imports of the node')
    rclpy.init()
    node = mono_depth.MonoDepth(parameter_overrides=[rclpy.Parameter('model', value=model)])
    stages.mark('the node itself')
    from depth_ros.cli.bench_model import views_for
    from depth_ros.models.registry import create_model

    made = create_model(model, node.parameters.model_options())
    stages.mark('the model')
    (pipeline,) = node.make_pipelines(made)
    stages.mark('warming up')
    pipeline(views_for(1, 640, 480))
    stages.mark('the first frame')
    node.close()
    node.destroy_node()
    rclpy.try_shutdown()
    return stages.spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else '')
    parser.add_argument('--model', default='builtin')
    spent = run(parser.parse_args().model)
    for name, seconds in spent.items():
        print(f'{name}: {seconds:.2f} s')
    print(f'all: {sum(spent.values()):.2f} s; imported: {[m for m in HEAVY if m in sys.modules]}')


if __name__ == '__main__':
    main()
