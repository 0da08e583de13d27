# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
One camera of a node, or one pair: its inputs, its outputs, and what is counted about it.

A node has one of them, without a name, or one for each name in `cameras`. They share the model
and the worker, and nothing else.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rclpy.lifecycle import LifecycleNode

from depth_ros.models.protocol import DepthModel
from depth_ros.nodes.health.diagnostics import Reporter
from depth_ros.nodes.health.health import Health, Snapshot
from depth_ros.nodes.health.reasons import Facts, Level
from depth_ros.nodes.health.topic import HealthTopic
from depth_ros.nodes.input.camera import CameraInput
from depth_ros.nodes.output.output import outputs_of
from depth_ros.nodes.parameters.declaration import Parameters
from depth_ros.nodes.parameters.spec import Value
from depth_ros.nodes.parameters.specs import pipeline_options
from depth_ros.nodes.publishing import Outputs, Settings
from depth_ros.nodes.work.frames import Frames, Job
from depth_ros.nodes.work.loading import sentence_of
from depth_ros.pipeline import DepthFrame, Options, Pipeline
from depth_ros.shots import Shot
from depth_ros.types import Camera, DepthError, Image, View


class Stream:
    """One camera (or pair); what depends on the number of eyes is below it."""

    views = 1  # images that one prediction of its models takes

    def __init__(
        self,
        node: LifecycleNode,
        name: str,
        parameters: Parameters,
        reporter: Reporter,
        submit: Callable[[Job], bool],
    ) -> None:
        self.name = name
        self.prefix = f'{name}/' if name else ''
        self.node, self.parameters = node, parameters
        self._reporter, self._submit = reporter, submit
        self.enabled = True  # as the service ~/enable says
        self.inputs: list[CameraInput] = []
        self.complaints: dict[str, None] = {}
        self.health = Health()
        self.outputs = Outputs(node, outputs_of(self.views), self.complain, self.prefix)
        self.values = parameters.values_of(name)  # as they are for this camera
        settings = Settings.of(self.values, self.views)
        self.frames = Frames(node.get_clock(), self.health, self.outputs, settings)
        self._wanted = False  # depth is to be published
        self.freshness = HealthTopic(
            node,
            f'~/{self.prefix}health',
            self.health,
            lambda: self._wanted,
            lambda: (float(self.values['source_timeout']), float(self.values['min_rate'])),
        )

    # -- what the number of eyes decides ---------------------------------------------------

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        """Return the inputs, wired to `submit`."""
        raise NotImplementedError

    def views_of(
        self, pipeline: Pipeline, images: Sequence[tuple[Image, Camera]], job: Job
    ) -> list[View]:
        """Return what the model is to see, of one (image, camera) for each message of the job."""
        return [View(image, camera) for image, camera in images]

    def compute(self, pipeline: Pipeline, views: Sequence[View], job: Job) -> DepthFrame:
        """Return the frame of these views, where they do not share a forward pass with others."""
        return pipeline(views)

    def look_at(self, frame: DepthFrame, images: Sequence[tuple[Image, Camera]]) -> None:
        """Look at a frame before it is published; for warnings."""

    def listen_beside(self, wanted: bool, model: DepthModel | None) -> None:
        """Subscribe to what is not a camera, or leave it."""

    def reset_inputs(self) -> None:
        """Forget what waits for its partner."""
        for source in self.inputs:
            source.reset()

    def more_facts(self) -> dict[str, Any]:
        """Return more fields of Facts."""
        return {}

    def counts(self) -> dict[str, str]:
        """Return more figures for the diagnostics."""
        return {}

    # -- for the node ----------------------------------------------------------------------

    def configure(self) -> None:
        """Make the inputs, and take the parameters as they are now."""
        self.change(self.parameters.values_of(self.name))
        self.inputs = self.connect(self.values)

    def change(self, values: Mapping[str, Value], pipeline: Pipeline | None = None) -> None:
        """Take parameters that were changed."""
        self.values = dict(values)
        self.frames.settings = Settings.of(values, self.views)
        if pipeline is not None:
            pipeline.options = self.pipeline_options(values)

    def pipeline_options(self, values: Mapping[str, Value]) -> Options:
        """
        Return what the pipeline gets.

        The camera_info beside a rectified image is that of the raw one and still has D, so with
        `rectify: auto` it is the topic's name that says which of the two the image is.
        """
        options = pipeline_options(values)
        if options.rectify == 'auto' and any(source.named_rectified for source in self.inputs):
            return replace(options, rectify='never')
        return options

    def eye(
        self,
        prefix: str,
        transport: Value,
        callback: Callable[[Shot], None],
        image: str = 'image',
    ) -> CameraInput:
        """Return one camera's input; its topics are <prefix><image> and <prefix>camera_info."""
        return CameraInput(
            self.node,
            self.prefix + prefix,
            str(transport),
            callback,
            self.complain,
            lambda: self.health.dropped('without camera_info'),
            image,
        )

    def submit(self, job: Job) -> None:
        """Offer what arrived to the worker; called by subscriptions and synchronisers."""
        if self._submit(job):
            self.health.dropped('a newer one came')

    def update_subscriptions(self, active: bool, model: DepthModel | None) -> None:
        """Subscribe to the inputs while the outputs have subscribers."""
        wanted = active and self.enabled and self.outputs.consumers() > 0
        self._wanted = wanted
        self.listen_beside(wanted, model)
        for source in self.inputs:
            if wanted and not source.subscribed:
                source.subscribe()
            elif not wanted and source.subscribed:
                source.unsubscribe()
                self.reset_inputs()
            elif wanted:
                source.follow()
            source.flush()

    def pause(self) -> None:
        """Leave the inputs."""
        self._wanted = False
        self.listen_beside(False, None)
        for source in self.inputs:
            source.unsubscribe()
        self.reset_inputs()

    def forget(self) -> None:
        """Start afresh: time jumped."""
        self.frames.forget()
        self.reset_inputs()

    def facts(self, now: float, snapshot: Snapshot, common: Facts) -> Facts:
        """Return what decides what is said about this camera; `common` is that of the node."""
        return replace(
            common,
            enabled=self.enabled,
            consumers=self.outputs.consumers(),
            eyes=[source.facts(now) for source in self.inputs],
            failure=snapshot.last_failure,
            warnings={**{text: text for text in self.complaints}, **snapshot.warnings},
            age=self.frames.age,
            max_age=self.frames.settings.max_age,
            too_old=self.frames.take_too_old(),
            relative=self.frames.relative,
            fresh=self.freshness.reason(),
            scale=self.frames.scale,
            no_baseline=self.frames.no_baseline,
            **self.more_facts(),
        )

    # -- what is wrong ---------------------------------------------------------------------

    def complain(self, sentence: str) -> None:
        """Put this into every report from now on."""
        self.complaints[sentence] = None

    def failed(self, error: Exception) -> None:
        """Report a frame that could not be worked on."""
        if not self.node.context.ok():
            return  # the end came between the work and its publication
        sentence = sentence_of(error, 'the frame could not be worked on')
        self.health.failed(sentence, time.monotonic())
        self._reporter.log(Level.ERROR, f'{self.name}: {sentence}' if self.name else sentence)
        if not isinstance(error, DepthError):
            self.node.get_logger().debug(''.join(traceback.format_exception(error)))
