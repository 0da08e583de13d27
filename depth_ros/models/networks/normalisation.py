# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Normalisation layers by the names that configurations use."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EXACT_CHANNELS_LAST = ('batch', 'none')  # statistics over pixels lose digits in that layout


class InstanceNorm(nn.Module):
    """
    Normalise each channel of each sample over its pixels; it has no parameters.

    `group_norm` with one channel a group gives the numbers of `instance_norm`, and on a CPU it is
    several times faster.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Return x (batch, channels, ...) with zero mean and unit variance in each channel."""
        return functional.group_norm(x, self.channels)


def normalisation(kind: str, channels: int, groups: int | None = None) -> nn.Module:
    """
    Return the layer of a kind: batch, instance, group or none.

    :param groups: of a group normalisation; by default one for eight channels.
    """
    if kind == 'batch':
        return nn.BatchNorm2d(channels)
    if kind == 'instance':
        return InstanceNorm(channels)
    if kind == 'group':
        return nn.GroupNorm(groups or channels // 8, channels)
    if kind == 'none':
        return nn.Identity()
    raise ValueError(f'normalisation is {kind!r}; expected batch, instance, group or none')


def arranged_for(kind: str, x: Tensor) -> Tensor:
    """
    Return x (batch, channels, height, width) in the fastest layout for a network of a kind.

    Convolutions are fastest channels last. In float32, layers that compute the mean over pixels
    lose three digits there, and stay with the other layout; half precision has no such digits.
    """
    if x.dtype == torch.float32 and kind not in EXACT_CHANNELS_LAST:
        return x.contiguous()
    return x.contiguous(memory_format=torch.channels_last)
