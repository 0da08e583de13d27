# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's SAME padding: the side that gets more zeros is the right or the bottom one."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the padding before and after, such that the output has ceil(side / stride)."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Return x (batch, channels, height, width) with the zeros around it that SAME asks for."""
    top, bottom = same_padding(x.shape[-2], kernel, stride)
    left, right = same_padding(x.shape[-1], kernel, stride)
    return functional.pad(x, (left, right, top, bottom))


class SameConv2d(nn.Conv2d):
    """A convolution with a square kernel and SAME padding, without a bias."""

    def __init__(
        self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        # With stride 1 and an odd kernel SAME is symmetric, which the convolution does itself.
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inside, outside, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            x = pad_same(x, self.kernel_size[0], self.stride[0])
        return super().forward(x)
