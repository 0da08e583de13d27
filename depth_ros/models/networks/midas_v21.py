# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
MiDaS v2.1 (Ranftl et al. 2020), small and large: relative inverse depth from one image.

The image is RGB with ImageNet's mean and deviation; its sides are multiples of 32.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.encoders.efficientnet import (
    EFFICIENTNETS,
    EfficientNet,
    EfficientNetConfig,
)
from depth_ros.models.networks.encoders.resnet import RESNETS, ResNet, ResNetConfig
from depth_ros.models.networks.sides import require_multiple
from depth_ros.types import DepthError

MULTIPLE = 32
BACKBONES: Mapping[str, ResNetConfig | EfficientNetConfig] = {
    'resnext101_wsl': RESNETS['resnext101_32x8d'],
    'efficientnet_lite3': EFFICIENTNETS['lite3'],
}


@dataclass(frozen=True)
class MidasConfig:
    """The shape of a MiDaS v2.1 network."""

    encoder: ResNetConfig | EfficientNetConfig
    features: int
    expand: bool = False
    """The decoder has 1, 2, 4, 8 times `features` channels, and half as many after each step."""
    non_negative: bool = True
    align_corners: bool = True
    """Of the upsampling between the steps of the decoder."""


LARGE = MidasConfig(BACKBONES['resnext101_wsl'], features=256)
SMALL = MidasConfig(BACKBONES['efficientnet_lite3'], features=64, expand=True)


class MidasResult(NamedTuple):
    """What the network returns."""

    inverse_depth: Tensor
    """(batch, height, width): larger is nearer; unknown scale and shift."""


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions, each after a ReLU, around a shortcut."""

    def __init__(self, width: int, rectified: bool) -> None:
        super().__init__()
        self.rectified = rectified  # the shortcut is relu(x)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        positive = functional.relu(x)
        y = self.conv2(functional.relu(self.conv1(positive)))
        return y + (positive if self.rectified else x)


class Fusion(nn.Module):
    """Joins a coarse map with the features of its size and doubles the size."""

    def __init__(self, width: int, config: MidasConfig, coarsest: bool) -> None:
        super().__init__()
        self.align_corners = config.align_corners
        # The weights of the large network were trained with ReLUs that worked in place, so that
        # the shortcut carried relu(x).
        rectified = not config.expand
        self.resConfUnit1 = None if coarsest else ResidualUnit(width, rectified)
        self.resConfUnit2 = ResidualUnit(width, rectified)
        outside = width // 2 if config.expand and width > config.features else width
        self.out_conv = nn.Conv2d(width, outside, 1) if config.expand else None

    def forward(self, x: Tensor, features: Tensor | None = None) -> Tensor:
        if self.resConfUnit1 is not None and features is not None:
            x = x + self.resConfUnit1(features)
        x = self.resConfUnit2(x)
        if self.out_conv is not None:
            x = self.out_conv(x)  # before the upsampling: the same numbers at a quarter the cost
        return functional.interpolate(
            x, scale_factor=2.0, mode='bilinear', align_corners=self.align_corners
        )


class Decoder(nn.Module):
    """From four feature maps to one channel at full size."""

    refinenet4: Fusion
    layer4_rn: nn.Conv2d

    def __init__(self, config: MidasConfig, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.non_negative = config.non_negative
        for level in range(4):
            width = config.features << level if config.expand else config.features
            projection = nn.Conv2d(channels[level], width, 3, padding=1, bias=False)
            self.add_module(f'layer{level + 1}_rn', projection)
            self.add_module(f'refinenet{level + 1}', Fusion(width, config, level == 3))
        half = config.features // 2
        self.output_conv = nn.Sequential(
            nn.Conv2d(config.features, half, 3, padding=1),
            nn.Upsample(scale_factor=2.0, mode='bilinear', align_corners=False),
            nn.Conv2d(half, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 1, 1),
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        x = self.refinenet4(self.layer4_rn(features[3]))
        for level in (3, 2, 1):
            projected = getattr(self, f'layer{level}_rn')(features[level - 1])
            x = getattr(self, f'refinenet{level}')(x, projected)
        x = self.output_conv(x)
        return functional.relu(x) if self.non_negative else x


class Midas(nn.Module):
    """An encoder and a decoder."""

    def __init__(self, config: MidasConfig) -> None:
        super().__init__()
        self.config = config
        self.pretrained: ResNet | EfficientNet
        if isinstance(config.encoder, EfficientNetConfig):
            self.pretrained = EfficientNet(config.encoder)
        else:
            self.pretrained = ResNet(config.encoder)
        self.scratch = Decoder(config, self.pretrained.channels[1:])

    def forward(self, image: Tensor) -> MidasResult:
        """Return inverse depth (batch, height, width) of image (batch, 3, height, width)."""
        require_multiple(image, MULTIPLE)
        return MidasResult(self.scratch(self.pretrained(image)[1:])[:, 0])


def build(config: MidasConfig = SMALL) -> Midas:
    """Return the network in eval mode, without trained weights."""
    return Midas(config).eval()


def from_official(config: Mapping[str, Any]) -> MidasConfig:
    """Return the configuration for the arguments of the official network."""
    backbone = config['backbone']
    if backbone not in BACKBONES:
        raise DepthError(f'expected a backbone of {sorted(BACKBONES)}, got {backbone!r}; use one')
    return MidasConfig(
        BACKBONES[backbone],
        features=config['features'],
        expand=bool((config.get('blocks') or {}).get('expand', False)),
        non_negative=config.get('non_negative', True),
        align_corners=config.get('align_corners', True),
    )


# The official networks keep the encoder in four sequences.
_RENAMED = {
    True: (  # EfficientNet
        ('layer1.0.', 'conv_stem.'),
        ('layer1.1.', 'bn1.'),
        ('layer1.3.', 'blocks.0.'),
        ('layer1.4.', 'blocks.1.'),
        ('layer2.0.', 'blocks.2.'),
        ('layer3.0.', 'blocks.3.'),
        ('layer3.1.', 'blocks.4.'),
        ('layer4.0.', 'blocks.5.'),
        ('layer4.1.', 'blocks.6.'),
    ),
    False: (('layer1.0.', 'conv1.'), ('layer1.1.', 'bn1.'), ('layer1.4.', 'layer1.')),
}


def official_key(key: str, config: MidasConfig) -> str | None:
    """Return our key for one of an official checkpoint; None where it is not needed."""
    if re.match(r'scratch\.refinenet4\.resConfUnit1\.', key):
        return None  # the coarsest step joins nothing
    for theirs, ours in _RENAMED[isinstance(config.encoder, EfficientNetConfig)]:
        if key.startswith(f'pretrained.{theirs}'):
            return f'pretrained.{ours}' + key.removeprefix(f'pretrained.{theirs}')
    return key


def relative_inverse_depth(result: MidasResult, height: int, width: int) -> Tensor:
    """
    Return inverse depth (batch, height, width) in float32 at the size of the camera's image.

    Larger is nearer; scale and shift are unknown and differ from image to image.
    """
    return functional.interpolate(
        result.inverse_depth[:, None].float(), (height, width), mode='bicubic'
    )[:, 0]
