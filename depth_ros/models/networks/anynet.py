# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
AnyNet (Wang et al., ICRA 2019): a coarse disparity, refined in stages, each of which can be used.

Input: RGB with ImageNet mean and standard deviation; height and width multiples of 16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.cost_volume import difference_volume
from depth_ros.models.networks.disparity import Disparity, expectation, precise, warped
from depth_ros.models.networks.volume_convolution import VolumeConvolution


@dataclass(frozen=True)
class Config:
    """
    The options of the official code, with those of the published checkpoints.

    No parameter depends on `maxdisplist`: weights run with another first value, 1/16 of the
    largest disparity (`network.config = replace(network.config, maxdisplist=(16, 3, 3))`).
    """

    init_channels: int = 1
    maxdisplist: tuple[int, ...] = (12, 3, 3)
    """Candidates of the first stage, at 1/16; of later ones d - n + 1 to d + n - 1."""
    spn_init_channels: int = 8
    nblocks: int = 2
    layers_3d: int = 4
    channels_3d: int = 4
    growth_rate: tuple[int, ...] = (4, 1, 1)
    with_spn: bool = True
    stages: int = 3
    """How many stages are run, 1 to 3; fewer are faster. Propagation needs all three."""
    warp_align_corners: bool = True
    bilinear_resize_align_corners: bool = False
    unet_upsampling_align_corners: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.stages <= 3:
            raise ValueError(f'stages is {self.stages}, expected 1, 2 or 3; choose one')
        if len(self.maxdisplist) != 3 or len(self.growth_rate) != 3:
            raise ValueError(
                f'maxdisplist is {self.maxdisplist} and growth_rate {self.growth_rate}, expected '
                f'one value per stage; give three each'
            )


VARIANTS = {'anynet': Config(), 'anynet_without_spn': Config(with_spn=False)}


def from_official(config: Mapping[str, Any]) -> Config:
    """Return the configuration for the options of the official code."""
    known = {field.name for field in fields(Config)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in config.items()
        if name in known
    }
    return Config(**values)


def build(config: Config) -> AnyNet:
    """Return the network, with random weights."""
    return AnyNet(config)


def official_key(key: str) -> str:
    """Return the key here of a key in an official checkpoint."""
    return key.removeprefix('module.')


