# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The residual encoders of RAFT-Stereo and of the networks that grew from it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.normalisation import normalisation

WIDTHS = (64, 96, 128)  # at the three scales of the trunk


class ResidualBlock(nn.Module):
    """Two normalised 3x3 convolutions around a shortcut, which is projected where it must be."""

    def __init__(self, inside: int, outside: int, norm: str, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1)
        self.norm1 = normalisation(norm, outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        self.norm2 = normalisation(norm, outside)
        self.downsample: nn.Module | None = None
        if stride > 1 or inside != outside:
            self.downsample = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride), normalisation(norm, outside)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outside, height / stride, width / stride)."""
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = functional.relu(self.norm2(self.conv2(y)), inplace=True)
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Trunk(nn.Module):
    """
    A convolution and three scales of two residual blocks.

    :param downsample: how often the size is halved, 0 to 3; the last scales first.
    """

    def __init__(self, widths: Sequence[int], norm: str, downsample: int) -> None:
        super().__init__()
        first, second, third = widths
        self.conv1 = nn.Conv2d(3, first, 7, 1 + (downsample > 2), 3)
        self.norm1 = normalisation(norm, first, 8)
        self.layer1 = _layer(first, first, norm)
        self.layer2 = _layer(first, second, norm, 1 + (downsample > 1))
        self.layer3 = _layer(second, third, norm, 1 + (downsample > 0))

    def trunk(self, x: Tensor) -> Tensor:
        """Return features (batch, widths[2], height, width) of the coarsest of the scales."""
        x = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        return self.layer3(self.layer2(self.layer1(x)))


class FeatureEncoder(Trunk):
    """The trunk and a projection: features to be matched."""

    def __init__(
        self, outside: int, downsample: int, widths: Sequence[int] = WIDTHS, norm: str = 'instance'
    ) -> None:
        super().__init__(widths, norm, downsample)
        self.conv2 = nn.Conv2d(widths[2], outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (batch, outside, height, width) at the scale of the trunk."""
        return self.conv2(self.trunk(x))


class ContextEncoder(Trunk):
    """
    The trunk, coarser scales after it, and for each scale a first hidden state and a context.

    :param names: of the outputs, finest first; the official names of parameters contain them.
    :param hidden: channels of the outputs, finest first; their number is that of the scales.
    """

    def __init__(
        self,
        names: Sequence[str],
        hidden: Sequence[int],
        downsample: int,
        norm: str,
        widths: Sequence[int] = WIDTHS,
    ) -> None:
        super().__init__(widths, norm, downsample)
        width = widths[2]
        self.names = tuple(names[: len(hidden)])
        for scale, (name, outside) in enumerate(zip(self.names, hidden, strict=True)):
            if scale:
                self.add_module(f'layer{3 + scale}', _layer(width, width, norm, 2))
            outputs = [_output(width, outside, norm, plain=scale == 2) for _ in range(2)]
            self.add_module(name, nn.ModuleList(outputs))

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return `scales` of the trunk's features of images (batch, 3, height, width)."""
        return self.scales(self.trunk(x))

    def scales(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the hidden states and the contexts, finest first, from the trunk's features."""
        hidden, contexts = [], []
        for scale, name in enumerate(self.names):
            if scale:
                x = self.get_submodule(f'layer{3 + scale}')(x)
            hidden.append(torch.tanh(self.get_submodule(f'{name}.0')(x)))
            contexts.append(functional.relu(self.get_submodule(f'{name}.1')(x), inplace=True))
        return hidden, contexts


def _layer(inside: int, outside: int, norm: str, stride: int = 1) -> nn.Module:
    first = ResidualBlock(inside, outside, norm, stride)
    return nn.Sequential(first, ResidualBlock(outside, outside, norm))


def _output(inside: int, outside: int, norm: str, plain: bool) -> nn.Module:
    convolution = nn.Conv2d(inside, outside, 3, padding=1)
    if plain:
        return convolution
    return nn.Sequential(ResidualBlock(inside, inside, norm), convolution)
