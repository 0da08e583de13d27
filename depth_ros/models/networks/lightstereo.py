# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
LightStereo (Guo et al., ICRA 2025): 2D aggregation in which the disparities are the channels.

Input: RGB with ImageNet mean and standard deviation; height and width multiples of 32. Smaller
images are padded at the right and top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks import timm_blocks
from depth_ros.models.networks.cost_volume import correlation_volume
from depth_ros.models.networks.disparity import Disparity, convex_upsample, expectation
from depth_ros.models.networks.timm_blocks import Backbone

SCALE = 4  # of the cost volume
STRIPS = (7, 11, 21)  # lengths of the long convolutions that see the left image
REFINED = (24, 16)  # channels at 1/4 and 1/2

BACKBONES: Mapping[str, Backbone] = {
    'MobileNetv2': timm_blocks.MOBILENET_V2,
    'EfficientNetv2': timm_blocks.EFFICIENTNET_V2_RW_S,
}


@dataclass(frozen=True)
class Config:
    """
    The options of the official code, with those of LightStereo-S.

    The disparities are the channels of the aggregation, so weights fit one `maxdisp` only. A scene
    with larger ones needs a smaller image: at half the width they are half as large.
    """

    maxdisp: int = 192
    left_att: bool = True
    """Whether features of the left image weigh the volume."""
    expanse_ratio: int = 4
    aggregation_blocks: tuple[int, int, int] = (1, 2, 4)
    """At 1/4, 1/8 and 1/16."""
    backbone: str = 'MobileNetv2'
    backbone_width: float = 1.0
    """Share of the channels of the backbone; no official checkpoint changes it."""

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            raise ValueError(
                f'backbone is {self.backbone!r}, expected one of '
                f'{", ".join(map(repr, BACKBONES))}; choose one'
            )
        if self.maxdisp < SCALE or self.maxdisp % SCALE:
            raise ValueError(
                f'maxdisp is {self.maxdisp}, expected a multiple of {SCALE}; choose one'
            )


_LARGE = (8, 16, 32)
VARIANTS = {
    'lightstereo_s': Config(),
    'lightstereo_m': Config(aggregation_blocks=(4, 8, 16)),
    'lightstereo_l': Config(expanse_ratio=8, aggregation_blocks=_LARGE),
    'lightstereo_lx': Config(
        expanse_ratio=8, aggregation_blocks=_LARGE, backbone='EfficientNetv2'
    ),
}


def from_official(config: Mapping[str, Any]) -> Config:
    """Return the configuration for the section MODEL of an official file."""
    fine, middle, coarse = config.get('AGGREGATION_BLOCKS', (1, 2, 4))
    return Config(
        maxdisp=config.get('MAX_DISP', 192),
        left_att=config.get('LEFT_ATT', True),
        expanse_ratio=config.get('EXPANSE_RATIO', 4),
        aggregation_blocks=(fine, middle, coarse),
        backbone=config.get('BACKBONE', 'MobileNetv2'),
    )


def build(config: Config) -> LightStereo:
    """Return the network, with random weights."""
    return LightStereo(config)


def official_key(key: str) -> str:
    """Return the key here of a key in an official checkpoint."""
    return key.removeprefix('module.')


class LightStereo(nn.Module):
    """Disparity of the left image from a rectified pair."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        backbone = timm_blocks.narrowed(BACKBONES[config.backbone], config.backbone_width)
        self.backbone = Features(backbone)
        widths = self.backbone.widths
        self.cost_agg = Aggregation(config, widths)
        fine, half = REFINED
        self.refine_1 = nn.Sequential(
            Convolution(widths[0], fine, nn.InstanceNorm2d(fine), nn.LeakyReLU()),
            Convolution(fine, fine, nn.InstanceNorm2d(fine), nn.ReLU()),
        )
        self.stem_2 = nn.Sequential(
            Convolution(3, half, nn.BatchNorm2d(half), nn.LeakyReLU(), stride=2),
            Convolution(half, half, nn.BatchNorm2d(half), nn.ReLU()),
        )
        self.refine_2 = Join(fine, half)
        self.refine_3 = Enlargement(half, 9)

    def forward(self, left: Tensor, right: Tensor) -> Disparity:
        """Return disparity from (B, 3, H, W) each; in training mode also what comes at 1/4."""
        pyramid = self.backbone(torch.cat([left, right]))
        reference, other = pyramid[0].chunk(2)
        guides = [features.chunk(2)[0] for features in pyramid]
        volume = correlation_volume(reference, other, self.config.maxdisp // SCALE)
        coarse = SCALE * expectation(self.cost_agg(volume, guides))
        weights = self.refine_2(self.refine_1(reference), self.stem_2(left))
        weights = torch.softmax(self.refine_3(weights), 1)
        disparity = convex_upsample(coarse, weights, SCALE)
        if not self.training:
            return Disparity(disparity, (disparity,))
        enlarged = functional.interpolate(
            coarse, size=left.shape[2:], mode='bilinear', align_corners=False
        )
        return Disparity(disparity, (enlarged, disparity))


class Features(nn.Module):
    """Returns features of an image at 1/4, 1/8 and 1/16."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, backbone.stem, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(backbone.stem)
        self.act1 = backbone.activation()
        stages = timm_blocks.stages(backbone)
        self.block0, self.block1, self.block2 = stages[:3]
        # Two stages at the same size; the official names keep their numbers.
        self.block3 = nn.Sequential()
        for number in (3, 4):
            self.block3.add_module(str(number), stages[number])
        self.block4 = stages[5]
        # At 1/4, 1/8, 1/16, 1/32.
        self.widths = [backbone.stages[number].width for number in (1, 2, 4, 5)]
        fine, eighth, sixteenth, coarse = self.widths
        self.fpn_layer4 = Join(coarse, sixteenth)
        self.fpn_layer3 = Join(sixteenth, eighth)
        self.fpn_layer2 = Join(eighth, fine)
        self.out_conv = Convolution(fine, fine, nn.InstanceNorm2d(fine), replicate=True)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.block0(self.act1(self.bn1(self.conv_stem(image))))
        quarter = self.block1(x)
        eighth = self.block2(quarter)
        sixteenth = self.block3(eighth)
        sixteenth = self.fpn_layer4(self.block4(sixteenth), sixteenth)
        eighth = self.fpn_layer3(sixteenth, eighth)
        return self.out_conv(self.fpn_layer2(eighth, quarter)), eighth, sixteenth


