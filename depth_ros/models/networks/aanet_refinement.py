# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Refinements of AANet: a coarse disparity enlarged and corrected with the images.

Each takes (B, 1, h, w) in px of its own width and two images (B, 3, H, W), and returns
(B, 1, H, W) in px of that width, at least zero.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.aanet_hourglass import Hourglasses
from depth_ros.models.networks.deformable import DeformableConvolution
from depth_ros.models.networks.disparity import precise, warped

SLOPE = 0.2
DILATIONS = (1, 2, 4, 8, 1, 1)


class DilatedRefinement(nn.Module):
    """Dilated residual blocks on the left image (StereoNet) and the warped error (StereoDRNet)."""

    def __init__(self, width: int, with_error: bool) -> None:
        super().__init__()
        self.with_error = with_error
        if with_error:
            self.conv1 = _convolution(6, width // 2)
            self.conv2 = _convolution(1, width // 2)
        else:
            self.conv = _convolution(4, width)
        self.dilated_blocks = nn.Sequential(*(Block(width, each) for each in DILATIONS))
        self.final_conv = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, coarse: Tensor, left: Tensor, right: Tensor) -> Tensor:
        disparity = enlarged(coarse, left)
        known = disparity.to(left.dtype)
        if self.with_error:
            x = torch.cat([self.conv1(with_error(left, right, disparity)), self.conv2(known)], 1)
        else:
            x = self.conv(torch.cat([known, left], 1))
        residual = self.final_conv(self.dilated_blocks(x))
        return functional.relu(disparity + precise(residual))


class HourglassRefinement(Hourglasses):
    """Two hourglasses on the left image, the warped error and the disparity."""

    def __init__(self, width: int) -> None:
        super().__init__(width, deformable=True)
        self.conv1 = _convolution(6, width // 2)
        self.conv2 = _convolution(1, width // 2)
        self.conv_start = DeformableConvolution(width, width)
        self.final_conv = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, coarse: Tensor, left: Tensor, right: Tensor) -> Tensor:
        disparity = enlarged(coarse, left)
        error = self.conv1(with_error(left, right, disparity))
        x = torch.cat([error, self.conv2(disparity.to(left.dtype))], 1)
        residual = self.final_conv(self.hourglasses(self.conv_start(x)))
        return functional.relu(disparity + precise(residual))


REFINEMENTS: dict[str, Callable[[int], nn.Module]] = {
    'stereodrnet': lambda width: DilatedRefinement(width, with_error=True),
    'hourglass': HourglassRefinement,
    'stereonet': lambda width: DilatedRefinement(width, with_error=False),
}


def enlarged(disparity: Tensor, image: Tensor) -> Tensor:
    """Return the disparity at the size of the image and in px of its width."""
    factor = image.shape[3] / disparity.shape[3]
    return factor * functional.interpolate(
        disparity, size=image.shape[2:], mode='bilinear', align_corners=False
    )


def with_error(left: Tensor, right: Tensor, disparity: Tensor) -> Tensor:
    """Return (B, 6, H, W): the right image warped to the left, minus the left; the left image."""
    moved = warped(right, disparity, padding='border').squeeze(2)
    return torch.cat([moved - left, left], 1)


class Block(nn.Module):
    """Two dilated convolutions around a shortcut, with leaky ReLU."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, 1, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.leaky_relu(self.bn1(self.conv1(x)), SLOPE)
        return functional.leaky_relu(self.bn2(self.conv2(inner)) + x, SLOPE)


def _convolution(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.LeakyReLU(SLOPE),
    )
