# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metres from a point cloud, such as a LiDAR's, that was taken from another place.

The LiDAR sees past things that hide the background from the camera. A point is dropped where
nearer points lie on both sides of it, left and right or above and below: a plane seen at a
grazing angle has nearer points on one side only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.geometry.distortion import project
from depth_ros.metric.fit import FitOptions
from depth_ros.metric.source import Points, checked_transform, range_weights
from depth_ros.types import Camera, DepthError, Matrix, Prediction

SPACINGS = 2.5  # radius of the occlusion test in typical distances between points
WIDEST = 0.08  # of the image width: its largest radius


@dataclass(frozen=True)
class CloudOptions:
    """Which points count, and how much."""

    min_range: float = 0.1  # metres along the optical axis
    max_range: float = math.inf
    noise: float = 0.01  # relative standard deviation up close
    noise_per_metre: float = 0.0005  # what each metre adds to it
    occlusion: float = 0.1  # relative step of depth that hides what is behind; 0: no test
    max_points: int = 1500
    fit: FitOptions = field(default_factory=lambda: FitOptions(shared_error=0.005))


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points (n, 3) in the sensor's frame, and the transform into the camera's optical frame."""

    points: npt.NDArray[np.floating]
    sensor_to_camera: Matrix  # 4x4


def cloud_points(cloud: Cloud, camera: Camera, options: CloudOptions | None = None) -> Points:
    """Return the points of a cloud that the camera sees, at their pixels."""
    options = options or CloudOptions()
    xyz = np.asarray(cloud.points, np.float64)
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise DepthError(f'the cloud has shape {xyz.shape}, expected (n, 3): x, y, z in metres')
    transform = checked_transform(cloud.sensor_to_camera, 'sensor_to_camera')
    with np.errstate(invalid='ignore', over='ignore'):
        seen = xyz @ transform[:3, :3].T + transform[:3, 3]
        z = seen[:, 2]
        ahead = (z >= max(options.min_range, 1e-6)) & (z <= options.max_range)
        ahead &= np.isfinite(seen).all(axis=1)
    seen = seen[ahead]
    pixels = project(camera, seen)
    with np.errstate(invalid='ignore'):
        inside = (pixels > -0.5).all(axis=1) & (pixels < np.array(camera.size_wh) - 0.5).all(
            axis=1
        )
    pixels, z = pixels[inside], seen[inside, 2]
    if options.occlusion > 0 and len(z):
        visible = ~hidden_points(pixels, z, camera.width, camera.height, options.occlusion)
        pixels, z = pixels[visible], z[visible]
    weights = range_weights(z, options.noise, options.noise_per_metre)
    return Points(pixels[:, 1], pixels[:, 0], z, weights).thinned(options.max_points)


def hidden_points(
    pixels: Matrix, depth: Matrix, width: int, height: int, step: float
) -> npt.NDArray[np.bool_]:
    """
    Return which points (n, 2) as x, y with their depth (n,) lie behind others in the image.

    Nearer by more than the relative `step` on two opposite sides, within a radius of a few
    typical distances between points; or in the same pixel.
    """
    inverse = 1 / depth
    spacing = math.sqrt(width * height / max(len(depth), 1))
    radius = min(SPACINGS * spacing, WIDEST * width)
    # Worked on in cells, so that the radius is a few of them whatever the resolution.
    cell = max(1.0, radius / 4)
    columns = np.minimum((pixels[:, 0] + 0.5) / cell, width / cell - 1e-9).astype(np.intp)
    rows = np.minimum((pixels[:, 1] + 0.5) / cell, height / cell - 1e-9).astype(np.intp)
    shape = (math.ceil(height / cell), math.ceil(width / cell))
    nearest = np.zeros(shape, np.float32)
    np.maximum.at(nearest, (rows, columns), inverse.astype(np.float32))
    reach = max(1, round(radius / cell))
    limit = (inverse * (1 + step)).astype(np.float32)
    hidden = nearest[rows, columns] > limit if cell <= 1 else np.zeros(len(depth), np.bool_)
    for across in (True, False):
        before = _largest_beside(nearest, reach, across, -1)[rows, columns] > limit
        after = _largest_beside(nearest, reach, across, 1)[rows, columns] > limit
        hidden |= before & after
    return hidden


def _largest_beside(
    image: npt.NDArray[np.float32], reach: int, across: bool, way: int
) -> npt.NDArray[np.float32]:
    """Return the largest value within reach on one side of each pixel, in its row or column."""
    kernel = np.ones((1, reach) if across else (reach, 1), np.uint8)
    # The anchor lies outside of the strip by moving the image one pixel on.
    axis = 1 if across else 0
    moved = np.zeros_like(image)
    source = [slice(None), slice(None)]
    target = [slice(None), slice(None)]
    source[axis] = slice(1, None) if way > 0 else slice(None, -1)
    target[axis] = slice(None, -1) if way > 0 else slice(1, None)
    moved[tuple(target)] = image[tuple(source)]
    along = 0 if way > 0 else reach - 1
    anchor = (along, 0) if across else (0, along)
    return np.asarray(
        cv2.dilate(moved, kernel, anchor=anchor, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    )


class CloudSource:
    """Metres from a point cloud."""

    name = 'cloud'

    def __init__(self, options: CloudOptions | None = None) -> None:
        self.options = options or CloudOptions()
        self.fit_options = self.options.fit

    def measure(self, reading: Cloud, prediction: Prediction) -> Points:
        """Return points from a cloud."""
        return cloud_points(reading, prediction.camera, self.options)
