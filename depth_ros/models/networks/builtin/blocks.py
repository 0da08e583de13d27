# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the decoder of the built-in network is built of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def convolution(inside: int, outside: int, size: int) -> nn.Module:
    """Return a convolution with its normalisation, which `fold_normalisation` merges."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, size, padding=size // 2, bias=False), nn.BatchNorm2d(outside)
    )


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolution(width, width, 3)
        self.second = convolution(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Up(nn.Module):
    """Twice the size, joined with the encoder's features and what is known of the view."""

    def __init__(self, inside: int, skip: int, known: int, outside: int) -> None:
        super().__init__()
        self.down = convolution(inside, outside, 1)
        self.skip = convolution(skip, outside, 1)
        self.known = nn.Conv2d(known, outside, 1, bias=False)
        self.mix = convolution(outside, outside, 3)

    def forward(self, x: Tensor, skip: Tensor, known: Tensor) -> Tensor:
        x = functional.interpolate(self.down(x), scale_factor=2.0)
        x = functional.relu(x + self.skip(skip) + self.known(known))
        return x + functional.relu(self.mix(x))
