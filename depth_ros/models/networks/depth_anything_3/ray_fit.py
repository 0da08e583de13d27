# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The camera that fits a ray map best: least squares on angles, with outliers weighed down."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_STEPS = 10
_CUT = 4.685  # standard deviations, from which a ray does not count (Tukey's biweight)
_MEDIAN = 1.1774  # of the length of a plane vector with normal components
_SMALLEST = 1e-7  # radians, the smallest deviation that noise is taken to have
_DAMPING = 1e-9
_BEYOND = 3.0  # median distances from the middle, from which an origin is an outlier


class Lens(NamedTuple):
    """A pinhole camera whose image reaches from -1 to 1 in both directions."""

    rotation: Tensor
    """(3, 3), camera to world"""
    intrinsics: Tensor
    """(4,): focal lengths and principal point, x and y of each"""


def fitted_lens(
    start: Lens, grid: Tensor, directions: Tensor, weights: Tensor, free: tuple[bool, bool]
) -> tuple[Lens, Tensor]:
    """
    Return the lens that fits best, and the weights (rays,) with outliers at 0.

    :param grid: (rays, 3), homogeneous places in the image. :param directions: (rays, 3), unit
        vectors in the world. :param weights: (rays,). :param free: whether the focal lengths
        and the principal point may change.
    """
    lens, robust = start, weights
    allowed = torch.tensor([True] * 3 + [free[0]] * 2 + [free[1]] * 2, device=grid.device)
    for _ in range(_STEPS):
        rays = _rays(lens, grid)
        lengths = rays.norm(dim=-1, keepdim=True)
        ahead = rays / lengths
        error = directions - ahead
        robust = weights * _biweight(error.norm(dim=-1), weights)
        change = _derivatives(lens, grid, rays) * allowed
        # Only what is at right angles to the ray turns it.
        change = (change - ahead[..., None] * (ahead[:, None] @ change)) / lengths[..., None]
        normal = torch.einsum('n,nij,nik->jk', robust, change, change)
        damping = _DAMPING * normal.diagonal().mean() + torch.finfo(normal.dtype).tiny
        # A row without derivatives gets a one, so that nothing is divided by zero.
        normal = normal + torch.diag(torch.where(allowed, damping, 1.0))
        step = torch.linalg.solve(normal, torch.einsum('n,nij,ni->j', robust, change, error))
        lens = _moved(lens, step)
    return lens, robust


def robust_mean(points: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean (3,) of points (n, 3) without those far from their median."""
    middle = torch.stack([weighted_median(values, weights) for values in points.unbind(-1)])
    distance = (points - middle).norm(dim=-1)
    kept = weights * (distance <= _BEYOND * weighted_median(distance, weights))
    return kept @ points / kept.sum()


def weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the value of (n,) that half of the weight does not exceed."""
    ordered, order = values.sort()
    reached = weights[order].cumsum(0)
    index = torch.searchsorted(reached, reached[-1:] / 2)
    return ordered[index.clamp(max=len(values) - 1)][0]


def _rays(lens: Lens, grid: Tensor) -> Tensor:
    return _plane(lens, grid) @ lens.rotation.T


def _plane(lens: Lens, grid: Tensor) -> Tensor:
    """Return the rays in the camera, with z = 1."""
    focal, centre = lens.intrinsics.chunk(2)
    return functional.pad((grid[:, :2] - centre) / focal, (0, 1), value=1.0)


def _derivatives(lens: Lens, grid: Tensor, rays: Tensor) -> Tensor:
    """Return how rays change (rays, 3, 7): by rotation, log of the focal lengths and centre."""
    plane, focal = _plane(lens, grid), lens.intrinsics[:2]
    axes = torch.eye(3, device=grid.device, dtype=grid.dtype)
    turned = torch.linalg.cross(axes.expand(len(grid), 3, 3), rays[:, None].expand(-1, 3, -1))
    columns = lens.rotation[:, :2]
    stretched = -columns * plane[:, None, :2]
    shifted = (-columns / focal).expand(len(grid), 3, 2)
    return torch.cat([turned.mT, stretched, shifted], -1)


def _moved(lens: Lens, step: Tensor) -> Lens:
    x, y, z = step[:3].unbind()
    zero = torch.zeros_like(x)
    turn = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).view(3, 3)
    focal = lens.intrinsics[:2] * step[3:5].clamp(-1, 1).exp()
    intrinsics = torch.cat([focal, lens.intrinsics[2:] + step[5:]])
    return Lens(torch.linalg.matrix_exp(turn) @ lens.rotation, intrinsics)


def _biweight(errors: Tensor, weights: Tensor) -> Tensor:
    deviation = (weighted_median(errors, weights) / _MEDIAN).clamp(min=_SMALLEST)
    return (1 - (errors / (_CUT * deviation)) ** 2).clamp(min=0) ** 2