class Aggregation(nn.Module):
    """Down to 1/16 and back on a volume (B, D, h, w), weighed by left features at every scale."""

    def __init__(self, config: Config, widths: Sequence[int]) -> None:
        super().__init__()
        count = config.maxdisp // SCALE
        self.left_att = config.left_att
        fine, middle, coarse = config.aggregation_blocks

        def residual(inside: int, outside: int, stride: int = 1) -> nn.Module:
            return Residual(inside, outside, stride, config.expanse_ratio)

        self.conv0 = nn.Sequential(*(residual(count, count) for _ in range(fine)))
        self.conv1 = residual(count, 2 * count, 2)
        self.conv2 = nn.Sequential(*(residual(2 * count, 2 * count) for _ in range(middle - 1)))
        self.conv3 = residual(2 * count, 4 * count, 2)
        self.conv4 = nn.Sequential(*(residual(4 * count, 4 * count) for _ in range(coarse - 1)))
        self.conv5 = _doubling(4 * count, 2 * count)
        self.conv6 = _doubling(2 * count, count)
        self.redir1, self.redir2 = residual(count, count), residual(2 * count, 2 * count)
        if self.left_att:
            self.att0 = Attention(count, widths[0])
            self.att2 = Attention(2 * count, widths[1])
            self.att4 = Attention(4 * count, widths[2])

    def forward(self, volume: Tensor, guides: Sequence[Tensor]) -> Tensor:
        fine = self.conv0(volume)
        if self.left_att:
            fine = self.att0(fine, guides[0])
        middle = self.conv2(self.conv1(fine))
        if self.left_att:
            middle = self.att2(middle, guides[1])
        coarse = self.conv4(self.conv3(middle))
        if self.left_att:
            coarse = self.att4(coarse, guides[2])
        middle = functional.relu(self.conv5(coarse) + self.redir2(middle))
        return functional.relu(self.conv6(middle) + self.redir1(fine))


def _doubling(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inside, outside, 3, 2, 1, output_padding=1, bias=False),
        nn.BatchNorm2d(outside),
    )


class Residual(nn.Module):
    """An inverted residual block under the names of the official code."""

    def __init__(self, inside: int, outside: int, stride: int, expand: int) -> None:
        super().__init__()
        self.shortcut = stride == 1 and inside == outside
        wide = inside * expand
        self.pwconv = nn.Sequential(
            nn.Conv2d(inside, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()
        )
        self.dwconv = nn.Sequential(
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
        )
        self.pwliner = nn.Sequential(
            nn.Conv2d(wide, outside, 1, bias=False), nn.BatchNorm2d(outside)
        )

    def forward(self, x: Tensor) -> Tensor:
        result = self.pwliner(self.dwconv(self.pwconv(x)))
        return result + x if self.shortcut else result


class Attention(nn.Module):
    """Multiplies a volume by what long horizontal and vertical convolutions see in features."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(width, count, 1)
        for place, length in enumerate(STRIPS):
            half = length // 2
            along = nn.Conv2d(count, count, (1, length), padding=(0, half), groups=count)
            across = nn.Conv2d(count, count, (length, 1), padding=(half, 0), groups=count)
            setattr(self, f'conv{place}_1', along)
            setattr(self, f'conv{place}_2', across)
        self.conv3 = nn.Conv2d(count, count, 1)

    def forward(self, volume: Tensor, features: Tensor) -> Tensor:
        start = weight = self.conv0(features)
        for place in range(len(STRIPS)):
            strip = getattr(self, f'conv{place}_2')(getattr(self, f'conv{place}_1')(start))
            weight = weight + strip
        return self.conv3(weight) * volume


class Convolution(nn.Module):
    """A 3x3 convolution, and what follows it."""

    def __init__(
        self,
        inside: int,
        outside: int,
        *after: nn.Module,
        stride: int = 1,
        replicate: bool = False,
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d(
            inside,
            outside,
            3,
            stride,
            1,
            bias=False,
            padding_mode='replicate' if replicate else 'zeros',
        )
        self.block = nn.Sequential(convolution, *after)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class Enlargement(nn.Module):
    """A transposed convolution to twice the size, and what follows it."""

    def __init__(self, inside: int, outside: int, *after: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=False), *after
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class Join(nn.Module):
    """Doubles the size of coarse features and joins fine ones."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.deconv = Enlargement(coarse, fine, nn.BatchNorm2d(fine), nn.LeakyReLU(0.2))
        self.conv = Convolution(2 * fine, fine, nn.BatchNorm2d(fine), nn.LeakyReLU(0.2))

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        return self.conv(torch.cat([fine, self.deconv(coarse)], 1))
