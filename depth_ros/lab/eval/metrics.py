# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How wrong depth and disparity are, as numbers.

Every function takes two equally long vectors of positive, finite values, prediction and truth,
and returns one float. Logarithms are natural where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """One column of the table."""

    name: str
    label: str
    unit: str
    meaning: str
    function: Callable[[Vector, Vector], float]
    higher_is_better: bool = False


def abs_rel(prediction: Vector, truth: Vector) -> float:
    """Return the mean of |p - t| / t."""
    return float(np.mean(np.abs(prediction - truth) / truth))


def sq_rel(prediction: Vector, truth: Vector) -> float:
    """Return the mean of (p - t)^2 / t, in metres, as Eigen et al. define it."""
    return float(np.mean((prediction - truth) ** 2 / truth))


def rmse(prediction: Vector, truth: Vector) -> float:
    """Return the root of the mean squared difference."""
    return float(np.sqrt(np.mean((prediction - truth) ** 2)))


def rmse_log(prediction: Vector, truth: Vector) -> float:
    """Return the root of the mean squared difference of logarithms."""
    return rmse(np.log(prediction), np.log(truth))


def silog(prediction: Vector, truth: Vector) -> float:
    """Return 100 times the standard deviation of log p - log t, as the KITTI benchmark does."""
    return float(100 * np.std(np.log(prediction) - np.log(truth)))


def log10(prediction: Vector, truth: Vector) -> float:
    """Return the mean of |log10 p - log10 t|."""
    return float(np.mean(np.abs(np.log10(prediction) - np.log10(truth))))


def irmse(prediction: Vector, truth: Vector) -> float:
    """Return the RMSE of inverse depth in 1/km, as the KITTI benchmark does."""
    return rmse(1000 / prediction, 1000 / truth)


def mae(prediction: Vector, truth: Vector) -> float:
    """Return the mean of |p - t|."""
    return float(np.mean(np.abs(prediction - truth)))


def within_ratio(prediction: Vector, truth: Vector, ratio: float) -> float:
    """Return the share with max(p / t, t / p) < ratio."""
    return float(np.mean(np.maximum(prediction / truth, truth / prediction) < ratio))


def bad_pixels(prediction: Vector, truth: Vector, threshold: float) -> float:
    """Return the percentage that is wrong by more than threshold."""
    return float(100 * np.mean(np.abs(prediction - truth) > threshold))


def d1(prediction: Vector, truth: Vector) -> float:
    """Return the percentage wrong by more than 3 px and more than 5 %, as KITTI 2015 does."""
    error = np.abs(prediction - truth)
    return float(100 * np.mean((error > 3) & (error > 0.05 * truth)))


def _delta(power: int) -> Metric:
    ratio = 1.25**power
    return Metric(
        f'delta{power}',
        f'δ{power}',
        '',
        f'share with max(p/t, t/p) < 1.25^{power}',
        lambda p, t: within_ratio(p, t, ratio),
        higher_is_better=True,
    )


def _bad(threshold: float) -> Metric:
    return Metric(
        f'bad{threshold:g}',
        f'bad-{threshold:g}',
        '%',
        f'pixels wrong by more than {threshold:g} px',
        lambda p, t: bad_pixels(p, t, threshold),
    )


DEPTH_METRICS = (
    Metric('abs_rel', 'AbsRel', '', 'mean of |p - t| / t', abs_rel),
    Metric('sq_rel', 'SqRel', 'm', 'mean of (p - t)² / t', sq_rel),
    Metric('rmse', 'RMSE', 'm', 'root of the mean squared error', rmse),
    Metric('rmse_log', 'RMSElog', '', 'RMSE of natural logarithms', rmse_log),
    Metric('silog', 'SILog', '', '100 × standard deviation of log p - log t', silog),
    Metric('log10', 'log10', '', 'mean of |log10 p - log10 t|', log10),
    _delta(1),
    _delta(2),
    _delta(3),
    Metric('irmse', 'iRMSE', '1/km', 'RMSE of inverse depth', irmse),
)
DISPARITY_METRICS = (
    Metric('epe', 'EPE', 'px', 'mean of |p - t|', mae),
    _bad(0.5),
    _bad(1),
    _bad(2),
    _bad(3),
    Metric('d1', 'D1', '%', 'wrong by more than 3 px and 5 %', d1),
)


def score(
    metrics: tuple[Metric, ...], prediction: npt.ArrayLike, truth: npt.ArrayLike
) -> Mapping[str, float]:
    """
    Return every metric by name; NaN where there is no pixel to judge.

    :param prediction: values of the pixels to judge, any shape. :param truth: the same shape.
    """
    p = np.asarray(prediction, np.float64).ravel()
    t = np.asarray(truth, np.float64).ravel()
    if p.shape != t.shape:
        raise ValueError(f'prediction has {p.size} values and truth {t.size}, expected as many')
    if p.size == 0:
        return {metric.name: float('nan') for metric in metrics}
    return {metric.name: metric.function(p, t) for metric in metrics}
