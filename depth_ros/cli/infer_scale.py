# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Metres for one image from measured points or from the height of the camera."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.files.reading import read_array
from depth_ros.metric.adjusting import Adjusted
from depth_ros.metric.scaler import Reading, Scaler, ScaleState
from depth_ros.metric.source import Source
from depth_ros.metric.sources.cloud import Cloud, CloudSource
from depth_ros.metric.sources.depth import DepthSource
from depth_ros.metric.sources.ground import GroundSource, Mount
from depth_ros.types import DepthError, Prediction, View


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what makes metres of a relative model, and corrects those of a metric one."""
    group = parser.add_argument_group('where metres come from, for one image')
    group.add_argument(
        '--sparse',
        type=Path,
        metavar='FILE',
        help='measured metres as .npy: a depth image of the same view (height x width, NaN or 0 '
        'where nothing was measured), or points (n x 3: x right, y down, z forward)',
    )
    group.add_argument(
        '--camera-height', type=float, metavar='M', help='of the camera above a floor that it sees'
    )
    group.add_argument(
        '--camera-pitch',
        type=float,
        metavar='RAD',
        help='by which it looks down, with --camera-height; without it the floor in the '
        'prediction shows it, which inverse depth does not allow',
    )


def scaled_by(arguments: argparse.Namespace) -> OneScale | None:
    """Return what gives metres to the image; None where nothing is asked."""
    sources: dict[str, Source[Any]] = {}
    readings: dict[str, Any] = {}
    if arguments.sparse is not None:
        measured = _read(arguments.sparse)
        if measured.shape[1] == 3:
            sources['cloud'], readings['cloud'] = CloudSource(), Cloud(measured, np.eye(4))
        else:
            sources['depth'] = DepthSource()
            readings['depth'] = np.where(measured > 0, measured, np.nan).astype(np.float32)
    pitch = arguments.camera_pitch
    if arguments.camera_height is not None:
        if not 0 < arguments.camera_height < math.inf:
            raise DepthError(
                f'--camera-height is {arguments.camera_height:g}, expected metres above 0'
            )
        sources['ground'] = GroundSource()
        readings['ground'] = Mount(arguments.camera_height, pitch, None if pitch is None else 0.0)
    elif pitch is not None:
        raise DepthError('--camera-pitch is for --camera-height; give both, or leave it out')
    if not sources:
        return None
    if len(arguments.image) > 1:
        raise DepthError(
            f'--sparse and --camera-height are for one image, {len(arguments.image)} were given; '
            'give one, or --poses'
        )
    for name, given in (('--right', arguments.right), ('--scale', arguments.scale)):
        if given:
            raise DepthError(
                f'{name} and --sparse or --camera-height both give metres; leave one out'
            )
    return OneScale(sources, readings)


def _read(path: Path) -> np.ndarray:
    measured = read_array(path, 'save metres with np.save')
    if measured.ndim != 2 or not measured.size or not np.issubdtype(measured.dtype, np.floating):
        raise DepthError(
            f'{path} holds {measured.dtype} of shape {measured.shape}, expected floats: metres '
            '(height x width), or points (n x 3)'
        )
    return measured


class OneScale:
    """The adjuster of a pipeline for one image; raises DepthError where no scale is found."""

    def __init__(self, sources: Mapping[str, Source[Any]], readings: Mapping[str, Any]) -> None:
        self._sources, self._readings = sources, readings
        self.state: ScaleState | None = None

    def adjust(self, prediction: Prediction, view: View, stamp: float) -> Adjusted:
        """Return the prediction in metres."""
        given: dict[str, Sequence[Reading]] = {
            name: [Reading(stamp, lambda value=value: value)]  # type: ignore[misc]
            for name, value in self._readings.items()
        }
        self.state = Scaler(self._sources).step(prediction, stamp, given)
        metric = self.state.apply(prediction)
        if metric is None or self.state.estimate is None:
            raise DepthError(f'the image gets no metres: {self.state.problem}')
        return Adjusted(metric, self.state)

    def forget(self) -> None:
        """Do nothing: there is one image."""

    def close(self) -> None:
        """Do nothing: it holds no more than arrays."""


def facts(state: ScaleState | None) -> dict[str, Any] | None:
    """Return what prediction.json says about the scale."""
    if state is None or state.estimate is None:
        return None
    fit = state.estimate.fit
    return {
        'source': state.estimate.source,
        'scale': fit.scale,
        'shift': fit.shift,
        'uncertainty': fit.uncertainty,
        'residual': fit.residual,
        'inliers': state.inliers,
        'points': state.points,
    }
