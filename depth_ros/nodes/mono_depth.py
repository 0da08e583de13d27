# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `mono_depth`: one camera or several, any model of one view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from depth_ros.metric.sources.ground import Mount
from depth_ros.models.protocol import DepthModel
from depth_ros.nodes.depth_node import DepthNode
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
from depth_ros.nodes.stream import Stream
from depth_ros.nodes.work.frames import Job
from depth_ros.nodes.work.scaling import Scaling
from depth_ros.pipeline import Pipeline
from depth_ros.types import Camera, DepthError, Ground, Image, Known, Matrix, View


class MonoStream(Stream):
    """Subscribe to `image` and `camera_info`, and to what gives metres beside them."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._prompt = PromptInput(self.node, self.complain, self.prefix)
        transforms = LiveTransforms(self.node)
        self._sensors = SensorInputs(self.node, transforms, self.complain, self.prefix)
        self._odometry = OdometryInput(self.node, self.complain)
        self._mounts = MountInput(self.node, transforms, self.complain)
        # What was given at start may not go together, which is said at the next configure.
        defaults = {spec.name: spec.default for spec in specs.MONO}
        self._scaling = Scaling(
            ScalingSettings.of(defaults),
            MountSettings.of(defaults),
            self._sensors,
            MovingImages(self._odometry),
            self._mounts,
            transforms,
        )
        self._model_mount: MountSettings | None = None

    def change(self, values: Mapping[str, Value], pipeline: Pipeline | None = None) -> None:
        super().change(values, pipeline)
        self._scaling.settings = ScalingSettings.of(values)
        self._scaling.mount = MountSettings.of(values)
        self._model_mount = self._mount_of_model(values)

    def _mount_of_model(self, values: Mapping[str, Value]) -> MountSettings | None:
        """Return the mount that reaches the model with each image; None where it asks for none."""
        if f'{self.name}.mount_height' in values:  # a camera that has a mount of its own
            return MountSettings.of(values, 'mount')
        return MountSettings.of(values, 'camera') if 'camera_height' in values else None

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        return [self.eye('', values['image_transport'], lambda shot: self.submit((shot,)))]

    def views_of(
        self, pipeline: Pipeline, images: Sequence[tuple[Image, Camera]], job: Job
    ) -> list[View]:
        stamp, frame_id = job[0].stamp, job[0].image.header.frame_id
        self._scaling.expect(stamp, frame_id)
        # With scale and shift as parameters there is nothing to adjust.
        pipeline.adjuster = self._scaling if self._scaling.settings.sources else None
        pipeline.mount_is_live = self._scaling.mount.is_live
        pipeline.mount = self._live_ground(stamp, frame_id) if pipeline.mount_is_live else None
        depth = None
        if pipeline.model.info.takes_depth:
            depth = self._prompt.nearest(stamp, float(self.values['prompt_tolerance']))
        known = Known(
            pose=self._pose(stamp) if pipeline.options.temporal == 'pose' else None,
            ground=self._ground(stamp, frame_id),
            depth=depth,
        )
        return [View(image, camera, known) for image, camera in images]

    def _ground(self, stamp: int, frame_id: str) -> Ground | None:
        """Return what a model that asks for its mount is given with this image."""
        if self._model_mount is None:
            return None
        return _below(self._mounts.at(stamp, frame_id, self._model_mount))

    def _live_ground(self, stamp: int, frame_id: str) -> Ground | None:
        """Return what the outputs for navigation take for the level ground."""
        try:
            return _below(self._mounts.at(stamp, frame_id, self._scaling.mount))
        except DepthError as error:
            self.health.warn('mount', f'no ground is known: {error}')
            return None

    def _pose(self, stamp: int) -> Matrix | None:
        """Return where the camera is, for the averaging over frames."""
        try:
            body = self._odometry.at(stamp, APART)
            return body @ self._scaling.mounted(self._odometry.body)
        except DepthError as error:
            self.health.warn('temporal', f'depth is not averaged over frames: {error}')
            return None

    def reset_inputs(self) -> None:
        super().reset_inputs()
        self._sensors.reset()
        self._odometry.reset()
        self._mounts.reset()

    def listen_beside(self, wanted: bool, model: DepthModel | None) -> None:
        self._prompt.listen(
            wanted and model is not None and model.info.takes_depth,
            str(self.values['prompt_transport']),
        )
        sources = self._scaling.settings.sources if wanted else ()
        self._sensors.listen(sources)
        averaged = wanted and self.values['temporal'] == 'pose'
        try:
            self._odometry.listen(averaged or 'motion' in sources)
        except DepthError as error:  # nav_msgs is not installed
            self.complain(str(error))
        self._mounts.listen(wanted and self._scaling.mount.imu)


class MonoDepth(DepthNode):
    """Publish depth of each camera."""

    stream = MonoStream
    example = (Camera.pinhole(640, 480, 500.0),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('mono_depth', specs.MONO, **kwargs)


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
