# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
DenseDepth (Alhashim and Wonka 2018): reciprocal depth from one image.

The image is RGB in [0, 1] without a mean; its sides are multiples of 32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.encoders.densenet import (
    DENSENETS,
    DenseNet,
    DenseNetConfig,
    keras_densenet_key,
)
from depth_ros.models.networks.sides import require_multiple

MULTIPLE = 32
KERAS_EPSILON = 1.001e-5
DENSENET = replace(DENSENETS['densenet169'], epsilon=KERAS_EPSILON)
SLOPE = 0.2  # of the leaky ReLUs
STEPS = 4
NYU_METRES = 10.0  # the largest depth
LARGEST = 1000.0  # the network's numbers for the largest depth are 1, for the smallest 100
SMALLEST = 10.0


@dataclass(frozen=True)
class DenseDepthConfig:
    """The shape of a DenseDepth network."""

    encoder: DenseNetConfig = DENSENET
    align_corners: bool = True
    """Of the upsampling. The published weights were trained with it; current code is without."""
    final_relu: bool = True
    """Behind the encoder's last normalisation. Older Keras applications have none."""


CURRENT = DenseDepthConfig(align_corners=False)
TRAINED = DenseDepthConfig()
OLD_KERAS = DenseDepthConfig(final_relu=False)


class DenseDepthResult(NamedTuple):
    """What the network returns."""

    reciprocal: Tensor
    """(batch, 1, height / 2, width / 2): the largest depth over the depth."""


class DenseDepth(nn.Module):
    """A DenseNet and four steps that double the size."""

    def __init__(self, config: DenseDepthConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = DenseNet(config.encoder)
        width = self.encoder.channels[4]
        self.conv2 = nn.Conv2d(width, width, 1)
        for step in range(1, STEPS + 1):
            inside = (width >> (step - 1)) + self.encoder.channels[4 - step]
            outside = width >> step
            self.add_module(f'up{step}_convA', nn.Conv2d(inside, outside, 3, padding=1))
            self.add_module(f'up{step}_convB', nn.Conv2d(outside, outside, 3, padding=1))
        self.conv3 = nn.Conv2d(width >> STEPS, 1, 3, padding=1)

    def forward(self, image: Tensor) -> DenseDepthResult:
        """Return the reciprocal depth of image (batch, 3, height, width)."""
        require_multiple(image, MULTIPLE)
        *skips, x = self.encoder(image)
        x = self.conv2(functional.relu(x) if self.config.final_relu else x)
        for step in range(1, STEPS + 1):
            x = functional.interpolate(
                x, scale_factor=2.0, mode='bilinear', align_corners=self.config.align_corners
            )
            x = torch.cat((x, skips[STEPS - step]), 1)
            x = functional.leaky_relu(getattr(self, f'up{step}_convA')(x), SLOPE)
            x = functional.leaky_relu(getattr(self, f'up{step}_convB')(x), SLOPE)
        return DenseDepthResult(self.conv3(x))


def build(config: DenseDepthConfig = TRAINED) -> DenseDepth:
    """Return the network in eval mode, without trained weights."""
    return DenseDepth(config).eval()


def from_official(config: Mapping[str, Any]) -> DenseDepthConfig:
    """Return the configuration; the official network has only one encoder."""
    del config
    return TRAINED


def from_keras(model: Mapping[str, Any], align_corners: bool = True) -> DenseDepthConfig:
    """
    Return the configuration for `model_config` of a published .h5 file, parsed from its JSON.

    The file states whether the encoder ends with a ReLU. It does not state how the upsampling
    treats corners, which is code.
    """
    names = {layer.get('name') for layer in model['config']['layers']}
    return DenseDepthConfig(align_corners=align_corners, final_relu='relu' in names)


def official_key(key: str) -> str | None:
    """Return our key for one that `tensorflow_to_torch` gives for a published file."""
    ours = keras_densenet_key(key)
    return key if ours is None else f'encoder.{ours}'


def metres(
    result: DenseDepthResult, height: int, width: int, max_depth: float = NYU_METRES
) -> Tensor:
    """
    Return depth (batch, height, width) in metres, float32, at the size of the image.

    It lies between 1/100 of `max_depth` and `max_depth`, as in the published evaluation.
    """
    # Numbers below one, also negative ones, mean the largest depth.
    depth = (LARGEST / result.reciprocal.float().clamp(min=1.0)).clamp(min=SMALLEST)
    depth = depth * (max_depth / LARGEST)
    size = (height, width)
    return functional.interpolate(depth, size, mode='bilinear', align_corners=True)[:, 0]
