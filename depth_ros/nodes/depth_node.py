# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the depth nodes have in common: life cycle, parameters, the worker, diagnostics.

Callbacks only put messages into the worker's slots; the work on them is in work/, and the numbers
come from the pipeline alone. What belongs to one camera is in stream.py.
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.utilities import get_rmw_implementation_identifier

from depth_ros import libraries
from depth_ros.files.share import missing_profile
from depth_ros.models.protocol import DepthModel
from depth_ros.models.weights.catalogue import licence_words
from depth_ros.nodes.bond import Bond
from depth_ros.nodes.health import diagnostics
from depth_ros.nodes.health.reasons import Facts, Level, explain, of_camera
from depth_ros.nodes.parameters.declaration import Parameters
from depth_ros.nodes.parameters.spec import ParameterSpec
from depth_ros.nodes.stream import Stream
from depth_ros.nodes.switching import offer_switch
from depth_ros.nodes.work.frames import Job
from depth_ros.nodes.work.loading import Loaded, load, sentence_of
from depth_ros.nodes.work.processors import ProcessorWait, ThreadGovernor
from depth_ros.nodes.work.together import Together, Turn, batch_of
from depth_ros.nodes.work.worker import Worker
from depth_ros.pipeline import Pipeline
from depth_ros.threads import available
from depth_ros.types import Camera, DepthError, quoted

SUBSCRIPTION_PERIOD = 0.1  # seconds between looks for subscribers
REPORT_PERIOD = 1.0
ANSWER_WITHIN = 2.0  # seconds for a transition; lifecycle managers give up after 5
LEAVE_BEHIND = 1.0  # seconds that a frame in flight may delay the end


def _close(loaded: Loaded) -> None:
    """Unload the model, and what the pipelines hold beside it."""
    for pipeline in loaded.pipelines:
        if pipeline.adjuster is not None:
            pipeline.adjuster.close()
    loaded.model.close()


