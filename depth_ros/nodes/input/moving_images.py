# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images with the place they were taken at, once the odometry has come that far."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from depth_ros.metric.scaler import Reading
from depth_ros.metric.sources.motion import Sight
from depth_ros.nodes.input.odometry import OdometryInput
from depth_ros.types import DepthError, Image, Matrix

NS = 1e-9
WAITING = 8  # images that wait for odometry
APART = 0.2  # seconds between two poses that are interpolated


class MovingImages:
    """
    Keep the images whose odometry is on its way.

    Odometry comes later than images of the same stamp; a pose from before the image would be
    wrong by the way that the camera went meanwhile.
    """

    def __init__(self, odometry: OdometryInput) -> None:
        self._odometry = odometry
        self._waiting: deque[tuple[int, Image]] = deque(maxlen=WAITING)

    def reset(self) -> None:
        """Forget what waits: time jumped."""
        self._waiting.clear()

    def readings(
        self, stamp: int, image: Image, mounted: Callable[[str], Matrix]
    ) -> list[Reading] | DepthError:
        """
        Return the images whose place is known by now, this one among those that wait.

        `mounted` returns the pose of the camera in the frame that the odometry is of.
        """
        self._waiting.append((stamp, image))
        newest = self._odometry.newest
        if newest is None:
            return DepthError(
                f'no odometry came on {self._odometry.topic}; publish it or remap odometry'
            )
        ready = [entry for entry in self._waiting if entry[0] <= newest]
        if not ready and len(self._waiting) == WAITING:
            late = (self._waiting[0][0] - newest) * NS
            return DepthError(
                f'the odometry on {self._odometry.topic} is {late:.3g} s behind the images; '
                'check its source and the clocks'
            )
        self._waiting = deque((e for e in self._waiting if e[0] > newest), maxlen=WAITING)

        def sight(stamp: int, image: Image) -> Sight:
            body = self._odometry.at(stamp, APART, surrounded=True)
            return Sight(image, body @ mounted(self._odometry.body), stamp * NS)

        return [Reading(at * NS, partial(sight, at, shown)) for at, shown in ready]
