# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `multi_view_depth`: a moving camera or several at once, any model of many views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from depth_ros.geometry.poses import pose_from_text
from depth_ros.models.protocol import DepthModel, ModelError
from depth_ros.models.registry import DEFAULT_VIEWS
from depth_ros.nodes.depth_node import DepthNode
from depth_ros.nodes.input.camera import CameraInput
from depth_ros.nodes.input.group import GroupSynchroniser
from depth_ros.nodes.input.odometry import OdometryInput
from depth_ros.nodes.input.transforms import Mounts
from depth_ros.nodes.parameters import specs
from depth_ros.nodes.parameters.spec import Value
from depth_ros.nodes.process import run
from depth_ros.nodes.stream import Stream
from depth_ros.nodes.work.frames import Job
from depth_ros.nodes.work.keyframes import Shown, Spacing
from depth_ros.nodes.work.scenes import SceneMaker
from depth_ros.pipeline import DepthFrame, Pipeline
from depth_ros.shots import Shot
from depth_ros.types import Camera, DepthError, Image, Known, Matrix, View, quoted

_MORE_SCALE = {
    'none': 'set poses to odometry, or choose a model in metres such as da3-nested-1.1',
    'odometry': 'the scale follows once the camera has moved by keyframe_distance',
    'mounts': 'cameras that are mounted in one place give no scale; set poses to odometry',
}


class MultiStream(Stream):
    """Subscribe to `image` and `odometry`, or to several cameras; publish depth and poses."""

    views = 0

    def __init__(self, *args: Any) -> None:
        self._group: GroupSynchroniser[Shot] | None = None
        self._names: list[str] = []
        self._given: list[Matrix] = []  # of camera_poses
        self._scenes = SceneMaker(1, Spacing(), 1)
        self._world = ''  # of the poses of the frame that is being computed
        self._afresh = False
        super().__init__(*args)
        self._mounts = Mounts(self.node)
        self._odometry = OdometryInput(self.node, self.complain)

    # -- inputs ----------------------------------------------------------------------------

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        self._names = names_of(str(values['camera_names']))
        self._given = poses_of(str(values['camera_poses']), max(len(self._names), 1))
        if values['poses'] == 'odometry':
            OdometryInput.message()  # raises the reason where it is not installed
        if values['poses'] == 'mounts' and not self._names:
            raise DepthError(
                'poses is mounts and camera_names is empty, expected two cameras or more; name '
                'them, or set poses to odometry or none'
            )
        self._scenes = SceneMaker(
            int(values['window']),
            Spacing(
                float(values['keyframe_seconds']),
                float(values['keyframe_distance']),
                float(values['keyframe_angle']),
            ),
            int(values['path_length']),
        )
        transport = values['image_transport']
        if not self._names:
            self._group = None
            return [self.eye('', transport, lambda shot: self.submit((shot,)))]
        self._group = group = GroupSynchroniser[Shot](
            len(self._names),
            float(values['approximate_sync_tolerance_seconds']),
            int(values['queue_size']),
            self.submit,
        )

        def add(index: int, shot: Shot) -> None:
            group.add(index, shot.stamp, shot)

        image = str(values['image_name'])
        return [
            self.eye(f'{name}/', transport, partial(add, index), image)
            for index, name in enumerate(self._names)
        ]

    def listen_beside(self, wanted: bool, model: DepthModel | None) -> None:
        self._odometry.listen(wanted and self.values['poses'] == 'odometry')

    def reset_inputs(self) -> None:
        super().reset_inputs()
        self._afresh = True
        if self._group is not None:
            self._group.reset()

    def forget(self) -> None:
        self._odometry.reset()
        super().forget()

    # -- work ------------------------------------------------------------------------------

    def views_of(
        self, pipeline: Pipeline, images: Sequence[tuple[Image, Camera]], job: Job
    ) -> list[View]:
        self._world, poses = self._poses(job)
        return [
            View(image, camera, Known(pose=pose)) for (image, camera), pose in zip(images, poses)
        ]

    def compute(self, pipeline: Pipeline, views: Sequence[View], job: Job) -> DepthFrame:
        if self._afresh:
            self._afresh = False
            self._scenes.clear()
        return self._scenes(pipeline, Shown(job[0].stamp, views[0]), self._world, views[1:])

    def _poses(self, job: Job) -> tuple[str, Sequence[Matrix | None]]:
        """Return the world, and the pose of each camera in it where poses are known."""
        how = self.values['poses']
        if how == 'none':
            # Cameras fixed to each other have no path: they are in the frame of the first.
            return '' if self._names else str(self.values['world_frame']), [None] * len(job)
        parent = str(self.values['base_frame'])
        if how == 'mounts':
            return parent, [self._mount(i, shot, parent) for i, shot in enumerate(job)]
        tolerance = float(self.values['odometry_tolerance'])
        self._odometry.wait(job[0].stamp, tolerance)
        body = self._odometry.at(job[0].stamp, tolerance)
        parent = self._odometry.body or parent
        mounts = [self._mount(i, shot, parent) for i, shot in enumerate(job)]
        return self._odometry.world, [body @ mount for mount in mounts]

    def _mount(self, index: int, shot: Shot, parent: str) -> Matrix:
        if self._given:
            return self._given[index]
        return self._mounts.pose(shot.image.header.frame_id, parent, 'set camera_poses')

    # -- diagnostics -----------------------------------------------------------------------

    def more_facts(self) -> dict[str, Any]:
        return {'scale_remedy': _MORE_SCALE[str(self.values['poses'])]}

    def counts(self) -> dict[str, str]:
        counts = {'scale': 'not known' if self.frames.relative else 'metres'}
        if self._group is None:
            return {'keyframes': str(len(self._scenes)), **counts}
        dropped = zip(self._names, self._group.dropped)
        return {**counts, **{f'{name} without the others': str(n) for name, n in dropped}}


class MultiViewDepth(DepthNode):
    """Publish depth of the newest image, and where the cameras are."""

    stream = MultiStream
    example = (Camera.pinhole(640, 480, 500.0),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('multi_view_depth', specs.MULTI, **kwargs)

    def make_pipelines(self, model: DepthModel) -> list[Pipeline]:
        if model.info.views:
            raise ModelError(
                f'model {quoted(model.info.name)} takes {model.info.views} view(s), expected one '
                f'of any number of views; choose a model such as {DEFAULT_VIEWS}, or another node'
            )
        return super().make_pipelines(model)


def names_of(text: str) -> list[str]:
    """Return the cameras that a text such as `front,left` names."""
    names = [name.strip().strip('/') for name in text.split(',') if name.strip()]
    if len(names) == 1 or len(set(names)) < len(names) or '' in names:
        raise DepthError(
            f'camera_names is {quoted(text)}, expected two or more different names such as '
            'front,left; leave it empty for one camera'
        )
    return names


def poses_of(text: str, count: int) -> list[Matrix]:
    """Return the pose of each camera as camera_poses states it; none where it is empty."""
    if not text.strip():
        return []
    parts = text.split(';')
    if len(parts) != count:
        raise DepthError(
            f'camera_poses holds {len(parts)} pose(s) for {count} camera(s); give x y z qx qy qz '
            'qw for each, separated by ;'
        )
    return [pose_from_text(part, f'camera_poses, number {i + 1},') for i, part in enumerate(parts)]


def main(args: list[str] | None = None) -> None:
    """Run the node."""
    run(MultiViewDepth, args)


if __name__ == '__main__':
    main()
