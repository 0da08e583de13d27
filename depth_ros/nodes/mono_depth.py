# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `mono_depth`: one camera, any model of one view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from depth_ros.nodes.depth_node import DepthNode
from depth_ros.nodes.input.camera import CameraInput
from depth_ros.nodes.input.measured import PromptInput
from depth_ros.nodes.parameters import specs
from depth_ros.nodes.parameters.spec import Value
from depth_ros.nodes.process import run
from depth_ros.nodes.work.frames import Job
from depth_ros.pipeline import DepthFrame, Pipeline
from depth_ros.types import Camera, Image, Known, View


class MonoDepth(DepthNode):
    """Subscribe to `image` and `camera_info`; publish depth."""

    example = (Camera.pinhole(640, 480, 500.0),)

    def __init__(self, **kwargs: Any) -> None:
        self._prompt: PromptInput | None = None
        super().__init__('mono_depth', specs.MONO, **kwargs)
        self._prompt = PromptInput(self, self._complain)

    def compute(
        self, pipeline: Pipeline, images: Sequence[tuple[Image, Camera]], job: Job
    ) -> DepthFrame:
        if not pipeline.model.info.takes_depth or self._prompt is None:
            return super().compute(pipeline, images, job)
        assert self.parameters is not None
        tolerance = float(self.parameters['prompt_tolerance'])
        image, camera = images[0]
        known = Known(depth=self._prompt.nearest(job[0].stamp, tolerance))
        return pipeline([View(image, camera, known)])

    def listen_beside(self, wanted: bool) -> None:
        model = self.model
        if self._prompt is not None:
            assert self.parameters is not None
            self._prompt.listen(
                wanted and model is not None and model.info.takes_depth,
                str(self.parameters['prompt_transport']),
            )

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        return [self.eye('', values['image_transport'], lambda shot: self.submit((shot,)))]


def main(args: list[str] | None = None) -> None:
    """Run the node."""
    run(MonoDepth, args)


if __name__ == '__main__':
    main()
