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

from depth_ros.geometry.depth_values import clip_range
from depth_ros.metric.measured import INVERSE_KINDS, MeasuredPoints
from depth_ros.metric.robust import AGREES, Solution, chance_log10, middle, solve
from depth_ros.types import DepthError, DepthKind, FloatImage, Prediction

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SLOPE = 4.0  # standard deviations by which a scale must differ from 0 to be distinct from a shift
CHANCE = -3.0  # log10 of the fits this good that points without relation may give
PER_CELL = 2.5  # independent points in a cell
TOLERANCES = (0.7, 1.5, AGREES)  # standard deviations at which agreement is judged
NEAR = 0.05  # relative error that is agreement whatever the noise
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
    points = MeasuredPoints.read(values, kind, rows, columns, metres, weights)
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
        _check_direction(points, options)
    scale_only = shift is None
    farthest = points.farthest() if scale_only else 0.0
    solution = _solve(points, shift or 0.0, options, farthest)
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
        shift = -float(solution.theta[0]) * farthest
        covariance = _without_shift(points, solution, farthest)
    return _make(points, solution, shift or 0.0, covariance, options, scale_only)


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


def _solve(
    points: MeasuredPoints, shift: float | None, options: FitOptions, farthest: float = 0.0
) -> Solution | None:
    positive = points.kind is not DepthKind.METRIC
    problem = points.problem(shift, farthest)
    return solve(problem, points.cells, options.trials, options.seed, positive, options.noise)


def _slope_is_clear(solution: Solution) -> bool:
    variance = float(solution.covariance[0, 0])
    return math.isfinite(variance) and solution.theta[0] > SLOPE * math.sqrt(variance)


def _check_direction(points: MeasuredPoints, options: FitOptions) -> None:
    """Raise FitError where the points clearly are far where the prediction is near."""
    problem = points.problem(None)
    found = solve(problem, points.cells, options.trials, options.seed, False, options.noise)
    if found is None or found.theta[0] >= 0:
        return
    clear = found.theta[0] < -SLOPE * math.sqrt(max(float(found.covariance[0, 0]), 0.0))
    if clear and np.count_nonzero(found.inliers) >= options.min_inliers * points.count:
        raise FitError(
            'the points are far where the prediction is near, which only a negative scale would '
            'explain; check the extrinsic calibration and that the points belong to this image'
        )


def _without_shift(points: MeasuredPoints, solution: Solution, farthest: float) -> Vector:
    """
    Return the covariance of (scale, shift) where points at one depth leave the shift open.

    The farthest value may mean any inverse depth up to that of the points; scale and shift move
    together so that the depth of the points stays.
    """
    away = max(middle(points.value[solution.inliers]) - farthest, 1e-300)
    typical = float(solution.theta[0]) * away
    fitted = np.array([1.0, -farthest])
    opened = typical * np.array([-1 / away, 1 + farthest / away])
    variance = float(solution.covariance[0, 0])
    return variance * np.outer(fitted, fitted) + np.outer(opened, opened)


def _check(points: MeasuredPoints, solution: Solution, options: FitOptions) -> None:
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


def _relative_error(points: MeasuredPoints, solution: Solution) -> Vector:
    """Return the size of the relative errors of depth."""
    error = np.abs(solution.errors)
    if points.kind is DepthKind.METRIC:
        return np.expm1(np.minimum(error, 50.0))
    return error * points.metres if points.kind in INVERSE_KINDS else error / points.metres


def _chance(points: MeasuredPoints, solution: Solution) -> tuple[float, float]:
    """
    Return how often a value agrees with the metres of another point, and what that means.

    The second number is log10 of how many fits this good points without any relation would give,
    at the tolerance where it is least.
    """
    count, unknowns = solution.errors.size, len(solution.theta)
    order = np.random.default_rng(1).permutation(count)
    predicted = solution.predicted[order]
    if points.kind is DepthKind.METRIC:  # what was fitted is log metres less log value
        predicted = predicted + np.log(points.value[order])
    own = np.abs(solution.errors[order])
    target = predicted + solution.errors[order]
    target = np.concatenate([target, target])
    shifts = sorted({max(1, count * part // 7) for part in range(1, 7)})
    others = np.stack([np.abs(target[by : by + count] - predicted) for by in shifts])
    # Points of one cell see one surface: many of them are not as much evidence.
    evidence = min(count, round(PER_CELL * np.unique(points.cells).size))
    limits = [tolerance * solution.deviation[order] for tolerance in TOLERANCES]
    limits.append(NEAR * own / np.maximum(_relative_error(points, solution)[order], 1e-12))
    expected = math.inf
    chances = []
    for limit in limits:
        chances.append(np.count_nonzero(others <= limit) / others.size)
        agreeing = round(np.count_nonzero(own <= limit) / count * evidence)
        expected = min(expected, chance_log10(agreeing, evidence, unknowns, chances[-1]))
    return chances[len(TOLERANCES) - 1], expected


def _make(
    points: MeasuredPoints,
    solution: Solution,
    shift: float,
    covariance: Vector,
    options: FitOptions,
    scale_only: bool = False,
) -> Fit:
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
