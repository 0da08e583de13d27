# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
RT-IGEV++ (Xu et al., 2024): IGEV-Stereo with one recurrent unit, on features of one backbone.

It looks up the filtered matching volume alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from depth_ros.models.networks.correlation import GeometryVolume
from depth_ros.models.networks.geometry_encoding import GROUPS, ConvNorm, Hourglass
from depth_ros.models.networks.geometry_stereo import (
    FACTOR,
    GeometryScene,
    GeometryStereo,
    GeometryUpdate,
)
from depth_ros.models.networks.recurrent_stereo import DisparityEncoder
from depth_ros.models.networks.timm_blocks import MOBILENET_V2, Backbone, narrowed

MASK = 32  # channels that the recurrent unit gives to the upsampling
SPREAD = 24  # channels of the features that upsample the first disparity


@dataclass(frozen=True)
class RtIgevPlusPlusConfig:
    """The official options by their names, and widths that no official checkpoint changes."""

    hidden_dim: int = 96
    corr_levels: int = 2
    corr_radius: int = 4
    max_disp: int = 192  # px of the input, of the matching volume
    iterations: int = 8
    backbone: Backbone = MOBILENET_V2
    backbone_width: float = 1.0  # share of the channels of the backbone
    encoder_dim: int = 64
    head_dim: int = 128

    @classmethod
    def from_official(cls, options: Mapping[str, Any]) -> RtIgevPlusPlusConfig:
        """Return the configuration of the official options; unknown ones are ignored."""
        names = ('hidden_dim', 'corr_levels', 'corr_radius', 'max_disp')
        known = {name: options[name] for name in names if name in options}
        iterations = options.get('iters', options.get('valid_iters', cls.iterations))
        return cls(iterations=iterations, **known)

    def network_key(self, key: str) -> str | None:
        """
        Return the key of the network for one of an official checkpoint, None for no use.

        A last layer has a normalisation that the authors' network skips.
        """
        key = key.removeprefix('module.')
        return None if key.startswith('cost_agg.conv1_up.bn.') else key


STANDARD = RtIgevPlusPlusConfig()  # sceneflow, kitti
VARIANTS = MappingProxyType({'standard': STANDARD})


@dataclass(frozen=True)
class RtIgevScene(GeometryScene):
    """What is computed of a pair once."""

    geometry: GeometryVolume


class RtIgevPlusPlus(GeometryStereo):
    """See `RecurrentStereo` for input and output."""

    def __init__(self, config: RtIgevPlusPlusConfig = STANDARD) -> None:
        width, seen = config.hidden_dim, config.corr_levels * (2 * config.corr_radius + 1) * GROUPS
        half = config.encoder_dim
        encoder = DisparityEncoder(seen, (half, half), half, width)
        super().__init__(
            narrowed(config.backbone, config.backbone_width),
            config.max_disp // FACTOR,
            GeometryUpdate(('gru',), (width,), encoder, width, config.head_dim, MASK),
            MASK,
            SPREAD,
            'batch',
            config.iterations,
        )
        self.config = config
        finest = self.channels[0]
        self.hnet = nn.Sequential(
            ConvNorm(finest, width, 3), nn.Conv2d(width, width, 3, padding=1, bias=False)
        )
        self.cnet = ConvNorm(finest, width, 3)
        self.context_zqr_conv = nn.Conv2d(width, 3 * width, 3, padding=1)
        self.cost_agg = Hourglass(self.channels, 6 * GROUPS, 'batch', first=False)

    def prepare(self, left: Tensor, right: Tensor) -> RtIgevScene:
        """Return the volume, the context and the first disparity of normalised images."""
        found = self.matched(left, right)
        volume = self.cost_agg(found.volume, found.features)
        quarter = found.features[0]
        return RtIgevScene(
            start=self.mean_disparity(volume),
            hidden=[torch.tanh(self.hnet(quarter))],
            half=found.half,
            quarter=quarter,
            weights=self.update_block.arranged([self.cnet(quarter)], [self.context_zqr_conv]),
            geometry=GeometryVolume(volume, self.config.corr_levels, self.config.corr_radius),
        )

    def refine(
        self, scene: RtIgevScene, hidden: list[Tensor], disparity: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the hidden state after a step, and what to add to disparity."""
        seen = torch.cat(scene.geometry.lookup(disparity[:, 0]), -1)
        seen = seen.to(hidden[0].dtype).permute(0, 3, 1, 2)
        return self.update_block.step(scene, hidden, disparity, seen)


def build(config: RtIgevPlusPlusConfig = STANDARD) -> RtIgevPlusPlus:
    """Return the network of a configuration, in eval mode, with random weights."""
    return RtIgevPlusPlus(config).eval()
