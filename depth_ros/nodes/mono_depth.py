# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `mono_depth`: one camera, any model of one view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from depth_ros.metric.sources.ground import Mount
from depth_ros.nodes.depth_node import NS, DepthNode
from depth_ros.nodes.input.camera import CameraInput
from depth_ros.nodes.input.live_transforms import LiveTransforms
from depth_ros.nodes.input.measured import PromptInput
from depth_ros.nodes.input.mount import MountInput
from depth_ros.nodes.input.moving_images import APART, MovingImages
from depth_ros.nodes.input.odometry import OdometryInput
from depth_ros.nodes.input.sources import SensorInputs
from depth_ros.nodes.parameters import specs
from depth_ros.nodes.parameters.scaling import MountSettings, ScalingSettings
from depth_ros.nodes.parameters.spec import Value
from depth_ros.nodes.process import run
from depth_ros.nodes.work.scaling import Scaling
from depth_ros.pipeline import DepthFrame, Pipeline
from depth_ros.types import Camera, DepthError, Ground, Image, Known, Matrix, View


class MonoDepth(DepthNode):
    """Subscribe to `image` and `camera_info`; publish depth."""

    example = (Camera.pinhole(640, 480, 500.0),)

    def __init__(self, **kwargs: Any) -> None:
        self._prompt: PromptInput | None = None  # the base class calls what is below it
        self._scaling: Scaling | None = None
        super().__init__('mono_depth', specs.MONO, **kwargs)
        self._prompt = PromptInput(self, self._complain)
        self._transforms = LiveTransforms(self)
        self._sensors = SensorInputs(self, self._transforms, self._complain)
        self._odometry = OdometryInput(self, self._complain)
        self._mounts = MountInput(self, self._transforms, self._complain)
        self._model_mount: MountSettings | None = None

    def apply(self, values: Mapping[str, Value]) -> None:
        super().apply(values)
        settings, mount = ScalingSettings.of(values), MountSettings.of(values)
        self._model_mount = None
        if 'camera_height' in values:
            self._model_mount = MountSettings.of(values, 'camera')
        if self._scaling is None:
            self._scaling = Scaling(
                settings,
                mount,
                self._sensors,
                MovingImages(self._odometry),
                self._mounts,
                self._transforms,
            )
        self._scaling.settings, self._scaling.mount = settings, mount

    def compute(
        self, pipeline: Pipeline, images: Sequence[tuple[Image, Camera]], stamp: int
    ) -> DepthFrame:
        assert self._scaling is not None
        image, camera = images[0]
        frame_id = self._frames.frame_id
        self._scaling.expect(stamp, frame_id)
        # With scale and shift as parameters there is nothing to adjust.
        pipeline.adjuster = self._scaling if self._scaling.settings.sources else None
        known = Known(
            pose=self._pose(stamp, frame_id) if pipeline.options.temporal == 'pose' else None,
            ground=self._ground(stamp, frame_id),
            depth=self._measured(stamp) if pipeline.model.info.takes_depth else None,
        )
        frame = pipeline([View(image, camera, known)], stamp * NS)
        if not self._scaling.mount.is_live:
            return frame
        return replace(frame, mount_is_live=True, mount=self._live_ground(stamp, frame_id))

    def _measured(self, stamp: int) -> Any:
        """Return the depth image that the model takes beside the image."""
        assert self.parameters is not None
        assert self._prompt is not None
        return self._prompt.nearest(stamp, float(self.parameters['prompt_tolerance']))

    def _live_ground(self, stamp: int, frame_id: str) -> Ground | None:
        """Return what the outputs for navigation take for the level ground."""
        assert self._scaling is not None
        try:
            return _below(self._mounts.at(stamp, frame_id, self._scaling.mount))
        except DepthError as error:
            self._health.warn('mount', f'no ground is known: {error}')
            return None

    def _ground(self, stamp: int, frame_id: str) -> Ground | None:
        """Return what a model that asks for its mount is given with this image."""
        if self._model_mount is None:
            return None
        return _below(self._mounts.at(stamp, frame_id, self._model_mount))

    def _pose(self, stamp: int, frame_id: str) -> Matrix | None:
        """Return where the camera is, for the averaging over frames."""
        assert self._scaling is not None
        try:
            body = self._odometry.at(stamp, APART)
            return body @ self._scaling.mounted(self._odometry.body)
        except DepthError as error:
            self._health.warn('temporal', f'depth is not averaged over frames: {error}')
            return None

    def reset_inputs(self) -> None:
        super().reset_inputs()
        if self._scaling is not None:
            self._sensors.reset()
            self._odometry.reset()
            self._mounts.reset()

    def listen_beside(self, wanted: bool) -> None:
        if self._prompt is None or self._scaling is None:
            return
        assert self.parameters is not None
        model = self.model
        self._prompt.listen(
            wanted and model is not None and model.info.takes_depth,
            str(self.parameters['prompt_transport']),
        )
        sources = self._scaling.settings.sources if wanted else ()
        self._sensors.listen(sources)
        averaged = wanted and self.parameters['temporal'] == 'pose'
        try:
            self._odometry.listen(averaged or 'motion' in sources)
        except DepthError as error:  # nav_msgs is not installed
            self._complain(str(error))
        self._mounts.listen(wanted and self._scaling.mount.imu)

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        return [self.eye('', values['image_transport'], lambda shot: self.submit((shot,)))]


def _below(mount: Mount) -> Ground | None:
    """Return the ground below a mount; None where its height is not known."""
    if not mount.height:
        return None
    return Ground.below_mount(mount.height, mount.pitch or 0.0, mount.roll or 0.0)


def main(args: list[str] | None = None) -> None:
    """Run the node."""
    run(MonoDepth, args)


if __name__ == '__main__':
    main()
