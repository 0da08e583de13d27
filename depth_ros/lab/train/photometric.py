# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Self-supervised losses: depth is right when it explains one image by another.

Images are (batch, channels, height, width) in 0..1, depth and disparity (batch, height, width).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def structural_dissimilarity(a: Tensor, b: Tensor) -> Tensor:
    """Return (1 - SSIM) / 2 per pixel over 3x3 windows, 0 where equal."""
    c1, c2 = 0.01**2, 0.03**2
    padded = [functional.pad(image, (1, 1, 1, 1), mode='reflect') for image in (a, b)]
    mean_a, mean_b = (functional.avg_pool2d(image, 3, 1) for image in padded)
    variance_a = functional.avg_pool2d(padded[0].square(), 3, 1) - mean_a.square()
    variance_b = functional.avg_pool2d(padded[1].square(), 3, 1) - mean_b.square()
    covariance = functional.avg_pool2d(padded[0] * padded[1], 3, 1) - mean_a * mean_b
    numerator = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    denominator = (mean_a.square() + mean_b.square() + c1) * (variance_a + variance_b + c2)
    return ((1 - numerator / denominator) / 2).clamp(0, 1)


def photometric_error(a: Tensor, b: Tensor, ssim_weight: float = 0.85) -> Tensor:
    """Return the mix of structural and absolute difference per pixel, (batch, height, width)."""
    absolute = (a - b).abs().mean(1)
    return ssim_weight * structural_dissimilarity(a, b).mean(1) + (1 - ssim_weight) * absolute


def warp_by_disparity(right: Tensor, disparity: Tensor) -> tuple[Tensor, Tensor]:
    """
    Return the right image moved onto the left one, and where it was visible.

    The left pixel x looks at x - disparity of the right image (pixels, positive).
    """
    height, width = right.shape[-2:]
    x = torch.arange(width, device=right.device, dtype=right.dtype).expand(height, width)
    y = torch.arange(height, device=right.device, dtype=right.dtype)[:, None].expand(height, width)
    return _sample(right, x - disparity, y.expand_as(disparity))


def warp_by_pose(
    source: Tensor, depth: Tensor, K: Tensor, target_to_source: Tensor
) -> tuple[Tensor, Tensor]:
    """
    Return the source image as the target camera would see it, and where it was visible.

    :param K: (batch or 1, 3, 3), one pinhole for both.
    :param target_to_source: (batch or 1, 4, 4).
    """
    batch, height, width = depth.shape
    y, x = torch.meshgrid(
        torch.arange(height, device=depth.device, dtype=depth.dtype),
        torch.arange(width, device=depth.device, dtype=depth.dtype),
        indexing='ij',
    )
    pixels = torch.stack([x, y, torch.ones_like(x)]).reshape(1, 3, -1)
    points = torch.linalg.solve(K, pixels.expand(K.shape[0], -1, -1)) * depth.reshape(batch, 1, -1)
    moved = target_to_source[:, :3, :3] @ points + target_to_source[:, :3, 3:]
    projected = K @ moved
    z = projected[:, 2].clamp(min=1e-3)
    u, v = ((projected[:, axis] / z).reshape(batch, height, width) for axis in (0, 1))
    warped, visible = _sample(source, u, v)
    return warped, visible & (moved[:, 2].reshape(batch, height, width) > 1e-3)


def _sample(image: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the image at pixel coordinates; pixel centres are integers."""
    height, width = image.shape[-2:]
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], -1)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    warped = functional.grid_sample(
        image, grid, mode='bilinear', padding_mode='border', align_corners=True
    )
    return warped, inside


def unmoved(target: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Return the error per pixel of the best source as it is, (batch, height, width)."""
    return torch.stack([photometric_error(image, target) for image in sources]).min(0).values


def minimum_reprojection(
    target: Tensor,
    warped: Sequence[Tensor],
    sources: Sequence[Tensor],
    visible: Sequence[Tensor] | None = None,
    still: Tensor | None = None,
) -> Tensor:
    """
    Return the photometric loss of the best source per pixel, without pixels that do not move.

    `still` is that of `unmoved`, where it is known already.

    Occluded pixels are seen by at least one source; pixels that look the same without any
    warping (a still camera, an object that moves along) say nothing about depth and are left out.
    """
    errors = torch.stack([photometric_error(image, target) for image in warped])
    if visible is not None:
        hidden = torch.full_like(errors, torch.inf)
        errors = torch.where(torch.stack(list(visible)), errors, hidden)
    best = errors.min(0).values
    if still is None:
        still = unmoved(target, sources)
    used = (best < still) & best.isfinite()
    best = torch.where(used, best, torch.zeros_like(best))
    return best.sum() / used.sum().clamp(min=1)


def edge_aware_smoothness(disparity: Tensor, image: Tensor) -> Tensor:
    """Return how much the mean-normalised disparity changes where the image does not."""
    scaled = disparity / disparity.mean((1, 2), keepdim=True).clamp(min=1e-7)
    total = disparity.new_zeros(())
    for axis in (1, 2):
        length = disparity.shape[axis] - 1
        slope = (scaled.narrow(axis, 1, length) - scaled.narrow(axis, 0, length)).abs()
        contrast = image.narrow(axis + 1, 1, length) - image.narrow(axis + 1, 0, length)
        total = total + (slope * (-contrast.abs().mean(1)).exp()).mean()
    return total


def left_right_consistency(left: Tensor, right: Tensor) -> Tensor:
    """Return the mean difference of the left disparity and the right one it points at, in px."""
    warped, visible = warp_by_disparity(right[:, None], left)
    difference = torch.where(visible, (left - warped[:, 0]).abs(), torch.zeros_like(left))
    return difference.sum() / visible.sum().clamp(min=1)
