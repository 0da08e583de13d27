# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A second, smaller encoder-decoder, for images with a known ground.

Once it is computed how far away the floor is, and what stands on it, the rest of the image
follows from that: a ceiling meets its walls, a cup stands on its table. This carries it there.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.builtin.blocks import Block, Context, Up, convolution


class SecondPass(nn.Module):
    """
    Compute what to add to the features of the first pass; zero before training.

    :param inside: channels that come in, and `outside` those that go out, at half the input.
    :param first: widths of the first encoder at 1/4, 1/8, 1/16 and 1/32, which it sees as well.
    :param widths: its own.
    """

    def __init__(
        self, inside: int, outside: int, first: Sequence[int], widths: Sequence[int]
    ) -> None:
        super().__init__()
        before = (inside, *widths[:-1])
        self.down = nn.ModuleList(
            convolution(i, o, 3, stride=2) for i, o in zip(before, widths, strict=True)
        )
        self.recall = nn.ModuleList(
            convolution(i, o, 1) for i, o in zip(first, widths, strict=True)
        )
        self.blocks = nn.ModuleList(Block(width) for width in widths)
        self.context = Context(widths[-1])
        self.ups = nn.ModuleList(Up(i, o, o) for i, o in zip(widths[1:], widths[:-1], strict=True))
        self.out = nn.Conv2d(widths[0], outside, 1, bias=False)
        self.fine = Up(widths[0], inside, outside)
        self.edges = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        for last in (self.out, self.edges):
            nn.init.zeros_(last.weight)

    def forward(self, x: Tensor, first: Sequence[Tensor]) -> Tensor:
        """Return what to add; `first` is what the first encoder saw, the largest first."""
        inside, seen = x, []
        for down, recall, block, known in zip(
            self.down, self.recall, self.blocks, first, strict=True
        ):
            x = block(functional.relu(down(x) + recall(known)))
            seen.append(x)
        x = self.context(seen.pop())
        for up, skip in zip(reversed(self.ups), reversed(seen), strict=True):
            x = up(x, skip)
        coarse = functional.interpolate(self.out(x), scale_factor=2.0, mode='bilinear')
        return coarse + self.edges(self.fine(x, inside))
