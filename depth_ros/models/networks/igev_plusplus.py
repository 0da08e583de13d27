# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
IGEV++ (Xu et al., 2024): IGEV-Stereo with matching volumes of three ranges of disparity.

The wider a range, the coarser its planes. At each pixel the network weighs what it looks up in
the three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.correlation import (
    AllPairsCorrelation,
    GeometryVolume,
)
from depth_ros.models.networks.geometry_encoding import GROUPS, ConvNorm, Hourglass
from depth_ros.models.networks.geometry_stereo import (
    FACTOR,
    GeometryScene,
    GeometryStereo,
    GeometryUpdate,
)
from depth_ros.models.networks.igev_stereo import (
    CONTEXTS,
    UNITS,
    check_downsampling,
    network_key,
)
from depth_ros.models.networks.normalisation import arranged_for
from depth_ros.models.networks.recurrent_stereo import DisparityEncoder
from depth_ros.models.networks.residual_encoder import WIDTHS, ContextEncoder
from depth_ros.models.networks.timm_blocks import MOBILENET_V2, Backbone, narrowed

LEVELS = 2  # scales of the finest volume and of the correlation
MASK = 64  # channels that the recurrent units give to the upsampling
SPREAD = 64  # channels of the features that upsample the first disparity
RANGES = ('s', 'm', 'l')
FIXED = {'corr_levels': LEVELS, 's_disp_interval': 1, 'm_disp_interval': 2, 'l_disp_interval': 4}


@dataclass(frozen=True)
class IgevPlusPlusConfig:
    """The official options by their names, and widths that no official checkpoint changes."""

    hidden_dims: tuple[int, ...] = (128, 128, 128)  # coarsest first
    corr_radius: int = 4
    n_gru_layers: int = 3
    max_disp: int = 768  # px of the input, of the widest matching volume
    s_disp_range: int = 48  # in pixels of 1/4 of the size
    m_disp_range: int = 96
    l_disp_range: int = 192
    iterations: int = 32
    correlation: str = 'auto'  # volume, on_the_fly or auto: the same numbers, other memory
    encoder_widths: tuple[int, int, int] = WIDTHS
    backbone: Backbone = MOBILENET_V2
    backbone_width: float = 1.0  # share of the channels of the backbone
    motion_dim: int = 128
    geometry_dim: int = 96
    head_dim: int = 256

    def __post_init__(self) -> None:
        if self.max_disp != FACTOR * self.l_disp_range:
            raise ValueError(
                f'max_disp is {self.max_disp} and l_disp_range {self.l_disp_range}; '
                f'expected max_disp to be {FACTOR} times l_disp_range'
            )

    @classmethod
    def from_official(cls, options: Mapping[str, Any]) -> IgevPlusPlusConfig:
        """Return the configuration of the official options; unknown ones are ignored."""
        check_downsampling(options)
        for name, only in FIXED.items():
            if options.get(name, only) != only:
                raise ValueError(
                    f'{name} is {options[name]}; expected {only}, IGEV++ has no other'
                )
        names = ('corr_radius', 'n_gru_layers', 'max_disp', *(f'{r}_disp_range' for r in RANGES))
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


STANDARD = IgevPlusPlusConfig()  # sceneflow, kitti2012, kitti2015, middlebury, eth3d
VARIANTS = MappingProxyType({'standard': STANDARD})


@dataclass(frozen=True)
class IgevPlusPlusScene(GeometryScene):
    """What is computed of a pair once."""

    geometries: list[GeometryVolume]  # small, medium and large range
    correlation: AllPairsCorrelation
    choice: list[Tensor]  # how much each range counts, (batch, 1, height / 4, width / 4)
    starts: list[Tensor]  # the first disparity of each range


