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

BLOCK = 32  # columns of the left image that a product takes


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

    Blocks of columns are multiplied with all right columns that they meet. Products of one
    disparity after the other read all channels `count` times, and make an exported graph long.
    """
    width = left.shape[3]
    blocks = (width + BLOCK - 1) // BLOCK
    spare, reach = blocks * BLOCK - width, BLOCK + count - 1
    inner = left.shape[1] // groups
    lefts = functional.pad(left / inner, (0, spare)).unflatten(1, (groups, inner))
    lefts = lefts.permute(0, 1, 3, 4, 2).contiguous()
    rights = functional.pad(right, (count - 1, spare)).flip(3).unflatten(1, (groups, inner))
    rights = rights.permute(0, 1, 3, 2, 4).contiguous()
    found = []
    for block in range(blocks):
        begin = block * BLOCK
        end = (blocks - block) * BLOCK + count - 1
        products = lefts[:, :, :, begin : begin + BLOCK] @ rights[..., end - reach : end]
        # Row i has disparity d at BLOCK - 1 - i + d, since the right columns are in reverse.
        # Rows that are shorter by one, from there in the first row, begin at d = 0.
        rows = products.flatten(3)[..., BLOCK - 1 : BLOCK - 1 + BLOCK * (reach - 1)]
        rows = rows.unflatten(3, (BLOCK, reach - 1))[..., :count]
        found.append(rows.permute(0, 1, 4, 2, 3))
    return torch.cat(found, 4)[..., :width]
