# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A flat floor seen by a camera of known height and attitude: the honest prior of many robots.

Metres are exact where the floor is what the pixel shows; a thing standing on the floor appears
at the floor behind it. Above the horizon and beyond `max_range` the depth is +Inf (REP-117).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from depth_ros.geometry.planes import plane_depth
from depth_ros.models.options import MountOptions, check_options, option
from depth_ros.models.protocol import Family, ModelBase, ModelInfo
from depth_ros.types import Camera, DepthKind, FloatImage, Ground, Prediction, View

UNMOUNTED = (
    'the mount is not set, so a camera 1 m above the floor that looks level is assumed; set '
    'camera_height and camera_pitch, from which every metre of this model comes'
)


@dataclass(frozen=True)
class FloorOptions(MountOptions):
    """How the camera is mounted, here always at some height."""

    camera_height: float = option(
        1.0, 'metres from the floor up to the camera', range=(1e-3, 1e4), live=True
    )
    max_range: float = option(
        math.inf, 'metres of depth beyond which the floor is +Inf', range=(1e-3, math.inf)
    )

    def __post_init__(self) -> None:
        check_options(type(self), vars(self))

    @property
    def ground(self) -> Ground:
        """The floor, as the mount says where it is."""
        ground = super().ground
        assert ground is not None  # __post_init__ has refused a height of 0
        return ground


class FloorModel(ModelBase):
    """Exact metres to a flat floor."""

    def __init__(self, info: ModelInfo, options: FloorOptions) -> None:
        mounted = options != FloorOptions(max_range=options.max_range)
        self.info = info if mounted else replace(info, caution=UNMOUNTED)
        self.options = options

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        for camera in cameras:
            self.depth(camera, self.options.ground)

    def depth(self, camera: Camera, ground: Ground) -> FloatImage:
        """Return the depth image of this camera, shared and read-only."""
        x, y, z = ground.down.tolist()
        height, farthest = float(ground.height), float(self.options.max_range)
        return plane_depth(camera, (x, y, z), height, farthest)

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        camera = views[0].camera
        depth = self.depth(camera, views[0].known.ground or self.options.ground)
        values = depth.copy()  # the receiver may write into it
        return Prediction(DepthKind.METRIC, values, camera, self.info.name)


FLOOR = ModelInfo(
    'floor', DepthKind.METRIC, description='a flat floor and a camera of known height and pitch'
)
FAMILY = Family(
    {FLOOR.name: FLOOR}, FloorOptions, lambda name, options: FloorModel(FLOOR, options)
)
