# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Fit the numbers of a prediction to metres that were measured at some of its pixels.

    fit = fit_affine(values, DepthKind.AFFINE_INVERSE, rows, columns, metres)
    depth = apply_fit(fit, values)  # metres at every pixel

Each kind is fitted in the space where the model is affine:

- AFFINE_INVERSE and DISPARITY: 1 / Z = scale * value + shift;
- SCALE_INVARIANT: Z = scale * value, and + shift where `with_shift` says so;
- METRIC: Z = scale * value, fitted as log Z - log value.

A fit that the points do not support is refused with FitError.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import clip_range, is_valid
from depth_ros.metric.robust import AGREES, Problem, Solution, chance_log10, middle, solve
from depth_ros.types import DepthError, DepthKind, FloatImage, Prediction

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

INVERSE_KINDS = (DepthKind.AFFINE_INVERSE, DepthKind.DISPARITY)
COARSE = 20  # rows and columns at which the uncertainty is looked at
CELLS = 8  # points of one cell of an 8x8 grid on the image may share an error
SLOPE = 4.0  # standard deviations by which a scale must differ from 0 to be told from a shift
EDGE = 0.05  # relative step to a neighbour that halves the weight of a point
FEW = 20  # points of which none is given less weight for an edge
CHANCE = -3.0  # log10 of the fits this good that points without relation may give
PER_CELL = 2.5  # independent points in a cell
TOLERANCES = (0.7, 1.5, AGREES)  # standard deviations at which agreement is judged
LOOSE = 0.5  # chance above which agreement is no evidence, because all points are alike
ALIKE = 0.7  # share that must agree then


class FitError(DepthError):
    """The points do not support a fit; the message says why."""


@dataclass(frozen=True)
class FitOptions:
    """What a fit must pass, and what is known beforehand."""

    min_points: int = 5  # usable points, at least
    min_inliers: float = 0.5  # share of the usable points that must agree
    max_residual: float = 0.2  # relative standard deviation of the inliers, at most
    with_shift: bool | None = None  # None: as the kind needs
    known_shift: float | None = None  # fit the scale only, with this shift
    noise: float = 0.05  # relative error of a point with its prediction, for a few points alone
    shared_error: float = 0.0  # relative error that all metres share; enters the covariance
    trials: int = 64
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Fit:
    """
    How the values of one prediction become metres.

    `covariance` is that of (scale, shift). `inliers` has one entry for each point that was given.
    `residual` is the robust relative standard deviation of the inliers' depth. `scale_only`: the
    points had no spread in depth, so that the shift was assumed; the covariance knows of it.
    """

    scale: float
    shift: float
    covariance: Vector = field(default_factory=lambda: np.zeros((2, 2)))
    inliers: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    residual: float = 0.0
    kind: DepthKind = DepthKind.AFFINE_INVERSE
    scale_only: bool = False
    uncertainty: float = 0.0  # relative standard deviation of depth, the median over the image
    span: tuple[float, float, float] = (0.0, 1.0, 2.0)  # 10 %, 50 % and 90 % of the values

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0 and math.isfinite(self.shift)):
            raise FitError(
                f'scale {self.scale:g} and shift {self.shift:g} cannot make metres; '
                'expected a finite scale > 0 and a finite shift'
            )

    @property
    def inlier_count(self) -> int:
        return int(np.count_nonzero(self.inliers))


