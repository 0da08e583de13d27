# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Scale and shift over time: steady while they drift, and never smeared over a jump.

A Kalman filter on (scale, shift) with the covariance of each fit. A fit that changes depth by
more than noise and drift allow is a jump: the old state is held and marked as suspect until
several fits in a row agree with each other, and then replaced by the new one as a whole.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.metric.fit import Fit, FitError, relative_deviation
from depth_ros.metric.robust import inverse_symmetric
from depth_ros.types import DepthError

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FilterOptions:
    """How fast the scale may drift and what counts as a jump."""

    drift: float = 0.02  # relative, per square root of a second
    floor: float = 0.01  # relative noise of a fit beyond its covariance
    gate: float = 13.8  # squared Mahalanobis distance; 0.1 % of good fits exceed it
    jump: float = 0.06  # relative change of depth below which nothing is a jump
    confirm: int = 3  # fits in a row that agree before a jump is followed
    max_age: float = 2.0  # seconds after the last fit for which the scale holds

    def __post_init__(self) -> None:
        for name in ('drift', 'floor', 'gate', 'jump', 'max_age'):
            if not getattr(self, name) >= 0:
                raise DepthError(
                    f'{name} of the scale filter is {getattr(self, name):g}, expected 0 or more'
                )
        if self.confirm < 1:
            raise DepthError(
                f'confirm of the scale filter is {self.confirm}, expected 1 or more fits'
            )


@dataclass(frozen=True, eq=False)
class ScaleEstimate:
    """Scale and shift at a time; `fit` holds them with their covariance."""

    fit: Fit
    stamp: float  # seconds, of the last fit that was used
    age: float = 0.0  # seconds since then
    source: str = ''
    suspect: bool = False  # the latest fits disagree: the values are the old ones
    jumped: bool = False  # this estimate is the first after a jump
    fits: int = 1  # fits since the start or the last jump

    @property
    def deviation(self) -> float:
        """Return the relative standard deviation of the scale."""
        return math.sqrt(max(float(self.fit.covariance[0, 0]), 0.0)) / self.fit.scale


class ScaleFilter:
    """The scale of one camera's predictions over time."""

    def __init__(self, options: FilterOptions | None = None) -> None:
        self.options = options or FilterOptions()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._estimate: ScaleEstimate | None = None
        self._pending: list[tuple[Fit, float]] = []

    def update(self, fit: Fit, stamp: float, source: str = '') -> ScaleEstimate:
        """
        Return the estimate after one more fit; a fit that is not newer than the last is ignored.
        """
        state = self._estimate
        if not math.isfinite(stamp):
            raise DepthError(f'the stamp of a fit is {stamp}, expected seconds; check the clock')
        if state is None or fit.kind is not state.fit.kind:
            self._pending = []
            self._estimate = ScaleEstimate(fit, stamp, source=source)
            return self._estimate
        newest = self._pending[-1][1] if self._pending else state.stamp
        if stamp <= newest:
            return state
        merged = self._merged(state.fit, stamp - state.stamp, fit)
        if merged is not None:
            self._pending = []
            self._estimate = ScaleEstimate(merged, stamp, source=source, fits=state.fits + 1)
            return self._estimate
        self._wait(fit, stamp)
        if len(self._pending) >= self.options.confirm:
            return self._follow(stamp, source)
        self._estimate = dataclasses.replace(
            state, age=stamp - state.stamp, suspect=True, jumped=False
        )
        return self._estimate

    def at(self, stamp: float) -> ScaleEstimate:
        """Return the estimate for a time; FitError where there is none, or none young enough."""
        if self._estimate is None:
            raise FitError('no scale is known yet; a source must give a first fit')
        age = max(stamp - self._estimate.stamp, 0.0)
        if age > self.options.max_age:
            raise FitError(
                f'the last scale is {age:.1f} s old, expected at most {self.options.max_age:g} s; '
                f'check the source {self._estimate.source!r}'
            )
        return dataclasses.replace(self._estimate, age=age)

    def _wait(self, fit: Fit, stamp: float) -> None:
        """Remember a fit that disagrees with the state, as long as such fits agree."""
        if self._pending:
            last, before = self._pending[-1]
            merged = self._merged(last, stamp - before, fit)
            if merged is None:
                self._pending = []
            else:
                fit = merged
        self._pending.append((fit, stamp))

    def _follow(self, stamp: float, source: str) -> ScaleEstimate:
        fit, _ = self._pending[-1]
        fits = len(self._pending)
        self._pending = []
        self._estimate = ScaleEstimate(fit, stamp, source=source, jumped=True, fits=fits)
        return self._estimate

    def _merged(self, state: Fit, seconds: float, fit: Fit) -> Fit | None:
        """Return the state after a fit; None where the fit is a jump from it."""
        before = np.array([state.scale, state.shift])
        now = np.array([fit.scale, fit.shift])
        predicted = state.covariance + self._noise(state, self.options.drift**2 * seconds)
        measured = fit.covariance + self._noise(fit, self.options.floor**2)
        both = predicted + measured
        if not np.isfinite(both).all():
            return None
        step = now - before
        free = both[1, 1] > 0  # else the shift is zero by definition
        inverse = inverse_symmetric(both if free else both[:1, :1])
        if not np.isfinite(inverse).all():
            return None
        if not free:
            inverse = np.diag([float(inverse[0, 0]), 0.0])
        distance = float(step @ inverse @ step)
        if distance > self.options.gate and depth_change(state, fit) > self.options.jump:
            return None
        gain = predicted @ inverse
        after = before + gain @ step
        covariance = (np.eye(2) - gain) @ predicted
        covariance = 0.5 * (covariance + covariance.T)
        if not after[0] > 0:
            return None
        made = dataclasses.replace(
            fit, scale=float(after[0]), shift=float(after[1]), covariance=covariance
        )
        uncertainty = float(relative_deviation(made, made.span[1]))
        return dataclasses.replace(made, uncertainty=uncertainty)

    @staticmethod
    def _noise(fit: Fit, variance: float) -> Vector:
        """Return the covariance of a relative variance of slope and of the middle value."""
        middle = fit.span[1]
        at_middle = fit.scale * middle + fit.shift
        if not fit.shift and not fit.covariance[1, 1]:
            return np.diag([variance * fit.scale**2, 0.0])
        turn = np.array([[1.0, 0.0], [-middle, 1.0]])
        return turn @ np.diag([variance * fit.scale**2, variance * at_middle**2]) @ turn.T


def depth_change(one: Fit, other: Fit) -> float:
    """Return the largest relative difference of depth between two fits, over the usual values."""
    change = 0.0
    for value in other.span:
        first, second = (fit.scale * value + fit.shift for fit in (one, other))
        if first > 0 and second > 0:
            change = max(change, abs(math.log(second / first)))
        elif (first > 0) != (second > 0):
            change = math.inf
    return math.expm1(change) if change < 50 else math.inf
