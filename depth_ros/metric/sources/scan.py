# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Metres from the ranges of a planar laser scanner, as sensor_msgs/LaserScan orders them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from depth_ros.metric.source import Points
from depth_ros.metric.sources.cloud import Cloud, CloudOptions, cloud_points
from depth_ros.types import Camera, DepthError, Matrix, Prediction


@dataclass(frozen=True)
class ScanOptions:
    """Which returns count, and how much."""

    cloud: CloudOptions = field(default_factory=CloudOptions)


@dataclass(frozen=True, eq=False)
class Scan:
    """Ranges in metres; the scanner turns counter-clockwise in the x-y plane of its frame."""

    ranges: npt.NDArray[np.floating]
    angle_min: float  # radians
    angle_increment: float  # radians
    sensor_to_camera: Matrix  # 4x4, into the camera's optical frame
    range_min: float = 0.0
    range_max: float = np.inf


def scan_cloud(scan: Scan) -> Cloud:
    """Return the returns of a scan as points in the scanner's frame."""
    ranges = np.asarray(scan.ranges, np.float64).ravel()
    if not (np.isfinite(scan.angle_min) and np.isfinite(scan.angle_increment)):
        raise DepthError(
            f'the scan begins at {scan.angle_min:g} rad with steps of {scan.angle_increment:g} '
            'rad, expected finite numbers'
        )
    with np.errstate(invalid='ignore'):
        good = (ranges > 0) & (ranges >= scan.range_min) & (ranges < np.inf)
        good &= ranges <= scan.range_max
    angles = scan.angle_min + np.flatnonzero(good) * scan.angle_increment
    r = ranges[good]
    points = np.stack([r * np.cos(angles), r * np.sin(angles), np.zeros_like(r)], axis=1)
    return Cloud(points, scan.sensor_to_camera)


def scan_points(scan: Scan, camera: Camera, options: ScanOptions | None = None) -> Points:
    """Return the returns of a scan that the camera sees, at their pixels."""
    return cloud_points(scan_cloud(scan), camera, (options or ScanOptions()).cloud)


class ScanSource:
    """Metres from a laser scan."""

    name = 'scan'

    def __init__(self, options: ScanOptions | None = None) -> None:
        self.options = options or ScanOptions()
        self.fit_options = self.options.cloud.fit

    def measure(self, reading: Scan, prediction: Prediction) -> Points:
        """Return points from a scan."""
        return scan_points(reading, prediction.camera, self.options)
