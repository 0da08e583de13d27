# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the depth nodes have in common: life cycle, parameters, consumers, diagnostics.

Callbacks only put messages into the worker's slot; the work on them is in frames.py, and the
numbers come from the pipeline alone.
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from depth_ros import libraries
from depth_ros.models.protocol import DepthModel
from depth_ros.nodes.bond import Bond
from depth_ros.nodes.health import diagnostics
from depth_ros.nodes.health.health import Health
from depth_ros.nodes.health.reasons import Facts, Level, explain
from depth_ros.nodes.health.topic import HealthTopic
from depth_ros.nodes.input.camera import CameraInput
from depth_ros.nodes.output.output import outputs_of
from depth_ros.nodes.parameters.declaration import Parameters
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.nodes.parameters.specs import pipeline_options
from depth_ros.nodes.publishing import Outputs, Settings
from depth_ros.nodes.work.frames import Frames, Job
from depth_ros.nodes.work.loading import Loaded, load, sentence_of
from depth_ros.nodes.work.processors import ProcessorWait, ThreadGovernor
from depth_ros.nodes.work.worker import Worker
from depth_ros.pipeline import DepthFrame, Options, Pipeline
from depth_ros.shots import Shot
from depth_ros.threads import available
from depth_ros.types import Camera, DepthError, Image, View, quoted

LOOK_PERIOD = 0.1  # seconds between looks for consumers
REPORT_PERIOD = 1.0
ANSWER_WITHIN = 2.0  # seconds for a transition; lifecycle managers give up after 5
LEAVE_BEHIND = 1.0  # seconds that a frame in flight may delay the end