class GeometryEncoder(nn.Module):
    """Encode what was looked up in one volume."""

    def __init__(self, inside: int, width: int, outside: int) -> None:
        super().__init__()
        self.convg1 = nn.Conv2d(inside, width, 1)
        self.convg2 = nn.Conv2d(width, outside, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (batch, outside, height, width)."""
        return self.convg2(functional.relu(self.convg1(x), inplace=True))


class UpdateBlock(GeometryUpdate):
    """The units with an encoder for each of the volumes."""

    def __init__(self, config: IgevPlusPlusConfig) -> None:
        motion, geometry = config.motion_dim, config.geometry_dim
        window = 2 * config.corr_radius + 1
        encoder = DisparityEncoder(
            LEVELS * window + geometry, (motion, geometry), motion - geometry, motion
        )
        super().__init__(UNITS, config.hidden, encoder, motion, config.head_dim, MASK)
        self.geo_encoder0 = GeometryEncoder(LEVELS * window * GROUPS, motion, geometry)
        self.geo_encoder1 = GeometryEncoder(window * GROUPS, motion, geometry)
        self.geo_encoder2 = GeometryEncoder(window * GROUPS, motion, geometry)

    def encoded(
        self, geometries: Sequence[Tensor], choice: Sequence[Tensor], correlation: Tensor
    ) -> Tensor:
        """Return what was looked up, in one tensor (batch, channels, height, width)."""
        encoders = (self.geo_encoder0, self.geo_encoder1, self.geo_encoder2)
        parts = [
            weight * encoder(geometry)
            for encoder, geometry, weight in zip(encoders, geometries, choice, strict=True)
        ]
        return torch.cat([parts[0] + parts[1] + parts[2], correlation], 1)


class IgevPlusPlus(GeometryStereo):
    """See `RecurrentStereo` for input and output."""

    update_block: UpdateBlock

    def __init__(self, config: IgevPlusPlusConfig = STANDARD) -> None:
        super().__init__(
            narrowed(config.backbone, config.backbone_width),
            config.l_disp_range,
            UpdateBlock(config),
            MASK,
            SPREAD,
            'instance',
            config.iterations,
            config.correlation,
        )
        self.config = config
        self.cnet = ContextEncoder(CONTEXTS, config.hidden, 2, 'batch', config.encoder_widths)
        self.context_zqr_convs = nn.ModuleList(
            nn.Conv2d(width, 3 * width, 3, padding=1) for width in config.hidden
        )
        self.patch0 = nn.Conv3d(GROUPS, GROUPS, (2, 1, 1), (2, 1, 1), bias=False)
        self.patch1 = nn.Conv3d(GROUPS, GROUPS, (4, 1, 1), (4, 1, 1), bias=False)
        self.cost_agg0 = Hourglass(self.channels, 8 * GROUPS, 'instance', first=True)
        self.cost_agg1 = Hourglass(self.channels, 8 * GROUPS, 'instance', first=True)
        self.cost_agg2 = Hourglass(self.channels, 8 * GROUPS, 'instance', first=True)
        self.disp_conv = nn.Sequential(
            ConvNorm(3, 64, 1, norm='instance'), ConvNorm(64, 64, 3, norm='instance')
        )
        self.selective_conv = nn.Sequential(
            ConvNorm(self.channels[0] + 64, 128, 1, norm='instance'),
            ConvNorm(128, 128, 3, norm='instance'),
            nn.Conv2d(128, 3, 3, padding=1, bias=False),
        )

    def prepare(self, left: Tensor, right: Tensor) -> IgevPlusPlusScene:
        """Return the volumes, contexts and first disparities of normalised images."""
        config, found = self.config, self.matched(left, right)
        volumes = [
            self.cost_agg0(found.volume[:, :, : config.s_disp_range], found.features),
            self.cost_agg1(self.patch0(found.volume[:, :, : config.m_disp_range]), found.features),
            self.cost_agg2(self.patch1(found.volume), found.features),
        ]
        starts = [2**scale * self.mean_disparity(volume) for scale, volume in enumerate(volumes)]
        quarter = found.features[0]
        seen = self.disp_conv(torch.cat(starts, 1).to(quarter.dtype))
        choice = torch.sigmoid(self.selective_conv(torch.cat([quarter, seen], 1)))
        hidden, contexts = self.cnet(arranged_for('batch', left))
        radius = config.corr_radius
        return IgevPlusPlusScene(
            start=starts[0],
            hidden=hidden,
            half=found.half,
            quarter=quarter,
            weights=self.update_block.arranged(contexts, self.context_zqr_convs),
            geometries=[
                GeometryVolume(volume, levels, radius)
                for volume, levels in zip(volumes, (LEVELS, 1, 1), strict=True)
            ],
            correlation=AllPairsCorrelation(
                found.left, found.right, LEVELS, radius, storage=self.correlation
            ),
            choice=list(choice.split(1, 1)),
            starts=starts,
        )

    def refine(
        self, scene: IgevPlusPlusScene, hidden: list[Tensor], disparity: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the hidden states after a step, and what to add to disparity."""
        plane, dtype = disparity[:, 0], hidden[0].dtype

        def joined(levels: Sequence[Tensor]) -> Tensor:
            return torch.cat(list(levels), -1).to(dtype).permute(0, 3, 1, 2)

        geometries = [
            joined(volume.lookup(plane / 2**scale))
            for scale, volume in enumerate(scene.geometries)
        ]
        correlation = joined(scene.correlation.lookup(plane))
        seen = self.update_block.encoded(geometries, scene.choice, correlation)
        return self.update_block.step(scene, hidden, disparity, seen)

    def first_predictions(self, scene: IgevPlusPlusScene) -> list[Tensor]:
        """Return the first disparity of each range at the size of the input."""
        return [self.upsample_first(scene, start) for start in scene.starts]


def build(config: IgevPlusPlusConfig = STANDARD) -> IgevPlusPlus:
    """Return the network of a configuration, in eval mode, with random weights."""
    return IgevPlusPlus(config).eval()
