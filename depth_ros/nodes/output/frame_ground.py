# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ground and the obstacles of a frame, found once for all outputs that need them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from depth_ros.geometry.ground_plane import GroundPlane, find_ground
from depth_ros.geometry.obstacles import Split, split_ground
from depth_ros.geometry.uncertainty import keep_confident
from depth_ros.nodes.parameters.spec import ANY, ParameterSpec, Value
from depth_ros.pipeline import DepthFrame
from depth_ros.types import FloatImage, Ground

NO_GROUND = (
    'no ground is seen and mount_height is not set, so ~/{topic} stays empty; set mount_height '
    'and mount_pitch'
)

MOUNT = (
    ParameterSpec(
        'mount_height',
        0.0,
        'metres from the floor up to the camera, for ground, obstacles and scan; 0: the '
        'camera_height of the model, or estimated from each frame where that is 0 too',
        range=(0.0, 1e4),
    ),
    ParameterSpec(
        'mount_pitch',
        0.0,
        'radians by which the camera looks down, with mount_height',
        range=(-math.pi / 2, math.pi / 2),
    ),
    ParameterSpec(
        'mount_roll',
        0.0,
        'radians by which the right side of the camera hangs down, with mount_height',
        range=(-math.pi, math.pi),
    ),
)
GROUND = (
    ParameterSpec(
        'ground_max_tilt',
        0.17,
        'radians by which the ground plane may lean from the level of the mount; 0 takes the '
        'mount as it is',
        range=(0.0, 1.0),
    ),
    ParameterSpec(
        'ground_max_slope',
        0.0,
        'radians of slope against that plane, as of a ramp ahead, that are ground; 0 allows none',
        range=(0.0, 1.0),
    ),
    ParameterSpec(
        'obstacles_min_height',
        0.1,
        'metres above the ground; what is not higher is ground',
        range=(1e-3, ANY),
    ),
    ParameterSpec(
        'obstacles_max_height',
        1.0,
        'metres above the ground; what is higher is no obstacle: the height of the robot',
        range=(1e-3, ANY),
    ),
)


@dataclass(frozen=True)
class GroundSettings:
    """What the parameters say about ground and obstacles."""

    height: float
    pitch: float
    roll: float
    max_tilt: float
    max_slope: float
    min_height: float
    max_height: float
    min_confidence: float

    @classmethod
    def of(cls, values: Mapping[str, Value]) -> GroundSettings:
        """Return the settings of these parameter values, options of the model among them."""
        mount = 'mount' if values['mount_height'] else 'camera'
        height, pitch, roll = (
            float(values.get(f'{mount}_{name}', 0.0)) for name in ('height', 'pitch', 'roll')
        )
        return cls(
            height=height,
            pitch=pitch,
            roll=roll,
            max_tilt=float(values['ground_max_tilt']),
            max_slope=float(values['ground_max_slope']),
            min_height=float(values['obstacles_min_height']),
            max_height=float(values['obstacles_max_height']),
            min_confidence=float(values['points_min_confidence']),
        )

    @property
    def mount(self) -> Ground | None:
        """The level ground below the camera, where its height is known."""
        if not self.height:
            return None
        return Ground.below_mount(self.height, self.pitch, self.roll)


_found: WeakKeyDictionary[DepthFrame, dict[Hashable, Any]] = WeakKeyDictionary()


def _once(frame: DepthFrame, key: Hashable, compute: Callable[[], Any]) -> Any:
    """Return what was computed for this frame and key, computing it the first time."""
    known = _found.setdefault(frame, {})
    if key not in known:
        known[key] = compute()
    return known[key]


def trusted_depth(frame: DepthFrame, min_confidence: float) -> FloatImage | None:
    """Return the depth without pixels of lower confidence; None while it is relative."""
    if frame.depth is None:
        return None
    depth, confidence = frame.depth, frame.prediction.confidence
    found: FloatImage = _once(
        frame,
        ('trusted', min_confidence),
        lambda: keep_confident(depth, confidence, min_confidence),
    )
    return found


def mount_of(frame: DepthFrame, settings: GroundSettings) -> Ground | None:
    """Return the level ground below the camera, as it is now or as parameters say."""
    return frame.mount if frame.mount_is_live else settings.mount


def ground_of(frame: DepthFrame, settings: GroundSettings) -> GroundPlane | None:
    """Return the ground plane of a frame; None while it is relative, or where none is found."""
    depth = trusted_depth(frame, settings.min_confidence)
    mount = mount_of(frame, settings)
    if depth is None or (frame.mount_is_live and mount is None):
        return None  # the camera may look anywhere: what seems level may be no floor
    found: GroundPlane | None = _once(
        frame,
        ('ground', settings),
        lambda: find_ground(depth, frame.camera, mount, max_slope=settings.max_tilt),
    )
    return found


def split_of(frame: DepthFrame, settings: GroundSettings) -> Split | None:
    """Return ground, obstacles and heights of a frame; None where there is no ground."""
    plane = ground_of(frame, settings)
    depth = trusted_depth(frame, settings.min_confidence)
    if plane is None or depth is None:
        return None
    found: Split = _once(
        frame,
        ('split', settings),
        lambda: split_ground(
            depth,
            frame.camera,
            plane.ground,
            min_height=settings.min_height,
            max_height=settings.max_height,
            max_slope=settings.max_slope,
        ),
    )
    return found
