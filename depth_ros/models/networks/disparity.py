# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From a cost volume to disparity, and from a disparity to the other image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

PARTS = 4  # of the disparities that are computed at a time, where there are many at full size


class Disparity(NamedTuple):
    """What a stereo network returns: px of its own width, positive, of the left image."""

    disparity: Tensor
    """(B, 1, H, W) at the size of the input."""
    stages: tuple[Tensor, ...]
    """
    (B, 1, h, w) each, coarse to fine; the last is `disparity`. Each is in px at its own width. In
    eval mode only stages that are computed anyway.
    """


def precise(x: Tensor) -> Tensor:
    """Return `x` in float32 at least: half precision holds no disparity above 100 px to 0.1 px."""
    return x if x.dtype == torch.float64 else x.float()


def expectation(similarity: Tensor, first: int = 0) -> Tensor:
    """
    Return (B, 1, H, W): the mean of d = first, first + 1, ... weighted by softmax.

    `similarity` is (B, D, H, W); negate a cost.
    """
    similarity = precise(similarity)
    d = torch.arange(similarity.shape[1], device=similarity.device, dtype=similarity.dtype)
    weighted = torch.softmax(similarity, 1) * (d + first)[:, None, None]
    return weighted.sum(1, keepdim=True)


def enlarged_expectation(
    similarity: Tensor, size: Sequence[int], align_corners: bool = False
) -> Tensor:
    """
    Return (B, 1, H, W): the expectation of d after trilinear enlargement to `size` (D, H, W).

    `similarity` is (B, 1, d, h, w). The D planes of full size do not exist at the same time: they
    are interpolated, exponentiated and summed in parts. Where a part has a higher peak than those
    before, the sums are scaled to it, so the exponentials stay finite.
    """
    count, height, width = size
    coarse = similarity.shape[2]
    planes = functional.interpolate(
        precise(similarity).squeeze(1),
        size=(height, width),
        mode='bilinear',
        align_corners=align_corners,
    )
    d = torch.arange(count, device=planes.device, dtype=planes.dtype)
    if align_corners:
        place = d * ((coarse - 1) / max(count - 1, 1))
    else:
        place = ((d + 0.5) * (coarse / count) - 0.5).clamp(min=0)
    below = place.long().clamp(max=coarse - 1)
    above = (below + 1).clamp(max=coarse - 1)
    fraction = (place - below)[:, None, None]
    step = -(-count // PARTS)
    peak = torch.full_like(planes[:, :1], -torch.inf)
    total, weighted = torch.zeros_like(peak), torch.zeros_like(peak)
    for begin in range(0, count, step):
        part = slice(begin, min(begin + step, count))
        values = torch.lerp(planes[:, below[part]], planes[:, above[part]], fraction[part])
        higher = torch.maximum(peak, values.detach().amax(1, keepdim=True))
        likely, before = (values - higher).exp(), (peak - higher).exp()
        total = total * before + likely.sum(1, keepdim=True)
        weighted = weighted * before + (likely * d[part, None, None]).sum(1, keepdim=True)
        peak = higher
    return weighted / total


def convex_upsample(disparity: Tensor, weights: Tensor, factor: int) -> Tensor:
    """
    Return (B, 1, factor * h, factor * w): each pixel a weighted mean of 3x3 coarse ones.

    `disparity` is (B, 1, h, w), in px of the finer image already, and zero outside the image;
    `weights` is (B, 9, factor * h, factor * w) and sums to one over the 9.
    """
    batch, _, height, width = disparity.shape
    disparity, weights = precise(disparity), precise(weights)
    near = functional.unfold(disparity, 3, padding=1).view(batch, 9, height, 1, width, 1)
    fine = weights.view(batch, 9, height, factor, width, factor)
    return (fine * near).sum(1).view(batch, 1, height * factor, width * factor)


def warped(
    right: Tensor, disparity: Tensor, padding: str = 'zeros', align_corners: bool = True
) -> Tensor:
    """
    Return (B, C, S, H, W): right features (B, C, H, W) at x - d for S disparities (B, S, H, W).

    Outside the image they are zero, or those of the border with `padding='border'`. With
    `align_corners` False the coordinates stay those of True, as in PyTorch since 1.3 for code of
    before; then the features are sampled half a pixel off at the edges.
    """
    batch, channels, height, width = right.shape
    dtype, right, disparity = right.dtype, precise(right), precise(disparity)
    x = torch.arange(width, device=right.device, dtype=right.dtype)
    y = torch.arange(height, device=right.device, dtype=right.dtype)
    x = (x - disparity) * (2 / max(width - 1, 1)) - 1
    y = (y * (2 / max(height - 1, 1)) - 1)[:, None].expand_as(x)
    grid = torch.stack([x, y], -1).flatten(1, 2)
    found = functional.grid_sample(
        right, grid, mode='bilinear', padding_mode=padding, align_corners=align_corners
    )
    return found.view(batch, channels, -1, height, width).to(dtype)
