# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of models that can be told how the camera is mounted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from depth_ros.models.base import ModelError, option
from depth_ros.types import Ground


@dataclass(frozen=True)
class MountOptions:
    """How the camera is mounted; the angles are those of REP-103, as in a URDF."""

    camera_height: float = option(
        0.0, 'metres from the floor up to the camera, which gives the scale; 0 is not known',
        range=(0.0, 1e4),
    )  # fmt: skip
    camera_pitch: float = option(
        0.0, 'radians by which the camera looks down', range=(-math.pi / 2, math.pi / 2)
    )
    camera_roll: float = option(
        0.0, 'radians by which the right side of the camera hangs down', range=(-math.pi, math.pi)
    )

    def __post_init__(self) -> None:
        for name in ('camera_pitch', 'camera_roll'):
            if getattr(self, name) and not self.camera_height:
                raise ModelError(
                    f'{name} is {getattr(self, name):g}, but camera_height is 0, which means that '
                    'it is not known; set both, or neither'
                )

    @property
    def ground(self) -> Ground | None:
        """What is below the camera, where its height is known."""
        if not self.camera_height:
            return None
        return Ground.below_mount(self.camera_height, self.camera_pitch, self.camera_roll)
