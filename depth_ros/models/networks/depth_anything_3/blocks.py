# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transformer blocks, shared by the backbone and the camera encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

_ROTARY_BASE = 100.0


class Rotation(NamedTuple):
    """Cosine and sine of the rotary angles, (tokens, 2, head channels / 4): rows, columns."""

    cosine: Tensor
    sine: Tensor

    def repeated(self, times: int) -> Rotation:
        """Return the angles of that many equal sequences behind one another."""
        return Rotation(self.cosine.repeat(times, 1, 1), self.sine.repeat(times, 1, 1))


def rotation_of(positions: Tensor, channels: int, dtype: torch.dtype) -> Rotation:
    """
    Return the rotary angles of 2D positions.

    :param positions: (tokens, 2), row and column, floating point.
    :param channels: of one attention head; half of them turn with the row, half with the column.
    """
    pairs = channels // 4
    exponent = torch.arange(pairs, device=positions.device, dtype=positions.dtype) / pairs
    angles = positions[..., None] * _ROTARY_BASE**-exponent
    return Rotation(angles.cos().to(dtype), angles.sin().to(dtype))


def rotated(x: Tensor, rotation: Rotation) -> Tensor:
    """Return queries or keys (..., tokens, channels), rotated by the positions of the tokens."""
    first, second = x.unflatten(-1, (2, 2, x.shape[-1] // 4)).unbind(-2)
    cosine, sine = rotation
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    return torch.stack(turned, -2).flatten(-3)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """
    Return the attention of (batch, heads, tokens, channels).

    All attention of the network passes through here, so that it can be replaced where the fused
    kernel is slow: in all networks here, in one by the `attend` of its attention modules.
    """
    return functional.scaled_dot_product_attention(query, key, value)


class Attention(nn.Module):
    """Self-attention, with normalised queries and keys and rotary positions where asked for."""

    def __init__(self, width: int, heads: int, normalised: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.attend: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None  # another one
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = nn.LayerNorm(width // heads) if normalised else nn.Identity()
        self.k_norm = nn.LayerNorm(width // heads) if normalised else nn.Identity()
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, rotation: Rotation | None = None) -> Tensor:
        """Return (batch, tokens, width) for (batch, tokens, width)."""
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = qkv.unbind(0)
        query, key = self.q_norm(query), self.k_norm(key)
        if rotation is not None:
            query, key = rotated(query, rotation), rotated(key, rotation)
        attended = (self.attend or attend)(query, key, value)
        return self.proj(attended.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two linear layers around a GELU."""

    def __init__(self, inside: int, hidden: int, outside: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inside, hidden)
        self.fc2 = nn.Linear(hidden, outside)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., outside) for (..., inside)."""
        return self.fc2(functional.gelu(self.fc1(x)))


class GatedMlp(nn.Module):
    """SwiGLU: one half of the hidden channels gates the other."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        kept = (int(hidden * 2 / 3) + 7) // 8 * 8  # as many parameters as without the gate
        self.w12 = nn.Linear(width, 2 * kept)
        self.w3 = nn.Linear(kept, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., width) for (..., width)."""
        gate, hidden = self.w12(x).chunk(2, -1)
        return self.w3(functional.silu(gate) * hidden)


class Scale(nn.Module):
    """A residual branch, scaled by channel and added."""

    def __init__(self, width: int, initial: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), initial))

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        """Return x + gamma * branch."""
        return torch.addcmul(x, branch, self.gamma)


class Block(nn.Module):
    """A transformer block: attention and feed-forward, each normalised first and scaled last."""

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        gated: bool = False,
        normalised: bool = False,
        epsilon: float = 1e-6,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.attn = Attention(width, heads, normalised)
        self.ls1 = Scale(width, scale)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.mlp = GatedMlp(width, 4 * width) if gated else Mlp(width, 4 * width, width)
        self.ls2 = Scale(width, scale)

    def forward(self, x: Tensor, rotation: Rotation | None = None) -> Tensor:
        """Return (batch, tokens, width) for (batch, tokens, width)."""
        x = self.ls1(x, self.attn(self.norm1(x), rotation))
        return self.ls2(x, self.mlp(self.norm2(x)))
