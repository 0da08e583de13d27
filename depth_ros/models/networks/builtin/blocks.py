# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the compact network is built of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def convolution(inside: int, outside: int, size: int, stride: int = 1) -> nn.Module:
    """Return a convolution with its normalisation, which `fold_normalisation` merges."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outside),
    )


class Block(nn.Module):
    """
    Two 3x3 convolutions around a shortcut.

    Depthwise ones would have fewer operations and take longer: what costs here is moving channels
    through memory, and normalising them in training.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolution(width, width, 3)
        self.second = convolution(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Context(nn.Module):
    """Add the mean of the image and of each row to every place, for a camera's pitch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.whole = nn.Linear(width, width)
        self.row = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        whole = self.whole(x.mean((2, 3)))[:, :, None, None]
        rows = self.row(x.mean(3))[:, :, :, None]
        return functional.relu(x + whole + rows)


class Up(nn.Module):
    """Twice the size, joined with the encoder's features and with those of the ground."""

    def __init__(self, inside: int, skip: int, outside: int) -> None:
        super().__init__()
        self.down = convolution(inside, outside, 1)
        self.skip = convolution(skip, outside, 1)
        self.mix = convolution(outside, outside, 3)

    def forward(self, x: Tensor, skip: Tensor, ground: Tensor | None = None) -> Tensor:
        x = functional.interpolate(self.down(x), scale_factor=2.0, mode='bilinear')
        x = x + self.skip(skip)
        x = functional.relu(x if ground is None else x + ground)
        return x + functional.relu(self.mix(x))
