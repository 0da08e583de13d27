# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Robust linear fits with one or two unknowns, in about a millisecond.

The errors are relative: the loss is the absolute relative error of the result, as AbsRel counts
it, rounded off within the noise. The noise may have a constant and a proportional part, and both
are estimated from the data. Up to half of the equations may be wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.integer]

SAMPLE = 256  # equations that the trials look at
AGREES = 3.0  # standard deviations within which an equation agrees
ROUNDED = 1.5  # standard deviations within which the loss is quadratic
IGNORED = 8.0  # standard deviations beyond which an equation has no weight
FLOOR = 0.05  # of the median target: the smallest size that a relative error refers to
FINEST = 1e-6  # relative error below which agreement is exact: values are float32
CUT_MEDIAN = 0.664  # median absolute value of a normal variable cut at 2.5 sigma
ROUNDS = 10


@dataclass(frozen=True, eq=False)
class Problem:
    """
    Equations rows . theta = target whose errors are judged relative to a size.

    The size of equation i is its target where `fixed_size` is given, else what the solution
    predicts plus `offset`: that of an inverse depth is the inverse of the predicted depth.
    """

    rows: Vector  # (n, p), p = 1 or 2
    target: Vector  # (n,)
    weights: Vector  # (n,) relative inverse variances
    fixed_size: Vector | None = None  # (n,)
    offset: float = 0.0
    constant_noise: bool = True  # False: the noise is proportional to the size

    def typical(self) -> float:
        """Return the median size of a target."""
        if self.fixed_size is not None:
            return middle(self.fixed_size)
        return middle(self.target) + self.offset

    def size(self, predicted: Vector, typical: float) -> Vector:
        """Return what the errors are relative to."""
        if self.fixed_size is not None:
            return self.fixed_size
        return np.maximum(predicted + self.offset, FLOOR * typical)

    def start_size(self, typical: float) -> Vector:
        """Return a size that needs no solution; far points count less than by their own."""
        if self.fixed_size is not None:
            return self.fixed_size
        return np.hypot(self.target + self.offset, typical)


@dataclass(frozen=True, eq=False)
class Solution:
    """What most equations agree with."""

    theta: Vector  # (p,)
    covariance: Vector  # (p, p)
    predicted: Vector  # (n,) rows . theta
    errors: Vector  # (n,) target - predicted
    deviation: Vector  # (n,) estimated standard deviation of each error
    inliers: Mask  # (n,)


def middle(values: Vector) -> float:
    """Return the upper median of values, which are not empty; faster than np.median."""
    at = values.size // 2
    return float(np.partition(values, at)[at])


def least_squares(rows: Vector, target: Vector, weights: Vector) -> tuple[Vector, Vector]:
    """Return theta of the weighted least squares and the inverse of its normal matrix."""
    weighted = rows * weights[:, None]
    inverse = inverse_symmetric(weighted.T @ rows)
    return inverse @ (weighted.T @ target), inverse


def inverse_symmetric(matrix: Vector) -> Vector:
    """Return the inverse of a positive 1x1 or 2x2 matrix; NaN where it is singular."""
    if matrix.shape == (1, 1):
        return 1 / matrix if matrix[0, 0] > 0 else np.full((1, 1), np.nan)
    (a, b), (_, d) = matrix.tolist()
    determinant = a * d - b * b
    if not determinant > 1e-15 * a * d:
        return np.full((2, 2), np.nan)
    return np.array([[d, -b], [-b, a]]) / determinant


def candidates(rows: Vector, target: Vector, trials: int, rng: np.random.Generator) -> Vector:
    """
    Return exact solutions (m, p) of as few equations as needed.

    Two equations are taken from the two halves of their order: pairs that are close together
    say little about a slope.
    """
    count, unknowns = rows.shape
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        if unknowns == 1:
            theta = (target / rows[:, 0])[:, None]
        else:
            order = np.argsort(rows[:, 0] / rows[:, 1], kind='stable')
            half = count // 2
            low = order[rng.integers(0, half, trials)]
            high = order[rng.integers(count - half, count, trials)]
            (a, b), (c, d), e, f = rows[low].T, rows[high].T, target[low], target[high]
            theta = np.stack([d * e - b * f, a * f - c * e], axis=1) / (a * d - b * c)[:, None]
    return theta[np.isfinite(theta).all(axis=1)]


