# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Run models over the frames of a data set and gather what was measured."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from depth_ros.lab.eval.align import Fit
from depth_ros.lab.eval.boundary import boundary_f1
from depth_ros.lab.eval.frames import DataSet, Frame, Source
from depth_ros.lab.eval.ground import ground_in_truth
from depth_ros.lab.eval.measure import Measurement, measure
from depth_ros.lab.eval.metrics import DEPTH_METRICS, DISPARITY_METRICS, Metric
from depth_ros.lab.eval.protocol import Protocol
from depth_ros.lab.eval.scale import rescaled
from depth_ros.models.protocol import DepthModel, ModelInfo
from depth_ros.pipeline import Options, Pipeline
from depth_ros.types import DepthError, Known, Prediction, View, quoted

BOUNDARY = Metric(
    'boundary_f1',
    'F1edge',
    '',
    'F1 of occluding boundaries, thresholds 1.05 to 1.25',
    boundary_f1,  # type: ignore[arg-type]
    higher_is_better=True,
)
COLUMNS = (*DISPARITY_METRICS, *DEPTH_METRICS, BOUNDARY)

# Truth and image share their pixels as the files have them: nothing is undistorted here.
AS_GIVEN = Options(rectify='never', edge_threshold=0.0)


@dataclass(frozen=True)
class FrameResult:
    """One frame of one model: metrics, or the sentence that says why there are none."""

    name: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    coverage: float = math.nan
    pixels: int = 0
    seconds: float = math.nan
    alignment: str = ''
    fits: Mapping[str, Fit] = field(default_factory=dict)
    error: str = ''
    scale_before: float = math.nan  # relative error of the scale, where a source corrects it
    scale_after: float = math.nan


@dataclass
class ModelResult:
    """All frames of one model."""

    label: str
    options: Mapping[str, Any]
    info: ModelInfo | None = None
    frames: list[FrameResult] = field(default_factory=list)
    error: str = ''  # why the model could not be made

    @property
    def measured(self) -> list[FrameResult]:
        return [frame for frame in self.frames if not frame.error]

    @property
    def failed(self) -> list[FrameResult]:
        return [frame for frame in self.frames if frame.error]

    @property
    def alignments(self) -> list[str]:
        return sorted({frame.alignment for frame in self.measured})

    def mean(self, metric: str) -> float:
        """Return the mean over the frames that have the metric: every frame weighs the same."""
        values = [frame.metrics.get(metric, math.nan) for frame in self.measured]
        return _mean(values)

    def scale_error(self, when: str) -> float:
        """Return the median size of the error of scale, `before` or `after` the source."""
        errors = [abs(getattr(frame, f'scale_{when}')) for frame in self.measured]
        known = [error for error in errors if math.isfinite(error)]
        return float(np.median(known)) if known else math.nan

    @property
    def coverage(self) -> float:
        return _mean([frame.coverage for frame in self.measured])

    @property
    def milliseconds(self) -> float:
        """Median time of the model per frame."""
        seconds = [frame.seconds for frame in self.measured]
        return float(np.median(seconds) * 1e3) if seconds else math.nan


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan


Telling = Literal['nothing', 'known', 'seen']  # of the ground


@dataclass
class Report:
    """What one call of `evaluate` found."""

    data: DataSet
    protocol: Protocol
    models: list[ModelResult]
    common: bool = False  # only pixels that every model gives were judged
    ground: Telling = 'nothing'  # what the models knew of it, and in how many frames
    grounds: int = 0
    scale: str = ''  # the source that the models got their metres from

    @property
    def columns(self) -> list[Metric]:
        """Return the metrics that at least one model has."""
        return [
            column
            for column in COLUMNS
            if any(math.isfinite(model.mean(column.name)) for model in self.models)
        ]

    def groups(self) -> dict[str, Report]:
        """Return a report of the frames of each group, by name; none if all are of one."""
        group_of = self.data.group_of

        def of_group(model: ModelResult, name: str) -> ModelResult:
            frames = [frame for frame in model.frames if group_of(frame.name) == name]
            return dataclasses.replace(model, frames=frames)

        names = sorted({group_of(f.name) for model in self.models for f in model.frames})
        if len(names) < 2:
            return {}
        return {
            name: dataclasses.replace(self, models=[of_group(m, name) for m in self.models])
            for name in names
        }


@dataclass(frozen=True)
class Contestant:
    """A model to be made: `create` is called once, and may fail with a DepthError."""

    label: str
    create: Callable[[], DepthModel]
    options: Mapping[str, Any] = field(default_factory=dict)


Watcher = Callable[[int, int, Frame, Measurement], None]  # model, frame, what was seen


class Runner:
    """
    A model with the pipeline that its number of views asks for.

    :param ground: tell a model of one image where the ground is, in frames that know it.
    """

    def __init__(
        self, model: DepthModel, options: Options = AS_GIVEN, ground: bool = False
    ) -> None:
        self.model = model
        self._ground = ground
        self._pipeline = Pipeline(model, options)
        if model.info.views not in (0, 1, 2):
            raise DepthError(
                f'model {model.info.name!r} takes {model.info.views} views; '
                'eval knows models of one image or a pair'
            )
        self._warm = False

    def __call__(self, frame: Frame) -> tuple[Prediction, float]:
        """Return the prediction for a frame and the seconds that the model took for it."""
        self._pipeline.forget()  # frames of a data set are no video
        known = Known(ground=frame.ground if self._ground else None)
        views = [View(frame.image, frame.camera, known)]
        if self.model.info.views == 2:
            if frame.right is None or frame.right_camera is None:
                raise DepthError(
                    f'model {self.model.info.name!r} needs a pair, frame {frame.name} has one '
                    'image; choose a model of one image or a stereo data set'
                )
            views.append(View(frame.right, frame.right_camera))
        if not self._warm:
            self._pipeline.warm_up([view.camera for view in views])
        done = self._pipeline(views)
        self._warm = True
        return done.prediction, float(done.timings.get('model', math.nan))


