# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Monodepth (Godard et al. 2017): the disparities of a stereo pair from its left image.

The image is RGB in [0, 1]; its sides are multiples of 128 (VGG) or 64 (ResNet). The stereo form
takes both images, stacked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.sides import require_multiple
from depth_ros.types import DepthError

LARGEST = 0.3  # of the disparity, as a share of the width
KITTI_BASELINE = 0.54  # metres
VGG_KERNELS = (7, 5, 3, 3, 3, 3, 3)
VGG_WIDTHS = (1, 2, 4, 8, 16, 16, 16)  # times `width`
RESNET_BLOCKS = (3, 4, 6, 3)
SCALES = 4


@dataclass(frozen=True)
class MonodepthConfig:
    """The shape of a Monodepth network."""

    encoder: str
    """vgg or resnet50."""
    inputs: int = 3
    width: int = 32
    """Channels of the first convolution of the VGG; half of those of the ResNet."""

    @property
    def multiple(self) -> int:
        """Return what the sides of the image must be multiples of."""
        return 128 if self.encoder == 'vgg' else 64


VGG = MonodepthConfig('vgg')
RESNET50 = MonodepthConfig('resnet50')
ENCODERS = ('vgg', 'resnet50')


class MonodepthResult(NamedTuple):
    """
    The disparities at 1, 1/2, 1/4 and 1/8 of the size, each (batch, 2, height, width).

    Channel 0 is for the left image and channel 1 for the right one, as a share of the width.
    """

    disp1: Tensor
    disp2: Tensor
    disp3: Tensor
    disp4: Tensor


