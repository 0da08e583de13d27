# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What every source of metres has in common.

A source turns one reading of a sensor into points: metres at pixels of a prediction. The fit to
these points gives the prediction its scale. Each source is one file under sources/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from depth_ros.metric.fit import Fit, FitError, FitOptions, fit_affine
from depth_ros.types import DepthError, Matrix, Prediction

Vector = npt.NDArray[np.float64]
Reading = TypeVar('Reading', contravariant=True)

MODEL = 0.05  # relative error of a prediction: better points than this do not count more


@dataclass(frozen=True, eq=False)
class Points:
    """Metres along the optical axis at pixels of one image; four vectors of one length."""

    rows: Vector
    columns: Vector
    metres: Vector
    weights: Vector  # relative inverse variances of log metres

    def __post_init__(self) -> None:
        sizes = [np.shape(a) for a in (self.rows, self.columns, self.metres, self.weights)]
        if len(set(sizes)) != 1 or len(sizes[0]) != 1:
            raise DepthError(f'points have shapes {sizes}, expected four vectors of one length')

    def __len__(self) -> int:
        return int(np.size(self.metres))

    def where(self, keep: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Points:
        """Return some of the points."""
        return Points(self.rows[keep], self.columns[keep], self.metres[keep], self.weights[keep])

    def thinned(self, count: int, seed: int = 0) -> Points:
        """Return at most `count` of the points; the same seed gives the same ones."""
        if len(self) <= count:
            return self
        order = np.random.default_rng(seed).permutation(len(self))[:count]
        return self.where(np.sort(order))


class Source(Protocol[Reading]):
    """Turns a reading into points of a prediction; raises DepthError where it cannot."""

    name: str
    fit_options: FitOptions

    def measure(self, reading: Reading, prediction: Prediction) -> Points:
        """Return metres at pixels of the prediction."""
        ...


def fit_source(source: Source[Reading], reading: Reading, prediction: Prediction) -> Fit:
    """Return the fit of a prediction to one reading of a source; FitError where there is none."""
    try:
        points = source.measure(reading, prediction)
        return fit_points(points, prediction, source.fit_options)
    except FitError:
        raise
    except DepthError as error:
        raise FitError(str(error)) from error


def fit_points(points: Points, prediction: Prediction, options: FitOptions | None = None) -> Fit:
    """Return the fit of a prediction to points of it."""
    return fit_affine(
        prediction.values,
        prediction.kind,
        points.rows,
        points.columns,
        points.metres,
        points.weights,
        options,
    )


def surest(fits: Mapping[str, Fit]) -> tuple[str, Fit]:
    """
    Return the fit of the smallest uncertainty, and the name of its source.

    A fit that had to assume its shift comes after all that did not.
    """
    if not fits:
        raise FitError('no source gave a fit; check that at least one of them publishes')
    name = min(fits, key=lambda key: (fits[key].scale_only, fits[key].uncertainty))
    return name, fits[name]


def range_weights(metres: Vector, noise: float, noise_per_metre: float = 0.0) -> Vector:
    """
    Return weights of measurements with a relative noise that may grow with distance.

    :param noise: relative standard deviation up close. :param noise_per_metre: what each metre
    adds to it.
    """
    sigma = noise + noise_per_metre * metres
    return MODEL**2 / (MODEL**2 + sigma * sigma)


def checked_transform(matrix: npt.ArrayLike, name: str) -> Matrix:
    """Return a 4x4 rigid transform, or raise DepthError saying what is wrong with it."""
    transform = np.asarray(matrix, np.float64)
    if transform.shape != (4, 4) or not np.isfinite(transform).all():
        raise DepthError(f'{name} has shape {transform.shape}, expected a finite 4x4 transform')
    rotation = transform[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or not np.allclose(
        transform[3], (0, 0, 0, 1)
    ):
        raise DepthError(
            f'{name} is not a rigid transform: its rotation must be orthonormal and its last row '
            '0 0 0 1; correct the extrinsic calibration'
        )
    if np.linalg.det(rotation) < 0:
        raise DepthError(f'{name} mirrors, expected a rotation; correct the extrinsic calibration')
    return transform
