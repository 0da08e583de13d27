# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""3D convolutions of cost volumes, at the speed that their number of operations allows."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.cost_volume import concat_volume, inside, windows
from depth_ros.models.networks.disparity import precise

# PyTorch on CPU computes the 3D convolution of one volume without oneDNN, several times slower,
# where the product of its channels, planes and rows is at most this. It does not for two volumes.
SMALL = 20480
MANY = 8  # channels from which on a matrix product is worth it


class VolumeConvolution(nn.Conv3d):
    """
    A 3x3x3 convolution with zero padding.

    On CPU, one small volume is computed as two, its upper and its lower half. One with a single
    output channel, of which oneDNN computes a block of channels, is a matrix product: what each
    tap contributes, which is then shifted and added up.
    """

    def __init__(self, channels: int, outside: int, bias: bool = False) -> None:
        super().__init__(channels, outside, 3, padding=1, bias=bias)

    def forward(self, volume: Tensor) -> Tensor:
        """Return (B, outside, D, H, W) for a volume (B, C, D, H, W)."""
        batch, channels, planes, height, _ = volume.shape
        if volume.device.type != 'cpu' or torch.compiler.is_exporting():
            return super().forward(volume)
        if self.out_channels == 1 and channels >= MANY:
            return self._single(volume)
        if batch == 1 and channels * planes * height <= SMALL:
            return self._halves(volume)
        return super().forward(volume)

    def _halves(self, volume: Tensor) -> Tensor:
        height = volume.shape[3]
        half = (height + 1) // 2
        padded = functional.pad(volume, (0, 0, 1, 1 + 2 * half - height))
        halves = torch.cat([padded[:, :, :, : half + 2], padded[:, :, :, half:]])
        found = functional.conv3d(halves, self.weight, self.bias, padding=(1, 0, 1))
        return torch.cat(found.chunk(2), 3)[:, :, :, :height]

    def _single(self, volume: Tensor) -> Tensor:
        depth, height, width = volume.shape[2:]
        taps = self.weight[0].permute(1, 2, 3, 0).flatten(1, 2)  # 3 planes, 9 taps, C
        flat = volume.flatten(2)
        result: Tensor | None = None
        for plane, weight in enumerate(taps):
            # In float32: half precision would round 27 times.
            parts = precise(torch.bmm(weight.expand(len(flat), -1, -1), flat))
            parts = parts.unflatten(2, (depth, height, width))
            parts = functional.pad(parts, (1, 1, 1, 1, 1 - plane, plane - 1))
            for tap in range(9):
                row, column = divmod(tap, 3)
                part = parts[:, tap, :, row : row + height, column : column + width]
                result = part if result is None else result + part
        assert result is not None
        result = result[:, None].to(volume.dtype)
        return result if self.bias is None else result + self.bias


class ConcatConvolution(VolumeConvolution):
    """
    The 3x3x3 convolution of a concat volume, without the volume.

    A plane of the volume is a shifted copy of the same features. So the sum over right features is
    one 2D convolution, shifted; that over left features is another one, which differs only within
    two pixels of x = d, where the valid part begins. What the zero padding changes in the first
    and last plane and in the last column is computed apart. This saves the volume, twice the size
    of the result where a feature map has as many channels as the result, and nearly all
    multiplications.
    """

    def __init__(self, channels: int, outside: int, bias: bool = False) -> None:
        """Take the channels of the volume, twice those of the features, and of the result."""
        super().__init__(channels, outside, bias)

    def forward(self, pair: tuple[Tensor, Tensor, int]) -> Tensor:  # type: ignore[override]
        """
        Return (B, outside, count, H, W) for left and right features (B, C, H, W), and `count`.

        They come as one value so that the layer can begin a Sequential.
        """
        left, right, count = pair
        width = left.shape[3]
        if count < 4 or width < count:
            return super().forward(concat_volume(left, right, count))
        of_left, of_right = self.weight.chunk(2, 1)
        # Tap (kd, kx) reads the right features at x - d + kx - kd.
        taps = torch.stack([_diagonal(of_right, offset).sum(3) for offset in range(-2, 3)], 3)
        sheared = functional.conv2d(functional.pad(right, (4, 2, 1, 1)), taps)  # x - d from -2
        volume = windows(functional.pad(sheared, (count - 3, 0)), width)
        # It reads valid left features where x - d >= kd - kx.
        reaching = torch.stack(
            [
                functional.pad(_diagonal(of_left, offset), (max(offset, 0), max(-offset, 0)))
                for offset in range(2, -3, -1)
            ]
        ).cumsum(0)
        everywhere = functional.conv2d(left, reaching[4], padding=1)
        volume += everywhere[:, :, None] * inside(count, everywhere, margin=2)
        near = functional.conv2d(left[..., : count + 3], reaching[:4].flatten(0, 1), padding=1)
        near = near.unflatten(1, (4, self.out_channels))
        for place, distance in enumerate(range(-2, 2)):
            begin, end = max(0, -distance), min(count, width - distance)
            d = torch.arange(begin, end, device=left.device)
            values = near[:, place, :, :, begin + distance : end + distance]
            values = values + sheared[..., place, None]
            volume[:, :, d, :, d + distance] = values.permute(3, 0, 1, 2)
        volume[:, :, 0] = self._plane(left, right, 0, self.weight[:, :, 1:])
        volume[:, :, -1] = self._plane(left, right, count - 2, self.weight[:, :, :2])
        volume[..., -1] = self._last_column(left, right, count)
        return volume if self.bias is None else volume + self.bias[:, None, None, None]

    @staticmethod
    def _plane(left: Tensor, right: Tensor, first: int, weight: Tensor) -> Tensor:
        """Return the sum (B, outside, H, W) over two planes of the volume, and no others."""
        planes = concat_volume(left, right, 2, first).transpose(1, 2).flatten(1, 2)
        return functional.conv2d(planes, weight.transpose(1, 2).flatten(1, 2), padding=1)

    def _last_column(self, left: Tensor, right: Tensor, count: int) -> Tensor:
        """Return the sum (B, outside, count, H) over the last two columns of the volume."""
        width = left.shape[3]
        reach = functional.pad(right, (count - 1, 0))
        columns = []
        for x in (width - 2, width - 1):
            valid = inside(count, left)[..., x]
            columns.append(left[:, :, None, :, x] * valid)
            columns.append(reach[..., x : x + count].flip(3).transpose(2, 3))
        weight = torch.cat([self.weight[..., 0], self.weight[..., 1]], 1)
        return functional.conv2d(torch.cat(columns, 1), weight, padding=1)


def _diagonal(weight: Tensor, offset: int) -> Tensor:
    """Return (outside, C, ky, n): the taps with kx - kd = offset, in the order of kx."""
    return weight.permute(0, 1, 3, 2, 4).diagonal(offset, 3, 4)
