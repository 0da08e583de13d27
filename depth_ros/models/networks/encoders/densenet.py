# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
DenseNet (Huang et al. 2017) with the names of torchvision's `features`.

The classifier is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

BOTTLENECK = 4  # channels of the 1x1 convolution of a layer, per channel that the layer adds


@dataclass(frozen=True)
class DenseNetConfig:
    """The shape of a DenseNet."""

    blocks: tuple[int, int, int, int]
    growth: int = 32
    stem: int = 64
    epsilon: float = 1e-5

    @property
    def channels(self) -> tuple[int, ...]:
        """Return the channels of the five feature maps."""
        found = [self.stem, self.stem]
        for index, layers in enumerate(self.blocks):
            width = found[-1] + layers * self.growth
            found.append(width if index == 3 else width // 2)
        return (*found[:4], found[5])


DENSENETS = {
    'densenet121': DenseNetConfig((6, 12, 24, 16)),
    'densenet161': DenseNetConfig((6, 12, 36, 24), growth=48, stem=96),
    'densenet169': DenseNetConfig((6, 12, 32, 32)),
    'densenet201': DenseNetConfig((6, 12, 48, 32)),
}


class DenseLayer(nn.Module):
    """Returns the channels that one layer adds."""

    def __init__(self, inside: int, growth: int, epsilon: float) -> None:
        super().__init__()
        middle = BOTTLENECK * growth
        self.norm1 = nn.BatchNorm2d(inside, epsilon)
        self.conv1 = nn.Conv2d(inside, middle, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(middle, epsilon)
        self.conv2 = nn.Conv2d(middle, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(functional.relu(self.norm1(x)))
        return self.conv2(functional.relu(self.norm2(x)))


class DenseBlock(nn.Module):
    """Layers that each see the input of the block and the output of all layers before them."""

    def __init__(self, layers: int, inside: int, growth: int, epsilon: float) -> None:
        super().__init__()
        for index in range(layers):
            layer = DenseLayer(inside + index * growth, growth, epsilon)
            self.add_module(f'denselayer{index + 1}', layer)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat((x, layer(x)), 1)
        return x


class Transition(nn.Module):
    """Half the channels at half the size."""

    def __init__(self, inside: int, outside: int, epsilon: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inside, epsilon)
        self.conv = nn.Conv2d(inside, outside, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x))), 2)


class DenseNet(nn.Module):
    """A stem and four dense blocks with a transition between each two."""

    denseblock4: DenseBlock

    def __init__(self, config: DenseNetConfig) -> None:
        super().__init__()
        self.channels = config.channels
        self.conv0 = nn.Conv2d(3, config.stem, 7, 2, 3, bias=False)
        self.norm0 = nn.BatchNorm2d(config.stem, config.epsilon)
        inside = config.stem
        for index, layers in enumerate(config.blocks):
            block = DenseBlock(layers, inside, config.growth, config.epsilon)
            self.add_module(f'denseblock{index + 1}', block)
            inside += layers * config.growth
            if index < 3:
                transition = Transition(inside, inside // 2, config.epsilon)
                self.add_module(f'transition{index + 1}', transition)
                inside //= 2
        self.norm5 = nn.BatchNorm2d(inside, config.epsilon)

    def forward(self, x: Tensor) -> list[Tensor]:
        """
        Return the features of image x (batch, 3, height, width) at 1/2, 1/4 ... 1/32.

        The last one is normalised, without the ReLU that comes before a classifier.
        """
        stem = functional.relu(self.norm0(self.conv0(x)))
        features = [stem, functional.max_pool2d(stem, 3, 2, 1)]
        for index in (1, 2, 3):
            x = getattr(self, f'denseblock{index}')(features[-1])
            features.append(getattr(self, f'transition{index}')(x))
        features[-1] = self.norm5(self.denseblock4(features[-1]))
        return features


_KERAS = (
    (r'^conv1\.conv\.', 'conv0.'),
    (r'^conv1\.bn\.', 'norm0.'),
    (r'^bn\.', 'norm5.'),
)
_KERAS_LAYER = {'0_bn': 'norm1', '1_conv': 'conv1', '1_bn': 'norm2', '2_conv': 'conv2'}


def keras_densenet_key(key: str) -> str | None:
    """Return our key for one of the Keras applications' DenseNet, None for any other key."""
    if found := re.match(r'conv(\d)_block(\d+)_(0_bn|1_conv|1_bn|2_conv)\.(\w+)$', key):
        block, layer, part, leaf = found.groups()
        return f'denseblock{int(block) - 1}.denselayer{layer}.{_KERAS_LAYER[part]}.{leaf}'
    if found := re.match(r'pool(\d)_(bn|conv)\.(\w+)$', key):
        block, part, leaf = found.groups()
        return f'transition{int(block) - 1}.{"norm" if part == "bn" else "conv"}.{leaf}'
    for pattern, ours in _KERAS:
        if re.match(pattern, key):
            return re.sub(pattern, ours, key)
    return None
