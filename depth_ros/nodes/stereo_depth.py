# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `stereo_depth`: one calibrated pair or several, any model of two views."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from depth_ros import libraries
from depth_ros.geometry.pair_check import check_pair
from depth_ros.models.protocol import DepthModel
from depth_ros.models.registry import create_model
from depth_ros.nodes.depth_node import DepthNode
from depth_ros.nodes.input.camera import CameraInput
from depth_ros.nodes.input.stamps import StampWatch
from depth_ros.nodes.parameters import specs
from depth_ros.nodes.parameters.spec import Value
from depth_ros.nodes.process import run
from depth_ros.nodes.stream import Stream
from depth_ros.nodes.work.refining import Refining
from depth_ros.pipeline import DepthFrame, Pipeline
from depth_ros.shots import Shot
from depth_ros.sync import PairSynchroniser, Side
from depth_ros.types import Camera, Image

CHECK_PERIOD = 5.0  # seconds between looks at the pair
FEW = 0.4  # share of pixels with a disparity below which the pair itself is checked


class StereoStream(Stream):
    """Subscribe to `left/*` and `right/*`, and pair them."""

    views = 2

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._pairs: PairSynchroniser | None = None
        self._tolerance = 0.0
        self._watch = StampWatch()
        self._next_check = 0.0
        self._valid = float('nan')

    def look_at(self, frame: DepthFrame, images: Sequence[tuple[Image, Camera]]) -> None:
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + CHECK_PERIOD
            self._check(frame, images)

    def _check(self, frame: DepthFrame, images: Sequence[tuple[Image, Camera]]) -> None:
        """Look for a cause where few pixels match: swapped images, rows that differ."""
        match = frame.raw or frame.prediction
        self._valid = float(np.isfinite(match.values).mean())
        problem = ''
        if self._valid < FEW and images[0][0].shape[:2] == images[1][0].shape[:2]:
            problem = check_pair(images[0][0], images[1][0]).problem
            problem = problem or (
                f'only {self._valid:.0%} of the pixels have a disparity; check texture, exposure, '
                'calibration and disparity_range'
            )
        if problem:
            self.health.warn('pair', problem)

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        approximate = bool(values['approximate_sync'])
        self._tolerance = (
            float(values['approximate_sync_tolerance_seconds']) if approximate else 0.0
        )
        self._pairs = pairs = libraries.pair_synchroniser(
            self._tolerance, int(values['queue_size']), self._paired
        )

        def add(side: Side, shot: Shot) -> None:
            self._watch.saw(side, shot.stamp)
            pairs.add(side, shot.stamp, shot)

        transport = values['image_transport']
        return [
            self.eye('left/', transport, lambda shot: add('left', shot)),
            self.eye('right/', transport, lambda shot: add('right', shot)),
        ]

    def reset_inputs(self) -> None:
        super().reset_inputs()
        self._watch.reset()
        if self._pairs is not None:
            self._pairs.reset()

    def _paired(self, left: Shot, right: Shot) -> None:
        self._watch.paired()
        self.submit((left, right))

    def stamp_facts(self) -> dict[str, Any]:
        return {'stamp_difference': self._watch.report(), 'tolerance': self._tolerance}

    def counts(self) -> dict[str, str]:
        dropped = {} if self._pairs is None else self._pairs.dropped
        counts = {f'{side} without partner': str(count) for side, count in dropped.items()}
        return {'valid disparities (%)': f'{100 * self._valid:.0f}', **counts}


class StereoDepth(DepthNode):
    """Publish depth and disparity of the left eye of each pair."""

    stream = StereoStream
    example = (Camera.pinhole(640, 480, 500.0), Camera.pinhole(640, 480, 500.0, baseline=0.1))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('stereo_depth', specs.STEREO, **kwargs)

    def make_pipelines(self, model: DepthModel) -> list[Pipeline]:
        pipelines = super().make_pipelines(model)
        assert self.parameters is not None
        name = str(self.parameters['refine'])
        if name:
            mono = create_model(name, self.parameters.refine_options())
            for pipeline, stream in zip(pipelines, self.streams):
                pipeline.adjuster = Refining(mono, partial(stream.health.warn, 'refine'))
        return pipelines


def main(args: list[str] | None = None) -> None:
    """Run the node."""
    run(StereoDepth, args)


if __name__ == '__main__':
    main()
