# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `mono_depth`: one camera, any model of one view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from depth_ros.models.base import DepthModel
from depth_ros.nodes import outputs, parameters
from depth_ros.nodes.depth_node import DepthNode
from depth_ros.nodes.inputs import CameraInput
from depth_ros.nodes.loading import Pipeline
from depth_ros.nodes.parameters import Value
from depth_ros.nodes.process import run
from depth_ros.nodes.prompt import PromptInput
from depth_ros.pipeline import DepthFrame, MonoPipeline
from depth_ros.types import Camera, DepthError


class MonoDepth(DepthNode):
    """Subscribe to `image` and `camera_info`; publish depth."""

    def __init__(self, **kwargs: Any) -> None:
        self._prompt: PromptInput | None = None
        super().__init__('mono_depth', parameters.MONO, outputs.MONO, **kwargs)
        self._prompt = PromptInput(self, self._complain)

    def make_pipeline(self, model: DepthModel, values: Mapping[str, Value]) -> Pipeline:
        pipeline = MonoPipeline(model, self.pipeline_options(values))
        with suppress(DepthError):  # this model may not be made for such a camera
            pipeline.warm_up(Camera.pinhole(640, 480, 500.0))
        return pipeline

    def compute(self, pipeline: MonoPipeline, pictures: Sequence[Any], stamp: int) -> DepthFrame:
        image, camera = pictures[0]
        if not takes_prompt(pipeline.model) or self._prompt is None:
            return pipeline(image, camera)
        assert self.parameters is not None
        tolerance = float(self.parameters['prompt_tolerance'])
        return pipeline(image, camera, self._prompt.nearest(stamp, tolerance))

    def listen_beside(self, wanted: bool) -> None:
        model = self.model
        if self._prompt is not None:
            self._prompt.listen(wanted and model is not None and takes_prompt(model))

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        return [self.eye('', values['image_transport'], lambda shot: self.submit((shot,)))]


def takes_prompt(model: DepthModel) -> bool:
    """Return whether a model wants a depth image beside the picture."""
    return bool(model.info.details.get('prompt'))


def main(args: list[str] | None = None) -> None:
    """Run the node."""
    run(MonoDepth, args)


if __name__ == '__main__':
    main()
