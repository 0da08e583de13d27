# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `stereo_depth`: a calibrated pair, any model of two views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from depth_ros import libraries
from depth_ros.nodes.depth_node import DepthNode
from depth_ros.nodes.input.camera import CameraInput
from depth_ros.nodes.input.stamps import StampWatch
from depth_ros.nodes.parameters import specs
from depth_ros.nodes.parameters.spec import Value
from depth_ros.nodes.process import run
from depth_ros.shots import Shot
from depth_ros.sync import PairSynchroniser, Side
from depth_ros.types import Camera


class StereoDepth(DepthNode):
    """Subscribe to `left/*` and `right/*`; publish depth and disparity of the left eye."""

    views = 2
    example = (Camera.pinhole(640, 480, 500.0), Camera.pinhole(640, 480, 500.0, baseline=0.1))

    def __init__(self, **kwargs: Any) -> None:
        self._pairs: PairSynchroniser | None = None
        self._tolerance = 0.0
        self._watch = StampWatch()
        super().__init__('stereo_depth', specs.STEREO, **kwargs)

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
        return {f'{side} without partner': str(count) for side, count in dropped.items()}


def main(args: list[str] | None = None) -> None:
    """Run the node."""
    run(StereoDepth, args)


if __name__ == '__main__':
    main()
