# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The vision transformer: DINOv2 whose later blocks attend over one view and all in turn."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.depth_anything_3 import configurations
from depth_ros.models.networks.depth_anything_3.blocks import Block, Rotation, rotation_of
from depth_ros.models.networks.depth_anything_3.configurations import PATCH
from depth_ros.models.networks.depth_anything_3.reference_view import reference_view

GRID = 37  # patches along a side of the square images of the pre-training
_OFFSET = 0.1  # keeps the resized position embedding from losing a row to rounding


class Features(NamedTuple):
    """What the backbone returns."""

    tokens: tuple[Tensor, ...]
    """Of each output block: (batch, views, patches, channels)."""
    camera: Tensor
    """The camera token after the last output block, (batch, views, channels)."""
    reference: Tensor | None
    """The reference view of each item, (batch,); None without one."""


class PatchEmbedding(nn.Module):
    """Patches of an image as tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, PATCH)

    def forward(self, images: Tensor) -> Tensor:
        """Return (images, patches, width) for (images, 3, height, width)."""
        return self.proj(images).flatten(2).transpose(1, 2)


class Transformer(nn.Module):
    """The backbone proper."""

    def __init__(self, configuration: configurations.Backbone) -> None:
        super().__init__()
        self.configuration = configuration
        width = configuration.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        if configuration.across_from is not None:
            self.camera_token = nn.Parameter(torch.randn(1, 2, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + GRID * GRID, width))
        self.patch_embed = PatchEmbedding(width)
        self.blocks = nn.ModuleList(
            Block(
                width,
                configuration.heads,
                gated=configuration.gated,
                normalised=_reached(index, configuration.normalised_from),
            )
            for index in range(configuration.depth)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, views: Tensor, cameras: Tensor | None = None) -> Features:
        """
        Return the features of normalised images (batch, views, 3, height, width).

        :param cameras: camera tokens of known cameras, (batch, views, width). They take the
            place of the learned ones, of which one belongs to the reference view and one to the
            others.
        """
        made = self.configuration
        number = views.shape[1]
        # A tracer would make tensors of them, and a graph has one size in any case.
        rows, columns = int(views.shape[-2]) // PATCH, int(views.shape[-1]) // PATCH
        x = self._tokens(views, rows, columns)
        alone, together = self._rotations(rows, columns, x)
        across = None if together is None else together.repeated(number)
        chosen: Tensor | None = None
        outputs: list[Tensor] = []
        local = x
        for index, block in enumerate(self.blocks):
            if made.across_from is not None and index == made.across_from - 1 and cameras is None:
                chosen = reference_view(x[:, :, 0])
            if index == made.across_from:
                first = self._camera_tokens(x, chosen) if cameras is None else cameras.to(x)
                # Both the current and the last per-view tokens carry the camera from here on.
                local = x = torch.cat([first[:, :, None], x[:, :, 1:]], 2)
            turned = _reached(index, made.rotated_from)
            if _reached(index, made.across_from) and index % 2:
                x = block(x.flatten(1, 2), across if turned else None).view_as(x)
            else:
                x = block(x.flatten(0, 1), alone if turned else None).view_as(x)
                local = x
            if index in made.outputs:
                outputs.append(self._output(local, x))
            if index == made.outputs[-1]:
                camera = torch.cat([local[:, :, 0], x[:, :, 0]], -1) if made.joined else x[:, :, 0]
                break
        return Features(tuple(outputs), camera, chosen)

    def _tokens(self, views: Tensor, rows: int, columns: int) -> Tensor:
        positions = self._positions(rows, columns)
        patches = self.patch_embed(views.flatten(0, 1)) + positions[:, 1:]
        first = (self.cls_token + positions[:, :1]).expand(len(patches), -1, -1)
        return torch.cat([first, patches], 1).unflatten(0, views.shape[:2])

    def _positions(self, rows: int, columns: int) -> Tensor:
        if (rows, columns) == (GRID, GRID):
            return self.pos_embed
        grid = (
            self.pos_embed[:, 1:].float()
            if self.pos_embed.element_size() < 4
            else (self.pos_embed[:, 1:])
        )
        scale = ((rows + _OFFSET) / GRID, (columns + _OFFSET) / GRID)
        grid = functional.interpolate(
            grid.unflatten(1, (GRID, GRID)).permute(0, 3, 1, 2), scale_factor=scale, mode='bicubic'
        )
        patches = grid.flatten(2).transpose(1, 2).to(self.pos_embed)
        return torch.cat([self.pos_embed[:, :1], patches], 1)

    def _rotations(
        self, rows: int, columns: int, x: Tensor
    ) -> tuple[Rotation, Rotation] | tuple[None, None]:
        """Return the rotary angles of a view alone and of one view among several."""
        if self.configuration.rotated_from is None:
            return None, None
        exact = torch.float64 if x.dtype == torch.float64 else torch.float32
        y = torch.arange(1, rows + 1, device=x.device, dtype=exact)[:, None].expand(rows, columns)
        z = torch.arange(1, columns + 1, device=x.device, dtype=exact).expand(rows, columns)
        places = functional.pad(torch.stack([y, z], -1).flatten(0, 1), (0, 0, 1, 0))
        channels = self.configuration.width // self.configuration.heads
        alone = rotation_of(places, channels, x.dtype)
        return alone, rotation_of(places.clamp(max=1), channels, x.dtype)

    def _camera_tokens(self, x: Tensor, chosen: Tensor | None) -> Tensor:
        """
        Return the learned camera tokens by view.

        The authors move the reference view to the front and back again. Attention does not
        depend on the order of the views, so here each view stays where it is.
        """
        order = torch.arange(x.shape[1], device=x.device)
        is_reference = (order[None] == (0 if chosen is None else chosen[:, None]))[..., None]
        tokens = torch.where(is_reference, self.camera_token[:, :1], self.camera_token[:, 1:])
        return tokens.expand(x.shape[0], -1, -1)

    def _output(self, local: Tensor, x: Tensor) -> Tensor:
        current = self.norm(x[:, :, 1:])
        return torch.cat([local[:, :, 1:], current], -1) if self.configuration.joined else current


class Dinov2(nn.Module):
    """The backbone under the name that official checkpoints give it."""

    def __init__(self, configuration: configurations.Backbone) -> None:
        super().__init__()
        self.pretrained = Transformer(configuration)

    def forward(self, views: Tensor, cameras: Tensor | None = None) -> Features:
        """Return the features of normalised images (batch, views, 3, height, width)."""
        return self.pretrained(views, cameras)


def _reached(index: int, start: int | None) -> bool:
    return start is not None and index >= start
