# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The network that ships: an encoder that has learned real images, and a small decoder.

Two things make it know metres. Beside the colours it sees the viewing ray of every pixel
(`known.py`). And it predicts depth for one canonical focal length: the same object at twice the
distance through a lens twice as long makes the same image, so what it predicts is multiplied by
the camera's focal length over the canonical one (`scale.py`).

It holds only operations that every runtime computes alike; OpenCV's importer, for one, is silent
about asymmetric padding that it does not follow.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.builtin.answer import BARE, CHANNELS, SKY
from depth_ros.models.networks.builtin.blocks import Block, Up, convolution
from depth_ros.models.networks.builtin.known import CHANNELS as KNOWN
from depth_ros.models.networks.encoders.efficientnet import EFFICIENTNETS, EfficientNet

LARGEST = 1024  # width of a layer
FROZEN = 3  # stages of the encoder that do not learn: to 1/8 of the input


@dataclass(frozen=True)
class Layout:
    """Widths of the decoder; the weights name the one that they were trained with."""

    deep: int = 128  # at 1/32
    decoder: Sequence[int] = (24, 48, 80, 128)  # at 1/2, 1/4, 1/8, 1/16

    def __post_init__(self) -> None:
        if not _is_size(self.deep):
            raise ValueError(f'deep is {self.deep!r}, expected a number from 1 to {LARGEST}')
        sizes = self.decoder
        if not (isinstance(sizes, list | tuple) and len(sizes) == 4 and all(map(_is_size, sizes))):
            raise ValueError(f'decoder is {sizes!r}, expected four numbers from 1 to {LARGEST}')

    def as_dict(self) -> dict[str, Any]:
        """Return the values as a file has them, lists for tuples."""
        return {k: v if isinstance(v, int) else list(v) for k, v in asdict(self).items()}


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST


class BuiltinNetwork(nn.Module):
    """
    Image (batch, 3, height, width) as (x - 127) / 128 and `known_planes` at half its size.

    The output (batch, 7, height / 2, width / 2) is what `answer.py` reads.
    """

    def __init__(self, layout: Layout | None = None) -> None:
        super().__init__()
        self.layout = layout = layout or Layout()
        # Its normalisation is that of ImageNet for good, so it is part of the convolutions.
        self.encoder = fold_normalisation(EfficientNet(EFFICIENTNETS['lite0']))
        *skips, deepest = self.encoder.channels
        self.deep = convolution(deepest, layout.deep, 1)
        self.known = nn.Conv2d(KNOWN, layout.deep, 1, bias=False)
        self.blocks = nn.Sequential(Block(layout.deep), Block(layout.deep))
        inside = (*layout.decoder[1:], layout.deep)
        self.ups = nn.ModuleList(
            Up(i, s, KNOWN, o) for i, s, o in zip(inside, skips, layout.decoder, strict=True)
        )
        self.head = nn.Conv2d(layout.decoder[0], CHANNELS, 3, padding=1)
        nn.init.normal_(self.head.weight, std=1e-3)
        assert self.head.bias is not None
        # Before training everything is e metres away, nothing is sky and little is bare ground.
        start = torch.zeros(CHANNELS)
        start[SKY], start[BARE] = -3, -1
        if not self.head.bias.is_meta:
            self.head.bias.data = start

    def forward(self, image: Tensor, known: Tensor) -> Tensor:
        levels = [known]
        while len(levels) < 5:
            levels.append(functional.avg_pool2d(levels[-1], 2))
        *skips, x = self.encoder(image)
        x = self.blocks(functional.relu(self.deep(x) + self.known(levels.pop())))
        for up, skip, level in zip(
            reversed(self.ups), reversed(skips), reversed(levels), strict=True
        ):
            x = up(x, skip, level)
        output: Tensor = self.head(x)
        return output

    def freeze(self) -> None:
        """Keep what sees textures as ImageNet left it: rendered ones are not like real ones."""
        encoder = self.encoder
        encoder.conv_stem.requires_grad_(False)
        for stage in encoder.blocks[:FROZEN]:
            stage.requires_grad_(False)


def fold_normalisation(network: nn.Module) -> Any:
    """Merge every batch normalisation into the convolution defined before it."""
    for module in list(network.modules()):
        children = list(module.named_children())
        for (first, before), (second, after) in itertools.pairwise(children):
            if isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                setattr(module, first, _merged(before, after))
                setattr(module, second, nn.Identity())
    return network


def _merged(before: nn.Conv2d, after: nn.BatchNorm2d) -> nn.Conv2d:
    if before.weight.is_meta:  # of a shape alone; arithmetic would load the compiler of torch
        return nn.Conv2d(
            before.in_channels,
            before.out_channels,
            int(before.kernel_size[0]),
            int(before.stride[0]),
            int(before.padding[0]),
            groups=before.groups,
        )
    merged = torch.nn.utils.fuse_conv_bn_eval(before.eval(), after.eval())
    return merged.requires_grad_(before.weight.requires_grad)  # the bias too, which is new
