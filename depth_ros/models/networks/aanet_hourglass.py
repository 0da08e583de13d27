# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two hourglasses in a row, which AANet+ uses for features (as in GA-Net) and for refinement."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.deformable import DeformableConvolution


class Hourglasses(nn.Module):
    """
    Twice down to 1/16 and back, the deeper half with deformable convolutions.

    Subclasses give what comes before and after; official names have all parts side by side.
    """

    def __init__(self, width: int, deformable: bool) -> None:
        """Take the width at full size; it grows to four times that."""
        super().__init__()
        widths = [width, 3 * width // 2, 2 * width, 3 * width, 4 * width]
        for level in range(1, 5):
            coarse, fine = widths[level], widths[level - 1]
            deform = deformable and level > 2
            down: nn.Module = Convolution(fine, coarse, stride=2)
            if deform:
                down = DeformableConvolution(fine, coarse, stride=2)
            setattr(self, f'conv{level}a', down)
            setattr(self, f'deconv{level}a', Join(coarse, fine, up=True))
            setattr(self, f'conv{level}b', Join(fine, coarse, deformable=deform))
            setattr(self, f'deconv{level}b', Join(coarse, fine, up=True))

    def hourglasses(self, x: Tensor) -> Tensor:
        """Return features of the size and width of `x`; height and width multiples of 16."""
        states = [x]
        for level in range(1, 5):
            states.append(getattr(self, f'conv{level}a')(states[-1]))
        for level in range(4, 0, -1):
            states[level - 1] = getattr(self, f'deconv{level}a')(states[level], states[level - 1])
        for level in range(1, 5):
            states[level] = getattr(self, f'conv{level}b')(states[level - 1], states[level])
        for level in range(4, 0, -1):
            states[level - 1] = getattr(self, f'deconv{level}b')(states[level], states[level - 1])
        return states[0]


class HourglassFeatures(Hourglasses):
    """Returns (B, width, H/3, W/3) features of an image; H and W multiples of 48."""

    def __init__(self, width: int, deformable: bool) -> None:
        super().__init__(width, deformable)
        last: nn.Module = Convolution(width, width)
        if deformable:
            last = DeformableConvolution(width, width)
        self.conv_start = nn.Sequential(
            Convolution(3, width), Convolution(width, width, size=5, stride=3), last
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.hourglasses(self.conv_start(image))


class Convolution(nn.Module):
    """A convolution or its transpose, normalised, with ReLU."""

    def __init__(
        self, inside: int, outside: int, size: int = 3, stride: int = 1, up: bool = False
    ) -> None:
        super().__init__()
        kind = nn.ConvTranspose2d if up else nn.Conv2d
        self.conv = kind(inside, outside, size, stride, (size - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


class Join(nn.Module):
    """Halves or doubles the size and joins what was there before."""

    def __init__(
        self, inside: int, outside: int, up: bool = False, deformable: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = Convolution(inside, outside, 4 if up else 3, stride=2, up=up)
        self.conv2: nn.Module = Convolution(2 * outside, outside)
        if deformable:
            self.conv2 = DeformableConvolution(2 * outside, outside)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        return self.conv2(torch.cat([self.conv1(x), before], 1))
