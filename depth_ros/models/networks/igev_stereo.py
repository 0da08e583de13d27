# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
IGEV-Stereo (Xu et al., CVPR 2023): recurrent units look up a filtered matching volume.

The disparity that they start from is the mean of that volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from depth_ros.models.networks.correlation import (
    AllPairsCorrelation,
    GeometryVolume,
)
from depth_ros.models.networks.geometry_encoding import (
    GROUPS,
    ConvNorm,
    FeatureAttention,
    Hourglass,
)
from depth_ros.models.networks.geometry_stereo import (
    FACTOR,
    GeometryScene,
    GeometryStereo,
    GeometryUpdate,
)
from depth_ros.models.networks.normalisation import arranged_for
from depth_ros.models.networks.recurrent_stereo import DisparityEncoder
from depth_ros.models.networks.residual_encoder import WIDTHS, ContextEncoder
from depth_ros.models.networks.timm_blocks import MOBILENET_V2, Backbone, narrowed

CONTEXTS = ('outputs04', 'outputs08', 'outputs16')
UNITS = ('gru04', 'gru08', 'gru16')
MASK = 32  # channels that the recurrent units give to the upsampling
SPREAD = 24  # channels of the features that upsample the first disparity


@dataclass(frozen=True)
class IgevStereoConfig:
    """The official options by their names, and widths that no official checkpoint changes."""

    hidden_dims: tuple[int, ...] = (128, 128, 128)  # coarsest first
    corr_levels: int = 2
    corr_radius: int = 4
    n_gru_layers: int = 3
    max_disp: int = 192  # px of the input, of the matching volume
    iterations: int = 32
    correlation: str = 'auto'  # volume, on_the_fly or auto: the same numbers, other memory
    encoder_widths: tuple[int, int, int] = WIDTHS
    backbone: Backbone = MOBILENET_V2
    backbone_width: float = 1.0  # share of the channels of the backbone
    motion_dim: int = 128
    head_dim: int = 256

    @classmethod
    def from_official(cls, options: Mapping[str, Any]) -> IgevStereoConfig:
        """Return the configuration of the official options; unknown ones are ignored."""
        check_downsampling(options)
        names = ('corr_levels', 'corr_radius', 'n_gru_layers', 'max_disp')
        known = {name: options[name] for name in names if name in options}
        iterations = options.get('iters', options.get('valid_iters', cls.iterations))
        hidden = tuple(options.get('hidden_dims', cls.hidden_dims))
        return cls(hidden_dims=hidden, iterations=iterations, **known)

    @property
    def hidden(self) -> tuple[int, ...]:
        """Return the channels of the hidden states that are used, finest first."""
        return tuple(reversed(self.hidden_dims))[: self.n_gru_layers]

    def network_key(self, key: str) -> str | None:
        """Return the key of the network for one of an official checkpoint, None for no use."""
        return network_key(key, self.n_gru_layers)


STANDARD = IgevStereoConfig()  # sceneflow, kitti2012, kitti2015, middlebury, eth3d
VARIANTS = MappingProxyType({'standard': STANDARD})


def check_downsampling(options: Mapping[str, Any]) -> None:
    """Raise ValueError unless official options refine at 1/4 of the size."""
    halvings = options.get('n_downsample', 2)
    if halvings != 2:
        raise ValueError(
            f'n_downsample is {halvings}; expected 2, the IGEV networks have no other'
        )


def network_key(key: str, units: int) -> str | None:
    """
    Return the key of the network for a key of an official checkpoint, None for no use.

    A projection's normalisation has two official names, a last layer has a normalisation that the
    authors' network skips, and there are coarse units that a configuration may not use.
    """
    key = key.removeprefix('module.')
    unused = [f'update_block.{name}.' for name in UNITS[units:]]
    unused += [f'cnet.{name}.' for name in CONTEXTS[units:]]
    unused += [f'cnet.layer{3 + scale}.' for scale in range(units, 3)]
    unused += ['cost_agg.conv1_up.bn.']
    return None if '.norm3.' in key or key.startswith(tuple(unused)) else key


@dataclass(frozen=True)
class IgevScene(GeometryScene):
    """What is computed of a pair once."""

    geometry: GeometryVolume
    correlation: AllPairsCorrelation


class IgevStereo(GeometryStereo):
    """See `RecurrentStereo` for input and output."""

    def __init__(self, config: IgevStereoConfig = STANDARD) -> None:
        seen = config.corr_levels * (2 * config.corr_radius + 1) * (GROUPS + 1)
        motion = config.motion_dim
        encoder = DisparityEncoder(seen, (motion // 2, motion // 2), motion // 2, motion)
        super().__init__(
            narrowed(config.backbone, config.backbone_width),
            config.max_disp // FACTOR,
            GeometryUpdate(UNITS, config.hidden, encoder, motion, config.head_dim, MASK),
            MASK,
            SPREAD,
            'batch',
            config.iterations,
            config.correlation,
        )
        self.config = config
        self.cnet = ContextEncoder(CONTEXTS, config.hidden, 2, 'batch', config.encoder_widths)
        self.context_zqr_convs = nn.ModuleList(
            nn.Conv2d(width, 3 * width, 3, padding=1) for width in config.hidden
        )
        self.corr_stem = ConvNorm(GROUPS, GROUPS, 3, dims=3)
        self.corr_feature_att = FeatureAttention(GROUPS, self.channels[0], 'batch')
        self.cost_agg = Hourglass(self.channels, 6 * GROUPS, 'batch', first=False)

    def prepare(self, left: Tensor, right: Tensor) -> IgevScene:
        """Return the volumes, contexts and the first disparity of normalised images."""
        found = self.matched(left, right)
        volume = self.corr_feature_att(self.corr_stem(found.volume), found.features[0])
        volume = self.cost_agg(volume, found.features)
        hidden, contexts = self.cnet(arranged_for('batch', left))
        levels, radius = self.config.corr_levels, self.config.corr_radius
        return IgevScene(
            start=self.mean_disparity(volume),
            hidden=hidden,
            half=found.half,
            quarter=found.features[0],
            weights=self.update_block.arranged(contexts, self.context_zqr_convs),
            geometry=GeometryVolume(volume, levels, radius),
            correlation=AllPairsCorrelation(
                found.left, found.right, levels, radius, storage=self.correlation
            ),
        )

    def refine(
        self, scene: IgevScene, hidden: list[Tensor], disparity: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the hidden states after a step, and what to add to disparity."""
        plane = disparity[:, 0]
        geometry = scene.geometry.lookup(plane)
        correlation = scene.correlation.lookup(plane)
        levels = [level for pair in zip(geometry, correlation, strict=True) for level in pair]
        seen = torch.cat(levels, -1).to(hidden[0].dtype).permute(0, 3, 1, 2)
        return self.update_block.step(scene, hidden, disparity, seen)


def build(config: IgevStereoConfig = STANDARD) -> IgevStereo:
    """Return the network of a configuration, in eval mode, with random weights."""
    return IgevStereo(config).eval()
