# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The scale of one camera's predictions over time, from what its sources measure.

    scaler = Scaler({'cloud': CloudSource()})
    state = scaler.step(prediction, stamp, {'cloud': [Reading(stamp, lambda: cloud)]})
    metric = state.apply(prediction)

Readings belong to the prediction that is nearest in time; a reading that comes late belongs to a
prediction that is remembered. The smallest covariance wins, and a filter keeps the scale steady.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from depth_ros.metric.filter import FilterOptions, ScaleEstimate, ScaleFilter
from depth_ros.metric.fit import Fit, FitError, apply_to
from depth_ros.metric.source import Source, fit_source
from depth_ros.types import DepthError, DepthKind, Prediction

NO_SCALE = 'no scale is known'


@dataclass(frozen=True)
class ScalerOptions:
    """How readings find their prediction, and which scale is good enough."""

    tolerance: float = 0.05  # seconds between a reading and the prediction it belongs to
    max_uncertainty: float = 0.3  # relative, of the depth that a relative prediction becomes
    remembered: int = 8  # predictions that late readings may belong to
    filter: FilterOptions = field(default_factory=FilterOptions)

    def __post_init__(self) -> None:
        for name in ('tolerance', 'max_uncertainty'):
            if not getattr(self, name) >= 0:
                raise DepthError(f'{name} is {getattr(self, name):g}, expected 0 or more')


class Reading(NamedTuple):
    """What a sensor measured at a time in seconds; `make` returns it as its source takes it."""

    stamp: float
    make: Callable[[], Any]


@dataclass(frozen=True, eq=False)
class ScaleState:
    """
    What is known about the scale at one frame.

    :param estimate: None where no scale may be used. :param inliers: points that agreed in the
    last fit, of `points`. :param problem: why there is no scale, or why the last fit failed.
    """

    estimate: ScaleEstimate | None = None
    inliers: int = 0
    points: int = 0
    problem: str = ''
    fresh: bool = True  # the estimate is younger than its greatest age

    def apply(self, prediction: Prediction) -> Prediction | None:
        """Return the prediction in metres; None where it stays relative."""
        if self.estimate is not None:
            return apply_to(self.estimate.fit, prediction)
        return prediction if prediction.is_metric else None


class _Found(NamedTuple):
    """A fit, the time of its prediction, and the source that it came from."""

    fit: Fit
    stamp: float
    source: str


class _Past(NamedTuple):
    stamp: float
    prediction: Prediction


