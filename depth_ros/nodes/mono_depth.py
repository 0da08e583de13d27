# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `mono_depth`: one camera or several, any model of one view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from depth_ros.models.protocol import DepthModel
from depth_ros.nodes.depth_node import DepthNode
from depth_ros.nodes.input.camera import CameraInput
from depth_ros.nodes.input.measured import PromptInput
from depth_ros.nodes.parameters import specs
from depth_ros.nodes.parameters.spec import Value
from depth_ros.nodes.process import run
from depth_ros.nodes.stream import Stream
from depth_ros.nodes.work.frames import Job
from depth_ros.pipeline import Pipeline
from depth_ros.types import Camera, Ground, Image, Known, View


class MonoStream(Stream):
    """Subscribe to `image` and `camera_info`, and to `prompt` for models that take one."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._prompt = PromptInput(self.node, self.complain, self.prefix)

    @property
    def _own_ground(self) -> Ground | None:
        """The ground below a camera that has a mount of its own; the model has that of all."""
        if f'{self.name}.mount_height' not in self.values:
            return None
        angles = (float(self.values[f'mount_{name}']) for name in ('pitch', 'roll'))
        height = float(self.values['mount_height'])
        return Ground.below_mount(height, *angles) if height else None

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        return [self.eye('', values['image_transport'], lambda shot: self.submit((shot,)))]

    def views_of(
        self, pipeline: Pipeline, images: Sequence[tuple[Image, Camera]], job: Job
    ) -> list[View]:
        depth = None
        if pipeline.model.info.takes_depth:
            depth = self._prompt.nearest(job[0].stamp, float(self.values['prompt_tolerance']))
        known = Known(ground=self._own_ground, depth=depth)
        return [View(image, camera, known) for image, camera in images]

    def listen_beside(self, wanted: bool, model: DepthModel | None) -> None:
        self._prompt.listen(
            wanted and model is not None and model.info.takes_depth,
            str(self.values['prompt_transport']),
        )


class MonoDepth(DepthNode):
    """Publish depth of each camera."""

    stream = MonoStream
    example = (Camera.pinhole(640, 480, 500.0),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('mono_depth', specs.MONO, **kwargs)


def main(args: list[str] | None = None) -> None:
    """Run the node."""
    run(MonoDepth, args)


if __name__ == '__main__':
    main()
