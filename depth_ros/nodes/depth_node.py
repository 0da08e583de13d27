# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the depth nodes have in common: life cycle, scheduling, parameters, diagnostics.

Callbacks only put messages into the worker's slot; everything else happens in its thread. The
numbers come from the pipeline alone.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, JumpThreshold
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from depth_ros import libraries
from depth_ros.messages.cloud import CloudBuilder
from depth_ros.models.base import DepthModel
from depth_ros.models.registry import create_model
from depth_ros.nodes import diagnostics
from depth_ros.nodes.declaration import Parameters
from depth_ros.nodes.health import Health
from depth_ros.nodes.inputs import CameraInput, Resolver, Shot
from depth_ros.nodes.outputs import Output, Outputs, Settings
from depth_ros.nodes.parameters import ParameterSpec, Value, cloud_options, pipeline_options
from depth_ros.nodes.reasons import Facts, Level, explain
from depth_ros.nodes.worker import Worker
from depth_ros.pipeline import DepthFrame, MonoPipeline, StereoPipeline
from depth_ros.types import DepthError

LOOK_PERIOD = 0.2  # seconds between looks for consumers
REPORT_PERIOD = 1.0
LEAVE_BEHIND = 1.0  # seconds that a frame in flight may delay the end
NS = 1e-9

Pipeline = MonoPipeline | StereoPipeline
Job = tuple[Shot, ...]  # one picture per eye, the one that stamps the result first