class DepthNode(LifecycleNode):
    """A lifecycle node around one model; what depends on the number of eyes is below it."""

    stream: type[Stream] = Stream  # what it makes for each camera
    example: tuple[Camera, ...] = ()
    """Cameras of an ordinary size, to warm a model with before the first image comes."""

    def __init__(self, name: str, specs: Sequence[ParameterSpec], **kwargs: Any) -> None:
        self.parameters: Parameters | None = None  # rclpy sets parameters of its own before
        super().__init__(name, **kwargs)
        self.streams: list[Stream] = []
        self._worker: Worker[Loaded, Turn] | None = None
        self._left_behind: list[Worker[Loaded, Turn]] = []
        self._active = False
        self._problem = ''  # why it could not be configured
        self._processor = ProcessorWait()
        self._waited = deque([0.0], maxlen=5)
        self._governor, self._adapts = ThreadGovernor(1), False
        self._loading = False
        self._loading_since = 0.0
        self._bond = Bond(self)
        self._reporter = diagnostics.Reporter(self)
        self.parameters = Parameters(self, specs)
        self.streams = [
            self.stream(
                self, camera, self.parameters, self._reporter, partial(self._submit, index)
            )
            for index, camera in enumerate(self.parameters.cameras)
        ]
        self._together = Together(self.streams)
        self._switches = [offer_switch(self, 'enable', self._enable)]
        self._switches += [
            offer_switch(self, f'{stream.prefix}enable', partial(self._enable, name=stream.name))
            for stream in self.streams
            if stream.name
        ]
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # works when simulated time stands still
        self.create_timer(SUBSCRIPTION_PERIOD, self._update_subscriptions, clock=steady)
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

    def make_pipelines(self, model: DepthModel) -> list[Pipeline]:
        """Return a pipeline for each camera around a model that was just loaded, warmed up."""
        pipelines = [
            Pipeline(model, stream.pipeline_options(stream.values)) for stream in self.streams
        ]
        with suppress(DepthError):  # this model may not be made for such cameras
            pipelines[0].warm_up(self.example)
        return pipelines

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
        except InterruptedError as error:  # the process is to end: nothing failed
            self._release()
            raise KeyboardInterrupt from error
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
        self._governor = ThreadGovernor(int(values['threads']) or available())
        self._adapts = not values['threads']
        for stream in self.streams:
            stream.configure()
        self._loading_since = time.monotonic()
        self._worker = worker = Worker[Loaded, Turn](
            open=lambda: load(
                int(values['threads']),
                str(values['model']),
                str(values['fallback']),
                parameters.model_options,
                parameters.fallback_options,
                self.make_pipelines,
            ),
            work=lambda loaded, turns: self._together(
                loaded, turns, lambda: self._active and not worker.stopping
            ),
            close=_close,
            failed=self.streams[0].failed,
            most=lambda loaded: batch_of(loaded.model.info, int(values.get('max_batch', 1))),
        )
        worker.start()
        self._loading = True
        if worker.opened(ANSWER_WITHIN, self.context.ok):
            self._loaded()
        else:
            # Under the key of the report, which would warn of the same a moment later.
            self._reporter.log(
                Level.OK,
                f'model {quoted(values["model"])} is still being loaded; depth follows once it is',
                'loading',
            )

    def _loaded(self) -> None:
        self._loading = False
        loaded = self._loaded_now
        if loaded is None:
            return
        self.get_logger().info(
            'model {model} ({kind}) on {device}'.format(**loaded.facts)
            + f', loaded in {time.monotonic() - self._loading_since:.1f} s'
        )
        info = loaded.model.info
        if info.parameters:
            self.get_logger().info(licence_words(info))
        if info.caution:
            self.get_logger().warning(info.caution)

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
            self._update_subscriptions()
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
        for stream in self.streams:
            stream.pause()
        if self._worker is not None:
            self._worker.clear()

    def _release(self) -> None:
        self._pause()
        for stream in self.streams:
            stream.inputs = []
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
    def _loaded_now(self) -> Loaded | None:
        return self._worker.resource if self._worker is not None else None

    # -- work ------------------------------------------------------------------------------

    def _submit(self, index: int, job: Job) -> bool:
        """Offer a job of a camera to the worker; return True if an older one was dropped."""
        if self._worker is None or not self._active:
            return False
        return self._worker.submit((index, job), self.streams[index].name)

    def _enable(self, on: bool, name: str | None = None) -> None:
        """Turn the work for one camera, or for all, on or off."""
        for stream in self.streams:
            if name in (None, stream.name):
                stream.enabled = on
                if not on and self._worker is not None:
                    self._worker.clear(stream.name)
        self._update_subscriptions()

    def forget(self) -> None:
        """Forget what was carried from frame to frame: the clock jumped."""
        self.get_logger().info('the clock jumped: starting afresh')
        for stream in self.streams:
            stream.forget()
        if self._worker is not None:
            self._worker.clear()

    def _update_subscriptions(self) -> None:
        """Subscribe to the inputs of each camera whose outputs have subscribers."""
        self._follow_loading()
        loaded = self._loaded_now
        for stream in self.streams:
            stream.update_subscriptions(self._active, None if loaded is None else loaded.model)

    # -- diagnostics -----------------------------------------------------------------------

    def _report(self) -> None:
        now = time.monotonic()
        waiting = self._processor.share(now)
        self._waited.append(waiting or 0.0)
        if self._adapts and self._active:
            self._together.threads = self._governor.update(now, waiting)
        loaded = self._loaded_now
        common = Facts(
            node=self.get_fully_qualified_name(),
            state=self._state_machine.current_state[1],
            problem=self._problem,
            fallback=loaded.fallback if loaded is not None else '',
            loading=now - self._loading_since if self._loading else 0.0,
            profile_variable=missing_profile(get_rmw_implementation_identifier()),
            waiting=min(self._waited),  # one second of it is no reason for a warning
            computing=sum(s.frames.seconds for s in self.streams if s.outputs.consumers()),
            no_clock=bool(self.get_parameter('use_sim_time').value)
            and self.get_clock().now().nanoseconds == 0,
        )
        details = dict(loaded.facts) if loaded is not None else {}
        statuses = []
        for stream in self.streams:
            snapshot = stream.health.snapshot(now)
            facts = stream.facts(now, snapshot, common)
            values = diagnostics.figures(snapshot, facts, details) | stream.counts()
            reasons = [of_camera(reason, stream.name) for reason in explain(facts)]
            statuses.append(diagnostics.Status(stream.name, reasons, values))
        self._reporter.report(statuses, details.get('model', ''))

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
        except Exception as error:  # rclpy would let any of them end the node
            why = sentence_of(error, 'the parameters cannot be checked')
            self._reporter.log(Level.ERROR, why)
            return SetParametersResult(successful=False, reason=why)
        result = super().set_parameters_atomically(parameter_list)
        if result.successful:
            self.parameters.accepted(parameter.name for parameter in parameter_list)
            loaded = self._loaded_now
            for index, stream in enumerate(self.streams):
                pipeline = None if loaded is None else loaded.pipelines[index]
                stream.change(self.parameters.values_of(stream.name, values), pipeline)
        return result
