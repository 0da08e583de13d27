# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The parameters that say where metres come from, and what they mean together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from depth_ros.geometry.poses import pose_from_text
from depth_ros.metric.filter import FilterOptions
from depth_ros.metric.fit import FitOptions
from depth_ros.metric.scaler import ScalerOptions
from depth_ros.nodes.parameters.spec import ANY, ParameterSpec, Value
from depth_ros.types import DepthError, Matrix, quoted

FIXED = 'fixed'
SOURCES = ('depth', 'cloud', 'scan', 'range', 'ground', 'motion')
WITH_POSE = ('cloud', 'scan', 'range', 'motion')
_SCALER, _FILTER, _FIT = ScalerOptions(), FilterOptions(), FitOptions()
_POSE = 'x y z qx qy qz qw; empty: from TF'

SCALING: tuple[ParameterSpec, ...] = (
    ParameterSpec(
        'scale.source',
        FIXED,
        'where metres come from: fixed (`scale` and `shift`), or one or several of '
        f'{", ".join(SOURCES)} with commas between; the surest wins',
    ),
    ParameterSpec(
        'scale.tolerance',
        _SCALER.tolerance,
        'seconds between a reading of a source and the image that it belongs to',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'scale.max_age',
        _FILTER.max_age,
        'seconds after the last fit for which its scale makes metres of a relative model',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'scale.max_uncertainty',
        _SCALER.max_uncertainty,
        'relative standard deviation of depth up to which a scale makes metres of a relative '
        'model',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'scale.max_residual',
        _FIT.max_residual,
        'relative difference between measured points and prediction up to which a fit is taken',
        range=(0.0, 1.0),
    ),
    ParameterSpec(
        'scale.min_inliers',
        _FIT.min_inliers,
        'share of the measured points that must agree on one scale',
        range=(0.0, 1.0),
    ),
    ParameterSpec(
        'scale.drift',
        _FILTER.drift,
        'relative change of the scale that is expected per square root of a second',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'scale.jump',
        _FILTER.jump,
        'relative change of depth from which a fit is a jump: it is followed once three agree',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'scale.max_range',
        ANY,
        'metres; farther points of depth, cloud, scan and range are not used',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'scale.cloud.pose', '', f'of the LiDAR in the optical frame of the camera: {_POSE}'
    ),
    ParameterSpec(
        'scale.scan.pose', '', f'of the laser scanner in the optical frame of the camera: {_POSE}'
    ),
    ParameterSpec(
        'scale.range.pose', '', f'of the range finder in the optical frame of the camera: {_POSE}'
    ),
    ParameterSpec(
        'scale.motion.pose',
        '',
        f'of the optical frame of the camera in the child frame of the odometry: {_POSE}',
    ),
    ParameterSpec(
        'scale.ground.attitude',
        'mount',
        'where the source ground has pitch and roll from: the mount, or the floor as the '
        'prediction shows it, which inverse depth does not allow',
        choices=('mount', 'plane'),
    ),
)
LIVE_MOUNT: tuple[ParameterSpec, ...] = (
    ParameterSpec(
        'mount_frame',
        '',
        'a frame on the floor with z up, such as base_footprint: height, pitch and roll of the '
        'camera come from TF; empty: from parameters',
    ),
    ParameterSpec(
        'mount_imu', False, 'pitch and roll of the camera come from sensor_msgs/Imu on `imu`'
    ),
    ParameterSpec('mount_imu_pose', '', f'of the IMU in the optical frame of the camera: {_POSE}'),
)


def _pose(values: Mapping[str, Value], name: str) -> tuple[float, ...] | None:
    text = str(values[name]).strip()
    return tuple(pose_from_text(text, name).ravel().tolist()) if text else None


@dataclass(frozen=True)
class ScalingSettings:
    """Which sources give metres, and how good they must be; equal for equal parameters."""

    sources: tuple[str, ...]  # empty: scale and shift are parameters
    scaler: ScalerOptions
    max_residual: float
    min_inliers: float
    max_range: float
    poses: Mapping[str, tuple[float, ...] | None]  # by source, 16 numbers
    plane_attitude: bool

    def pose_of(self, source: str) -> Matrix | None:
        """Return where a sensor is; None where TF is to be asked."""
        pose = self.poses.get(source)
        return None if pose is None else np.array(pose).reshape(4, 4)

    @classmethod
    def of(cls, values: Mapping[str, Value]) -> ScalingSettings:
        """Return what the parameter values mean; DepthError where they cannot go together."""
        named = [name.strip() for name in str(values['scale.source']).split(',')]
        for name in named:
            if name not in (FIXED, *SOURCES):
                raise DepthError(
                    f'scale.source names {quoted(name)}, expected {FIXED}, or one or several of '
                    f'{", ".join(SOURCES)} with commas between'
                )
        if FIXED in named and len(named) > 1:
            raise DepthError(
                f'scale.source is {", ".join(named)}, but {FIXED} goes with no other source; '
                'leave it out'
            )
        if len(set(named)) < len(named):
            raise DepthError(
                f'scale.source is {", ".join(named)}, expected every source once; '
                'leave the second one out'
            )
        poses = {name: _pose(values, f'scale.{name}.pose') for name in WITH_POSE}
        return cls(
            sources=tuple(name for name in named if name != FIXED),
            scaler=ScalerOptions(
                tolerance=float(values['scale.tolerance']),
                max_uncertainty=float(values['scale.max_uncertainty']),
                filter=FilterOptions(
                    drift=float(values['scale.drift']),
                    jump=float(values['scale.jump']),
                    max_age=float(values['scale.max_age']),
                ),
            ),
            max_residual=float(values['scale.max_residual']),
            min_inliers=float(values['scale.min_inliers']),
            max_range=float(values['scale.max_range']),
            poses=poses,
            plane_attitude=values['scale.ground.attitude'] == 'plane',
        )


@dataclass(frozen=True)
class MountSettings:
    """How the camera sits above the floor as parameters say, and what is asked live instead."""

    height: float  # metres; 0: not known
    pitch: float
    roll: float
    frame: str = ''
    imu: bool = False
    imu_pose: tuple[float, ...] | None = None  # 16 numbers

    @classmethod
    def of(cls, values: Mapping[str, Value], prefix: str = '') -> MountSettings:
        """
        Return the mount by the parameters mount_*, or camera_* where mount_height is 0.

        A prefix asks for those parameters and no others.
        """
        prefix = prefix or ('mount' if values['mount_height'] else 'camera')
        height, pitch, roll = (
            float(values.get(f'{prefix}_{name}', 0.0)) for name in ('height', 'pitch', 'roll')
        )
        return cls(
            height,
            pitch,
            roll,
            str(values['mount_frame']).strip(),
            bool(values['mount_imu']),
            _pose(values, 'mount_imu_pose'),
        )

    @property
    def is_live(self) -> bool:
        return bool(self.frame) or self.imu