class DepthNode(LifecycleNode):
    """A lifecycle node around one pipeline; what depends on the number of eyes is below it."""

    def __init__(self, name: str, specs: Sequence[ParameterSpec], **kwargs: Any) -> None:
        self.parameters: Parameters | None = None  # rclpy sets parameters of its own before
        super().__init__(name, **kwargs)
        self.inputs: list[CameraInput] = []
        self._worker: Worker[Loaded, Job] | None = None
        self._left_behind: list[Worker[Loaded, Job]] = []
        self._active = False
        self._problem = ''  # why it could not be configured
        self._complaints: dict[str, None] = {}
        self._health = Health()
        self._processor = ProcessorWait()
        self._waited = deque([0.0], maxlen=5)
        self._governor, self._adapts = ThreadGovernor(1), False
        self._loading = False
        self._loading_since = 0.0
        self._bond = Bond(self)
        self._reporter = diagnostics.Reporter(self)
        self.parameters = Parameters(self, specs)
        self._outputs = Outputs(self, outputs_of(self.views), self._complain)
        self._frames = Frames(
            self.get_clock(),
            self._health,
            self._outputs,
            self.compute,
            Settings.of(self.parameters.values(), self.views),
        )
        self._freshness = HealthTopic(
            self,
            '~/health',
            self._health,
            lambda: self._active and self._outputs.consumers() > 0,
            self._limits,
        )
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # works when simulated time stands still
        self.create_timer(LOOK_PERIOD, self._look, clock=steady)
        self.create_timer(REPORT_PERIOD, self._report, clock=steady)
        self._jump = self.get_clock().create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1)),
            post_callback=lambda jump: self.forget(),
        )
        for sentence in self.parameters.unknown():
            self.get_logger().warning(sentence)
        for sentence in self.parameters.refused.values():
            self._reporter.log(Level.ERROR, sentence)
        self.get_logger().info(f'libraries: {libraries.describe()}')

    # -- what the number of eyes decides ---------------------------------------------------

    views = 1  # images that one prediction of its models takes
    example: tuple[Camera, ...] = ()
    """Cameras of an ordinary size, to warm a model with before the first image comes."""

    def make_pipeline(self, model: DepthModel, values: Mapping[str, Value]) -> Pipeline:
        """Return the pipeline around a model that was just loaded, warmed up."""
        pipeline = Pipeline(model, self.pipeline_options(values))
        with suppress(DepthError):  # this model may not be made for such cameras
            pipeline.warm_up(self.example)
        return pipeline

    def compute(
        self, pipeline: Pipeline, images: Sequence[tuple[Image, Camera]], stamp: int
    ) -> DepthFrame:
        """Call the pipeline with one (image, camera) per eye; the stamp is in nanoseconds."""
        return pipeline([View(image, camera) for image, camera in images])

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        """Return the inputs, wired to `submit`."""
        raise NotImplementedError

    def eye(self, prefix: str, transport: Value, callback: Callable[[Shot], None]) -> CameraInput:
        """Return one camera's input."""
        return CameraInput(
            self,
            prefix,
            str(transport),
            callback,
            self._complain,
            lambda: self._health.dropped('without camera_info'),
        )

    def pipeline_options(self, values: Mapping[str, Value]) -> Options:
        """
        Return what the pipeline is told.

        The camera_info beside a rectified picture is that of the raw one and still has D, so with
        `rectify: auto` it is the topic's name that says which of the two the picture is.
        """
        options = pipeline_options(values)
        if options.rectify == 'auto' and any(source.named_rectified for source in self.inputs):
            return replace(options, rectify='never')
        return options

    def reset_inputs(self) -> None:
        """Forget what waits for its partner."""
        for source in self.inputs:
            source.reset()

    def listen_beside(self, wanted: bool) -> None:
        """Subscribe to what is not a camera, or leave it."""

    def stamp_facts(self) -> dict[str, Any]:
        """Return what Facts says about the stamps of a pair."""
        return {}

    def counts(self) -> dict[str, str]:
        """Return more figures for the diagnostics."""
        return {}

    # -- life cycle ------------------------------------------------------------------------

    def autostart(self) -> None:
        """Configure and activate, where the parameter says so."""
        assert self.parameters is not None
        if not self.parameters['autostart']:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            self._configure()
        except Exception as error:
            self._fail_to_load(error)
            self._release()
            return TransitionCallbackReturn.FAILURE
        self._problem = ''
        return super().on_configure(state)

    def _configure(self) -> None:
        parameters = self.parameters
        assert parameters is not None
        for sentence in parameters.refused.values():
            raise DepthError(sentence)
        values = parameters.values()
        self._frames.settings = Settings.of(values, self.views)
        self._governor = ThreadGovernor(int(values['threads']) or available())
        self._adapts = not values['threads']
        self.inputs = self.connect(values)
        self._loading_since = time.monotonic()
        self._worker = worker = Worker[Loaded, Job](
            open=lambda: load(
                int(values['threads']),
                str(values['model']),
                str(values['fallback']),
                parameters.model_options,
                parameters.fallback_options,
                lambda model: self.make_pipeline(model, values),
            ),
            work=lambda loaded, job: self._frames.work(
                loaded, job, lambda: self._active and not worker.stopping
            ),
            close=lambda loaded: loaded.pipeline.close(),
            failed=self._failed,
        )
        worker.start()
        self._loading = True
        if worker.opened(ANSWER_WITHIN, self.context.ok):
            self._loaded()
        else:
            self.get_logger().info(
                f'model {quoted(values["model"])} is still being loaded; depth follows once it is'
            )

    def _loaded(self) -> None:
        self._loading = False
        loaded = self._worker.resource if self._worker is not None else None
        if loaded is None:
            return
        self.get_logger().info(
            'model {model} ({kind}) on {device}'.format(**loaded.facts)
            + f', loaded in {time.monotonic() - self._loading_since:.1f} s'
        )
        if caution := loaded.pipeline.model.info.caution:
            self.get_logger().warning(caution)

    def _follow_loading(self) -> None:
        """Finish a configure that has been answered while the model was being loaded."""
        if not self._loading or self._worker is None:
            return
        try:
            if self._worker.opened(0.0):
                self._loaded()
        except Exception as error:
            self._loading = False
            self._fail_to_load(error)
            if self._active:
                self.trigger_deactivate()
            self.trigger_cleanup()

    def _fail_to_load(self, error: Exception) -> None:
        self._problem = sentence_of(error, 'the model cannot be loaded')
        self._reporter.log(Level.ERROR, self._problem)
        if not isinstance(error, DepthError):
            self.get_logger().debug(''.join(traceback.format_exception(error)))

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        result = super().on_activate(state)
        self._active = True
        self._bond.start()
        try:
            self._look()
        except Exception as error:  # rclpy would go to on_error without a word
            self._problem = sentence_of(error, 'the inputs cannot be subscribed to')
            self._reporter.log(Level.ERROR, self._problem)
            self.get_logger().debug(traceback.format_exc())
            self._pause()
            return TransitionCallbackReturn.FAILURE
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._pause()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()
        super().on_error(state)
        return TransitionCallbackReturn.SUCCESS  # unconfigured: it can be tried again

    def _LifecycleNodeMixin__change_state(self, transition_id: int) -> TransitionCallbackReturn:
        """Answer a transition that is not possible; until Jazzy, rclpy ends the node for it."""
        change = LifecycleNode._LifecycleNodeMixin__change_state  # type: ignore[attr-defined]
        try:
            return change(self, transition_id)
        except Exception as error:
            if self.context.ok():
                self.get_logger().error(f'transition {transition_id} is not possible: {error}')
            return TransitionCallbackReturn.ERROR

    def _pause(self) -> None:
        self._active = False
        self._bond.stop()
        self.listen_beside(False)
        for source in self.inputs:
            source.unsubscribe()
        self.reset_inputs()
        if self._worker is not None:
            self._worker.clear()

    def _release(self) -> None:
        self._pause()
        self.inputs = []
        worker, self._worker = self._worker, None
        if worker is not None and not worker.stop(LEAVE_BEHIND):
            self._left_behind.append(worker)
            if self.context.ok():
                what = 'a model is still being loaded' if self._loading else 'inference is running'
                self.get_logger().warning(f'{what}; it is not waited for')
        self._loading = False

    def close(self) -> bool:
        """End; return False where a thread had to be left behind."""
        self._release()
        self._left_behind = [w for w in self._left_behind if not w.stop(0.0)]
        return not self._left_behind

    @property
    def model(self) -> DepthModel | None:
        """The model that is loaded."""
        loaded = self._worker.resource if self._worker is not None else None
        return None if loaded is None else loaded.pipeline.model

    # -- work ------------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Offer what arrived to the worker; called by subscriptions and synchronisers."""
        if self._worker is not None and self._active and self._worker.submit(job):
            self._health.dropped('a newer one came')

    def _failed(self, error: Exception) -> None:
        if not self.context.ok():
            return  # the end came between the work and its publication
        sentence = sentence_of(error, 'the frame could not be worked on')
        self._health.failed(sentence)
        self._reporter.log(Level.ERROR, sentence)
        if not isinstance(error, DepthError):
            self.get_logger().debug(''.join(traceback.format_exception(error)))

    def forget(self) -> None:
        """Forget what was carried from frame to frame: the clock jumped."""
        self.get_logger().info('the clock jumped: starting afresh')
        self._frames.forget()
        self.reset_inputs()
        if self._worker is not None:
            self._worker.clear()

    def _look(self) -> None:
        """Subscribe to the inputs while the outputs have subscribers."""
        self._follow_loading()
        wanted = self._active and self._outputs.consumers() > 0
        self.listen_beside(wanted)
        for source in self.inputs:
            if wanted and not source.subscribed:
                source.subscribe()
            elif not wanted and source.subscribed:
                source.unsubscribe()
                self.reset_inputs()
            elif wanted:
                source.follow()
            source.flush()

    # -- diagnostics -----------------------------------------------------------------------

    def _complain(self, sentence: str) -> None:
        """Say this in every report from now on."""
        self._complaints[sentence] = None

    def _limits(self) -> tuple[float, float]:
        parameters = self.parameters
        assert parameters is not None
        return float(parameters['source_timeout']), float(parameters['min_rate'])

    def _report(self) -> None:
        now = time.monotonic()
        snapshot = self._health.snapshot(now)
        waiting = self._processor.share(now)
        self._waited.append(waiting or 0.0)
        if self._adapts and self._active:
            self._frames.threads = self._governor.update(now, waiting)
        loaded = self._worker.resource if self._worker is not None else None
        facts = Facts(
            state=self._state_machine.current_state[1],
            problem=self._problem,
            fallback=loaded.fallback if loaded is not None else '',
            loading=now - self._loading_since if self._loading else 0.0,
            consumers=self._outputs.consumers(),
            eyes=[source.facts(now) for source in self.inputs],
            profile_variable=diagnostics.missing_profile(),
            failure=snapshot.last_failure,
            warnings={**{text: text for text in self._complaints}, **snapshot.warnings},
            age=self._frames.age,
            max_age=self._frames.settings.max_age,
            too_old=self._frames.take_too_old(),
            relative=self._frames.relative,
            no_baseline=self._frames.no_baseline,
            waiting=min(self._waited),  # one second of it is no reason for a warning
            computing=self._frames.seconds,
            fresh=self._freshness.reason(),
            no_clock=bool(self.get_parameter('use_sim_time').value)
            and self.get_clock().now().nanoseconds == 0,
            **self.stamp_facts(),
        )
        details = dict(loaded.facts) if loaded is not None else {}
        values = diagnostics.figures(snapshot, facts, details) | self.counts()
        self._reporter.report(explain(facts), values, details.get('model', ''))

    # -- parameters ------------------------------------------------------------------------

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """Check with our own sentences before rclpy checks with its own."""
        if self.parameters is None:
            return super().set_parameters_atomically(parameter_list)
        try:
            parameter_list, values = self.parameters.check(
                parameter_list, configured=self._worker is not None
            )
        except DepthError as error:
            self._reporter.log(Level.ERROR, str(error))
            return SetParametersResult(successful=False, reason=str(error))
        result = super().set_parameters_atomically(parameter_list)
        if result.successful:
            self.parameters.accepted(parameter.name for parameter in parameter_list)
            self._frames.settings = Settings.of(values, self.views)
            loaded = self._worker.resource if self._worker is not None else None
            if loaded is not None:
                loaded.pipeline.options = self.pipeline_options(values)
        return result
