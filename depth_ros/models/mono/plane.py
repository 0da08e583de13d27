# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A plane of known normal and distance: what a test or a demonstration can compute exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from depth_ros.geometry.planes import plane_depth
from depth_ros.models.options import check_options, option
from depth_ros.models.protocol import Family, ModelBase, ModelError, ModelInfo
from depth_ros.types import Camera, DepthKind, FloatImage, Prediction, View


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

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        camera = views[0].camera
        values = self.depth(camera).copy()  # the receiver may write into it
        return Prediction(DepthKind.METRIC, values, camera, self.info.name)


@dataclass(frozen=True)
class InversePlaneOptions(PlaneOptions):
    """The plane, and what is done to its inverse depth."""

    inverse_scale: float = option(7.5, 'a in a / Z + b', range=(1e-6, 1e6))
    inverse_shift: float = option(0.25, 'b in a / Z + b', range=(-1e6, 1e6))


class InversePlaneModel(PlaneModel):
    """
    Affine-invariant inverse depth of a plane, a / Z + b; the sky is b, as at infinite depth.

    An exact stand-in for relative networks: without an alignment its metres are wrong, and by a
    known amount.
    """

    options: InversePlaneOptions

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        camera = views[0].camera
        values = np.float32(self.options.inverse_scale) / self.depth(camera)
        values += np.float32(self.options.inverse_shift)
        return Prediction(DepthKind.AFFINE_INVERSE, values, camera, self.info.name)


PLANE = ModelInfo('plane', DepthKind.METRIC, description='a plane of known normal and distance')
INVERSE_PLANE = ModelInfo(
    'inverse_plane', DepthKind.AFFINE_INVERSE, description='the plane as relative inverse depth'
)

PLANE_FAMILY = Family(
    {PLANE.name: PLANE}, PlaneOptions, lambda name, options: PlaneModel(PLANE, options)
)
INVERSE_PLANE_FAMILY = Family(
    {INVERSE_PLANE.name: INVERSE_PLANE},
    InversePlaneOptions,
    lambda name, options: InversePlaneModel(INVERSE_PLANE, options),
)
