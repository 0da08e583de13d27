# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Modulated deformable convolution (Zhu et al., CVPR 2019) in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.disparity import precise

SIZE = 3
TAPS = SIZE * SIZE


class DeformableConvolution(nn.Module):
    """
    A 3x3 convolution that predicts where its taps read, and how much each one counts.

    Each of `groups` groups of input channels has taps of its own. The prediction has, in this
    order, y and x offset of every tap of every group, in px, then the weights, of which twice the
    sigmoid is taken. A tap outside the image reads zero, and fades to it over one pixel.
    """

    def __init__(
        self, inside: int, outside: int, stride: int = 1, dilation: int = 2, groups: int = 2
    ) -> None:
        super().__init__()
        self.stride, self.dilation, self.groups = stride, dilation, groups
        # Only the weight is used; the module gives it its name and initial values.
        self.deform_conv = nn.Conv2d(inside, outside, SIZE, bias=False)
        self.offset_conv = nn.Conv2d(
            inside, groups * 3 * TAPS, SIZE, stride, dilation, dilation, groups
        )
        # It begins as an ordinary convolution.
        nn.init.zeros_(self.offset_conv.weight)
        assert self.offset_conv.bias is not None
        nn.init.zeros_(self.offset_conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outside, H / stride, W / stride) for (B, inside, H, W)."""
        predicted = self.offset_conv(x)
        offsets, weights = predicted.split([2 * self.groups * TAPS, self.groups * TAPS], 1)
        return deformed(
            x,
            offsets.unflatten(1, (self.groups, TAPS, 2)),
            2 * weights.sigmoid().unflatten(1, (self.groups, TAPS)),
            self.deform_conv.weight,
            self.stride,
            self.dilation,
        )


def deformed(
    x: Tensor, offsets: Tensor, weights: Tensor, kernel: Tensor, stride: int, dilation: int
) -> Tensor:
    """
    Return (B, O, h, w): the convolution of `x` (B, C, H, W) with `kernel` (O, C, 3, 3).

    `offsets` are (B, groups, 9, 2, h, w), y and x in px; `weights` (B, groups, 9, h, w). One tap
    at a time: the features of all nine would be nine times the size of the input.
    """
    batch, channels, height, width = x.shape
    groups, rows, columns = offsets.shape[1], offsets.shape[4], offsets.shape[5]
    # The coordinates need more digits than half precision has.
    features = precise(x.reshape(batch * groups, channels // groups, height, width))
    to_y, to_x = 2 / max(height - 1, 1), 2 / max(width - 1, 1)
    y = torch.arange(rows, device=x.device, dtype=features.dtype)[:, None]
    along_x = torch.arange(columns, device=x.device, dtype=features.dtype)
    y, along_x = y * (stride * to_y) - 1, along_x * (stride * to_x) - 1
    kernel = kernel.flatten(2).expand(batch, -1, -1, -1)
    result: Tensor | None = None
    for tap in range(TAPS):
        down, right = (tap // SIZE - 1) * dilation, (tap % SIZE - 1) * dilation
        offset = offsets[:, :, tap].to(features.dtype)
        grid = torch.stack(
            [
                (offset[:, :, 1] + right) * to_x + along_x,
                (offset[:, :, 0] + down) * to_y + y,
            ],
            -1,
        )
        read = functional.grid_sample(
            features, grid.flatten(0, 1), mode='bilinear', padding_mode='zeros', align_corners=True
        )
        read = read.unflatten(0, (batch, groups)) * weights[:, :, tap, None]
        read = read.reshape(batch, channels, -1).to(x.dtype)
        of_tap = kernel[..., tap]
        result = torch.bmm(of_tap, read) if result is None else torch.baddbmm(result, of_tap, read)
    assert result is not None
    return result.view(batch, -1, rows, columns)
