# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Poses and intrinsics from ray maps.

The direction of a ray is R K^-1 (u, v, 1), a homography of its place in the image. The
homography is found with RANSAC and split into the rotation and the intrinsics, which are then
fitted to all rays. The position of the camera is where the rays begin.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from depth_ros.models.networks.depth_anything_3.camera import intrinsic_matrix, inverse_pose
from depth_ros.models.networks.depth_anything_3.ray_fit import Lens, fitted_lens, robust_mean
from depth_ros.types import DepthError

_AT_ONCE = 25  # hypotheses scored together, which bounds the memory
_SHORTEST, _LONGEST = 1e-2, 1e2  # focal lengths over half of the image, to begin with


class RayPoseSettings(NamedTuple):
    """
    How the homography is searched and what it is made into.

    `method` 'central' fits rotation and focal lengths to a principal point in the middle of the
    image, as the camera decoder has it. 'free' fits the principal point too: a little noise
    moves it far, and the rotation with it. Both turn views that look away from the optical axis
    of the world to it first, and outliers do not move the position. 'authors' splits the
    homography without a fit, with the authors' arithmetic.
    """

    hypotheses: int = 100
    points: int = 8  # of one hypothesis
    confident: float = 0.3  # share of the rays that hypotheses are made of
    threshold: float = 0.2  # of an inlier, in the plane at distance 1
    smallest_z: float = 1e-4
    fitted: int = 8000  # rays at most, of the fit that follows
    seed: int = 0
    method: Literal['central', 'free', 'authors'] = 'central'


AUTHORS = RayPoseSettings(method='authors')


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
    intrinsics: Tensor | None = None,
    settings: RayPoseSettings | None = None,
) -> Cameras:
    """
    Return the cameras that the ray maps belong to; NaN where fewer than 8 rays are usable.

    The same rays give the same cameras: the random numbers come from a seed.

    :param rays: (batch, views, rows, columns, 6), direction and origin in the world.
    :param confidence: (batch, views, rows, columns), or None for equal weights.
    :param size: height and width of the image whose intrinsics are wanted.
    :param intrinsics: (batch, views, 3, 3) where they are known, in pixels; then only the poses
        are fitted, whatever the method.
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
    half = flat.new_tensor([size[1], size[0]]) / 2
    known = None if intrinsics is None else _in_grid_units(intrinsics.flatten(0, 1), half)
    poses, lenses = [], []
    for index, (rays_of_view, weights_of_view) in enumerate(zip(flat, weights, strict=True)):
        given = rays_of_view, weights_of_view, grid
        if known is None and settings.method == 'authors':
            pose, lens = _camera_as_authors(*given, settings)
        else:
            pose, lens = _camera(*given, None if known is None else known[index], settings)
        enough = (weights_of_view > 0).sum() >= settings.points
        poses.append(torch.where(enough, pose, torch.nan))
        lenses.append(torch.where(enough, lens, torch.nan))
    focal, centre = torch.stack(lenses).unflatten(1, (2, 2)).unbind(1)
    matrix = intrinsic_matrix(*(focal * half).unbind(-1), *((centre + 1) * half).unbind(-1))
    extrinsics = inverse_pose(torch.stack(poses)).unflatten(0, (batch, views))
    return Cameras(extrinsics.to(rays.dtype), matrix.unflatten(0, (batch, views)).to(rays.dtype))


def _in_grid_units(intrinsics: Tensor, half: Tensor) -> Tensor:
    """Return focal lengths and centres (views, 4) in an image from -1 to 1."""
    exact = intrinsics.to(half)
    focal = torch.stack([exact[:, 0, 0], exact[:, 1, 1]], -1)
    return torch.cat([focal / half, exact[:, :2, 2] / half - 1], -1)


def _grid(rows: int, columns: int, like: Tensor) -> Tensor:
    """Return the homogeneous centres of the cells of an image from -1 to 1, (cells, 3)."""
    v = (2 * torch.arange(rows, device=like.device, dtype=like.dtype) + 1) / rows - 1
    u = (2 * torch.arange(columns, device=like.device, dtype=like.dtype) + 1) / columns - 1
    v, u = torch.meshgrid(v, u, indexing='ij')
    return torch.stack([u, v, torch.ones_like(u)], -1).flatten(0, 1)


def _camera(
    rays: Tensor, weights: Tensor, grid: Tensor, known: Tensor | None, settings: RayPoseSettings
) -> tuple[Tensor, Tensor]:
    """Return camera-to-world (3, 4) and focal lengths and centre (4,) in units of the grid."""
    directions, origins = functional.normalize(rays[:, :3], dim=-1), rays[:, 3:]
    turn = _turn(directions, weights)
    homography, _ = _searched(directions @ turn.T, weights, grid, settings)
    homography = turn.T @ homography
    lens = _split(homography)[1] if known is None else known
    lens = lens.nan_to_num(1.0)
    focal, centre = lens[:2].clamp(_SHORTEST, _LONGEST), lens[2:]
    if known is None and settings.method == 'central':
        centre = torch.zeros_like(centre)
    matrix = intrinsic_matrix(*focal, *centre)
    left, _, right = torch.linalg.svd(homography @ matrix)
    start = Lens(left @ right, torch.cat([focal, centre]))
    free = known is None, known is None and settings.method == 'free'
    some = _some(len(grid), settings).to(grid.device)
    found, kept = fitted_lens(start, grid[some], directions[some], weights[some], free)
    position = robust_mean(origins[some], kept)
    return torch.cat([found.rotation, position[:, None]], 1), found.intrinsics


def _some(number: int, settings: RayPoseSettings) -> Tensor:
    """Return the indices of the rays that are fitted."""
    generator = torch.Generator().manual_seed(settings.seed)
    return torch.randperm(number, generator=generator)[: settings.fitted].sort().values


def _camera_as_authors(
    rays: Tensor, weights: Tensor, grid: Tensor, settings: RayPoseSettings
) -> tuple[Tensor, Tensor]:
    """Return what `_camera` does, with the arithmetic of the authors."""
    homography, weights = _searched(rays[:, :3], weights, grid, settings)
    rotation, lens = _split_as_authors(homography)
    position = weights @ rays[:, 3:] / weights.sum()
    return torch.cat([rotation, position[:, None]], 1), lens


def _turn(directions: Tensor, weights: Tensor) -> Tensor:
    """
    Return a rotation (3, 3) that brings the mean direction to the optical axis of the world.

    A direction at right angles to the axis has no place in the plane at distance 1, and near to
    that its place is mostly noise.
    """
    ahead = functional.normalize(weights @ directions, dim=0)
    helper = functional.one_hot(ahead.abs().argmin(), 3).to(ahead)
    side = functional.normalize(torch.linalg.cross(helper, ahead), dim=0)
    return torch.stack([side, torch.linalg.cross(ahead, side), ahead])


def _searched(
    directions: Tensor, weights: Tensor, grid: Tensor, settings: RayPoseSettings
) -> tuple[Tensor, Tensor]:
    """Return the homography (3, 3) from the grid to the directions, and the usable weights."""
    z = directions[:, 2]
    usable = z.abs() > settings.smallest_z
    weights = torch.where(usable, weights, 0)
    places = directions[:, :2] / torch.where(usable, z, 1)[:, None]
    inliers = _inliers(grid, places, weights, settings)
    homography = _homography(grid, places, weights * inliers)
    return torch.where(torch.linalg.det(homography) < 0, -homography, homography), weights


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
        functional.pad(places, (0, 1), value=1).float(),
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
