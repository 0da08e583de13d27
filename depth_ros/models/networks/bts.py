# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
BTS (Lee et al. 2019): metres from one image, with small planes that guide the decoder.

The image is RGB with ImageNet's mean and deviation; its sides are multiples of 32. With a network
trained on KITTI the depth is proportional to the focal length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.encoders.densenet import DENSENETS, DenseNet, DenseNetConfig
from depth_ros.models.networks.encoders.mobilenet import MobileNetV2
from depth_ros.models.networks.encoders.resnet import RESNETS, ResNet, ResNetConfig
from depth_ros.models.networks.sides import require_multiple
from depth_ros.types import DepthError

MULTIPLE = 32
KITTI_FOCAL = 715.0873  # pixels: the depth is for this focal length
EPSILON = 1.1e-5
RATES = (3, 6, 12, 18, 24)
FEWEST = 8  # channels before the last convolution of a reduction
MOBILENET_V2 = 'mobilenetv2'
ENCODERS: Mapping[str, ResNetConfig | DenseNetConfig | str] = {
    'densenet121_bts': DENSENETS['densenet121'],
    'densenet161_bts': DENSENETS['densenet161'],
    'resnet50_bts': RESNETS['resnet50'],
    'resnet101_bts': RESNETS['resnet101'],
    'resnext50_bts': RESNETS['resnext50_32x4d'],
    'resnext101_bts': RESNETS['resnext101_32x8d'],
    'mobilenetv2_bts': MOBILENET_V2,
}


@dataclass(frozen=True)
class BtsConfig:
    """The shape of a BTS network."""

    encoder: ResNetConfig | DenseNetConfig | str
    """A string names the only configuration there is of that encoder."""
    max_depth: float
    focal: float | None = None
    """The focal length in pixels that the depth is for; None: any."""
    features: int = 512


def _official(encoder: str) -> dict[str, BtsConfig]:
    shape = ENCODERS[f'{encoder}_bts']
    return {
        f'{encoder}_nyu': BtsConfig(shape, max_depth=10.0),
        f'{encoder}_kitti': BtsConfig(shape, max_depth=80.0, focal=KITTI_FOCAL),
    }


VARIANTS = {
    name: config
    for encoder in ENCODERS
    for name, config in _official(encoder.removesuffix('_bts')).items()
}
NYU = VARIANTS['densenet161_nyu']
KITTI = VARIANTS['densenet161_kitti']


class BtsResult(NamedTuple):
    """What the network returns, each (batch, 1, height, width)."""

    depth_8x8_scaled: Tensor
    """Depth of planes of 8x8 pixels, over the largest one."""
    depth_4x4_scaled: Tensor
    depth_2x2_scaled: Tensor
    reduc1x1: Tensor
    final_depth: Tensor
    """Metres."""


class Encoder(nn.Module):
    """The image encoder, under the name of the official checkpoints."""

    def __init__(self, config: ResNetConfig | DenseNetConfig | str) -> None:
        super().__init__()
        self.base_model: nn.Module
        if isinstance(config, ResNetConfig):
            self.base_model = ResNet(config)
        elif isinstance(config, DenseNetConfig):
            self.base_model = DenseNet(config)
        elif config == MOBILENET_V2:
            self.base_model = MobileNetV2()
        else:
            raise DepthError(f'expected the encoder {MOBILENET_V2}, got {config!r}; use it')

    @property
    def channels(self) -> tuple[int, ...]:
        return self.base_model.channels  # type: ignore[return-value]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return five feature maps; the coarsest is rectified."""
        *features, last = self.base_model(image)
        return [*features, functional.relu(last)]


