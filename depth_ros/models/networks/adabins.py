# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
AdaBins (Bhat et al. 2021): metres from one image, as a mean over depths the image itself gives.

The image is RGB with ImageNet's mean and deviation; its sides are multiples of 32, and it holds
129 to 500 squares of 32x32 pixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.encoders.efficientnet import (
    EFFICIENTNETS,
    EfficientNet,
    EfficientNetConfig,
)
from depth_ros.models.networks.sides import require_multiple
from depth_ros.types import DepthError

MULTIPLE = 32
WIDTH = 128  # channels of the decoder's output, of the tokens and of the queries
QUERIES = 128
MOST_TOKENS = 500
LAYERS = 4
HEADS = 4
FEED_FORWARD = 1024
HIDDEN = 256  # of the regressor
PATCH = 16  # side of a token on the decoder's output, which has half the size of the image
SMALLEST_WIDTH = 0.1  # added to every bin's width before the widths are normalised


@dataclass(frozen=True)
class AdaBinsConfig:
    """The shape of an AdaBins network."""

    max_depth: float
    min_depth: float = 1e-3
    bins: int = 256
    norm: str = 'linear'
    """How bin widths become positive: linear, softmax or sigmoid."""
    encoder: EfficientNetConfig = EFFICIENTNETS['b5']


NYU = AdaBinsConfig(max_depth=10.0)
KITTI = AdaBinsConfig(max_depth=80.0)
NORMS = ('linear', 'softmax', 'sigmoid')


class AdaBinsResult(NamedTuple):
    """What the network returns."""

    bin_edges: Tensor
    """(batch, bins + 1) metres, increasing, float32."""
    depth: Tensor
    """(batch, 1, height / 2, width / 2) metres, float32."""


class Encoder(nn.Module):
    """The image encoder, under the name of the official checkpoints."""

    def __init__(self, config: EfficientNetConfig) -> None:
        super().__init__()
        self.original_model = EfficientNet(config)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.original_model(image)


class Up(nn.Module):
    """Grows a map to the size of the skip connection and joins the two."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self._net = nn.Sequential(
            nn.Conv2d(inside, outside, 3, padding=1),
            nn.BatchNorm2d(outside),
            nn.LeakyReLU(),
            nn.Conv2d(outside, outside, 3, padding=1),
            nn.BatchNorm2d(outside),
            nn.LeakyReLU(),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = functional.interpolate(x, skip.shape[-2:], mode='bilinear', align_corners=True)
        return self._net(torch.cat((x, skip), 1))


class Decoder(nn.Module):
    """From the encoder's features to a map of half the size of the image."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        width = channels[4]
        self.conv2 = nn.Conv2d(width, width, 1, padding=1)  # a 1x1 one that adds a border
        for step in range(1, 5):
            skip = channels[4 - step]
            self.add_module(f'up{step}', Up((width >> (step - 1)) + skip, width >> step))
        self.conv3 = nn.Conv2d(width >> 4, WIDTH, 3, padding=1)

    def forward(self, features: list[Tensor]) -> Tensor:
        x = self.conv2(features[4])
        for step in range(1, 5):
            x = getattr(self, f'up{step}')(x, features[4 - step])
        return self.conv3(x)