def _convolution(inside: int, outside: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, kernel, stride, (kernel - 1) // 2)


class VggEncoder(nn.Module):
    """Seven pairs of convolutions, the second of each with stride 2."""

    def __init__(self, config: MonodepthConfig) -> None:
        super().__init__()
        widths = [config.width * times for times in VGG_WIDTHS]
        self.skips = (config.inputs, *widths[:-1])
        self.outside = widths[-1]
        self.convs = nn.ModuleList()
        for inside, width, kernel in zip(self.skips, widths, VGG_KERNELS):
            self.convs.append(_convolution(inside, width, kernel))
            self.convs.append(_convolution(width, width, kernel, 2))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the image and the features at 1/2 ... 1/128."""
        features = [x]
        for first in range(0, len(self.convs), 2):
            x = functional.elu(self.convs[first](x))
            x = functional.elu(self.convs[first + 1](x))
            features.append(x)
        return features


class ResNetEncoder(nn.Module):
    """
    A ResNet-50 without normalisation.

    Every block projects its shortcut, and the last block of a stage has the stride. `convs` holds
    the stem and four convolutions per block: the three of the path, then the shortcut's.
    """

    def __init__(self, config: MonodepthConfig) -> None:
        super().__init__()
        stem = 2 * config.width
        outputs = [4 * stem << index for index in range(len(RESNET_BLOCKS))]
        self.skips = (config.inputs, stem, stem, *outputs[:-1])
        self.outside = outputs[-1]
        self.convs = nn.ModuleList([_convolution(config.inputs, stem, 7, 2)])
        inside = stem
        for blocks, outside in zip(RESNET_BLOCKS, outputs):
            middle = outside // 4
            for number in range(blocks):
                stride = 2 if number == blocks - 1 else 1
                self.convs.append(_convolution(inside, middle, 1))
                self.convs.append(_convolution(middle, middle, 3, stride))
                self.convs.append(_convolution(middle, outside, 1))
                self.convs.append(_convolution(inside, outside, 1, stride))
                inside = outside

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the image and the features at 1/2 ... 1/64."""
        stem = functional.elu(self.convs[0](x))
        # An ELU gives negative values: zeros around the map count in the maximum.
        features = [x, stem, functional.max_pool2d(functional.pad(stem, (1, 1, 1, 1)), 3, 2)]
        first = 1
        for blocks in RESNET_BLOCKS:
            x = features[-1]
            for _ in range(blocks):
                x = self._block(x, first)
                first += 4
            features.append(x)
        return features

    def _block(self, x: Tensor, first: int) -> Tensor:
        shortcut = self.convs[first + 3](x)
        x = functional.elu(self.convs[first](x))
        x = functional.elu(self.convs[first + 1](x))
        return functional.elu(self.convs[first + 2](x) + shortcut)


class Decoder(nn.Module):
    """
    Steps that double the size, each with two convolutions; the last four predict disparities.

    `convs` holds the convolutions in the order of their use.
    """

    def __init__(self, skips: tuple[int, ...], inside: int, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        self.steps = len(skips)
        for step in reversed(range(self.steps)):
            outside = min(width // 2 << step, 16 * width)
            # The skip of the finest step would be the image, which is not used. Steps finer
            # than the first disparity also get the disparity from before.
            extra = (skips[step] if step else 0) + (2 if step < SCALES - 1 else 0)
            self.convs.append(_convolution(inside, outside, 3))
            self.convs.append(_convolution(outside + extra, outside, 3))
            if step < SCALES:
                self.convs.append(_convolution(outside, 2, 3))
            inside = outside

    def forward(self, features: list[Tensor]) -> MonodepthResult:
        x = features[-1]
        found: list[Tensor] = []
        index = 0
        for step in reversed(range(self.steps)):
            x = functional.elu(self.convs[index](self._twice(x)))
            joined = [x, features[step]] if step else [x]
            if found:
                joined.append(self._twice(found[-1]))
            x = functional.elu(self.convs[index + 1](torch.cat(joined, 1)))
            index += 2
            if step < SCALES:
                found.append(LARGEST * torch.sigmoid(self.convs[index](x)))
                index += 1
        return MonodepthResult(found[3], found[2], found[1], found[0])

    @staticmethod
    def _twice(x: Tensor) -> Tensor:
        return functional.interpolate(x, scale_factor=2.0, mode='nearest')


class Monodepth(nn.Module):
    """An encoder and a decoder."""

    def __init__(self, config: MonodepthConfig) -> None:
        super().__init__()
        if config.encoder not in ENCODERS:
            raise DepthError(
                f'expected an encoder of {ENCODERS}, got {config.encoder!r}; use one of them'
            )
        self.config = config
        vgg = config.encoder == 'vgg'
        self.encoder: VggEncoder | ResNetEncoder
        self.encoder = VggEncoder(config) if vgg else ResNetEncoder(config)
        self.decoder = Decoder(self.encoder.skips, self.encoder.outside, config.width)

    def forward(self, image: Tensor) -> MonodepthResult:
        """Return the disparities of image (batch, inputs, height, width)."""
        require_multiple(image, self.config.multiple)
        return self.decoder(self.encoder(image))


def build(config: MonodepthConfig = VGG) -> Monodepth:
    """Return the network in eval mode, without trained weights."""
    return Monodepth(config).eval()


def from_official(config: Mapping[str, Any]) -> MonodepthConfig:
    """Return the configuration for the official options."""
    if config.get('use_deconv', False):
        raise DepthError(
            'expected a Monodepth network that upsamples with nearest neighbours, got one with '
            'transposed convolutions (use_deconv); no published weights have them, use others'
        )
    return MonodepthConfig(config['encoder'], inputs=6 if config.get('do_stereo') else 3)


def official_key(key: str) -> str | None:
    """Return our key for one that `tensorflow_to_torch` gives for a published checkpoint."""
    found = re.match(r'model\.(encoder|decoder)\.Conv(?:_(\d+))?\.(weight|bias)$', key)
    if found is None:
        return key
    part, number, leaf = found.groups()
    return f'{part}.convs.{number or 0}.{leaf}'


def disparity(result: MonodepthResult, height: int, width: int) -> Tensor:
    """
    Return the disparity (batch, height, width) of the left image at its size.

    In pixels of that image, float32: x_left - x_right of the pair that the network imagines.
    """
    share = functional.interpolate(result.disp1[:, :1].float(), (height, width), mode='bilinear')
    return share[:, 0] * width


def metres(
    result: MonodepthResult,
    height: int,
    width: int,
    focal: float | Tensor,
    baseline: float = KITTI_BASELINE,
) -> Tensor:
    """
    Return depth (batch, height, width) in metres, float32, at the size of the image.

    `focal` is the focal length along x in pixels of an image of that width, a number or (batch,);
    `baseline` in metres is that of the pairs that the network was trained with.
    """
    if isinstance(focal, Tensor):
        focal = focal[:, None, None]
    return focal * baseline / disparity(result, height, width)
