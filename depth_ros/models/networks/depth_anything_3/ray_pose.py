# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Poses and intrinsics from ray maps.

The direction of a ray is R K^-1 (u, v, 1), a homography of its place in the image. The
homography is found with RANSAC and split into the rotation and the intrinsics; the position of
the camera is where the rays begin.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from depth_ros.models.networks.depth_anything_3.camera import intrinsic_matrix, inverse_pose
from depth_ros.types import DepthError

_AT_ONCE = 25  # hypotheses scored together, which bounds the memory
_SIDEWAYS = 0.7  # cosine of the angle to the optical axis of the world, from which to turn
_BEYOND = 3.0  # median distances from the middle, from which a ray's origin is an outlier


class RayPoseSettings(NamedTuple):
    """
    How the homography is searched and split.

    With `exact`, views that look away from the optical axis of the world are turned to it first,
    outliers do not move the position, and the intrinsics may have an off-centre principal point.
    Without it the arithmetic is the authors', which agrees where none of this matters.
    """

    hypotheses: int = 100
    points: int = 8  # of one hypothesis
    confident: float = 0.3  # share of the rays that hypotheses are made of
    threshold: float = 0.2  # of an inlier, in the plane at distance 1
    smallest_z: float = 1e-4
    seed: int = 0
    exact: bool = True


AUTHORS = RayPoseSettings(exact=False)


class Cameras(NamedTuple):
    """Cameras of several views."""

    extrinsics: Tensor
    """(batch, views, 3, 4), world to camera"""
    intrinsics: Tensor
    """(batch, views, 3, 3), in pixels; the middle of the image is (width / 2, height / 2)"""


@torch.no_grad()
def cameras_of_rays(
    rays: Tensor,
    confidence: Tensor | None,
    size: tuple[int, int],
    settings: RayPoseSettings | None = None,
) -> Cameras:
    """
    Return the cameras that the ray maps belong to; NaN where fewer than 8 rays are usable.

    The same rays give the same cameras: the random numbers come from a seed.

    :param rays: (batch, views, rows, columns, 6), direction and origin in the world.
    :param confidence: (batch, views, rows, columns), or None for equal weights.
    :param size: height and width of the image whose intrinsics are wanted.
    """
    settings = settings or RayPoseSettings()
    batch, views, rows, columns, _ = rays.shape
    if rows * columns < settings.points:
        raise DepthError(
            f'a map of {rows}x{columns} rays is too small, expected at least {settings.points} '
            'rays; give the whole map'
        )
    flat = rays.reshape(batch * views, rows * columns, 6).double()
    weights = (
        torch.ones_like(flat[..., 0])
        if confidence is None
        else (confidence.reshape(flat.shape[:2]).double())
    )
    finite = flat.isfinite().all(-1) & weights.isfinite()
    flat = torch.where(finite[..., None], flat, 0)
    weights = torch.where(finite, weights, 0)
    grid = _grid(rows, columns, flat)
    found = [_camera(r, w, grid, settings) for r, w in zip(flat, weights, strict=True)]
    poses, lenses = (torch.stack(part) for part in zip(*found, strict=True))
    height, width = size
    fx, fy, cx, cy = lenses.unbind(-1)
    intrinsics = intrinsic_matrix(
        fx * width / 2, fy * height / 2, (cx + 1) * width / 2, (cy + 1) * height / 2
    )
    shape = (batch, views)
    return Cameras(
        inverse_pose(poses).unflatten(0, shape).to(rays.dtype),
        intrinsics.unflatten(0, shape).to(rays.dtype),
    )


def _grid(rows: int, columns: int, like: Tensor) -> Tensor:
    """Return the homogeneous centres of the cells of an image from -1 to 1, (cells, 3)."""
    v = (2 * torch.arange(rows, device=like.device, dtype=like.dtype) + 1) / rows - 1
    u = (2 * torch.arange(columns, device=like.device, dtype=like.dtype) + 1) / columns - 1
    v, u = torch.meshgrid(v, u, indexing='ij')
    return torch.stack([u, v, torch.ones_like(u)], -1).flatten(0, 1)


def _camera(
    rays: Tensor, weights: Tensor, grid: Tensor, settings: RayPoseSettings
) -> tuple[Tensor, Tensor]:
    """Return camera-to-world (3, 4) and focal lengths and centre (4,) in units of the grid."""
    directions, origins = rays[:, :3], rays[:, 3:]
    turn = _turn(directions, weights) if settings.exact else torch.eye(3).to(rays)
    turned = directions @ turn.T
    z = turned[:, 2]
    ahead = (z if settings.exact else z.abs()) > settings.smallest_z
    weights = torch.where(ahead, weights, 0)
    places = turned[:, :2] / torch.where(ahead, z, 1)[:, None]
    inliers = _inliers(grid, places, weights, settings)
    homography = turn.T @ _homography(grid, places, weights * inliers)
    homography = homography * torch.linalg.det(homography).sign()
    if settings.exact:
        rotation, lens = _split(homography)
        centre = _middle(origins, weights * inliers)
    else:
        rotation, lens = _split_as_authors(homography)
        centre = weights @ origins / weights.sum()
    pose = torch.cat([rotation, centre[:, None]], 1)
    enough = (weights > 0).sum() >= settings.points
    return torch.where(enough, pose, torch.nan), torch.where(enough, lens, torch.nan)


