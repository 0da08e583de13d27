# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A depth image as a planar scan: the nearest obstacle per angle in a band of heights.

The scan lies in the level frame of the camera, so a camera that looks down or hangs to a side
sees the same room as a level one. Ranges are horizontal distances from the camera.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.level_frame import descent, level_reach
from depth_ros.types import Camera, DepthError, FloatImage, Ground

Indices = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Ranges = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ScanOptions:
    """
    What of the depth image becomes a scan.

    :param min_height: metres above the ground; lower points are floor, not obstacles.
    :param max_height: metres above the ground; the robot passes below what is higher.
    :param range_min: metres; nearer readings are given as they are, as a scanner does.
    :param range_max: metres; what is farther is free.
    :param angle_increment: radians between beams; 0 makes a beam of two columns of pixels.
    :param min_known: share of the pixels of a beam that must be known for it to be free.
    """

    min_height: float = 0.1
    max_height: float = 1.0
    range_min: float = 0.1
    range_max: float = 5.0
    angle_increment: float = 0.0
    min_known: float = 0.5

    def __post_init__(self) -> None:
        if not self.min_height < self.max_height:
            raise DepthError(
                f'the scan takes heights from {self.min_height:g} to {self.max_height:g} m, '
                'expected min < max'
            )
        if not 0 <= self.range_min < self.range_max < math.inf:
            raise DepthError(
                f'the scan has ranges from {self.range_min:g} to {self.range_max:g} m, expected '
                '0 <= min < max and a finite max'
            )
        if not (0 <= self.angle_increment < math.pi and 0 <= self.min_known <= 1):
            raise DepthError(
                f'the scan has beams of {self.angle_increment:g} rad known from '
                f'{self.min_known:g} on, expected an increment from 0 to pi and a share from 0 '
                'to 1'
            )


DEFAULT = ScanOptions()


class Scan(NamedTuple):
    """Ranges by angle, from right to left: angle 0 is forward, left is positive."""

    ranges: Ranges  # metres; +Inf free up to range_max, -Inf too close, NaN unknown
    angle_min: float  # radians, of the first beam
    angle_increment: float
    range_min: float
    range_max: float

    @property
    def angles(self) -> npt.NDArray[np.float64]:
        """Radians of each beam."""
        return self.angle_min + self.angle_increment * np.arange(
            len(self.ranges), dtype=np.float64
        )


def depth_to_scan(
    depth: FloatImage, camera: Camera, ground: Ground, options: ScanOptions = DEFAULT
) -> Scan:
    """
    Return the nearest obstacle per angle.

    A beam without an obstacle is +Inf where one of its rays at least was seen to stay between the
    heights up to range_max, or to be free so far, and `min_known` of its pixels are known. Else
    it is NaN. A pixel that is too close to measure (-Inf) makes the whole beam -Inf.
    """
    x, y, z = ground.down.tolist()
    plan = _plan(camera, (x, y, z), float(ground.height), options)
    seen = np.ascontiguousarray(depth, np.float32).ravel()[plan.pixels]
    with np.errstate(invalid='ignore', over='ignore'):
        valid = (seen > 0) & (seen < np.inf)
        distance = seen * plan.reach
        height = np.float32(ground.height) - seen * plan.descent
        hit = valid & (height >= np.float32(options.min_height))
        hit &= height <= np.float32(options.max_height)
        hit &= distance <= np.float32(options.range_max)
        ranges = np.where(hit, distance, np.float32(np.inf))
        # Too close to measure is nearer than everything.
        np.copyto(ranges, np.float32(-np.inf), where=seen == -np.inf)
        known = valid | (seen == np.inf)
        free = np.where(valid, distance, np.float32(np.inf)) >= np.float32(options.range_max)
        free &= known & plan.stays
    result = np.full(plan.beams, np.nan, np.float32)
    if len(plan.pixels):
        nearest = np.minimum.reduceat(ranges, plan.starts)
        counted = np.add.reduceat(known.astype(np.int32), plan.starts)
        is_free = np.logical_or.reduceat(free, plan.starts)
        is_free &= counted >= options.min_known * plan.counts
        unknown = np.where(is_free, np.float32(np.inf), np.float32(np.nan))
        result[plan.filled] = np.where(nearest < np.inf, nearest, unknown)
    return Scan(result, plan.angle_min, plan.increment, options.range_min, options.range_max)