def fit_affine(
    values: FloatImage,
    kind: DepthKind,
    rows: npt.ArrayLike,
    columns: npt.ArrayLike,
    metres: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    options: FitOptions | None = None,
) -> Fit:
    """
    Return the scale and shift that bring values (H, W) to the metres measured at some pixels.

    rows and columns are pixel coordinates (the nearest pixel is read), metres is depth along the
    optical axis, weights are relative inverse variances of log metres. Points outside of the
    image, without a value or with an impossible measurement are ignored.
    """
    options = options or FitOptions()
    points = _Points.read(values, kind, rows, columns, metres, weights)
    if points.count < max(options.min_points, 1):
        raise FitError(
            f'{points.count} of {points.given} points can be used, expected at least '
            f'{max(options.min_points, 1)}: they must lie in the image, on valid values, with '
            'positive metres'
        )
    with_shift = kind in INVERSE_KINDS if options.with_shift is None else options.with_shift
    shift = options.known_shift
    if kind is DepthKind.METRIC or not with_shift:
        shift = 0.0
    if shift is None:
        solution = _solve(points, None, options)
        if solution is not None and _slope_is_clear(solution):
            _check(points, solution, options)
            shift = float(solution.theta[1])
            return _make(points, solution, shift, solution.covariance, options)
    scale_only = shift is None
    shift = shift or 0.0
    solution = _solve(points, shift, options)
    if solution is None:
        raise FitError(
            f'no positive scale brings the values of {points.count} points to their metres; '
            f'check that the prediction is {kind.value} and that the points belong to it'
        )
    _check(points, solution, options)
    covariance = np.zeros((2, 2))
    covariance[0, 0] = solution.covariance[0, 0]
    if kind is DepthKind.METRIC:  # the unknown was log scale
        covariance[0, 0] *= math.exp(2 * float(solution.theta[0]))
    elif scale_only:
        covariance = _without_shift(points, solution)
    return _make(points, solution, shift, covariance, options, scale_only)


def apply_fit(
    fit: Fit, values: FloatImage, min_depth: float = 0.0, max_depth: float = math.inf
) -> FloatImage:
    """
    Return metres (float32) for values of the fit's kind; validity is that of depth_values.

    NaN stays NaN. Inverse kinds: what is not nearer than infinity is +Inf. Others: infinities
    stay, and what is not positive is NaN.
    """
    scale, shift = np.float32(fit.scale), np.float32(fit.shift)
    values = np.asarray(values, np.float32)
    if fit.kind in INVERSE_KINDS:
        inverse = values * scale
        inverse += shift
        np.copyto(inverse, np.float32(0), where=inverse <= 0)  # also a zero with a sign
        with np.errstate(divide='ignore'):
            depth = np.divide(np.float32(1), inverse, out=inverse)
    else:
        depth = values * scale
        if fit.shift:
            depth += shift
            np.copyto(depth, np.float32(np.nan), where=~(values > 0))
    return clip_range(depth, min_depth, max_depth)


def apply_to(fit: Fit, prediction: Prediction) -> Prediction:
    """Return the metric prediction that a fit makes of one of its kind."""
    if prediction.kind is not fit.kind:
        raise DepthError(
            f'the prediction is {prediction.kind.value} but the fit is for {fit.kind.value}; '
            'fit again'
        )
    return dataclasses.replace(
        prediction, kind=DepthKind.METRIC, values=apply_fit(fit, prediction.values)
    )


def relative_deviation(fit: Fit, values: npt.ArrayLike) -> Vector:
    """Return the relative standard deviation of depth that the fit's covariance means."""
    values = np.asarray(values, np.float64)
    (ss, st), (_, tt) = fit.covariance.tolist()
    with np.errstate(divide='ignore', invalid='ignore'):
        predicted = np.abs(fit.scale * values + fit.shift)
        variance = ss * values * values + 2 * st * values + tt
        return np.sqrt(np.maximum(variance, 0)) / predicted


