# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metres from the height of the camera above a level floor that it sees.

The floor is found in the relative prediction itself; its pixels get the metres of a plane at the
known height. Where the floor's attitude follows from the prediction, no pitch is needed.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np

from depth_ros.geometry.distortion import ray_grid
from depth_ros.metric.fit import FitOptions
from depth_ros.metric.ground_plane import GroundPlane, PlaneOptions, find_ground
from depth_ros.metric.source import MODEL, Points
from depth_ros.types import Camera, DepthError, Ground, Matrix, Prediction


@dataclass(frozen=True)
class GroundOptions:
    """What a floor must look like, and how well its attitude is known."""

    plane: PlaneOptions = field(default_factory=PlaneOptions)
    angle_noise: float = math.radians(0.5)  # of the floor's attitude
    smoothing: float = 0.3  # share of a new attitude in the one that is used
    max_turn: float = math.radians(3)  # a larger change of attitude is taken at once
    max_points: int = 800
    fit: FitOptions = field(default_factory=lambda: FitOptions(shared_error=0.03))


@dataclass(frozen=True)
class Mount:
    """How the camera sits above the floor; angles are those of REP-103, in radians."""

    height: float  # metres
    pitch: float | None = None  # by which it looks down; None: not known
    roll: float | None = None  # by which its right side hangs down


def ground_points(
    plane: GroundPlane, camera: Camera, height: float, options: GroundOptions | None = None
) -> Points:
    """Return the pixels of the ground with the metres of a plane at `height` below the camera."""
    options = options or GroundOptions()
    rays = ray_grid(camera)[plane.rows, plane.columns].astype(np.float64)
    facing = rays @ plane.down[:2] + plane.down[2]
    good = facing > 1e-3
    metres = height / facing[good]
    # An error of the attitude moves the far floor most.
    relative = options.angle_noise * np.linalg.norm(rays[good], axis=1) / facing[good]
    weights = MODEL**2 / (MODEL**2 + relative * relative)
    rows, columns = plane.rows[good].astype(np.float64), plane.columns[good].astype(np.float64)
    return Points(rows, columns, metres, weights).thinned(options.max_points)


class GroundSource:
    """
    Metres from the height of the camera.

    Remembers the plane of the last frame, so that it does not jump between two surfaces; `reset`
    forgets it.
    """

    name = 'ground'

    def __init__(self, options: GroundOptions | None = None) -> None:
        self.options = options or GroundOptions()
        self.fit_options = self.options.fit
        self.plane: GroundPlane | None = None
        self.ground: Ground | None = None

    def reset(self) -> None:
        """Forget the last plane."""
        self.plane, self.ground = None, None

    def measure(self, reading: Mount, prediction: Prediction) -> Points:
        """Return the floor's pixels with their metres."""
        if not 0 < reading.height < math.inf:
            raise DepthError(
                f'the camera is {reading.height:g} m above the floor, expected more than 0; '
                'set the height of the camera'
            )
        try:
            plane = find_ground(
                prediction.values,
                prediction.kind,
                prediction.camera,
                reading.pitch,
                reading.roll,
                self.options.plane,
                self.plane,
            )
        except DepthError:
            self.reset()
            raise
        down = plane.down
        if self.ground is not None:
            down = self._smoothed(self.ground.down, down)
        self.plane, self.ground = plane, Ground(down, reading.height)
        steady = dataclasses.replace(plane, down=down)
        return ground_points(steady, prediction.camera, reading.height, self.options)

    def _smoothed(self, before: Matrix, now: Matrix) -> Matrix:
        """Return the attitude between two frames; a large change is a new attitude."""
        turn = math.acos(float(np.clip(before @ now, -1, 1)))
        if turn > self.options.max_turn:
            return now
        mixed = before + self.options.smoothing * (now - before)
        return mixed / np.linalg.norm(mixed)