def nearest_ahead(scan: Scan, field_of_view: float) -> float:
    """
    Return metres to the nearest obstacle in the beams within field_of_view / 2 of forward.

    +Inf where all of them are free, -Inf where something is too close to measure, NaN where no
    obstacle is seen but a beam is unknown: what is unknown is not free.
    """
    if not 0 < field_of_view <= 2 * math.pi:
        raise DepthError(
            f'field_of_view is {field_of_view:g} rad, expected more than 0 and at most a circle'
        )
    ahead = scan.ranges[np.abs(scan.angles) <= field_of_view / 2 + scan.angle_increment / 2]
    if not ahead.size:
        return math.nan
    nearest = float(np.fmin.reduce(ahead))
    if nearest == math.inf and np.isnan(ahead).any():
        return math.nan
    return nearest


class _Plan(NamedTuple):
    """What depends on the camera and its mount alone; arrays are in the order of `pixels`."""

    pixels: Indices  # flat places of rays between the heights before range_max, sorted by beam
    reach: Ranges  # horizontal metres per metre of depth
    descent: Ranges  # metres down per metre of depth
    stays: Mask  # the ray is between the heights at range_max as well
    starts: Indices  # of each filled beam
    counts: npt.NDArray[np.int32]  # pixels of each filled beam
    filled: Indices  # beams with pixels
    beams: int
    angle_min: float
    increment: float


@functools.lru_cache(maxsize=4)
def _plan(
    camera: Camera, down: tuple[float, float, float], height: float, options: ScanOptions
) -> _Plan:
    ground = Ground(np.array(down), height)
    forward, left = (plane.ravel() for plane in level_reach(camera, down))
    drop = descent(camera, ground).ravel()
    angles = np.arctan2(left, forward)
    reach = np.hypot(forward, left)
    with np.errstate(divide='ignore', invalid='ignore'):
        fall = drop / reach  # metres down per horizontal metre
        # The horizontal distances at which a ray is at max_height and at min_height.
        at_top = (height - options.max_height) / fall
        at_bottom = (height - options.min_height) / fall
        enters, leaves = np.minimum(at_top, at_bottom), np.maximum(at_top, at_bottom)
        level = np.abs(fall) < 1e-9
        between = options.min_height <= height <= options.max_height
        enters = np.where(level, 0 if between else np.inf, np.maximum(enters, 0))
        leaves = np.where(level, np.inf if between else -np.inf, leaves)
        relevant = (enters < options.range_max) & (leaves > 0) & (reach > 0)
        stays = relevant & (leaves >= options.range_max)
    usable = np.flatnonzero(np.isfinite(angles) & relevant)
    increment = options.angle_increment or 2 / camera.fx
    low, high = _span(angles[usable], increment)
    beams = round((high - low) / increment) + 1
    beam = np.rint((angles[usable] - low) / increment).astype(np.intp)
    inside = (beam >= 0) & (beam < beams)
    usable, beam = usable[inside], beam[inside]
    order = np.argsort(beam, kind='stable')
    pixels, beam = usable[order], beam[order]
    starts = np.flatnonzero(np.diff(beam, prepend=-1))
    counts = np.diff(np.append(starts, len(beam))).astype(np.int32)
    return _Plan(
        pixels, reach[pixels], drop[pixels], stays[pixels], starts, counts, beam[starts], beams,
        low, increment,
    )  # fmt: skip


def _span(angles: npt.NDArray[np.floating], increment: float) -> tuple[float, float]:
    """Return the first and last beam, whole increments from forward."""
    if not len(angles):
        return 0.0, 0.0
    low, high = float(angles.min()), float(angles.max())
    return math.ceil(low / increment) * increment, math.floor(high / increment) * increment