class Scaler:
    """
    Fits the predictions of one camera to the readings of its sources.

    A source in `every` takes each of its readings, in the order of their stamps; of the others
    the newest is enough.
    """

    def __init__(
        self,
        sources: Mapping[str, Source[Any]],
        options: ScalerOptions | None = None,
        every: Sequence[str] = (),
    ) -> None:
        self.sources = dict(sources)
        self.options = options or ScalerOptions()
        self._every = frozenset(every)
        self.filter = ScaleFilter(self.options.filter)
        self.forget()

    def forget(self) -> None:
        """Start afresh: time jumped."""
        self.filter.reset()
        self._past: deque[_Past] = deque(maxlen=max(self.options.remembered, 1))
        self._used: dict[str, float] = {}
        self._problems: dict[str, str] = {}  # of each source's last reading
        self._apart: dict[str, str] = {}  # of sources whose readings find no prediction
        self._last: ScaleEstimate | None = None
        self._counts = (0, 0)
        for source in self.sources.values():
            reset = getattr(source, 'reset', None)
            if reset is not None:
                reset()

    def step(
        self,
        prediction: Prediction,
        stamp: float,
        readings: Mapping[str, Sequence[Reading] | DepthError],
    ) -> ScaleState:
        """
        Return the scale at a new frame, with the readings that are known by now.

        A DepthError in place of the readings of a source says why there are none.
        """
        if self._past and prediction.kind is not self._past[-1].prediction.kind:
            self.forget()
        self._past.append(_Past(stamp, prediction))
        found: list[_Found] = []
        for name, source in self.sources.items():
            given = readings.get(name, ())
            if isinstance(given, DepthError):
                self._problems[name] = str(given)
                continue
            found += self._fits(name, source, given)
        self._take(found)
        return self._state(prediction, stamp)

    def _fits(self, name: str, source: Source[Any], readings: Sequence[Reading]) -> list[_Found]:
        """Return at most one fit: of the newest new reading that has a prediction."""
        last = self._used.get(name)
        fresh = sorted((r for r in readings if last is None or r.stamp > last), key=_stamp_of)
        pairs = [(r, past) for r in fresh if (past := self._nearest(r.stamp)) is not None]
        if not pairs:
            if fresh:
                self._apart[name] = self._too_far(fresh)
            return []
        self._apart.pop(name, None)
        found: list[_Found] = []
        for reading, past in pairs if name in self._every else pairs[-1:]:
            self._used[name] = reading.stamp
            try:
                fit = fit_source(source, reading.make(), past.prediction)
            except DepthError as error:
                self._problems[name] = str(error)
                continue
            self._problems.pop(name, None)
            found = [_Found(fit, past.stamp, name)]
        return found

    def _nearest(self, stamp: float) -> _Past | None:
        past = min(self._past, key=lambda p: abs(p.stamp - stamp))
        return past if abs(past.stamp - stamp) <= self.options.tolerance else None

    def _too_far(self, readings: Sequence[Reading]) -> str:
        apart = min(abs(r.stamp - p.stamp) for r in readings for p in self._past)
        return (
            f'the nearest reading is {apart:.3g} s from an image, the tolerance is '
            f'{self.options.tolerance:g} s; synchronise the clocks or raise scale.tolerance'
        )

    def _take(self, found: Sequence[_Found]) -> None:
        """Give the surest new fit to the filter."""
        newer = [f for f in found if self._last is None or f.stamp > self._last.stamp]
        if not newer:
            return
        best = min(newer, key=lambda f: (f.fit.scale_only, f.fit.uncertainty))
        self._counts = (best.fit.inlier_count, best.fit.inliers.size)
        self._last = self.filter.update(best.fit, best.stamp, best.source)

    def _state(self, prediction: Prediction, stamp: float) -> ScaleState:
        inliers, points = self._counts
        why = _listed(self._problems)
        try:
            estimate = self.filter.at(stamp)
        except FitError as error:
            why = _listed({**self._apart, **self._problems})
            if prediction.kind is DepthKind.METRIC and self._last is not None:
                # The error of a metric model's own scale stays: the old factor is the best guess.
                estimate = replace(self._last, age=max(stamp - self._last.stamp, 0.0))
                text = f'{error}' + (why and f' ({why})')
                return ScaleState(estimate, inliers, points, text, fresh=False)
            if self._last is not None:
                text = f'{error}' + (why and f' ({why})')
            else:
                text = f'{NO_SCALE}: {why}' if why else str(error)
            return ScaleState(None, inliers, points, text)
        limit = self.options.max_uncertainty
        relative = not prediction.is_metric
        if relative and not estimate.fit.uncertainty <= limit:
            return ScaleState(
                None,
                inliers,
                points,
                f'the scale of source {estimate.source!r} leaves depth uncertain by '
                f'{estimate.fit.uncertainty:.0%}, expected at most {limit:.0%}; add a source, or '
                'let it see things at different distances',
            )
        if self._last is not None and self._last.suspect and not why:
            why = (
                f'the last fits of source {self._last.source!r} disagree with the scale so far, '
                'which is kept until they agree with each other'
            )
        return ScaleState(estimate, inliers, points, why)


def _listed(problems: Mapping[str, str]) -> str:
    return '; '.join(f'{name}: {text}' for name, text in problems.items())


def _stamp_of(reading: Reading) -> float:
    return reading.stamp
