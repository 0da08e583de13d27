# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the IGEV networks are built of: features, and the filtering of a matching volume."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.normalisation import InstanceNorm
from depth_ros.models.networks.timm_blocks import Backbone, stages
from depth_ros.models.networks.volume_convolution import VolumeConvolution

GROUPS = 8  # channels of a matching volume
SLOPE = 0.01  # of the leaky ReLU


class ConvNorm(nn.Module):
    """
    A convolution without bias, its normalisation and a leaky ReLU.

    :param norm: batch, instance or none; without normalisation there is no ReLU either.
    :param dims: 2 for images, 3 for volumes.
    :param transposed: upsample by the stride.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        size: int,
        stride: int = 1,
        norm: str = 'batch',
        dims: int = 2,
        transposed: bool = False,
    ) -> None:
        super().__init__()
        kinds = {
            (2, False): nn.Conv2d,
            (2, True): nn.ConvTranspose2d,
            (3, False): nn.Conv3d,
            (3, True): nn.ConvTranspose3d,
        }
        self.conv: nn.Module
        if (dims, size, stride) == (3, 3, 1):
            self.conv = VolumeConvolution(inside, outside)
        else:
            padding = (size - 1) // 2
            self.conv = kinds[dims, transposed](inside, outside, size, stride, padding, bias=False)
        self.active = norm != 'none'
        self.bn: nn.Module | None = None
        if norm == 'batch':
            self.bn = nn.BatchNorm2d(outside) if dims == 2 else nn.BatchNorm3d(outside)
        elif norm == 'instance':
            self.bn = InstanceNorm(outside)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outside, ...) at the size that the stride gives."""
        x = self.conv(x)
        if self.bn is not None:
            x = self.bn(x)
        return functional.leaky_relu(x, SLOPE, inplace=True) if self.active else x


class UpJoin(nn.Module):
    """Twice the size, joined with finer features."""

    def __init__(self, inside: int, finer: int, norm: str) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inside, finer, 4, 2, norm, transposed=True)
        self.conv2 = ConvNorm(2 * finer, 2 * finer, 3, norm=norm)

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        """Return (batch, 2 * finer, height, width) at the size of `finer`."""
        return self.conv2(torch.cat([self.conv1(x), finer], 1))


def stem(inside: int, outside: int, norm: str = 'instance', stride: int = 2) -> nn.Sequential:
    """Return two convolutions of which the first changes the size."""
    return nn.Sequential(
        ConvNorm(inside, outside, 3, stride, norm),
        nn.Conv2d(outside, outside, 3, padding=1, bias=False),
        InstanceNorm(outside),
        nn.ReLU(),
    )


class FeaturePyramid(nn.Module):
    """A backbone of the layout of MobileNetV2 up to 1/32, with a decoder up to 1/4."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, backbone.stem, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(backbone.stem)
        self.act1 = backbone.activation()
        first, second, third, fourth_a, fourth_b, fifth, *_ = stages(backbone)
        self.block0 = nn.Sequential(first)
        self.block1 = nn.Sequential(second)
        self.block2 = nn.Sequential(third)
        self.block3 = nn.Sequential(fourth_a, fourth_b)
        self.block4 = nn.Sequential(fifth)
        _, fourth, eighth, _, sixteenth, deepest, *_ = (s.width for s in backbone.stages)
        self.deconv32_16 = UpJoin(deepest, sixteenth, 'instance')
        self.deconv16_8 = UpJoin(2 * sixteenth, eighth, 'instance')
        self.deconv8_4 = UpJoin(2 * eighth, fourth, 'instance')
        self.conv4 = ConvNorm(2 * fourth, 2 * fourth, 3, norm='instance')
        self.channels = (2 * fourth, 2 * eighth, 2 * sixteenth, deepest)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return features at 1/4, 1/8, 1/16 and 1/32 of images (batch, 3, height, width)."""
        x = self.act1(self.bn1(self.conv_stem(x)))
        fourth = self.block1(self.block0(x))
        eighth = self.block2(fourth)
        sixteenth = self.block3(eighth)
        deepest = self.block4(sixteenth)
        sixteenth = self.deconv32_16(deepest, sixteenth)
        eighth = self.deconv16_8(sixteenth, eighth)
        fourth = self.conv4(self.deconv8_4(eighth, fourth))
        return [fourth, eighth, sixteenth, deepest]