class AnyNet(nn.Module):
    """Disparity of the left image from a rectified pair."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        if config.with_spn:
            self.refine_spn = _propagation(config.spn_init_channels)
        self.feature_extraction = Features(config)
        self.volume_postprocess = nn.ModuleList(
            _volume_network(config.layers_3d, config.channels_3d * rate)
            for rate in config.growth_rate
        )

    def forward(self, left: Tensor, right: Tensor) -> Disparity:
        """Return disparity from (B, 3, H, W) each; every stage is at full size."""
        config = self.config
        height = left.shape[2]
        features = self.feature_extraction(torch.cat([left, right]))[: config.stages]
        stages: list[Tensor] = []
        for stage, both in enumerate(features):
            reference, other = both.chunk(2)
            count, scale = config.maxdisplist[stage], height / both.shape[2]
            if stages:
                before = self._resize(stages[-1], both.shape[2:]) / scale
                cost = self._near(reference, other, before, count)
                step = expectation(-self._regularised(stage, cost), 1 - count)
                stages.append(stages[-1] + self._resize(step * scale, left.shape[2:]))
            else:
                cost = difference_volume(reference, other, count)
                coarse = expectation(-self._regularised(stage, cost))
                stages.append(self._resize(coarse * scale, left.shape[2:]))
        if config.with_spn and config.stages == 3:
            stages.append(self._propagated(left, stages[-1]))
        return Disparity(stages[-1], tuple(stages))

    def _regularised(self, stage: int, cost: Tensor) -> Tensor:
        return self.volume_postprocess[stage](cost.unsqueeze(1)).squeeze(1)

    def _near(self, left: Tensor, right: Tensor, disparity: Tensor, count: int) -> Tensor:
        """
        Return (B, 2 count - 1, H, W): the L1 distance at the disparities around the given one.

        The cost of the step s is taken at d - s, although s is added to d afterwards: the weights
        are trained with that order.
        """
        step = torch.arange(1 - count, count, device=left.device, dtype=disparity.dtype)
        moved = warped(
            right, disparity - step[:, None, None], align_corners=self.config.warp_align_corners
        )
        return (left[:, :, None] - moved).abs().sum(1)

    def _propagated(self, left: Tensor, disparity: Tensor) -> Tensor:
        """Return the disparity after a scan from left to right at 1/4, guided by the image."""
        guide, widen, narrow = self.refine_spn
        quarter = [side // 4 for side in left.shape[2:]]
        gates = guide(self._resize(left, quarter)).unflatten(1, (3, -1))
        gates = gates / (gates.abs().sum(1, keepdim=True) + 1e-8)
        coarse = widen(self._resize(disparity, quarter).to(gates.dtype))
        return self._resize(precise(narrow(scan(coarse, gates))), left.shape[2:])

    def _resize(self, x: Tensor, size: Sequence[int]) -> Tensor:
        return functional.interpolate(
            x,
            size=tuple(size),
            mode='bilinear',
            align_corners=self.config.bilinear_resize_align_corners,
        )


def scan(x: Tensor, gates: Tensor) -> Tensor:
    """
    Return (B, C, H, W): each column mixed with three neighbours in the column before.

    `x` is (B, C, H, W); `gates` (B, 3, C, H, W) weigh the neighbours one row above, in the same
    row and one below; the rest of the weight is that of `x`. A gate of a neighbour outside the
    image counts as zero.
    """
    height = x.shape[2]
    row = torch.arange(height, device=x.device)
    exists = torch.stack([row > 0, row >= 0, row < height - 1]).to(gates.dtype)
    # Columns first, so that the loop reads whole blocks.
    gates = (gates * exists[:, None, :, None]).movedim(4, 0).contiguous()
    own = (1 - gates.sum(2)) * x.movedim(3, 0)
    column = x[..., 0]
    columns = [column]
    for place in range(1, x.shape[3]):
        above, same, below = gates[place].unbind(1)
        padded = functional.pad(column, (1, 1))
        column = own[place] + above * padded[..., :-2] + same * column + below * padded[..., 2:]
        columns.append(column)
    return torch.stack(columns, 3)


class Features(nn.Module):
    """Returns features at 1/16, 1/8 and 1/4 of the input."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, blocks = config.init_channels, config.nblocks
        stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1), _convolution(width, width, stride=2))
        self.block0 = nn.Sequential(stem, _down(width, 2 * width, blocks))
        self.blocks = nn.ModuleList(
            _down(width * 2 ** (level + 1), width * 2 ** (level + 2), blocks) for level in range(2)
        )
        align = config.unet_upsampling_align_corners
        self.upblocks = nn.ModuleList(Up(width * 2 ** (3 - level), align) for level in range(2))

    def forward(self, image: Tensor) -> list[Tensor]:
        fine = self.block0(image)
        middle = self.blocks[0](fine)
        coarse = self.blocks[1](middle)
        middle = self.upblocks[0](middle, coarse)
        return [coarse, middle, self.upblocks[1](fine, middle)]


class Up(nn.Module):
    """Joins fine features with coarse ones of twice the channels, enlarged."""

    def __init__(self, coarse: int, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners
        fine = coarse // 2
        self.conv = nn.Sequential(_convolution(coarse + fine, fine), _convolution(fine, fine))

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        coarse = functional.interpolate(
            coarse, scale_factor=2.0, mode='bilinear', align_corners=self.align_corners
        )
        # An odd fine size has one row or column less than twice the coarse one.
        coarse = coarse[..., : fine.shape[2], : fine.shape[3]]
        return self.conv(torch.cat([fine, coarse], 1))


def _down(inside: int, outside: int, blocks: int) -> nn.Sequential:
    layers = [_convolution(outside if i else inside, outside) for i in range(blocks)]
    return nn.Sequential(nn.MaxPool2d(2), *layers)


def _convolution(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
    return nn.Sequential(nn.BatchNorm2d(inside), nn.ReLU(), convolution)


def _volume_network(layers: int, width: int) -> nn.Sequential:
    widths = [1, *[width] * (layers + 1), 1]
    return nn.Sequential(
        *(
            nn.Sequential(nn.BatchNorm3d(inside), nn.ReLU(), VolumeConvolution(inside, outside))
            for inside, outside in pairwise(widths)
        )
    )


def _propagation(width: int) -> nn.ModuleList:
    widths = [3, 2 * width, 2 * width, 2 * width, 3 * width]
    layers: list[nn.Module] = []
    for inside, outside in pairwise(widths):
        layers += [nn.Conv2d(inside, outside, 3, 1, 1, bias=False), nn.ReLU()]
    return nn.ModuleList(
        [
            nn.Sequential(*layers[:-1]),
            nn.Conv2d(1, width, 3, 1, 1, bias=False),
            nn.Conv2d(width, 1, 3, 1, 1, bias=False),
        ]
    )
