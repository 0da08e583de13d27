# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The plane as a relative model would say it: a / Z + b, with a and b that nobody is told.

An exact stand-in for relative networks: whatever turns its output into metres without an
alignment is wrong, and by a known amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from depth_ros.models.base import Family, ModelInfo, option
from depth_ros.models.plane import PlaneModel, PlaneOptions
from depth_ros.types import DepthKind, Prediction, View


@dataclass(frozen=True)
class InversePlaneOptions(PlaneOptions):
    """The plane, and what is done to its inverse depth."""

    inverse_scale: float = option(7.5, 'a in a / Z + b', range=(1e-6, 1e6))
    inverse_shift: float = option(0.25, 'b in a / Z + b', range=(-1e6, 1e6))


class InversePlaneModel(PlaneModel):
    """Affine-invariant inverse depth of a plane; the sky is b, as at infinite depth."""

    options: InversePlaneOptions

    def predict(self, views: Sequence[View]) -> Prediction:
        camera = views[0].camera
        values = np.float32(self.options.inverse_scale) / self.depth(camera)
        values += np.float32(self.options.inverse_shift)
        return Prediction(DepthKind.AFFINE_INVERSE, values, camera, self.info.name)


INFO = ModelInfo(
    'inverse_plane', DepthKind.AFFINE_INVERSE, description='the plane as relative inverse depth'
)
FAMILY = Family(
    {INFO.name: INFO}, InversePlaneOptions, lambda name, options: InversePlaneModel(INFO, options)
)