class FeatureAttention(nn.Module):
    """Weigh the channels of a volume at each pixel by the features of the image there."""

    def __init__(self, volume: int, features: int, norm: str) -> None:
        super().__init__()
        self.feat_att = nn.Sequential(
            ConvNorm(features, features // 2, 1, norm=norm),
            nn.Conv2d(features // 2, volume, 1),
        )

    def forward(self, volume: Tensor, features: Tensor) -> Tensor:
        """Return the volume (batch, channels, disparities, height, width), weighted."""
        return torch.sigmoid(self.feat_att(features))[:, :, None] * volume


class Hourglass(nn.Module):
    """
    Filter a matching volume at its size, 1/2, 1/4 and 1/8 of it, led by features of the image.

    :param features: channels of the features at the size of the volume, 1/2, 1/4 and 1/8 of it.
    :param deepest: channels of the coarsest scale.
    :param norm: batch or instance.
    :param first: filter at the full size too.
    """

    def __init__(self, features: Sequence[int], deepest: int, norm: str, first: bool) -> None:
        super().__init__()
        full, half, quarter, eighth = features
        one, two, four = GROUPS, 2 * GROUPS, 4 * GROUPS

        def convolution(inside: int, outside: int, size: int = 3, stride: int = 1) -> nn.Module:
            return ConvNorm(inside, outside, size, stride, norm, 3)

        def down(inside: int, outside: int) -> nn.Module:
            return nn.Sequential(convolution(inside, outside, 3, 2), convolution(outside, outside))

        def join(inside: int, outside: int) -> nn.Module:
            return nn.Sequential(
                convolution(inside, outside, 1),
                convolution(outside, outside),
                convolution(outside, outside),
            )

        self.first = first
        if first:
            self.conv0 = convolution(one, one)
            self.feature_att_4 = FeatureAttention(one, full, norm)
        self.conv1 = down(one, two)
        self.conv2 = down(two, four)
        self.conv3 = down(four, deepest)
        self.conv3_up = ConvNorm(deepest, four, 4, 2, norm, 3, transposed=True)
        self.conv2_up = ConvNorm(four, two, 4, 2, norm, 3, transposed=True)
        self.conv1_up = ConvNorm(two, one, 4, 2, 'none', 3, transposed=True)
        self.agg_0 = join(2 * four, four)
        self.agg_1 = join(2 * two, two)
        self.feature_att_8 = FeatureAttention(two, half, norm)
        self.feature_att_16 = FeatureAttention(four, quarter, norm)
        self.feature_att_32 = FeatureAttention(deepest, eighth, norm)
        self.feature_att_up_16 = FeatureAttention(four, quarter, norm)
        self.feature_att_up_8 = FeatureAttention(two, half, norm)

    def forward(self, volume: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Return the filtered volume (batch, groups, disparities, height, width)."""
        full, half, quarter, eighth = features
        if self.first:
            volume = self.feature_att_4(self.conv0(volume), full)
        two = self.feature_att_8(self.conv1(volume), half)
        four = self.feature_att_16(self.conv2(two), quarter)
        deepest = self.feature_att_32(self.conv3(four), eighth)
        four = self.agg_0(torch.cat([self.conv3_up(deepest), four], 1))
        four = self.feature_att_up_16(four, quarter)
        two = self.agg_1(torch.cat([self.conv2_up(four), two], 1))
        return self.conv1_up(self.feature_att_up_8(two, half))
