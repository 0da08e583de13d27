# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metres for the predictions of a node, from its sources.

The numbers are those of metric/scaler.py; here the sources get their settings and readings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from depth_ros.metric.adjusting import Adjusted
from depth_ros.metric.fit import FitOptions
from depth_ros.metric.scaler import Reading, Scaler
from depth_ros.metric.source import Source
from depth_ros.metric.sources.cloud import CloudOptions, CloudSource
from depth_ros.metric.sources.depth import DepthOptions, DepthSource
from depth_ros.metric.sources.ground import GroundOptions, GroundSource, Mount
from depth_ros.metric.sources.motion import MotionOptions, MotionSource
from depth_ros.metric.sources.range_beam import BeamOptions, BeamSource
from depth_ros.metric.sources.scan import ScanOptions, ScanSource
from depth_ros.nodes.input.live_transforms import LiveTransforms
from depth_ros.nodes.input.mount import MountInput
from depth_ros.nodes.input.moving_images import MovingImages
from depth_ros.nodes.input.sources import TOPICS, SensorInputs
from depth_ros.nodes.parameters.scaling import MountSettings, ScalingSettings
from depth_ros.types import DepthError, Matrix, Prediction, View

NS = 1e-9


def make_sources(settings: ScalingSettings) -> dict[str, Source[Any]]:
    """Return the sources that the settings name."""

    def fit(options: FitOptions) -> FitOptions:
        return replace(
            options, max_residual=settings.max_residual, min_inliers=settings.min_inliers
        )

    far = settings.max_range
    cloud = CloudOptions(max_range=far, fit=fit(CloudOptions().fit))
    depth = DepthOptions(max_range=far, fit=fit(DepthOptions().fit))
    beam = BeamOptions(fit=fit(BeamOptions().fit))
    beam = replace(beam, max_range=min(far, beam.max_range))
    makers: Mapping[str, Callable[[], Source[Any]]] = {
        'depth': lambda: DepthSource(depth),
        'cloud': lambda: CloudSource(cloud),
        'scan': lambda: ScanSource(ScanOptions(cloud)),
        'range': lambda: BeamSource(beam),
        'ground': lambda: GroundSource(GroundOptions(fit=fit(GroundOptions().fit))),
        'motion': lambda: MotionSource(MotionOptions(fit=fit(MotionOptions().fit))),
    }
    return {name: makers[name]() for name in settings.sources}


class Scaling:
    """The adjuster of a node's pipeline; `settings` and `mount` may be replaced at any time."""

    def __init__(
        self,
        settings: ScalingSettings,
        mount: MountSettings,
        sensors: SensorInputs,
        images: MovingImages,
        mounts: MountInput,
        transforms: LiveTransforms,
    ) -> None:
        self.settings, self.mount = settings, mount
        self._sensors, self._images, self._mounts = sensors, images, mounts
        self._transforms = transforms
        self._made_for = settings
        self._scaler = self._make(settings)
        self._stamp, self._frame = 0, ''

    def _make(self, settings: ScalingSettings) -> Scaler:
        return Scaler(make_sources(settings), settings.scaler, every=('motion',))

    def expect(self, stamp: int, frame: str) -> None:
        """Take the stamp (nanoseconds) and the optical frame of the image that comes next."""
        self._stamp, self._frame = stamp, frame

    def forget(self) -> None:
        """Start afresh: time jumped."""
        self._scaler.forget()
        self._images.reset()

    def close(self) -> None:
        """Forget the frames that are remembered."""
        self.forget()

    def adjust(self, prediction: Prediction, view: View, stamp: float) -> Adjusted:
        """Return the prediction in metres where a source gives them, and the scale."""
        settings = self.settings
        if settings != self._made_for:
            self._scaler, self._made_for = self._make(settings), settings
            self._images.reset()
        readings: dict[str, Sequence[Reading] | DepthError] = {}
        for name in settings.sources:
            if name in TOPICS:
                readings[name] = self._sensors.readings(name, self._frame, settings.pose_of(name))
            elif name == 'ground':
                readings[name] = [Reading(stamp, self._mount)]
            else:
                readings[name] = self._images.readings(self._stamp, view.image, self.mounted)
        state = self._scaler.step(prediction, stamp, readings)
        return Adjusted(state.apply(prediction) or prediction, state)

    def _mount(self) -> Mount:
        mount = self._mounts.at(self._stamp, self._frame, self.mount)
        if not mount.height:
            raise DepthError(
                'the height of the camera above the floor is not known; set mount_height, or '
                'mount_frame where TF knows it'
            )
        if self._made_for.plane_attitude:
            return Mount(mount.height)
        return mount

    def mounted(self, body: str) -> Matrix:
        """Return the pose of the camera in the frame that the odometry is of."""
        pose = self.settings.pose_of('motion')
        if pose is not None:
            return pose
        return self._transforms.pose(self._frame, body, 'set scale.motion.pose')