@dataclass(frozen=True, eq=False)
class _Points:
    """The usable points of a fit."""

    kind: DepthKind
    usable: Mask  # one for each point given
    value: Vector
    metres: Vector
    weights: Vector
    cells: Indices
    seen: Vector  # values of a coarse grid over the image

    @property
    def given(self) -> int:
        return self.usable.size

    @property
    def count(self) -> int:
        return self.value.size

    @classmethod
    def read(
        cls, values: FloatImage, kind: DepthKind, rows: npt.ArrayLike, columns: npt.ArrayLike,
        metres: npt.ArrayLike, weights: npt.ArrayLike | None,
    ) -> _Points:  # fmt: skip
        if values.ndim != 2 or values.size == 0:
            raise DepthError(
                f'values have shape {values.shape}, expected (height, width), not empty'
            )
        row, column, depth = (np.asarray(a, np.float64).ravel() for a in (rows, columns, metres))
        weight = np.ones(depth.size) if weights is None else np.asarray(weights, np.float64)
        weight = weight.ravel()
        if not row.size == column.size == depth.size == weight.size:
            raise DepthError(
                f'{row.size} rows, {column.size} columns, {depth.size} metres and {weight.size} '
                'weights were given, expected as many of each'
            )
        height, width = values.shape
        with np.errstate(invalid='ignore'):
            usable = (row > -0.5) & (row < height - 0.5) & (column > -0.5) & (column < width - 0.5)
            usable &= is_valid(depth) & (weight > 0) & np.isfinite(weight)
        at = np.flatnonzero(usable)
        r, c = np.rint(row[at]).astype(np.intp), np.rint(column[at]).astype(np.intp)
        value = values[r, c].astype(np.float64)
        good = np.isfinite(value) if kind in INVERSE_KINDS else is_valid(value)
        usable[at[~good]] = False
        at, r, c, value = at[good], r[good], c[good], value[good]
        weight = weight[at]
        if weight.size:
            weight = weight * _flatness(values, kind, r, c, value)
            weight = weight / weight.mean()
        cells = r * CELLS // height * CELLS + c * CELLS // width
        seen = values[:: max(1, height // COARSE), :: max(1, width // COARSE)].ravel()
        seen = seen[np.isfinite(seen) if kind in INVERSE_KINDS else is_valid(seen)]
        return cls(kind, usable, value, depth[at], weight, cells, seen.astype(np.float64))

    def problem(self, shift: float | None) -> Problem:
        """Return the equations; shift None: it is an unknown."""
        if self.kind is DepthKind.METRIC:
            ratio = np.log(self.metres) - np.log(self.value)
            one = np.ones((self.count, 1))
            return Problem(one, ratio, self.weights, one[:, 0], constant_noise=False)
        inverse = self.kind in INVERSE_KINDS
        target = 1 / self.metres if inverse else self.metres
        columns = [self.value] if shift is not None else [self.value, np.ones(self.count)]
        known = shift or 0.0
        size = None if inverse else target
        return Problem(np.stack(columns, axis=1), target - known, self.weights, size, known)


def _flatness(
    values: FloatImage, kind: DepthKind, row: Indices, column: Indices, value: Vector
) -> Vector:
    """
    Return a weight of each point, small where the prediction has an edge beside it.

    There a pixel's offset between the prediction and the point changes the depth.
    """
    if value.size < FEW:
        return np.ones(value.size)
    height, width = values.shape
    r = np.stack([np.maximum(row - 1, 0), np.minimum(row + 1, height - 1), row, row])
    c = np.stack([column, column, np.maximum(column - 1, 0), np.minimum(column + 1, width - 1)])
    around = np.abs(values[r, c] - value)
    spread = np.nan_to_num(around, nan=0.0, posinf=0.0).max(axis=0)
    if kind in INVERSE_KINDS:
        low, high = np.partition(value, (value.size // 20, value.size - 1 - value.size // 20))[
            [value.size // 20, value.size - 1 - value.size // 20]
        ].tolist()
        relative = spread / max(high - low, 1e-300)
    else:
        relative = spread / value
    return 1 / (1 + (relative / EDGE) ** 2)


def _solve(points: _Points, shift: float | None, options: FitOptions) -> Solution | None:
    positive = points.kind is not DepthKind.METRIC
    problem = points.problem(shift)
    return solve(problem, points.cells, options.trials, options.seed, positive, options.noise)


def _slope_is_clear(solution: Solution) -> bool:
    variance = float(solution.covariance[0, 0])
    return math.isfinite(variance) and solution.theta[0] > SLOPE * math.sqrt(variance)


def _without_shift(points: _Points, solution: Solution) -> Vector:
    """
    Return the covariance of (scale, shift) where points at one depth leave the shift open.

    The shift may be as large as the inverse depth itself; scale and shift move together so that
    the depth of the points stays.
    """
    at = max(abs(middle(points.value[solution.inliers])), 1e-300)
    typical = float(solution.theta[0]) * at
    open_shift = typical * typical
    cross = -open_shift / at
    scale = float(solution.covariance[0, 0]) + open_shift / (at * at)
    return np.array([[scale, cross], [cross, open_shift]])


def _check(points: _Points, solution: Solution, options: FitOptions) -> None:
    """Raise FitError where the solution is not supported by the points."""
    agreeing, count = int(np.count_nonzero(solution.inliers)), points.count
    error = _relative_error(points, solution)
    residual = 1.4826 * middle(error[solution.inliers])
    if residual > options.max_residual:
        raise FitError(
            f'the points disagree with the prediction by {residual:.0%}, expected at most '
            f'{options.max_residual:.0%}; check the extrinsic calibration and the stamps'
        )
    # The noise may have a sharp peak and long tails: the tails agree as well.
    near = int(np.count_nonzero(solution.inliers | (error <= options.max_residual)))
    unknowns = len(solution.theta)
    chance, expected = _chance(points, solution)
    alike = unknowns == 1 and chance > LOOSE  # points at one depth prove nothing by agreeing
    least = max(options.min_inliers, ALIKE) if alike else options.min_inliers
    if near < least * count:
        raise FitError(
            f'{near} of {count} points agree on one scale, expected at least {least:.0%}; '
            'check that the points belong to this image'
        )
    if not alike and count > 3 and expected > CHANCE:
        raise FitError(
            f'{agreeing} of {count} points agree, which points without any relation to the '
            'prediction do as well; check that they belong to this image'
        )


def _relative_error(points: _Points, solution: Solution) -> Vector:
    """Return the size of the relative errors of depth."""
    error = np.abs(solution.errors)
    if points.kind is DepthKind.METRIC:
        return np.expm1(np.minimum(error, 50.0))
    return error * points.metres if points.kind in INVERSE_KINDS else error / points.metres


def _chance(points: _Points, solution: Solution) -> tuple[float, float]:
    """
    Return how often a value agrees with the metres of another point, and what that means.

    The second number is log10 of how many fits this good points without any relation would give,
    at the tolerance where it is least.
    """
    count, unknowns = solution.errors.size, len(solution.theta)
    order = np.random.default_rng(1).permutation(count)
    predicted, deviation = solution.predicted[order], solution.deviation[order]
    if points.kind is DepthKind.METRIC:  # what was fitted is log metres less log value
        predicted = predicted + np.log(points.value[order])
    target = predicted + solution.errors[order]
    target = np.concatenate([target, target])
    shifts = {max(1, count * part // 7) for part in range(1, 7)}
    other = np.concatenate([np.abs(target[by : by + count] - predicted) for by in shifts])
    ratio = other / np.tile(deviation, len(shifts))
    own = np.abs(solution.errors) / solution.deviation
    # Points of one cell see one surface: many of them are not as much evidence.
    evidence = min(count, round(PER_CELL * np.unique(points.cells).size))
    chance, expected = 1.0, math.inf
    for tolerance in TOLERANCES:
        chance = np.count_nonzero(ratio <= tolerance) / ratio.size
        agreeing = np.count_nonzero(own <= tolerance) / count
        expected = min(
            expected, chance_log10(round(agreeing * evidence), evidence, unknowns, chance)
        )
    return chance, expected


def _make(
    points: _Points, solution: Solution, shift: float, covariance: Vector, options: FitOptions,
    scale_only: bool = False,
) -> Fit:  # fmt: skip
    inliers = np.zeros(points.given, np.bool_)
    inliers[np.flatnonzero(points.usable)[solution.inliers]] = True
    scale = float(solution.theta[0])
    if points.kind is DepthKind.METRIC:
        scale = math.exp(scale)
    theta = np.array([scale, shift])
    covariance = covariance + options.shared_error**2 * np.outer(theta, theta)
    residual = 1.4826 * middle(_relative_error(points, solution)[solution.inliers])
    fit = Fit(scale, shift, covariance, inliers, residual, points.kind, scale_only)
    deviation = relative_deviation(fit, points.seen)
    far = np.isfinite(deviation) & (fit.scale * points.seen + fit.shift > 0)
    uncertainty = middle(deviation[far]) if far.any() else math.inf
    return dataclasses.replace(fit, uncertainty=uncertainty, span=_span(points.seen))


def _span(values: Vector) -> tuple[float, float, float]:
    at = [int(share * (values.size - 1)) for share in (0.1, 0.5, 0.9)]
    low, mid, high = np.partition(values, at)[at].tolist()
    return low, mid, high
