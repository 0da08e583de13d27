# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Eigen et al. (2014): log depth from one image, coarse over the whole image and then fine.

No weights were published, and neither was a normalisation of the images. The size of the image
is part of the network, which has a fully connected layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.types import DepthError

COARSE_WIDTHS = (96, 256, 384, 384, 256)
FINE_WIDTHS = (63, 64)


def _out(side: int, kernel: int, stride: int) -> int:
    return (side - kernel) // stride + 1


@dataclass(frozen=True)
class EigenConfig:
    """The shape of a network of Eigen et al."""

    height: int = 228
    width: int = 304
    coarse: tuple[int, ...] = COARSE_WIDTHS
    hidden: int = 4096
    fine: tuple[int, ...] = FINE_WIDTHS
    dropout: float = 0.5
    """Of the hidden layer, in training."""

    @property
    def output_size(self) -> tuple[int, int]:
        """Return height and width of the output."""
        return _out(self.height, 9, 2) // 2, _out(self.width, 9, 2) // 2

    @property
    def coarse_size(self) -> tuple[int, int]:
        """Return height and width of the map before the fully connected layers."""
        height, width = (_out(side, 11, 4) // 2 // 2 for side in (self.height, self.width))
        return _out(height, 3, 2), _out(width, 3, 2)


NYU = EigenConfig()


class EigenResult(NamedTuple):
    """What the network returns, each (batch, 1, height / 4, width / 4) of log metres."""

    log_depth: Tensor
    coarse_log_depth: Tensor


class Coarse(nn.Module):
    """Five convolutions and two fully connected layers: a depth that sees the whole image."""

    def __init__(self, config: EigenConfig) -> None:
        super().__init__()
        first, second, third, fourth, fifth = config.coarse
        height, width = config.coarse_size
        self.size = config.output_size
        self.conv1 = nn.Conv2d(3, first, 11, 4)
        self.conv2 = nn.Conv2d(first, second, 5, padding=2)
        self.conv3 = nn.Conv2d(second, third, 3, padding=1)
        self.conv4 = nn.Conv2d(third, fourth, 3, padding=1)
        self.conv5 = nn.Conv2d(fourth, fifth, 3, 2)
        self.fc6 = nn.Linear(fifth * height * width, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.fc7 = nn.Linear(config.hidden, self.size[0] * self.size[1])

    def forward(self, image: Tensor) -> Tensor:
        """Return log depth (batch, 1, height / 4, width / 4)."""
        x = functional.max_pool2d(functional.relu(self.conv1(image)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.conv3(x))
        x = functional.relu(self.conv4(x))
        x = functional.relu(self.conv5(x))
        x = self.dropout(functional.relu(self.fc6(x.flatten(1))))
        return self.fc7(x).unflatten(1, (1, *self.size))


class Fine(nn.Module):
    """Three convolutions that sharpen a coarse depth with the edges of the image."""

    def __init__(self, config: EigenConfig) -> None:
        super().__init__()
        first, second = config.fine
        self.conv1 = nn.Conv2d(3, first, 9, 2)
        self.conv2 = nn.Conv2d(first + 1, second, 5, padding=2)
        self.conv3 = nn.Conv2d(second, 1, 5, padding=2)

    def forward(self, image: Tensor, coarse: Tensor) -> Tensor:
        """Return log depth of the size of `coarse` (batch, 1, height / 4, width / 4)."""
        x = functional.max_pool2d(functional.relu(self.conv1(image)), 2)
        x = functional.relu(self.conv2(torch.cat((x, coarse), 1)))
        return self.conv3(x)


class Eigen(nn.Module):
    """The coarse network and the fine one behind it."""

    def __init__(self, config: EigenConfig) -> None:
        super().__init__()
        self.config = config
        self.coarse = Coarse(config)
        self.fine = Fine(config)

    def forward(self, image: Tensor) -> EigenResult:
        """Return the log depth of image (batch, 3, height, width)."""
        height, width = self.config.height, self.config.width
        if image.shape[-2:] != (height, width):
            raise DepthError(
                f'expected an image of {width}x{height} pixels, got '
                f'{image.shape[-1]}x{image.shape[-2]}; resize it'
            )
        coarse = self.coarse(image)
        return EigenResult(self.fine(image, coarse), coarse)


def build(config: EigenConfig = NYU) -> Eigen:
    """Return the network in eval mode, without trained weights."""
    return Eigen(config).eval()


def from_official(config: Mapping[str, Any]) -> EigenConfig:
    """Return the configuration for the size that the training has: `height` and `width`."""
    return EigenConfig(int(config.get('height', 228)), int(config.get('width', 304)))


def metres(result: EigenResult, height: int, width: int) -> Tensor:
    """Return depth (batch, height, width) in metres, float32, at the size of the image."""
    log_depth = functional.interpolate(result.log_depth.float(), (height, width), mode='bilinear')
    return log_depth.exp()[:, 0]