class UpConvolution(nn.Module):
    """Twice the size, then a 3x3 convolution and an ELU."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.interpolate(x, scale_factor=2.0, mode='nearest')
        return functional.elu(self.conv(x))


class Atrous(nn.Module):
    """A 1x1 convolution and a dilated one, each behind a ReLU."""

    def __init__(self, inside: int, outside: int, rate: int, normalised: bool) -> None:
        super().__init__()
        middle = 2 * outside
        self.atrous_conv = nn.Sequential()
        if normalised:
            self.atrous_conv.add_module('first_bn', nn.BatchNorm2d(inside, EPSILON))
        sequence = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(inside, middle, 1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, outside, 3, padding=rate, dilation=rate, bias=False),
        )
        self.atrous_conv.add_module('aconv_sequence', sequence)

    def forward(self, x: Tensor) -> Tensor:
        return self.atrous_conv(x)


class Reduction(nn.Module):
    """1x1 convolutions that halve the channels, down to a plane or a depth."""

    def __init__(self, inside: int, outside: int, plane: bool) -> None:
        super().__init__()
        self.reduc = nn.Sequential()
        while outside >= FEWEST:
            step = nn.Sequential(nn.Conv2d(inside, outside, 1, bias=False), nn.ELU())
            self.reduc.add_module(f'inter_{inside}_{outside}', step)
            inside, outside = outside, outside // 2
        if plane:
            self.reduc.add_module('plane_params', nn.Conv2d(inside, 3, 1, bias=False))
        else:
            final = nn.Sequential(nn.Conv2d(inside, 1, 1, bias=False), nn.Sigmoid())
            self.reduc.add_module('final', final)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduc(x)


def plane_depth(parameters: Tensor, side: int) -> Tensor:
    """
    Return the depth of planes, as a share of the largest depth: (batch, 1, height, width).

    `parameters` (batch, 3, height / side, width / side) are the raw polar angle, azimuth and
    distance of one plane per side x side pixels. Computed in float32.
    """
    polar, azimuth, distance = parameters.float().sigmoid().unbind(1)
    polar = polar * (math.pi / 3)
    azimuth = azimuth * (2 * math.pi)
    offsets = torch.arange(side, device=parameters.device, dtype=torch.float32)
    offsets = (offsets - (side - 1) / 2) / side
    along_x = (polar.sin() * azimuth.cos())[:, :, None, :, None] * offsets
    along_y = (polar.sin() * azimuth.sin())[:, :, None, :, None] * offsets[:, None, None]
    depth = distance[:, :, None, :, None] / (along_x + along_y + polar.cos()[:, :, None, :, None])
    return depth.flatten(3).flatten(1, 2)[:, None].to(parameters.dtype)


class Decoder(nn.Module):
    """Five steps that double the size; the last four get the planes found before them."""

    def __init__(self, config: BtsConfig, channels: tuple[int, ...]) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth, last = channels
        width = config.features
        self.config = config
        self.upconv5 = UpConvolution(last, width)
        self.bn5 = nn.BatchNorm2d(width, EPSILON)
        self.conv5 = self._mix(width + sixteenth, width)
        self.upconv4 = UpConvolution(width, width // 2)
        self.bn4 = nn.BatchNorm2d(width // 2, EPSILON)
        self.conv4 = self._mix(width // 2 + eighth, width // 2)
        self.bn4_2 = nn.BatchNorm2d(width // 2, EPSILON)
        inside = width // 2
        for rate in RATES:
            self.add_module(f'daspp_{rate}', Atrous(inside, width // 4, rate, rate != RATES[0]))
            inside += width // 4 + (eighth if rate == RATES[0] else 0)
        self.daspp_conv = self._mix(width // 2 + len(RATES) * (width // 4), width // 4)
        self.reduc8x8 = Reduction(width // 4, width // 4, plane=True)
        self.upconv3 = UpConvolution(width // 4, width // 4)
        self.bn3 = nn.BatchNorm2d(width // 4, EPSILON)
        self.conv3 = self._mix(width // 4 + quarter + 1, width // 4)
        self.reduc4x4 = Reduction(width // 4, width // 8, plane=True)
        self.upconv2 = UpConvolution(width // 4, width // 8)
        self.bn2 = nn.BatchNorm2d(width // 8, EPSILON)
        self.conv2 = self._mix(width // 8 + half + 1, width // 8)
        self.reduc2x2 = Reduction(width // 8, width // 16, plane=True)
        self.upconv1 = UpConvolution(width // 8, width // 16)
        self.reduc1x1 = Reduction(width // 16, width // 32, plane=False)
        self.conv1 = self._mix(width // 16 + 4, width // 16)
        self.get_depth = nn.Sequential(
            nn.Conv2d(width // 16, 1, 3, padding=1, bias=False), nn.Sigmoid()
        )

    @staticmethod
    def _mix(inside: int, outside: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.ELU())

    def _context(self, joined: Tensor, x: Tensor) -> Tensor:
        """Return what the dilated convolutions find, each with those before it as input."""
        found: list[Tensor] = []
        for rate in RATES:
            joined = torch.cat((joined, found[-1]), 1) if found else joined
            found.append(getattr(self, f'daspp_{rate}')(joined if found else x))
        return self.daspp_conv(torch.cat((x, *found), 1))

    def forward(self, features: list[Tensor], focal: Tensor | None) -> BtsResult:
        half, quarter, eighth, sixteenth, last = features
        x = self.conv5(torch.cat((self.bn5(self.upconv5(last)), sixteenth), 1))
        joined = torch.cat((self.bn4(self.upconv4(x)), eighth), 1)
        x = self._context(joined, self.bn4_2(self.conv4(joined)))
        depth8 = plane_depth(self.reduc8x8(x), 8)
        x = torch.cat((self.bn3(self.upconv3(x)), quarter, depth8[..., ::4, ::4]), 1)
        x = self.conv3(x)
        depth4 = plane_depth(self.reduc4x4(x), 4)
        x = torch.cat((self.bn2(self.upconv2(x)), half, depth4[..., ::2, ::2]), 1)
        x = self.conv2(x)
        depth2 = plane_depth(self.reduc2x2(x), 2)
        x = self.upconv1(x)
        depth1 = self.reduc1x1(x)
        x = self.conv1(torch.cat((x, depth1, depth2, depth4, depth8), 1))
        depth = self.config.max_depth * self.get_depth(x)
        if self.config.focal is not None:
            if focal is None:
                raise DepthError(
                    'this BTS network needs the focal length in pixels, got none; give `focal`'
                )
            depth = depth * (focal / self.config.focal).to(depth.dtype)[:, None, None, None]
        return BtsResult(depth8, depth4, depth2, depth1, depth)


class Bts(nn.Module):
    """An encoder and a decoder."""

    def __init__(self, config: BtsConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.encoder)
        self.decoder = Decoder(config, self.encoder.channels)

    def forward(self, image: Tensor, focal: Tensor | None = None) -> BtsResult:
        """
        Return the depth of image (batch, 3, height, width).

        `focal` (batch,) is in pixels of that image. Networks for any focal length ignore it.
        """
        require_multiple(image, MULTIPLE)
        return self.decoder(self.encoder(image), focal)


def build(config: BtsConfig = NYU) -> Bts:
    """Return the network in eval mode, without trained weights."""
    return Bts(config).eval()


def from_official(config: Mapping[str, Any]) -> BtsConfig:
    """Return the configuration for the official options."""
    encoder = config['encoder']
    if encoder not in ENCODERS:
        raise DepthError(f'expected an encoder of {sorted(ENCODERS)}, got {encoder!r}; use one')
    return BtsConfig(
        ENCODERS[encoder],
        max_depth=float(config['max_depth']),
        focal=KITTI_FOCAL if config.get('dataset') == 'kitti' else None,
        features=int(config.get('bts_size', 512)),
    )


def official_key(key: str) -> str | None:
    """Return our key for one of an official checkpoint; None where it is not needed."""
    key = key.removeprefix('module.')
    return None if key.startswith('encoder.base_model.fc.') else key


def metres(result: BtsResult, height: int, width: int) -> Tensor:
    """Return depth (batch, height, width) in metres, float32, at the size of the image."""
    return functional.interpolate(result.final_depth.float(), (height, width), mode='bilinear')[
        :, 0
    ]
