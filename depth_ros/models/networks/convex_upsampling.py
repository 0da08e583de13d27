# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Upsampling of disparity whose edges lie where the image has them.

Each fine pixel is a convex combination of the 3x3 coarse pixels around it (Teed and Deng, RAFT,
2020). Disparity counts pixels, so it grows with the size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def neighbours(values: Tensor) -> Tensor:
    """Return the 3x3 values around each pixel, (batch, 9, height, width), zero outside."""
    height, width = values.shape[-2:]
    padded = functional.pad(values, (1, 1, 1, 1))
    around = [padded[..., y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return torch.cat(around, 1)


def upsample_by_blocks(disparity: Tensor, logits: Tensor, factor: int) -> Tensor:
    """
    Return disparity at `factor` times the size, in fine pixels, float32.

    :param disparity: (batch, 1, height, width), in coarse pixels.
    :param logits: (batch, 9 * factor * factor, height, width): of the neighbours, for each fine
        pixel of a coarse one.
    """
    batch, _, height, width = disparity.shape
    weights = logits.float().view(batch, 9, factor * factor, height, width).softmax(1)
    around = neighbours(factor * disparity.float())[:, :, None]
    return functional.pixel_shuffle((weights * around).sum(1), factor)


def upsample_by_pixels(disparity: Tensor, logits: Tensor, factor: int) -> Tensor:
    """
    Return disparity at `factor` times the size, in fine pixels, float32.

    :param disparity: (batch, 1, height, width), in coarse pixels.
    :param logits: (batch, 9, factor * height, factor * width): of the neighbours.
    """
    batch, _, height, width = disparity.shape
    weights = logits.float().softmax(1).view(batch, 9, height, factor, width, factor)
    around = neighbours(factor * disparity.float())[:, :, :, None, :, None]
    return (weights * around).sum(1).view(batch, 1, factor * height, factor * width)
