# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Volumes that hold, for every pixel and disparity, how left and right features compare.

`count` disparities d = 0, 1, ... px at the scale of the features. A left pixel x meets the right
pixel x - d; where that lies outside the image, the right features count as zero.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def shifted(features: Tensor, count: int) -> Tensor:
    """Return (B, C, count, H, W): the features of (B, C, H, W) at x - d, zero where x < d."""
    return windows(functional.pad(features, (count - 1, 0)), features.shape[3])


def windows(row: Tensor, width: int) -> Tensor:
    """Return (B, C, n, H, width): the windows of `width` columns, the rightmost one first."""
    found = row.unfold(3, width, 1).permute(0, 1, 3, 2, 4)
    # A flip would keep the order in memory that the permutation has.
    order = torch.arange(found.shape[2] - 1, -1, -1, device=row.device)
    return found.index_select(2, order)


def inside(count: int, like: Tensor, margin: int = 0) -> Tensor:
    """Return (count, 1, W) in the dtype of `like` (..., W): 1 where x >= d + margin, else 0."""
    x = torch.arange(like.shape[-1], device=like.device)
    d = torch.arange(margin, margin + count, device=like.device)
    return (x >= d[:, None, None]).to(like.dtype)


def concat_volume(left: Tensor, right: Tensor, count: int, first: int = 0) -> Tensor:
    """
    Return (B, 2C, count, H, W): left over shifted right features, both zero where x < d.

    The disparities begin with `first`.
    """
    valid = left[:, :, None] * inside(count, left, margin=first)
    return torch.cat([valid, shifted(functional.pad(right, (first, -first)), count)], 1)


def difference_volume(left: Tensor, right: Tensor, count: int) -> Tensor:
    """Return (B, count, H, W): the L1 distance over channels; that to zero where x < d."""
    return (left[:, :, None] - shifted(right, count)).abs().sum(1)


def correlation_volume(left: Tensor, right: Tensor, count: int) -> Tensor:
    """Return (B, count, H, W): the mean product over channels, zero where x < d."""
    return groupwise_volume(left, right, count, 1).flatten(1, 2)


def groupwise_volume(left: Tensor, right: Tensor, count: int, groups: int) -> Tensor:
    """
    Return (B, groups, count, H, W): the mean product within groups of channels, zero where x < d.

    One disparity at a time: the product of all channels and disparities at once would be `C`
    times as large as the result.
    """
    width = left.shape[3]
    planes = []
    for d in range(count):
        d = min(d, width)
        product = (left[..., d:] * right[..., : width - d]).unflatten(1, (groups, -1)).mean(2)
        planes.append(functional.pad(product, (d, 0)))
    return torch.stack(planes, 2)
