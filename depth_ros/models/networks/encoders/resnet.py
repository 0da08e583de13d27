# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
ResNet and ResNeXt (He et al. 2016, Xie et al. 2017) with the names of torchvision.

The classifier is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

EXPANSION = 4  # of the last convolution of a bottleneck


@dataclass(frozen=True)
class ResNetConfig:
    """The shape of a ResNet."""

    blocks: tuple[int, int, int, int]
    bottleneck: bool = True
    groups: int = 1
    group_width: int = 64
    """Channels of one group of the 3x3 convolutions of the first stage, before `width`."""
    width: int = 64
    inputs: int = 3
    epsilon: float = 1e-5
    stem_bias: bool = False
    stride_in_first: bool = False
    """The stride of a bottleneck is in its first 1x1 convolution, as in Caffe's models."""

    @property
    def channels(self) -> tuple[int, int, int, int, int]:
        """Return the channels of the five feature maps."""
        last = self.width * (EXPANSION if self.bottleneck else 1)
        return self.width, last, 2 * last, 4 * last, 8 * last


RESNETS = {
    'resnet18': ResNetConfig((2, 2, 2, 2), bottleneck=False),
    'resnet34': ResNetConfig((3, 4, 6, 3), bottleneck=False),
    'resnet50': ResNetConfig((3, 4, 6, 3)),
    'resnet101': ResNetConfig((3, 4, 23, 3)),
    'resnet152': ResNetConfig((3, 8, 36, 3)),
    'resnext50_32x4d': ResNetConfig((3, 4, 6, 3), groups=32, group_width=4),
    'resnext101_32x8d': ResNetConfig((3, 4, 23, 3), groups=32, group_width=8),
}


def _shortcut(config: ResNetConfig, inside: int, outside: int, stride: int) -> nn.Module | None:
    if stride == 1 and inside == outside:
        return None
    return nn.Sequential(
        nn.Conv2d(inside, outside, 1, stride, bias=False),
        nn.BatchNorm2d(outside, config.epsilon),
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, config: ResNetConfig, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width, config.epsilon)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, config.epsilon)
        self.downsample = _shortcut(config, inside, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1 ones, around a shortcut."""

    def __init__(self, config: ResNetConfig, inside: int, width: int, stride: int) -> None:
        super().__init__()
        middle = width * config.group_width // 64 * config.groups
        first, second = (stride, 1) if config.stride_in_first else (1, stride)
        self.conv1 = nn.Conv2d(inside, middle, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(middle, config.epsilon)
        self.conv2 = nn.Conv2d(middle, middle, 3, second, 1, groups=config.groups, bias=False)
        self.bn2 = nn.BatchNorm2d(middle, config.epsilon)
        self.conv3 = nn.Conv2d(middle, width * EXPANSION, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * EXPANSION, config.epsilon)
        self.downsample = _shortcut(config, inside, width * EXPANSION, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        return functional.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet(nn.Module):
    """A stem and four stages."""

    def __init__(
        self, config: ResNetConfig, pool: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        """Build the network; `pool` replaces the 3x3 max pooling of stride 2."""
        super().__init__()
        self.channels = config.channels
        self.conv1 = nn.Conv2d(config.inputs, config.width, 7, 2, 3, bias=config.stem_bias)
        self.bn1 = nn.BatchNorm2d(config.width, config.epsilon)
        self.pool = pool or nn.MaxPool2d(3, 2, 1)
        inside = config.width
        for index, blocks in enumerate(config.blocks):
            stage = []
            for number in range(blocks):
                stride = 2 if index and not number else 1
                block = Bottleneck if config.bottleneck else BasicBlock
                stage.append(block(config, inside, config.width << index, stride))
                inside = config.channels[index + 1]
            self.add_module(f'layer{index + 1}', nn.Sequential(*stage))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of image x (batch, inputs, height, width) at 1/2, 1/4 ... 1/32."""
        features = [functional.relu(self.bn1(self.conv1(x)))]
        x = self.pool(features[0])
        for index in range(4):
            x = getattr(self, f'layer{index + 1}')(x)
            features.append(x)
        return features
