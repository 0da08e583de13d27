# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
AANet and AANet+ (Xu and Zhang, CVPR 2020): adaptive aggregation of correlations at three scales.

Input: RGB with ImageNet mean and standard deviation; height and width multiples of 48 for AANet
and of 96 for AANet+.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.aanet_aggregation import Aggregation
from depth_ros.models.networks.aanet_features import (
    SCALE,
    Pyramid,
    PyramidNetwork,
    ResidualFeatures,
)
from depth_ros.models.networks.aanet_hourglass import HourglassFeatures
from depth_ros.models.networks.aanet_refinement import REFINEMENTS
from depth_ros.models.networks.cost_volume import correlation_volume
from depth_ros.models.networks.disparity import Disparity, expectation


@dataclass(frozen=True)
class Config:
    """
    The options of the official code, with those of the AANet checkpoints.

    The disparities are channels of the aggregation, so weights fit one `max_disp` only. A scene
    with larger ones needs a smaller image: at half the width they are half as large.
    """

    max_disp: int = 192
    num_downsample: int = 2
    """How many refinements follow, the last one at full size."""
    feature_type: str = 'aanet'
    """'aanet' (residual network) or 'ganet' (hourglasses)."""
    no_feature_mdconv: bool = False
    feature_pyramid: bool = False
    feature_pyramid_network: bool = True
    num_scales: int = 3
    num_fusions: int = 6
    deformable_groups: int = 2
    mdconv_dilation: int = 2
    refinement_type: str | None = 'stereodrnet'
    """'stereodrnet', 'hourglass', 'stereonet' or None."""
    no_intermediate_supervision: bool = True
    num_stage_blocks: int = 1
    num_deform_blocks: int = 3
    width: int = 32
    """Of features and refinement."""

    def __post_init__(self) -> None:
        if self.feature_type not in ('aanet', 'ganet'):
            raise ValueError(
                f"feature_type is {self.feature_type!r}, expected 'aanet' or 'ganet'; choose one"
            )
        if self.refinement_type is not None and self.refinement_type not in REFINEMENTS:
            raise ValueError(
                f'refinement_type is {self.refinement_type!r}, expected None or one of '
                f'{", ".join(map(repr, REFINEMENTS))}; choose one'
            )
        multiple = SCALE * 2 ** (self.num_scales - 1)
        if self.max_disp < multiple or self.max_disp % multiple:
            raise ValueError(
                f'max_disp is {self.max_disp}, expected a multiple of {multiple}; choose one'
            )


VARIANTS = {
    'aanet': Config(),
    'aanet_plus': Config(
        feature_type='ganet',
        feature_pyramid=True,
        feature_pyramid_network=False,
        refinement_type='hourglass',
    ),
}


def from_official(config: Mapping[str, Any]) -> Config:
    """Return the configuration for the options of the official code."""
    for name, only in (('feature_similarity', 'correlation'), ('aggregation_type', 'adaptive')):
        if config.get(name, only) != only:
            raise ValueError(f'{name} is {config[name]!r}, expected {only!r}; others do not exist')
    known = {field.name for field in fields(Config)}
    values = {name: value for name, value in config.items() if name in known}
    if values.get('refinement_type') == 'None':
        values['refinement_type'] = None
    return Config(**values)


def build(config: Config) -> AANet:
    """Return the network, with random weights."""
    return AANet(config)


def official_key(key: str, config: Config = VARIANTS['aanet']) -> str | None:
    """Return the key here of a key in an official checkpoint; None for heads of training."""
    key = key.removeprefix('module.')
    last = config.num_fusions - 1
    heads = rf'aggregation\.(final_conv|fusions\.{last}\.fuse_layers)\.[1-9]\.'
    return None if config.no_intermediate_supervision and re.match(heads, key) else key


class AANet(nn.Module):
    """Disparity of the left image from a rectified pair."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width, deformable = config.width, not config.no_feature_mdconv
        self.feature_extractor: nn.Module
        widths = [width, 2 * width, 4 * width]
        if config.feature_type == 'aanet':
            self.feature_extractor = ResidualFeatures(width, deformable)
            widths = [4 * inside for inside in widths]
        else:
            self.feature_extractor = HourglassFeatures(width, deformable)
        self.fpn: nn.Module | None = None
        if config.feature_pyramid_network:
            self.fpn = PyramidNetwork(widths, 4 * width)
        elif config.feature_pyramid:
            self.fpn = Pyramid(width)
        self.aggregation = Aggregation(
            [config.max_disp // SCALE // 2**scale for scale in range(config.num_scales)],
            fusions=config.num_fusions,
            deformable=config.num_deform_blocks,
            blocks=config.num_stage_blocks,
            groups=config.deformable_groups,
            dilation=config.mdconv_dilation,
            outputs=1 if config.no_intermediate_supervision else config.num_scales,
        )
        if config.refinement_type is not None:
            refinement = REFINEMENTS[config.refinement_type]
            self.refinement = nn.ModuleList(
                refinement(width) for _ in range(config.num_downsample)
            )

    def forward(self, left: Tensor, right: Tensor) -> Disparity:
        """Return disparity from (B, 3, H, W) each; stages at 1/3, 1/2 and full size."""
        features = self.feature_extractor(torch.cat([left, right]))
        if self.fpn is not None:
            features = self.fpn(features)
        if torch.is_tensor(features):
            features = [features]
        volumes = []
        for scale, both in enumerate(features[: self.config.num_scales]):
            reference, other = both.chunk(2)
            count = self.config.max_disp // SCALE // 2**scale
            volumes.append(correlation_volume(reference, other, count))
        stages = [expectation(volume) for volume in reversed(self.aggregation(volumes))]
        if self.config.refinement_type is not None:
            for place, refine in enumerate(self.refinement):
                smaller = 2 ** (self.config.num_downsample - 1 - place)
                stages.append(
                    refine(stages[-1], _reduced(left, smaller), _reduced(right, smaller))
                )
        return Disparity(stages[-1], tuple(stages))


def _reduced(image: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return image
    return functional.interpolate(
        image, scale_factor=1 / factor, mode='bilinear', align_corners=False
    )
