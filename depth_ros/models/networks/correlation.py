# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Correlations and volumes that recurrent networks look up around a disparity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from depth_ros.models.networks.disparity import precise

STORAGES = ('volume', 'on_the_fly', 'auto')
LARGEST_VOLUME = 1 << 30  # bytes of a volume that `auto` keeps
CHUNK = 1 << 26  # bytes of the part of a volume that exists at a time, on the fly


def window(padded: Tensor, position: Tensor, radius: int) -> Tensor:
    """
    Return the values around a position, linear between samples and zero outside.

    :param padded: (batch, height, width, channels, length + 2): the values between two zeros.
    :param position: (batch, height, width), float32, in samples; the first value is at 0.
    :returns: (batch, height, width, channels * (2 radius + 1)), float32, channel after channel.
    """
    length = padded.shape[-1] - 2
    first = position.floor()
    # All offsets are whole numbers: neighbours share one fraction, and each sample is read once.
    between = (position - first)[..., None, None]
    offsets = torch.arange(-radius, radius + 2, device=position.device)
    index = (first.long()[..., None] + offsets).clamp(-1, length) + 1
    index = index[..., None, :].expand(*padded.shape[:-1], offsets.shape[0])
    samples = precise(padded.gather(-1, index))
    left, right = samples[..., :-1], samples[..., 1:]
    return torch.addcmul(left, between, right - left).flatten(-2)


class AllPairsCorrelation:
    """
    The correlation of every left pixel with every right pixel of its row, at several scales.

    A coarser level pools the right features by two, which pools the correlation alike.
    """

    def __init__(
        self,
        left: Tensor,
        right: Tensor,
        levels: int,
        radius: int,
        scale: float = 1.0,
        storage: str = 'auto',
    ) -> None:
        """
        Prepare features (batch, channels, height, width) of both images for `lookup`.

        :param scale: what the products are multiplied by.
        :param storage: `volume` keeps all correlations, `on_the_fly` computes them again with
            each lookup and keeps little; `auto` keeps a volume of up to 1 GiB.
        """
        if storage not in STORAGES:
            raise ValueError(f'correlation is {storage!r}; expected one of {", ".join(STORAGES)}')
        self.radius = radius
        self.columns = torch.arange(left.shape[3], device=left.device, dtype=torch.float32)
        # Sums over hundreds of channels: float32 in half precision too, as the authors have it.
        self.left = precise(left).permute(0, 2, 3, 1) * scale
        right = precise(right)
        self.rights: list[Tensor] = []
        for level in range(levels):
            if level:
                right = functional.avg_pool2d(right, (1, 2))
            self.rights.append(functional.pad(right, (1, 1)).permute(0, 2, 1, 3))
        row = 4 * left.shape[0] * left.shape[3] * sum(r.shape[-1] for r in self.rights)
        height = left.shape[2]
        fits = row * height <= LARGEST_VOLUME
        self.volumes: list[Tensor] | None = None
        self.rows = max(1, CHUNK // row)
        if storage == 'volume' or (storage == 'auto' and fits):
            self.volumes = self._volumes(0, height)

    def lookup(self, disparity: Tensor) -> list[Tensor]:
        """
        Return the correlation around a disparity (batch, height, width), for each level.

        Each result is (batch, height, width, 2 radius + 1), float32, along right columns.
        """
        position = self.columns - disparity
        if self.volumes is not None:
            return self._sample(self.volumes, position)
        parts = [
            self._sample(self._volumes(top, top + self.rows), position[:, top : top + self.rows])
            for top in range(0, position.shape[1], self.rows)
        ]
        return [torch.cat(level, 1) for level in zip(*parts, strict=True)]

    def _volumes(self, top: int, bottom: int) -> list[Tensor]:
        left = self.left[:, top:bottom]
        return [torch.matmul(left, right[:, top:bottom])[..., None, :] for right in self.rights]

    def _sample(self, volumes: Sequence[Tensor], position: Tensor) -> list[Tensor]:
        return [
            window(volume, position / 2**level, self.radius)
            for level, volume in enumerate(volumes)
        ]


class GeometryVolume:
    """A volume of features over disparity, at several scales of disparity."""

    def __init__(self, volume: Tensor, levels: int, radius: int) -> None:
        """Prepare a volume (batch, channels, disparities, height, width) for `lookup`."""
        self.radius = radius
        self.volumes: list[Tensor] = []
        for level in range(levels):
            if level:
                pairs = volume[:, :, : volume.shape[2] // 2 * 2].unflatten(2, (-1, 2))
                volume = pairs.mean(3)
            self.volumes.append(functional.pad(volume.permute(0, 3, 4, 1, 2), (1, 1)))

    def lookup(self, disparity: Tensor) -> list[Tensor]:
        """
        Return the features around a disparity (batch, height, width), for each level.

        Each result is (batch, height, width, channels * (2 radius + 1)), float32.
        """
        return [
            window(volume, disparity / 2**level, self.radius)
            for level, volume in enumerate(self.volumes)
        ]
