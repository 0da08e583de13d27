# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Matching costs along the rows of a rectified pair, and their lookup at a disparity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

STORAGES = ('volume', 'on_the_fly', 'auto')
LARGEST_VOLUME = 1 << 30  # bytes of a volume that `auto` keeps
BLOCK = 32  # columns whose costs are computed together
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
    samples = padded.gather(-1, index).float()
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
        # Disparities of a tenth of a pixel need the products in float32.
        self.left = left.float().permute(0, 2, 3, 1) * scale
        right = right.float()
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


def group_correlation(left: Tensor, right: Tensor, disparities: int, groups: int) -> Tensor:
    """
    Return the mean product of the channels of each group, for disparities 0, 1, 2, ...

    Takes features (batch, channels, height, width); returns (batch, groups, disparities, height,
    width), zero where the right column lies outside the image.
    """
    batch, channels, height, width = left.shape
    inner = channels // groups
    blocks = (width + BLOCK - 1) // BLOCK
    spare = blocks * BLOCK - width
    # Blocks of columns, times the right columns that any of them reaches. Products one by one for
    # each disparity read all channels again and again.
    lefts = functional.pad(left / inner, (0, spare))
    lefts = lefts.view(batch, groups, inner, height, blocks, BLOCK)
    rights = functional.pad(right, (disparities - 1, spare)).view(batch, groups, inner, height, -1)
    reach = BLOCK + disparities - 1
    starts = range(0, blocks * BLOCK, BLOCK)
    reached = torch.stack([rights[..., start : start + reach] for start in starts], 4)
    products = lefts.permute(0, 1, 3, 4, 5, 2) @ reached.permute(0, 1, 3, 4, 2, 5)
    # Row i has disparity d in column i + disparities - 1 - d; rows longer by one undo the i.
    rows = functional.pad(products.flatten(-2), (0, BLOCK))
    rows = rows.unflatten(-1, (BLOCK, BLOCK + disparities))[..., :disparities].flip(-1)
    volume = rows.permute(0, 1, 5, 2, 3, 4).flatten(-2)
    return volume[..., :width].contiguous()


def expected_disparity(cost: Tensor, interval: int = 1) -> Tensor:
    """
    Return the mean disparity (batch, 1, height, width), float32, under the softmax of a cost.

    :param cost: (batch, disparities, height, width) for disparities 0, interval, 2 interval, ...
    """
    values = interval * torch.arange(cost.shape[1], device=cost.device, dtype=torch.float32)
    return torch.einsum('bdhw,d->bhw', cost.float().softmax(1), values)[:, None]
