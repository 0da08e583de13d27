# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Monodepth2 (Godard et al. 2019): disparity from one image, and the motion between two.

The images are RGB in [0, 1]; the encoders normalise them. Sides are multiples of 32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.encoders.resnet import RESNETS, ResNet, ResNetConfig
from depth_ros.models.networks.sides import require_multiple
from depth_ros.types import DepthError

MULTIPLE = 32
MEAN = 0.45
DEVIATION = 0.225
DECODER = (16, 32, 64, 128, 256)  # channels from full size to 1/16
SCALES = 4
STEREO_METRES = 5.4  # the baseline of KITTI is 0.54 m and training takes it for 0.1
POSE_SCALE = 0.01
POSE_WIDTH = 256


@dataclass(frozen=True)
class Monodepth2Config:
    """The shape of a depth network."""

    encoder: ResNetConfig
    min_depth: float = 0.1
    max_depth: float = 100.0


@dataclass(frozen=True)
class PoseConfig:
    """The shape of a pose network."""

    encoder: ResNetConfig
    """It takes the frames stacked: 3 inputs for each."""
    motions: int = 2


RESNET18 = Monodepth2Config(RESNETS['resnet18'])
RESNET50 = Monodepth2Config(RESNETS['resnet50'])
POSE_RESNET18 = PoseConfig(replace(RESNETS['resnet18'], inputs=6))


class Monodepth2Result(NamedTuple):
    """The disparities (batch, 1, height, width) in (0, 1) at 1, 1/2, 1/4 and 1/8 of the size."""

    disp0: Tensor
    disp1: Tensor
    disp2: Tensor
    disp3: Tensor


class Motion(NamedTuple):
    """How the camera moves from one frame to another, each (batch, motions, 3)."""

    axis_angle: Tensor
    """The rotation: its axis, with the angle in radians as length."""
    translation: Tensor
    """In units of the depth network."""


class Encoder(nn.Module):
    """A ResNet behind the normalisation of the images."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.encoder = ResNet(config)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.encoder((image - MEAN) / DEVIATION)


class ReflectedConvolution(nn.Module):
    """A 3x3 convolution with mirrored borders."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.pad(x, (1, 1, 1, 1), mode='reflect'))


class ConvolutionBlock(nn.Module):
    """A convolution with mirrored borders and an ELU."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = ReflectedConvolution(inside, outside)

    def forward(self, x: Tensor) -> Tensor:
        return functional.elu(self.conv(x))


class DepthDecoder(nn.Module):
    """
    Five steps that double the size.

    `decoder` holds two convolutions per step, coarse to fine, then the four outputs, fine to
    coarse.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.decoder = nn.ModuleList()
        inside = channels[-1]
        for step in range(4, -1, -1):
            width = DECODER[step]
            skip = channels[step - 1] if step else 0
            self.decoder.append(ConvolutionBlock(inside, width))
            self.decoder.append(ConvolutionBlock(width + skip, width))
            inside = width
        for scale in range(SCALES):
            self.decoder.append(ReflectedConvolution(DECODER[scale], 1))

    def forward(self, features: list[Tensor]) -> Monodepth2Result:
        x = features[-1]
        found = []
        for step in range(4, -1, -1):
            first = 2 * (4 - step)
            x = functional.interpolate(self.decoder[first](x), scale_factor=2.0, mode='nearest')
            if step:
                x = torch.cat((x, features[step - 1]), 1)
            x = self.decoder[first + 1](x)
            if step < SCALES:
                found.append(torch.sigmoid(self.decoder[10 + step](x)))
        return Monodepth2Result(found[3], found[2], found[1], found[0])


class Monodepth2(nn.Module):
    """The depth network: `encoder` holds encoder.pth and `depth` holds depth.pth."""

    def __init__(self, config: Monodepth2Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.encoder)
        self.depth = DepthDecoder(config.encoder.channels)

    def forward(self, image: Tensor) -> Monodepth2Result:
        """Return the disparities of image (batch, 3, height, width)."""
        require_multiple(image, MULTIPLE)
        return self.depth(self.encoder(image))


class PoseDecoder(nn.Module):
    """`net` holds the narrowing convolution and the three that follow."""

    def __init__(self, inside: int, motions: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            (
                nn.Conv2d(inside, POSE_WIDTH, 1),
                nn.Conv2d(POSE_WIDTH, POSE_WIDTH, 3, 1, 1),
                nn.Conv2d(POSE_WIDTH, POSE_WIDTH, 3, 1, 1),
                nn.Conv2d(POSE_WIDTH, 6 * motions, 1),
            )
        )

    def forward(self, x: Tensor) -> Motion:
        for layer in self.net[:3]:
            x = functional.relu(layer(x))
        motion = POSE_SCALE * self.net[3](x).mean((2, 3)).unflatten(1, (-1, 6))
        return Motion(motion[..., :3], motion[..., 3:])


class PoseNetwork(nn.Module):
    """`pose_encoder` holds pose_encoder.pth and `pose` holds pose.pth."""

    def __init__(self, config: PoseConfig) -> None:
        super().__init__()
        self.config = config
        self.pose_encoder = Encoder(config.encoder)
        self.pose = PoseDecoder(config.encoder.channels[-1], config.motions)

    def forward(self, first: Tensor, second: Tensor) -> Motion:
        """
        Return the motion from frame `first` to frame `second`, each (batch, 3, height, width).

        `first` is the earlier frame. Training uses the first of the motions: it takes points
        in the camera of `first` to the camera of `second`.
        """
        return self.pose(self.pose_encoder(torch.cat((first, second), 1))[-1])


def build(config: Monodepth2Config = RESNET18) -> Monodepth2:
    """Return the depth network in eval mode, without trained weights."""
    return Monodepth2(config).eval()


def build_pose(config: PoseConfig = POSE_RESNET18) -> PoseNetwork:
    """Return the pose network in eval mode, without trained weights."""
    return PoseNetwork(config).eval()


def from_official(config: Mapping[str, Any]) -> Monodepth2Config:
    """Return the configuration for the official options."""
    name = f'resnet{config["num_layers"]}'
    if name not in RESNETS:
        known = sorted(RESNETS)
        raise DepthError(f'expected num_layers of one of {known}, got {name}; use one of them')
    return Monodepth2Config(
        RESNETS[name],
        min_depth=float(config.get('min_depth', 0.1)),
        max_depth=float(config.get('max_depth', 100.0)),
    )


def official_key(key: str) -> str | None:
    """
    Return our key for one of the official files; None where it is not needed.

    Prefix the keys with the name of the file: `encoder.`, `depth.`, `pose_encoder.`, `pose.`.
    """
    classifier = key.startswith(('encoder.encoder.fc.', 'pose_encoder.encoder.fc.'))
    training = key in ('encoder.height', 'encoder.width', 'encoder.use_stereo')
    return None if classifier or training else key


def inverse_depth(disparity: Tensor, config: Monodepth2Config = RESNET18) -> Tensor:
    """Return 1 / depth for the disparities of the network, in its units, float32."""
    nearest, farthest = 1 / config.min_depth, 1 / config.max_depth
    return farthest + (nearest - farthest) * disparity.float()


def depth(disparity: Tensor, config: Monodepth2Config = RESNET18) -> Tensor:
    """
    Return depth for the disparities of the network, float32.

    Times `STEREO_METRES` it is metres if the network was trained with stereo pairs of KITTI;
    otherwise it has an unknown scale.
    """
    return 1 / inverse_depth(disparity, config)
