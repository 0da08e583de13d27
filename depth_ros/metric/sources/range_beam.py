# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metres from one beam: an ultrasonic or laser range finder that looks where the camera looks.

One range fixes the scale and leaves a shift open. The covariance of the fit says so; ranges at
different distances complete it in the filter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.distortion import project, ray_grid
from depth_ros.metric.fit import INVERSE_KINDS, FitOptions
from depth_ros.metric.source import Points, checked_transform, range_weights
from depth_ros.types import Camera, DepthError, Matrix, Prediction

NEAREST = 0.1  # share of the cone's pixels, the nearest ones, that answer a beam


@dataclass(frozen=True)
class BeamOptions:
    """Which ranges count."""

    min_range: float = 0.02  # metres
    max_range: float = 50.0
    noise: float = 0.02  # relative standard deviation
    fit: FitOptions = field(default_factory=lambda: FitOptions(min_points=1, shared_error=0.01))


@dataclass(frozen=True, eq=False)
class Beam:
    """A range along x of the sensor's frame, as sensor_msgs/Range reports it."""

    metres: float
    field_of_view: float  # radians, the full angle of the cone; 0 for a laser
    sensor_to_camera: Matrix  # 4x4, into the camera's optical frame


def beam_points(beam: Beam, prediction: Prediction, options: BeamOptions | None = None) -> Points:
    """
    Return the one point that a beam measured.

    A cone answers with the nearest surface in it: its pixel is the one of the nearest tenth of
    the prediction inside the cone.
    """
    options = options or BeamOptions()
    metres = float(beam.metres)
    if not options.min_range <= metres <= options.max_range:
        raise DepthError(
            f'the beam reports {metres:g} m, expected {options.min_range:g} to '
            f'{options.max_range:g} m; nothing is in reach of it'
        )
    transform = checked_transform(beam.sensor_to_camera, 'sensor_to_camera')
    camera = prediction.camera
    axis, origin = transform[:3, 0], transform[:3, 3]
    pixel = project(camera, origin + metres * axis)
    if not ((pixel > -0.5).all() and (pixel < np.array(camera.size_wh) - 0.5).all()):
        raise DepthError('the beam ends outside of the image; check sensor_to_camera')
    depth = float((origin + metres * axis)[2])
    row, column = float(pixel[1]), float(pixel[0])
    if beam.field_of_view > 0:
        found = _nearest_in_cone(beam, transform, prediction, camera)
        if found is not None:
            row, column, depth = found
    one = np.array([depth])
    return Points(np.array([row]), np.array([column]), one, range_weights(one, options.noise))


def _nearest_in_cone(
    beam: Beam, transform: Matrix, prediction: Prediction, camera: Camera
) -> tuple[float, float, float] | None:
    """Return row, column and depth of what a cone hits first; None where nothing is known."""
    rays = ray_grid(camera).astype(np.float64)
    stack = np.concatenate([rays, np.ones((*rays.shape[:2], 1))], axis=2)
    unit = stack / np.linalg.norm(stack, axis=2, keepdims=True)
    # The cone's tip is close to the camera: the pixels are those at its range.
    from_tip = unit * beam.metres - transform[:3, 3]
    along = from_tip @ transform[:3, 0] / np.linalg.norm(from_tip, axis=2)
    inside = along >= math.cos(beam.field_of_view / 2)
    values = prediction.values
    known = np.isfinite(values) if prediction.kind in INVERSE_KINDS else is_valid(values)
    rows, columns = np.nonzero(inside & known)
    if not rows.size:
        return None
    nearness = values[rows, columns].astype(np.float64)
    if prediction.kind not in INVERSE_KINDS:
        nearness = -nearness
    order = np.argsort(nearness)
    chosen = order[int((1 - NEAREST / 2) * (rows.size - 1))]
    row, column = int(rows[chosen]), int(columns[chosen])
    direction = unit[row, column]
    # The point on the pixel's ray at the beam's range from its tip.
    b = float(direction @ transform[:3, 3])
    c = float(transform[:3, 3] @ transform[:3, 3]) - beam.metres**2
    length = b + math.sqrt(max(b * b - c, 0.0))
    return float(row), float(column), float(length * direction[2])


class BeamSource:
    """Metres from a range finder."""

    name = 'range'

    def __init__(self, options: BeamOptions | None = None) -> None:
        self.options = options or BeamOptions()
        self.fit_options = self.options.fit

    def measure(self, reading: Beam, prediction: Prediction) -> Points:
        """Return the point of a beam."""
        return beam_points(reading, prediction, self.options)