def most_agreed(
    theta: Vector, rows: Vector, target: Vector, weights: Vector
) -> tuple[Vector, float]:
    """
    Return the candidate of the smallest truncated error, and the standard deviation around it.

    The least median of absolute errors gives the noise, whatever it is; the truncated squares at
    that noise then choose, because they see all equations that agree.
    """
    errors = np.abs(theta @ rows.T - target)
    at = min((errors.shape[1] + rows.shape[1]) // 2, errors.shape[1] - 1)
    medians = np.partition(errors, at, axis=1)[:, at]
    few = 1 + 5 / max(rows.shape[0] - rows.shape[1], 1)
    sigma = max(1.4826 * few * float(medians.min()), FINEST)
    keep = medians <= 2 * medians.min() + FINEST
    cost = np.minimum(errors[keep] * (1 / (2.5 * sigma)), 1) ** 2 @ weights
    return theta[keep][int(np.argmin(cost))], sigma


def agreed_sigma(errors: Vector, sigma: float, unknowns: int) -> float:
    """Return the standard deviation of the errors that agree, from their median."""
    size = np.abs(errors)
    for _ in range(4):
        agreed = size[size <= 2.5 * sigma]
        if agreed.size <= unknowns:
            break
        lost = math.sqrt(agreed.size / (agreed.size - unknowns))
        fresh = max(middle(agreed) / CUT_MEDIAN * lost, FINEST)
        if abs(fresh - sigma) < 0.02 * sigma:
            return fresh
        sigma = fresh
    return sigma


def noise_parts(errors: Vector, size: Vector) -> tuple[float, float]:
    """Return the variances (proportional, constant) of errors: a * size^2 + b."""
    quarters = np.array_split(np.argsort(size), 4)
    absolute, squared = np.abs(errors), size * size
    median = [middle(absolute[q]) / 0.6745 for q in quarters]
    variance = np.maximum(np.square(median), 1e-300)
    square = np.array([float(squared[q].sum()) / q.size for q in quarters])
    relative = square / variance
    inverse = 1 / variance
    theta, _ = least_squares(np.stack([relative, inverse], axis=1), np.ones(4), np.ones(4))
    if np.isfinite(theta).all() and (theta > 0).all():
        return float(theta[0]), float(theta[1])
    if np.isfinite(theta).all() and theta[0] <= 0:
        return 0.0, float(inverse.sum() / (inverse @ inverse))
    return float(relative.sum() / (relative @ relative)), 0.0


def solve(
    problem: Problem,
    groups: Indices | None = None,
    trials: int = 64,
    seed: int = 0,
    positive: bool = True,
    expected_noise: float = 0.0,
) -> Solution | None:
    """
    Return the solution that most equations agree with; None where there is none.

    Equations of one group (0, 1, ...) may share an error, and the covariance counts them so.
    `positive`: the first unknown must be. `expected_noise`, relative to the size, counts in the
    covariance as much as two equations do.
    """
    rows, target, weights = problem.rows, problem.target, problem.weights
    rng = np.random.default_rng(seed)
    count, unknowns = rows.shape
    if count < unknowns:
        return None
    typical = problem.typical()
    if not typical > 0:
        return None
    start = problem.start_size(typical)
    few = rng.choice(count, SAMPLE, replace=False) if count > SAMPLE else np.arange(count)
    few_rows, few_target = rows[few] / start[few, None], target[few] / start[few]
    theta = candidates(few_rows, few_target, trials, rng)
    if positive:
        theta = theta[theta[:, 0] > 0]
    if not len(theta):
        return None
    best, sigma = most_agreed(theta, few_rows, few_target, weights[few])
    found = _refine(problem, best, sigma * start, typical, positive)
    if found is None:
        return None
    theta, deviation, robust = found
    predicted = rows @ theta
    errors = target - predicted
    inliers = np.abs(errors) <= AGREES * deviation
    known = expected_noise * problem.size(predicted, typical)
    noise = np.sqrt(deviation * deviation + known * known * (2 / count))
    covariance = _covariance(rows, errors, noise, robust, inliers, groups)
    return Solution(theta, covariance, predicted, errors, deviation, inliers)


def _refine(
    problem: Problem, theta: Vector, deviation: Vector, typical: float, positive: bool
) -> tuple[Vector, Vector, Vector] | None:
    """Return theta, the deviation of each error and the weights, from a first theta."""
    rows, target, unknowns = problem.rows, problem.target, problem.rows.shape[1]
    least = FINEST * typical
    inliers: Mask | None = None
    robust = np.ones(len(target))
    for done in range(ROUNDS):
        predicted = rows @ theta
        errors = target - predicted
        size = problem.size(predicted, typical)
        if inliers is None:
            sigma = agreed_sigma(errors / deviation, 1.0, unknowns)
            inliers = np.abs(errors) <= AGREES * sigma * deviation
        if done < 5 and np.count_nonzero(inliers) > unknowns:
            deviation = _deviation(problem, errors, size, inliers, least)
        ratio = np.abs(errors) / deviation
        inliers = ratio <= AGREES
        # The loss |error| / size, quadratic within the noise and fading out far beyond it.
        fading = np.maximum(1 - (ratio * (1 / IGNORED)) ** 2, 0) ** 2
        robust = problem.weights * fading / (size * deviation * np.maximum(ratio, ROUNDED))
        fresh, _ = least_squares(rows, target, robust)
        if not np.isfinite(fresh).all() or (positive and not fresh[0] > 0):
            return None
        moved = np.abs(rows @ (fresh - theta)) <= 0.02 * deviation
        theta = fresh
        if done >= 2 and moved.all():
            break
    return theta, deviation, robust


def _deviation(
    problem: Problem, errors: Vector, size: Vector, inliers: Mask, least: float
) -> Vector:
    unknowns = problem.rows.shape[1]
    agreed, sizes = errors[inliers], size[inliers]
    lost = agreed.size / max(agreed.size - unknowns, 1)
    if problem.constant_noise and agreed.size >= 16:
        proportional, constant = noise_parts(agreed, sizes)
    else:
        proportional = (middle(np.abs(agreed) / sizes) / 0.6745) ** 2
        constant = 0.0
    return np.sqrt(lost * (proportional * size * size + constant) + least * least)


def _covariance(
    rows: Vector, errors: Vector, deviation: Vector, robust: Vector, inliers: Mask,
    groups: Indices | None,
) -> Vector:  # fmt: skip
    """Return the covariance of a weighted solution whose equations may share errors."""
    rows, errors, robust = rows[inliers], errors[inliers], robust[inliers]
    weighted = rows * robust[:, None]
    inverse = inverse_symmetric(weighted.T @ rows)
    noisy = weighted * deviation[inliers, None]
    covariance = inverse @ (noisy.T @ noisy) @ inverse
    if groups is None or not np.isfinite(covariance).all():
        return covariance
    groups = groups[inliers]
    count = int(groups.max(initial=0)) + 1
    sums = np.stack([np.bincount(groups, c * errors, count) for c in weighted.T], axis=1)
    occupied = np.count_nonzero(np.bincount(groups, minlength=count))
    if occupied < 2:
        return covariance
    mean = np.average(rows, axis=0, weights=robust)
    voted = float(np.sum((sums @ (inverse @ mean)) ** 2)) * occupied / (occupied - 1)
    plain = float(mean @ covariance @ mean)
    return covariance * (max(1.0, voted / plain) if plain > 0 else 1.0)


def chance_log10(agreeing: int, count: int, unknowns: int, chance: float) -> float:
    """
    Return log10 of how many fits this good are expected of points without any relation.

    `chance` is the probability that a value agrees with the metres of another point. After
    Moisan and Stival (2004); below about -3 the relation is real.
    """
    chance = min(max(chance, 1e-6), 1.0)
    if agreeing <= unknowns:
        return math.inf
    choices = _log_choose(count, agreeing) + _log_choose(agreeing, unknowns) + math.log(count)
    return (choices + (agreeing - unknowns) * math.log(chance)) / math.log(10)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