def evaluate(
    data: DataSet,
    contestants: Sequence[Contestant],
    protocol: Protocol,
    limit: int | None = None,
    watch: Watcher | None = None,
    common: bool = False,
    ground: Telling = 'nothing',
    scale: str = '',
) -> Report:
    """
    Measure every model on every frame.

    A frame that cannot be read or judged costs that frame, a model that cannot be made costs that
    model; the report lists both. `watch` sees each measurement while its images exist.

    :param common: judge only pixels that every model gives, so that leaving out what is difficult
        is no advantage; coverage stays each model's own.
    :param ground: tell the models where the ground below the camera is: in frames that know it
        ('known'), or in all others as well in whose truth it is seen ('seen').
    :param scale: a source, simulated from the truth, that gives the predictions their metres.
    """
    with_ground = ground != 'nothing'
    report = Report(data, protocol, [], common, ground, scale=scale)
    runners: list[Runner | None] = []
    try:
        for contestant in contestants:
            result = ModelResult(contestant.label, contestant.options)
            report.models.append(result)
            try:
                runners.append(Runner(contestant.create(), ground=with_ground))
                result.info = runners[-1].model.info  # type: ignore[union-attr]
            except DepthError as error:
                runners.append(None)
                result.error = str(error)
        for number, source in enumerate(data.sources[:limit]):
            if ground == 'seen':
                source = dataclasses.replace(source, load=partial(_with_ground, source))
            frame, outcomes = _one_frame(source, runners, protocol, common, scale)
            if with_ground and frame is not None and frame.ground is not None:
                report.grounds += 1
            for index, outcome in outcomes.items():
                report.models[index].frames.append(outcome.result)
                if watch is not None and frame is not None and outcome.seen is not None:
                    watch(index, number, frame, outcome.seen)
    finally:
        for runner in runners:
            if runner is not None:
                runner.model.close()
    return report


def _with_ground(source: Source) -> Frame:
    frame = source.load()
    if frame.ground is not None or frame.depth is None:
        return frame
    return dataclasses.replace(frame, ground=ground_in_truth(frame.depth, frame.camera))


@dataclass
class _Outcome:
    """What one model made of one frame."""

    result: FrameResult
    prediction: Prediction | None = None
    seen: Measurement | None = None


def _one_frame(
    source: Source,
    runners: Sequence[Runner | None],
    protocol: Protocol,
    common: bool,
    scale: str = '',
) -> tuple[Frame | None, dict[int, _Outcome]]:
    """Return the frame and what each model that exists made of it."""
    present = [i for i, runner in enumerate(runners) if runner is not None]
    try:
        frame = source.load()
    except Exception as error:  # whatever a broken file can raise: the others are still measured
        failed = FrameResult(source.name, error=_sentence(error))
        return None, {i: _Outcome(failed) for i in present}
    outcomes = {}
    for i in present:
        outcomes[i] = _one_model(runners[i], frame, source.name, protocol, scale)
    if common:
        _judge_again(outcomes, frame, protocol)
    return frame, outcomes


def _one_model(
    runner: Runner | None, frame: Frame, name: str, protocol: Protocol, scale: str = ''
) -> _Outcome:
    assert runner is not None
    before = after = math.nan
    try:
        prediction, seconds = runner(frame)
        if scale:
            prediction, before, after = rescaled(prediction, frame, scale)
        seen = measure(prediction, frame, protocol)
    except Exception as error:  # whatever a model can raise
        return _Outcome(FrameResult(name, error=_sentence(error)))
    result = FrameResult(
        name,
        seen.metrics,
        seen.coverage,
        seen.pixels,
        seconds,
        seen.alignment,
        seen.fits,
        scale_before=before,
        scale_after=after,
    )
    return _Outcome(result, prediction, seen)


def _judge_again(outcomes: Mapping[int, _Outcome], frame: Frame, protocol: Protocol) -> None:
    """Replace what was measured by what it is on the pixels that all models give."""
    given = [o.seen.given for o in outcomes.values() if o.seen is not None]
    within = np.logical_and.reduce([mask for mask in given if mask is not None])
    for outcome in outcomes.values():
        if outcome.prediction is None or outcome.seen is None:
            continue
        try:
            seen = measure(outcome.prediction, frame, protocol, within)
        except DepthError:
            error = 'no pixel with truth is given by every model'
            outcome.result, outcome.seen = FrameResult(outcome.result.name, error=error), None
            continue
        outcome.seen = dataclasses.replace(seen, coverage=outcome.result.coverage)
        outcome.result = dataclasses.replace(
            outcome.result, metrics=seen.metrics, pixels=seen.pixels, fits=seen.fits
        )


def _sentence(error: Exception) -> str:
    if isinstance(error, (DepthError, OSError)) and str(error):
        return str(error)
    return f'the frame cannot be read or judged ({quoted(error, 200)}); check its files'
