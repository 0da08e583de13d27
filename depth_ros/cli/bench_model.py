# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure one model in this process; run by `depth_ros bench`, prints one line of JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from depth_ros.cli.bench_machine import PowerMeter, peak_megabytes
from depth_ros.cli.model_options import make_model
from depth_ros.pipeline import Pipeline
from depth_ros.types import Camera, DepthError, Image, Known, View

BASELINE = 0.1  # metres


def textured(width: int, height: int) -> Image:
    """Return an image with shading and texture, the same every time."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 200, (height // 16 + 1, width // 16 + 1, 3), np.uint8)
    image = coarse.repeat(16, 0).repeat(16, 1)[:height, :width]
    return image + rng.integers(0, 40, (height, width, 3), np.uint8)


def views_for(count: int, width: int, height: int, takes_depth: bool = False) -> list[View]:
    """Return an image, or a pair whose right eye sees it 16 pixels to the left."""
    camera = Camera.pinhole(width, height, 0.8 * width)
    image = textured(width, height)
    known = Known(depth=np.full((height // 4, width // 4), 2.0, np.float32))
    first = View(image, camera, known if takes_depth else Known())
    if count != 2:
        return [first]
    right = Camera.pinhole(width, height, 0.8 * width, baseline=BASELINE)
    return [first, View(np.roll(image, -16, axis=1), right)]


def measure(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a model."""
    width, height = asked['size']
    start = time.perf_counter()
    pipeline = Pipeline(make_model(asked['model'], asked['option']))
    loaded = time.perf_counter()
    info = pipeline.model.info
    views = views_for(info.views, width, height, info.takes_depth)
    ready = time.perf_counter()
    pipeline(views)
    first = time.perf_counter()
    spent = []
    power, processor = PowerMeter(), time.process_time()
    for _ in range(asked['frames']):
        began = time.perf_counter()
        pipeline(views)
        spent.append(time.perf_counter() - began)
    processor = (time.process_time() - processor) / asked['frames']
    watts = power.watts()
    runs = ' '.join(filter(None, (info.device, info.precision, info.runtime)))
    pipeline.close()
    return {
        'runs': runs,
        'load_s': loaded - start,
        'first_ms': 1e3 * (first - ready),
        'median_ms': 1e3 * float(np.median(spent)),
        'p99_ms': 1e3 * float(np.percentile(spent, 99)),
        'fps': len(spent) / sum(spent),
        'cpu_ms': 1e3 * processor,
        'peak_mb': peak_megabytes(),
        'watts': watts,
    }


def main() -> int:
    """Measure what the first argument asks for."""
    try:
        print(json.dumps(measure(json.loads(sys.argv[1]))))
    except DepthError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
