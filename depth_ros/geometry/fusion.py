# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One coloured cloud of several depth images with poses, and how well such images agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.edges import flying_pixels
from depth_ros.geometry.poses import inverse_pose, transformed
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.types import Camera, DepthError, FloatImage, Image, Matrix

_GREY = 128  # of points without an image


@dataclass(frozen=True, eq=False)
class PosedDepth:
    """A depth image, the camera of its pixels and its pose, all in one unit of length."""

    depth: FloatImage
    camera: Camera
    pose: Matrix
    """4x4 camera-to-world"""
    image: Image | None = None
    """(height, width, 3) RGB or grey, of the same pixels"""
    confidence: FloatImage | None = None


class Cloud(NamedTuple):
    """Points of several views."""

    points: FloatImage
    """(N, 3), in the world of the poses"""
    colors: Image
    """(N, 3) RGB"""
    views: npt.NDArray[np.int32]
    """(N,): which view a point comes from"""


def fused_cloud(
    views: Sequence[PosedDepth],
    *,
    doubtful: float = 0.0,
    edge_threshold: float = 0.05,
    most: int = 0,
    seed: int = 0,
) -> Cloud:
    """
    Return the points of all views; sky and everything else without a distance gives none.

    :param doubtful: share of the pixels, those of the lowest confidence of all views, that is
        left out. :param edge_threshold: pixels that hang between two surfaces are left out; 0
        keeps them. :param most: points at most, chosen at random; 0 is all.
    """
    if not 0 <= doubtful < 1:
        raise DepthError(f'the doubtful share is {doubtful:g}, expected 0 to less than 1')
    least = confidence_at(views, doubtful)
    points, colors, indices = [], [], []
    for index, view in enumerate(views):
        mask = _confident(view, least, edge_threshold)
        local = depth_to_points(view.depth, view.camera)[mask]
        points.append(transformed(view.pose, local.astype(np.float64)).astype(np.float32))
        colors.append(_colors(view)[mask])
        indices.append(np.full(len(local), index, np.int32))
    if not points:
        return Cloud(
            np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8), np.zeros(0, np.int32)
        )
    cloud = Cloud(np.concatenate(points), np.concatenate(colors), np.concatenate(indices))
    if not 0 < most < len(cloud.points):
        return cloud
    some = np.random.default_rng(seed).choice(len(cloud.points), most, replace=False)
    some.sort()
    return Cloud(cloud.points[some], cloud.colors[some], cloud.views[some])


def confidence_at(views: Sequence[PosedDepth], share: float) -> float:
    """Return the confidence that this share of the pixels with a distance falls below."""
    known = [v.confidence[is_valid(v.depth)] for v in views if v.confidence is not None]
    values = np.concatenate(known) if known else np.zeros(0)
    return float(np.quantile(values, share)) if share > 0 and values.size else -np.inf


def _confident(view: PosedDepth, least: float, edge_threshold: float) -> npt.NDArray[np.bool_]:
    mask = is_valid(view.depth)
    if edge_threshold > 0:
        mask &= ~flying_pixels(view.depth, edge_threshold)
    if view.confidence is not None:
        mask &= view.confidence >= least
    return mask


def _colors(view: PosedDepth) -> Image:
    shape = (view.camera.height, view.camera.width)
    if view.image is None:
        return np.full((*shape, 3), _GREY, np.uint8)
    if view.image.shape[:2] != shape:
        raise DepthError(
            f'the image is {view.image.shape[1]}x{view.image.shape[0]}, its depth '
            f'{shape[1]}x{shape[0]}; resize the image'
        )
    return view.image if view.image.ndim == 3 else np.repeat(view.image[..., None], 3, 2)


def projected(
    points: npt.NDArray[np.floating], camera: Camera, pose: Matrix
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatImage, npt.NDArray[np.bool_]]:
    """
    Return row, column and depth of world points (N, 3) in a rectified camera, and which are in it.

    Rows and columns are those of the nearest pixel; they mean nothing outside of the image.
    """
    x, y, z = np.moveaxis(transformed(inverse_pose(pose), points.astype(np.float64)), -1, 0)
    ahead = z > 0
    safe = np.where(ahead, z, 1.0)
    column = np.rint(camera.fx * x / safe + camera.cx)
    row = np.rint(camera.fy * y / safe + camera.cy)
    inside = ahead & (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    rows, columns = (np.where(inside, axis, 0).astype(np.intp) for axis in (row, column))
    return rows, columns, z.astype(np.float32), inside


def depth_of_points(points: npt.NDArray[np.floating], camera: Camera, pose: Matrix) -> FloatImage:
    """Return the depth image (height, width) of world points (N, 3): the nearest per pixel."""
    rows, columns, z, inside = projected(points, camera, pose)
    depth = np.full((camera.height, camera.width), np.inf, np.float32)
    np.minimum.at(depth, (rows[inside], columns[inside]), z[inside])
    depth[np.isinf(depth)] = np.nan
    return depth


def disagreement(first: PosedDepth, second: PosedDepth) -> FloatImage:
    """
    Return |z - depth| / depth where points of the first view are seen by the second, (N,).

    Points that something hides in the second view count too: the median tells more than the mean.
    """
    points = depth_to_points(first.depth, first.camera)[is_valid(first.depth)]
    world = transformed(first.pose, points.astype(np.float64))
    rows, columns, z, inside = projected(world, second.camera, second.pose)
    seen = second.depth[rows[inside], columns[inside]]
    known = is_valid(seen)
    return np.abs(z[inside][known] - seen[known]) / seen[known]
