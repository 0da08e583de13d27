# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Adaptive aggregation: within each scale by deformable convolutions, and across the scales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.aanet_features import Bottleneck
from depth_ros.models.networks.deformable import DeformableConvolution

SLOPE = 0.2  # of every leaky ReLU


class Aggregation(nn.Module):
    """
    A row of fusions, then one 1x1 convolution per output.

    Volumes are (B, D, H, W), fine to coarse; `counts` are their disparities.
    """

    def __init__(
        self,
        counts: Sequence[int],
        fusions: int,
        deformable: int,
        blocks: int,
        groups: int,
        dilation: int,
        outputs: int,
    ) -> None:
        """Take how many of the last fusions are deformable, and how many scales are returned."""
        super().__init__()
        self.fusions = nn.Sequential()
        for place in range(fusions):
            self.fusions.append(
                Fusion(
                    counts,
                    outputs if place == fusions - 1 else len(counts),
                    [
                        _convolutions(c, place >= fusions - deformable, groups, dilation, blocks)
                        for c in counts
                    ],
                )
            )
        self.final_conv = nn.ModuleList(nn.Conv2d(c, c, 1) for c in counts[:outputs])

    def forward(self, volumes: list[Tensor]) -> list[Tensor]:
        volumes = self.fusions(volumes)
        return [last(x) for last, x in zip(self.final_conv, volumes, strict=True)]


def _convolutions(
    count: int, deformable: bool, groups: int, dilation: int, blocks: int
) -> nn.Sequential:
    return nn.Sequential(
        *(
            Bottleneck(
                count,
                count,
                count,
                DeformableConvolution(count, count, dilation=dilation, groups=groups)
                if deformable
                else nn.Conv2d(count, count, 3, padding=1, bias=False),
            )
            for _ in range(blocks)
        )
    )


class Fusion(nn.Module):
    """Aggregates each scale, then adds to each output scale the volumes of all others."""

    def __init__(self, counts: Sequence[int], outputs: int, branches: list[nn.Sequential]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        # One scale has nothing to be fused with.
        self.fuse_layers: Iterable[Any] = nn.ModuleList(
            nn.ModuleList(_exchange(counts, source, target) for source in range(len(counts)))
            for target in range(outputs)
        )

    def forward(self, volumes: list[Tensor]) -> list[Tensor]:
        volumes = [branch(x) for branch, x in zip(self.branches, volumes, strict=True)]
        if len(volumes) == 1:
            return volumes
        fused = []
        for exchange in self.fuse_layers:
            first, *others = [exchange[source](x) for source, x in enumerate(volumes)]
            for other in others:
                if other.shape[2:] != first.shape[2:]:
                    other = functional.interpolate(
                        other, size=first.shape[2:], mode='bilinear', align_corners=False
                    )
                first = first + other
            fused.append(functional.leaky_relu(first, SLOPE))
        return fused


def _exchange(counts: Sequence[int], source: int, target: int) -> nn.Module:
    """Return what makes the channels, and at a coarser target the size, of the target scale."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            nn.Conv2d(counts[source], counts[target], 1, bias=False),
            nn.BatchNorm2d(counts[target]),
        )
    layers = []
    for step in range(source + 1, target + 1):
        outside = counts[target] if step == target else counts[source]
        layers.append(
            nn.Sequential(
                nn.Conv2d(counts[source], outside, 3, 2, 1, bias=False),
                nn.BatchNorm2d(outside),
                *([] if step == target else [nn.LeakyReLU(SLOPE)]),
            )
        )
    return nn.Sequential(*layers)