class DepthNode(LifecycleNode):
    """A lifecycle node around one pipeline."""

    views = 1
    prefixes: Sequence[str] = ('',)

    def __init__(
        self, name: str, specs: Sequence[ParameterSpec], outputs: Sequence[Output], **kwargs: Any
    ) -> None:
        self.parameters: Parameters | None = None
        super().__init__(name, **kwargs)
        self.health = Health()
        self.reporter = diagnostics.Reporter(self)
        self.parameters = Parameters(self, specs)
        self._complaints: dict[str, None] = {}
        self.outputs = Outputs(self, outputs, self.complain)
        self.inputs: list[CameraInput] = []
        self._worker: Worker[Pipeline, Job] | None = None
        self._left_behind: list[Worker[Pipeline, Job]] = []
        self._resolvers = [Resolver() for _ in self.prefixes]
        self._settings = self._make_settings(self.parameters.values())
        self._active = False
        self._problem = ''
        self._fallback = ''
        self._relative = False
        self._reset_wanted = False
        self._last_stamp = 0
        self._last_age = float('nan')
        self._too_old = 0
        self._device: dict[str, str] = {}
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # works when simulated time stands still
        self.create_timer(LOOK_PERIOD, self._look, clock=steady)
        self.create_timer(REPORT_PERIOD, self._report, clock=steady)
        self._jump = self.get_clock().create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1)),
            post_callback=lambda jump: self.forget('the clock jumped back'),
        )
        for sentence in self.parameters.unknown():
            self.get_logger().warning(sentence)
        for sentence in self.parameters.refused.values():
            self.reporter.log_now(Level.ERROR, sentence)
        self.get_logger().info(f'libraries: {libraries.describe()}')

    # -- what an eye count decides ---------------------------------------------------------

    def make_pipeline(self, model: DepthModel, values: Mapping[str, Value]) -> Pipeline:
        raise NotImplementedError

    def compute(self, pipeline: Any, pictures: Sequence[Any]) -> DepthFrame:
        raise NotImplementedError

    def connect(self, values: Mapping[str, Value]) -> list[CameraInput]:
        """Return the inputs, wired to `submit`."""
        raise NotImplementedError

    def reset_inputs(self) -> None:
        for source in self.inputs:
            source.reset()

    def stamp_facts(self) -> dict[str, Any]:
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
        assert self.parameters is not None
        try:
            for sentence in self.parameters.refused.values():
                raise DepthError(sentence)
            values = self.parameters.values()
            self._settings = self._make_settings(values)
            self.inputs = self.connect(values)
            worker: Worker[Pipeline, Job] = Worker(
                lambda: self._open(values), self._work, lambda p: p.close(), self._escaped
            )
            self._worker = worker
            worker.start(self.context.ok)
        except Exception as error:
            self._problem = _sentence(error, 'the model cannot be loaded')
            self.reporter.log_now(Level.ERROR, self._problem)
            if not isinstance(error, DepthError):
                self.get_logger().debug(traceback.format_exc())
            self._release()
            return TransitionCallbackReturn.FAILURE
        self._problem = ''
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        result = super().on_activate(state)
        self._active = True
        self._look()
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

    def _pause(self) -> None:
        self._active = False
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
            self.get_logger().warning('a frame is still being worked on; it is left behind')
        self._fallback, self._device, self._relative = '', {}, False

    def close(self) -> bool:
        """End; return False where a thread had to be left behind."""
        self._release()
        self._left_behind = [w for w in self._left_behind if not w.stop(0.0)]
        return not self._left_behind

    # -- the worker's thread ---------------------------------------------------------------

    def _open(self, values: Mapping[str, Value]) -> Pipeline:
        assert self.parameters is not None
        name, fallback = str(values['model']), str(values['fallback'])
        try:
            return self._load(name, values)
        except Exception as error:
            if not fallback:
                raise
            why = _sentence(error, f'model {name!r} cannot be loaded')
        pipeline = self._load(fallback, values)
        self._fallback = f'{fallback!r} is used instead of {name!r}: {why}'
        return pipeline

    def _load(self, name: str, values: Mapping[str, Value]) -> Pipeline:
        assert self.parameters is not None
        start = time.perf_counter()
        model = create_model(name, self.parameters.options_for(name))
        pipeline = self.make_pipeline(model, values)
        info = model.info
        self._device = {'model': info.name, 'kind': info.kind.value, 'device': info.device}
        self._device |= {key: str(value) for key, value in info.details.items()}
        seconds = time.perf_counter() - start
        self.get_logger().info(
            f'model {info.name} ({info.kind.value}) on {info.device}, loaded in {seconds:.1f} s'
        )
        return pipeline

    def submit(self, job: Job) -> None:
        """Offer what arrived to the worker; called by subscriptions and synchronisers."""
        if self._worker is not None and self._active and self._worker.submit(job):
            self.health.dropped('a newer one came')

    def _work(self, pipeline: Pipeline, job: Job) -> None:
        settings, header = self._settings, job[0].image.header
        stamp = job[0].stamp
        topics = self.outputs.due(stamp, settings)
        if not topics or self._is_too_old(stamp, settings):
            return
        if 0 < stamp < self._last_stamp:
            back = (self._last_stamp - stamp) * NS
            self.health.warn(
                'backwards', f'stamps went back by {back:.3g} s; the model starts afresh'
            )
            self._reset_wanted = True
        if self._reset_wanted:
            self._reset_wanted = False
            pipeline.reset()
        self._last_stamp = stamp
        try:
            frame, timings = self._predict(pipeline, job)
            if self._worker is None or self._worker.stopping or not self._active:
                return
            self._relative = frame.depth is None
            spent, empty = self.outputs.publish(topics, frame, header, settings)
        except Exception as error:
            self._failed(error)
            return
        for topic in empty:
            self._explain_empty(topic)
        now = self.get_clock().now().nanoseconds
        if len(empty) < len(topics):
            self.health.finished(
                time.monotonic(), (now - stamp) * NS, {**timings, **frame.timings, **spent}
            )

    def _predict(self, pipeline: Pipeline, job: Job) -> tuple[DepthFrame, dict[str, float]]:
        start = time.perf_counter()
        pictures: list[Any] = []
        for resolve, shot in zip(self._resolvers, job):
            pictures.append(resolve(shot.image, shot.info))
            self._look_at_header(shot)
        converted = time.perf_counter()
        frame = self.compute(pipeline, pictures)
        done = time.perf_counter()
        return frame, {'convert': converted - start, 'pipeline': done - converted}

    def _is_too_old(self, stamp: int, settings: Settings) -> bool:
        self._last_age = (self.get_clock().now().nanoseconds - stamp) * NS if stamp else 0.0
        if settings.max_age <= 0 or self._last_age <= settings.max_age:
            return False
        self._too_old += 1
        self.health.dropped('too old')
        return True

    def _look_at_header(self, shot: Shot) -> None:
        header = shot.image.header
        if shot.stamp == 0:
            self.health.warn(
                'zero_stamp',
                'image has stamp 0, expected the time of its acquisition; set it in the driver',
            )
        if not header.frame_id:
            self.health.warn(
                'no_frame',
                'image has no frame_id, expected an optical frame; set it in the driver',
            )
        elif shot.info.header.frame_id not in ('', header.frame_id):
            self.health.warn(
                'frames',
                f'image is in frame {header.frame_id!r}, its camera_info in '
                f'{shot.info.header.frame_id!r}; the result is in that of the image',
            )

    def _explain_empty(self, topic: str) -> None:
        if topic == 'confidence':
            self.health.warn(
                'no_confidence', 'the model tells no confidence, ~/confidence stays empty'
            )

    def _failed(self, error: Exception) -> None:
        sentence = _sentence(error, 'the frame could not be worked on')
        self.health.failed(sentence)
        self.reporter.log_now(Level.ERROR, sentence)
        if not isinstance(error, DepthError):
            self.get_logger().debug(''.join(traceback.format_exception(error)))

    def _escaped(self, error: BaseException) -> None:
        self._failed(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    # -- timers and events -----------------------------------------------------------------

    def _look(self) -> None:
        """Listen while somebody listens to us."""
        wanted = self._active and self.outputs.consumers() > 0
        for source in self.inputs:
            if wanted and not source.subscribed:
                source.subscribe()
            elif not wanted and source.subscribed:
                source.unsubscribe()
                self.reset_inputs()
            source.flush()

    def forget(self, why: str) -> None:
        """Forget what was carried from frame to frame."""
        self.get_logger().info(f'{why}: starting afresh')
        self._reset_wanted = True
        self.reset_inputs()
        if self._worker is not None:
            self._worker.clear()

    def complain(self, sentence: str) -> None:
        """Say this in every report from now on."""
        self._complaints[sentence] = None

    def _report(self) -> None:
        now = time.monotonic()
        snapshot = self.health.snapshot(now)
        too_old, self._too_old = self._too_old, 0
        facts = Facts(
            state=self._state_machine.current_state[1],
            problem=self._problem,
            fallback=self._fallback,
            consumers=self.outputs.consumers(),
            eyes=[source.facts(now) for source in self.inputs],
            profile_variable=diagnostics.missing_profile(),
            failure=snapshot.last_failure,
            warnings={**{text: text for text in self._complaints}, **snapshot.warnings},
            age=self._last_age,
            max_age=self._settings.max_age,
            too_old=too_old,
            relative=self._relative,
            **self.stamp_facts(),
        )
        extra: dict[str, object] = {**self._device, 'state': facts.state}
        for eye in facts.eyes:
            label = f'{eye.name} ' if eye.name else ''
            extra[f'{label}image (Hz)'] = f'{eye.image.hertz:.2f}'
            extra[f'{label}camera_info (Hz)'] = f'{eye.info.hertz:.2f}'
        self.reporter.report(
            explain(facts), diagnostics.figures(snapshot, extra), self._device.get('model', '')
        )

    # -- parameters ------------------------------------------------------------------------

    def _make_settings(self, values: Mapping[str, Value]) -> Settings:
        return Settings(
            depth_encoding=str(values['depth_encoding']),
            cloud=CloudBuilder(**cloud_options(values)),  # type: ignore[arg-type]
            points_max_rate=float(values['points_max_rate']),
            max_age=float(values['max_age']),
        )

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
            self.reporter.log_now(Level.ERROR, str(error))
            return SetParametersResult(successful=False, reason=str(error))
        result = super().set_parameters_atomically(parameter_list)
        if not result.successful:
            return result
        names = {parameter.name for parameter in parameter_list}
        for name in names:
            self.parameters.refused.pop(name, None)
        if names & {'model', 'fallback'}:
            self.parameters.declare_model_options()
        self._settings = self._make_settings(values)
        pipeline = self._worker.resource if self._worker is not None else None
        if pipeline is not None:
            pipeline.options = pipeline_options(values)
        return result


def _sentence(error: BaseException, what: str) -> str:
    if isinstance(error, DepthError):
        return ' '.join(str(error).split())
    if isinstance(error, MemoryError) or type(error).__name__ == 'OutOfMemoryError':
        return f'{what}: out of memory; use smaller pictures or a smaller model'
    return f'{what}: {type(error).__name__}: {" ".join(str(error).split())}'