def _turn(directions: Tensor, weights: Tensor) -> Tensor:
    """
    Return the rotation (3, 3) that brings the mean direction to the optical axis.

    A direction at right angles to the axis has no place in the plane at distance 1, and near to
    that its place is mostly noise. It is the identity for views that look ahead.
    """
    unit = torch.nn.functional.normalize(directions, dim=-1)
    ahead = torch.nn.functional.normalize(weights @ unit, dim=0)
    helper = torch.nn.functional.one_hot(ahead.abs().argmin(), 3).to(ahead)
    side = torch.nn.functional.normalize(torch.linalg.cross(helper, ahead), dim=0)
    turn = torch.stack([side, torch.linalg.cross(ahead, side), ahead])
    return torch.where(ahead[2] > _SIDEWAYS, torch.eye(3).to(turn), turn)


def _inliers(grid: Tensor, places: Tensor, weights: Tensor, settings: RayPoseSettings) -> Tensor:
    """Return which rays agree with the best hypothesis, (rays,), booleans."""
    generator = torch.Generator().manual_seed(settings.seed)
    number, count = len(grid), settings.points
    # In random order first, so that equal confidences do not choose the top of the image.
    order = torch.randperm(number, generator=generator).to(grid.device)
    order = order[weights[order].argsort(descending=True, stable=True)]
    best = max(count, int(number * settings.confident))
    # One ray from each of as many equal parts: all differ.
    parts = torch.arange(count) + torch.rand(settings.hypotheses, count, generator=generator)
    sample = order[(parts * best / count).long().clamp(max=best - 1).to(grid.device)]
    hypotheses = _homography(grid[sample], places[sample], weights[sample])
    homogeneous, coarse_grid = (
        torch.nn.functional.pad(places, (0, 1), value=1).float(),
        grid.float(),
    )
    coarse_weights = weights.float()
    scores = [
        _agreement(some, coarse_grid, homogeneous, settings.threshold).float() @ coarse_weights
        for some in hypotheses.float().split(_AT_ONCE)
    ]
    chosen = hypotheses[torch.cat(scores).argmax()].float()
    return _agreement(chosen[None], coarse_grid, homogeneous, settings.threshold)[0]


def _agreement(homographies: Tensor, grid: Tensor, places: Tensor, threshold: float) -> Tensor:
    """Return where homographies (n, 3, 3) map the grid close to the places, (n, rays)."""
    mapped = homographies @ grid.T
    x, y, z = mapped.unbind(1)
    u, v, _ = places.unbind(-1)
    # Multiplied by z rather than divided, which may be zero.
    return (x - u * z) ** 2 + (y - v * z) ** 2 < (threshold * z) ** 2


def _homography(grid: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """
    Return the homographies (..., 3, 3) that map the grid to the places best, up to their sign.

    :param grid: (..., rays, 3). :param places: (..., rays, 2). :param weights: (..., rays).
    """
    u, v = places.unbind(-1)
    moments = torch.stack([torch.ones_like(u), u, v, u * u + v * v], -2) * weights[..., None, :]
    # Of the weighted products of grid points, (..., 4, 3, 3).
    one, by_u, by_v, by_both = torch.einsum(
        '...kn,...ni,...nj->...kij', moments, grid, grid
    ).unbind(-3)
    zero = torch.zeros_like(one)
    normal = torch.cat(
        [
            torch.cat([one, zero, -by_u], -1),
            torch.cat([zero, one, -by_v], -1),
            torch.cat([-by_u, -by_v, by_both], -1),
        ],
        -2,
    )
    return torch.linalg.eigh(normal).eigenvectors[..., 0].unflatten(-1, (3, 3))


def _split(homography: Tensor) -> tuple[Tensor, Tensor]:
    """Return rotation (3, 3) and fx, fy, cx, cy of a homography R K^-1."""
    rotation, upper = torch.linalg.qr(homography)
    signs = upper.diagonal().sign()
    rotation, upper = rotation * signs, upper * signs[:, None]
    lens = torch.linalg.solve_triangular(upper, torch.eye(3).to(upper), upper=True)
    lens = lens / lens[2, 2]
    return rotation, torch.stack([lens[0, 0], lens[1, 1], lens[0, 2], lens[1, 2]])


def _split_as_authors(homography: Tensor) -> tuple[Tensor, Tensor]:
    """
    Return what `_split` does, from an orthogonal and a lower triangular factor.

    Both agree for a central principal point. For others this one is not K^-1.
    """
    rotation, upper = torch.linalg.qr(homography.flip(1))
    rotation, lower = rotation.flip(1), upper.flip(0, 1)
    signs = lower.diagonal().sign()
    rotation, lower = rotation * signs, lower * signs[:, None]
    lower = lower / lower[2, 2]
    return rotation, torch.stack([1 / lower[0, 0], 1 / lower[1, 1], lower[2, 0], lower[2, 1]])


def _middle(points: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean (3,) of points (n, 3) without those far from their median."""
    median = torch.stack([_median(values, weights) for values in points.unbind(-1)])
    distance = (points - median).norm(dim=-1)
    near = distance <= _BEYOND * _median(distance, weights)
    kept = weights * near
    return kept @ points / kept.sum()


def _median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted median of values (n,)."""
    ordered, order = values.sort()
    reached = weights[order].cumsum(0)
    return ordered[torch.searchsorted(reached, reached[-1:] / 2).clamp(max=len(values) - 1)][0]
