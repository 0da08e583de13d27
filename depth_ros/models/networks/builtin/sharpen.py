# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth at twice the size, whose edges lie where the image has them.

Between the near and the far side of an edge there is nothing, and an average of both is wrong for
either. So each new pixel weighs the depths around it (Teed and Deng, RAFT, 2020), by what the
network has seen there and by the colours, which are known at the full size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.builtin.blocks import convolution

COLOURS = 3
AROUND = 9  # depths, 3x3
PARTS = 4  # new pixels of each old one, 2x2


class Sharpen(nn.Module):
    """Before training almost bilinear; exactly bilinear without a known ground."""

    def __init__(self, inside: int, hidden: int) -> None:
        super().__init__()
        self.see = convolution(inside + PARTS * COLOURS, hidden, 3)
        self.choose = nn.Conv2d(hidden, AROUND * PARTS, 1)
        nn.init.normal_(self.choose.weight, std=1e-3)
        if self.choose.bias is not None and not self.choose.bias.is_meta:
            self.choose.bias.data = _bilinear().clamp(min=1e-2).log().flatten()

    def forward(self, values: Tensor, x: Tensor, colours: Tensor, known: Tensor) -> Tensor:
        """
        Return values (batch, height, width) at twice the size.

        :param x: the features that they were made of.
        :param colours: the image, and `known` where the ground is, both at the new size.
        """
        batch, height, width = values.shape
        x = torch.cat([x, functional.pixel_unshuffle(colours, 2)], 1)
        odds = self.choose(functional.relu(self.see(x))).float()
        weights = odds.view(batch, AROUND, PARTS, height, width).softmax(1)
        padded = functional.pad(values[:, None], (1, 1, 1, 1), 'replicate')
        around = functional.unfold(padded, 3).view(batch, AROUND, 1, height, width)
        mixed = (weights * around).sum(1)
        return torch.where(known, functional.pixel_shuffle(mixed, 2)[:, 0], twice(values))


def twice(values: Tensor) -> Tensor:
    """Return (batch, height, width) at twice the size, with averages between."""
    return functional.interpolate(values[:, None], scale_factor=2.0, mode='bilinear')[:, 0]


def _bilinear() -> Tensor:
    """Return how much each old pixel counts for each new one, (AROUND, PARTS)."""
    # By row or column: the upper half of a pixel is a quarter of the one above it, and so on.
    upper, lower = torch.tensor([0.25, 0.75, 0.0]), torch.tensor([0.0, 0.75, 0.25])
    sides = torch.stack([upper, lower], 1)
    return torch.einsum('ip,jq->ijpq', sides, sides).reshape(AROUND, PARTS)
