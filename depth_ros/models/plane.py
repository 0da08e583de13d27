# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A plane of known normal and distance: what a test or a demonstration can compute exactly."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from depth_ros.geometry.distortion import pixel_grid, unproject
from depth_ros.models.base import (
    Family,
    ModelBase,
    ModelError,
    ModelInfo,
    check_options,
    option,
)
from depth_ros.types import Camera, DepthKind, FloatImage, Prediction, View


@functools.lru_cache(maxsize=8)
def plane_depth(
    camera: Camera,
    normal: tuple[float, float, float],
    distance: float,
    max_depth: float = math.inf,
) -> FloatImage:
    """
    Return the depth Z of the plane normal . X = distance for every pixel of the raw image.

    float32 HxW metres, read-only: +Inf where the ray does not meet the plane in front of the
    camera or only beyond max_depth, NaN where the lens model gives no ray. Computed in float64,
    because near the horizon the result is the quotient of a small difference.
    """
    rays = unproject(camera, pixel_grid(*camera.size_wh))
    slope = rays @ np.array(normal[:2], np.float64) + normal[2]
    # What is parallel but for rounding is not seen at the end of the world.
    slope[np.abs(slope) < 1e-12] = 0
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        depth = distance / slope
        ahead = (depth > 0) & (depth <= max_depth)
        depth = np.where(np.isnan(slope), np.nan, np.where(ahead, depth, np.inf))
        result: FloatImage = depth.astype(np.float32)
    result.flags.writeable = False
    return result


@dataclass(frozen=True)
class PlaneOptions:
    """The plane normal . X = distance in the optical frame (x right, y down, z forward)."""

    normal_x: float = option(0.0, 'normal of the plane, to the right; any length')
    normal_y: float = option(0.0, 'normal of the plane, downwards')
    normal_z: float = option(1.0, 'normal of the plane, forwards')
    distance: float = option(
        2.0, 'metres from the camera to the plane along the normal', range=(1e-6, 1e6)
    )

    def __post_init__(self) -> None:
        check_options(type(self), vars(self))
        length = math.hypot(self.normal_x, self.normal_y, self.normal_z)
        if not 0 < length < math.inf:
            raise ModelError(
                f'the normal is ({self.normal_x:g}, {self.normal_y:g}, {self.normal_z:g}), '
                'expected a finite vector other than zero; set normal_x, normal_y or normal_z'
            )

    @property
    def normal(self) -> tuple[float, float, float]:
        """The unit normal."""
        length = math.hypot(self.normal_x, self.normal_y, self.normal_z)
        return self.normal_x / length, self.normal_y / length, self.normal_z / length


class PlaneModel(ModelBase):
    """Exact metres to a plane."""

    def __init__(self, info: ModelInfo, options: PlaneOptions) -> None:
        self.info, self.options = info, options

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        for camera in cameras:
            self.depth(camera)

    def depth(self, camera: Camera) -> FloatImage:
        """Return the depth image of this camera, shared and read-only."""
        return plane_depth(camera, self.options.normal, float(self.options.distance))

    def predict(self, views: Sequence[View]) -> Prediction:
        camera = views[0].camera
        values = self.depth(camera).copy()  # whoever receives it may write into it
        return Prediction(DepthKind.METRIC, values, camera, self.info.name)


PLANE = ModelInfo('plane', DepthKind.METRIC, description='a plane of known normal and distance')
FAMILY = Family(
    {PLANE.name: PLANE}, PlaneOptions, lambda name, options: PlaneModel(PLANE, options)
)