class Attention(nn.Module):
    """Attention of tokens among themselves, with the names of PyTorch's layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return x (batch, tokens, width), mixed."""
        mixed = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        query, key, value = mixed.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value)
        return self.out_proj(found.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """A transformer layer that normalises after each shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = Attention(WIDTH, HEADS)
        self.linear1 = nn.Linear(WIDTH, FEED_FORWARD)
        self.linear2 = nn.Linear(FEED_FORWARD, WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(x + self.self_attn(x))
        return self.norm2(x + self.linear2(functional.relu(self.linear1(x))))


class Layers(nn.Module):
    """The layers, under the name of the official checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class PatchTransformer(nn.Module):
    """Tokens of PATCH x PATCH places and a transformer over them."""

    def __init__(self) -> None:
        super().__init__()
        self.positional_encodings = nn.Parameter(torch.rand(MOST_TOKENS, WIDTH))
        self.embedding_convPxP = nn.Conv2d(WIDTH, WIDTH, PATCH, PATCH)
        self.transformer_encoder = Layers()

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (batch, tokens, WIDTH), row by row."""
        tokens = self.embedding_convPxP(x).flatten(2).transpose(1, 2)
        return self.transformer_encoder(tokens + self.positional_encodings[: tokens.shape[1]])


class AdaptiveBins(nn.Module):
    """The widths of the bins, and queries to compare every place with."""

    def __init__(self, bins: int, norm: str) -> None:
        super().__init__()
        self.norm = norm
        self.patch_transformer = PatchTransformer()
        self.conv3x3 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.regressor = nn.Sequential(
            nn.Linear(WIDTH, HIDDEN),
            nn.LeakyReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.LeakyReLU(),
            nn.Linear(HIDDEN, bins),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Return bin widths, queries and features for the decoded map x.

        Widths (batch, bins) are float32 with the sum 1, queries are (batch, QUERIES, WIDTH) and
        features (batch, WIDTH, height, width).
        """
        tokens = self.patch_transformer(x)
        widths = self.regressor(tokens[:, 0]).float()
        if self.norm == 'softmax':
            widths = widths.softmax(1)
        else:
            linear = self.norm == 'linear'
            widths = functional.relu(widths) + SMALLEST_WIDTH if linear else widths.sigmoid()
            widths = widths / widths.sum(1, keepdim=True)
        return widths, tokens[:, 1 : QUERIES + 1], self.conv3x3(x)


class AdaBins(nn.Module):
    """An encoder, a decoder and bins that adapt to the image."""

    def __init__(self, config: AdaBinsConfig) -> None:
        super().__init__()
        if config.norm not in NORMS:
            raise DepthError(f'expected a norm of {NORMS}, got {config.norm!r}; use one of them')
        self.config = config
        self.encoder = Encoder(config.encoder)
        self.decoder = Decoder(config.encoder.channels)
        self.adaptive_bins_layer = AdaptiveBins(config.bins, config.norm)
        self.conv_out = nn.Sequential(nn.Conv2d(QUERIES, config.bins, 1))

    def forward(self, image: Tensor) -> AdaBinsResult:
        """Return depth and bins of image (batch, 3, height, width)."""
        height, width = image.shape[-2:]
        require_multiple(image, MULTIPLE)
        tokens = (height // MULTIPLE) * (width // MULTIPLE)
        if not QUERIES < tokens <= MOST_TOKENS:
            raise DepthError(
                f'expected an image of {QUERIES + 1} to {MOST_TOKENS} squares of '
                f'{MULTIPLE}x{MULTIPLE} pixels, got {width}x{height} ({tokens} squares); resize it'
            )
        decoded = self.decoder(self.encoder(image))
        widths, queries, features = self.adaptive_bins_layer(decoded)
        span = self.config.max_depth - self.config.min_depth
        edges = functional.pad(span * widths, (1, 0), value=self.config.min_depth).cumsum(1)
        centers = (edges[:, 1:] + edges[:, :-1]) / 2
        # Comparing with the queries and the 1x1 convolution behind it are both linear: multiplied
        # with each other first, they pass over the places once.
        output = cast(nn.Conv2d, self.conv_out[0])
        bias = cast(Tensor, output.bias)
        weight = output.weight.flatten(1) @ queries
        scores = torch.baddbmm(bias[:, None], weight, features.flatten(2))
        depth = centers[:, None] @ scores.softmax(1, dtype=torch.float32)
        return AdaBinsResult(edges, depth.unflatten(2, features.shape[-2:]))


def build(config: AdaBinsConfig = NYU) -> AdaBins:
    """Return the network in eval mode, without trained weights."""
    return AdaBins(config).eval()


def from_official(config: Mapping[str, Any]) -> AdaBinsConfig:
    """Return the configuration for the arguments of the official network."""
    return AdaBinsConfig(
        max_depth=float(config['max_val']),
        min_depth=float(config.get('min_val', 1e-3)),
        bins=int(config.get('n_bins', 256)),
        norm=config.get('norm', 'linear'),
    )


def official_key(key: str) -> str | None:
    """Return our key for one of an official checkpoint; None where it is not needed."""
    key = key.removeprefix('module.')
    if re.match(r'encoder\.original_model\.(bn2|classifier)\.', key):
        return None  # of the classifier
    # The published files are older than the names of the published code.
    key = key.replace('adaptive_bins_layer.embedding_conv.', 'adaptive_bins_layer.conv3x3.')
    return key.replace('.embedding_encoder.', '.embedding_convPxP.')


def metres(
    result: AdaBinsResult,
    height: int,
    width: int,
    config: AdaBinsConfig,
    mirrored: AdaBinsResult | None = None,
) -> Tensor:
    """
    Return depth (batch, height, width) in metres, float32, at the size of the image.

    `mirrored` is the result for the image flipped left to right; with it the mean of both is
    returned, as in the published evaluation.
    """
    depth = result.depth.float().clamp(config.min_depth, config.max_depth)
    if mirrored is not None:
        other = mirrored.depth.float().clamp(config.min_depth, config.max_depth)
        depth = (depth + other.flip(-1)) / 2
    return functional.interpolate(depth, (height, width), mode='bilinear', align_corners=True)[
        :, 0
    ]
