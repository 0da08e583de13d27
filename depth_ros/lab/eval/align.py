# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Bring a prediction to the scale of the truth before it is judged, and say how that was done.

'none' takes the metres as they come. 'median' multiplies by the ratio of the medians. 'depth'
fits scale and shift to depth, 'inverse' to inverse depth, by least squares; 'inverse_ransac' does
the same with the pixels that agree. Each uses the truth, so that only rows with the same
alignment compare, and 'none' alone says what a robot gets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, DepthKind

ALIGNMENTS = ('none', 'median', 'depth', 'inverse', 'inverse_ransac')
INVERSE = ('inverse', 'inverse_ransac')
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """target = scale * value + shift."""

    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        return values.astype(np.float64) * self.scale + self.shift


def choose_alignment(asked: str, kind: DepthKind) -> str:
    """
    Return the alignment for a prediction of this kind; 'auto' is the least that it needs.

    Raises DepthError where the kind cannot be brought to metres in the way that was asked.
    """
    if asked == 'auto':
        return {DepthKind.SCALE_INVARIANT: 'median', DepthKind.AFFINE_INVERSE: 'inverse'}.get(
            kind, 'none'
        )
    if asked not in ALIGNMENTS:
        raise DepthError(
            f'alignment is {asked!r}, expected auto or one of {", ".join(ALIGNMENTS)}'
        )
    if kind is DepthKind.SCALE_INVARIANT and asked == 'none':
        raise DepthError(
            'depth up to a factor has no metres to judge without alignment; use median or another'
        )
    if kind is DepthKind.AFFINE_INVERSE and asked not in INVERSE:
        raise DepthError(
            f'inverse depth up to scale and shift cannot be aligned by {asked!r}; '
            f'use {" or ".join(INVERSE)}'
        )
    return asked


def fit_median(values: Vector, target: Vector) -> Fit:
    """Return the factor that makes the medians equal."""
    middle = float(np.median(values)) if values.size else 0.0
    if middle <= 0:
        raise DepthError(
            'the median of the predicted depth is not positive; no factor brings it to the truth'
        )
    return Fit(float(np.median(target)) / middle)


def fit_least_squares(values: Vector, target: Vector) -> Fit:
    """Return scale and shift of the least squared difference."""
    if values.size < 2:
        raise DepthError(
            f'{values.size} pixels have prediction and truth, scale and shift need at least 2'
        )
    centre = float(values.mean())
    spread = float(np.mean((values - centre) ** 2))
    if spread <= np.finfo(np.float64).eps * max(centre * centre, np.finfo(np.float64).tiny):
        return Fit(0.0, float(target.mean()))  # a constant explains the mean and nothing more
    scale = float(np.mean((values - centre) * (target - target.mean()))) / spread
    return Fit(scale, float(target.mean()) - scale * centre)


def fit_ransac(
    values: Vector,
    target: Vector,
    tolerance: float = 0.1,
    trials: int = 512,
    seed: int = 0,
) -> Fit:
    """
    Return scale > 0 and shift that most pixels agree with, fitted to those by least squares.

    :param tolerance: a pixel agrees within this share of its target (0.1: 10 % of inverse depth).
    Trials look at no more than 2000 pixels; the same seed gives the same fit.
    """
    if values.size < 2:
        raise DepthError(
            f'{values.size} pixels have prediction and truth, scale and shift need at least 2'
        )
    random = np.random.default_rng(seed)
    few = random.permutation(values.size)[:2000]
    x, y = values[few], target[few]
    first, second = random.integers(0, x.size, (2, trials))
    rise = x[second] - x[first]
    with np.errstate(divide='ignore', invalid='ignore'):
        scales = (y[second] - y[first]) / rise
    usable = np.isfinite(scales) & (scales > 0)
    if not usable.any():
        return fit_least_squares(values, target)
    scales = scales[usable]
    shifts = y[first[usable]] - scales * x[first[usable]]
    agree = np.abs(scales[:, None] * x + shifts[:, None] - y) <= tolerance * np.abs(y)
    best = int(np.argmax(np.count_nonzero(agree, axis=1)))
    fit, support = Fit(float(scales[best]), float(shifts[best])), 0
    for _ in range(10):  # refit to the pixels that agree until their set stays the same
        inliers = np.abs(fit(values) - target) <= tolerance * np.abs(target)
        count = int(np.count_nonzero(inliers))
        if count <= max(support, 1):
            break
        refit = fit_least_squares(values[inliers], target[inliers])
        if refit.scale <= 0:
            break
        fit, support = refit, count
    return fit


def fit(alignment: str, values: Vector, target: Vector) -> Fit:
    """Fit by name; for the inverse alignments both vectors are inverse depth (or disparity)."""
    if alignment == 'none':
        return Fit()
    fits = {
        'median': fit_median,
        'depth': fit_least_squares,
        'inverse': fit_least_squares,
        'inverse_ransac': fit_ransac,
    }
    return fits[alignment](values, target)
