# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
RAFT-Stereo (Lipson, Teed and Deng, 3DV 2021): recurrent units look up correlations of all pairs.

The official networks predict flow, the negative of disparity. Its sign is turned where it leaves
and enters the convolutions, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.conv_gru import GruPyramid, GruWeights
from depth_ros.models.networks.correlation import AllPairsCorrelation
from depth_ros.models.networks.disparity import convex_upsample, precise
from depth_ros.models.networks.normalisation import arranged_for
from depth_ros.models.networks.recurrent_stereo import (
    RecurrentStereo,
    Scene,
    exact_convolution,
)
from depth_ros.models.networks.residual_encoder import (
    WIDTHS,
    ContextEncoder,
    FeatureEncoder,
    ResidualBlock,
)

CONTEXTS = ('outputs08', 'outputs16', 'outputs32')
UNITS = ('gru08', 'gru16', 'gru32')


@dataclass(frozen=True)
class RaftStereoConfig:
    """The official options by their names, and widths that no official checkpoint changes."""

    hidden_dims: tuple[int, ...] = (128, 128, 128)  # coarsest first
    corr_levels: int = 4
    corr_radius: int = 4
    n_downsample: int = 2  # disparity is refined at 1 / 2**n_downsample of the size
    n_gru_layers: int = 3
    context_norm: str = 'batch'
    shared_backbone: bool = False
    slow_fast_gru: bool = False  # coarse units step more often
    iterations: int = 32
    correlation: str = 'auto'  # volume, on_the_fly or auto: the same numbers, other memory
    encoder_widths: tuple[int, int, int] = WIDTHS
    feature_dim: int = 256
    motion_dim: int = 128
    head_dim: int = 256

    def __post_init__(self) -> None:
        if not 1 <= self.n_gru_layers <= len(UNITS):
            raise ValueError(f'n_gru_layers is {self.n_gru_layers}; expected 1 to {len(UNITS)}')
        if not 0 <= self.n_downsample <= 3:
            raise ValueError(f'n_downsample is {self.n_downsample}; expected 0 to 3')

    @classmethod
    def from_official(cls, options: Mapping[str, Any]) -> RaftStereoConfig:
        """Return the configuration of the official options; unknown ones are ignored."""
        known = {
            name: options[name]
            for name in (
                'corr_levels',
                'corr_radius',
                'n_downsample',
                'n_gru_layers',
                'context_norm',
                'shared_backbone',
                'slow_fast_gru',
            )
            if name in options
        }
        iterations = options.get('iters', options.get('valid_iters', cls.iterations))
        hidden = tuple(options.get('hidden_dims', cls.hidden_dims))
        return cls(hidden_dims=hidden, iterations=iterations, **known)

    @property
    def hidden(self) -> tuple[int, ...]:
        """Return the channels of the hidden states that are used, finest first."""
        return tuple(reversed(self.hidden_dims))[: self.n_gru_layers]

    def network_key(self, key: str) -> str | None:
        """
        Return the key of the network for a key of an official checkpoint, None for no use.

        A projection's normalisation has two official names, and a checkpoint has the coarse
        units that its configuration does not use.
        """
        key = key.removeprefix('module.')
        unused = [f'update_block.{name}.' for name in UNITS[self.n_gru_layers :]]
        unused += [f'cnet.{name}.' for name in CONTEXTS[self.n_gru_layers :]]
        unused += [f'cnet.layer{3 + scale}.' for scale in range(self.n_gru_layers, 3)]
        return None if '.norm3.' in key or key.startswith(tuple(unused)) else key


STANDARD = RaftStereoConfig()  # raftstereo-sceneflow, -eth3d, -middlebury
REALTIME = RaftStereoConfig(
    n_downsample=3, n_gru_layers=2, shared_backbone=True, slow_fast_gru=True, iterations=7
)  # raftstereo-realtime
RVC = RaftStereoConfig(context_norm='instance')  # iraftstereo_rvc
VARIANTS = MappingProxyType({'standard': STANDARD, 'realtime': REALTIME, 'rvc': RVC})


@dataclass(frozen=True)
class RaftScene(Scene):
    """What is computed of a pair once."""

    correlation: AllPairsCorrelation
    weights: list[GruWeights]


class MotionEncoder(nn.Module):
    """Encode flow and the correlation around it."""

    def __init__(self, correlations: int, outside: int) -> None:
        super().__init__()
        half = outside // 2
        self.convc1 = nn.Conv2d(correlations, half, 1)
        self.convc2 = nn.Conv2d(half, half, 3, padding=1)
        self.convf1 = nn.Conv2d(2, half, 7, padding=3)
        self.convf2 = nn.Conv2d(half, half, 3, padding=1)
        self.conv = nn.Conv2d(2 * half, outside - 2, 3, padding=1)

    def forward(self, flow: Tensor, correlation: Tensor) -> Tensor:
        """
        Return features (batch, outside, height, width).

        :param flow: (batch, 1, height, width), float32; that along columns is 0.
        :param correlation: (batch, correlations, height, width).
        """
        seen = functional.relu(self.convc1(correlation), inplace=True)
        seen = functional.relu(self.convc2(seen), inplace=True)
        moved = functional.relu(exact_convolution(self.convf1, flow), inplace=True)
        moved = functional.relu(self.convf2(moved), inplace=True)
        both = functional.relu(self.conv(torch.cat([seen, moved], 1)), inplace=True)
        flow = flow.to(both.dtype)
        return torch.cat([both, flow, torch.zeros_like(flow)], 1)


class FlowHead(nn.Module):
    """Predict the change of flow."""

    def __init__(self, inside: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the horizontal change (batch, 1, height, width)."""
        x = functional.relu(self.conv1(x), inplace=True)
        assert self.conv2.bias is not None
        return functional.conv2d(x, self.conv2.weight[:1], self.conv2.bias[:1], padding=1)


class UpdateBlock(GruPyramid):
    """The recurrent units, what they take in and what is read from them."""

    def __init__(self, config: RaftStereoConfig) -> None:
        super().__init__(UNITS, config.hidden, config.motion_dim)
        finest = config.hidden[0]
        correlations = config.corr_levels * (2 * config.corr_radius + 1)
        self.encoder = MotionEncoder(correlations, config.motion_dim)
        self.flow_head = FlowHead(finest, config.head_dim)
        self.mask = nn.Sequential(
            nn.Conv2d(finest, config.head_dim, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(config.head_dim, 9 * 4**config.n_downsample, 1),
        )


class RaftStereo(RecurrentStereo):
    """See `RecurrentStereo` for input and output."""

    def __init__(self, config: RaftStereoConfig = STANDARD) -> None:
        factor = 2**config.n_downsample
        super().__init__(factor, factor, config.iterations, config.correlation)
        self.config = config
        self.cnet = ContextEncoder(
            CONTEXTS,
            config.hidden,
            config.n_downsample,
            config.context_norm,
            config.encoder_widths,
        )
        self.update_block = UpdateBlock(config)
        self.context_zqr_convs = nn.ModuleList(
            nn.Conv2d(width, 3 * width, 3, padding=1) for width in config.hidden
        )
        if config.shared_backbone:
            width = config.encoder_widths[2]
            self.conv2 = nn.Sequential(
                ResidualBlock(width, width, 'instance'),
                nn.Conv2d(width, config.feature_dim, 3, padding=1),
            )
        else:
            self.fnet = FeatureEncoder(
                config.feature_dim, config.n_downsample, config.encoder_widths
            )

    def prepare(self, left: Tensor, right: Tensor) -> RaftScene:
        """Return the features, contexts and correlations of normalised images."""
        norm = self.config.context_norm
        both = torch.cat([left, right])
        if self.config.shared_backbone:
            trunk = self.cnet.trunk(arranged_for(norm, both))
            hidden, contexts = self.cnet.scales(trunk[: left.shape[0]])
            features = self.conv2(arranged_for('instance', trunk))
        else:
            hidden, contexts = self.cnet(arranged_for(norm, left))
            features = self.fnet(arranged_for('instance', both))
        correlation = AllPairsCorrelation(
            features[: left.shape[0]],
            features[left.shape[0] :],
            self.config.corr_levels,
            self.config.corr_radius,
            features.shape[1] ** -0.5,
            self.correlation,
        )
        return RaftScene(
            start=torch.zeros_like(precise(hidden[0][:, :1])),
            hidden=hidden,
            correlation=correlation,
            weights=self.update_block.arranged(contexts, self.context_zqr_convs),
        )

    def refine(
        self, scene: RaftScene, hidden: list[Tensor], disparity: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the hidden states after a step, and what to add to disparity."""
        seen = torch.cat(scene.correlation.lookup(disparity[:, 0]), -1)
        seen = seen.to(hidden[0].dtype).permute(0, 3, 1, 2)
        inputs = self.update_block.encoder(-disparity, seen)
        if self.config.slow_fast_gru:
            for finest in reversed(range(1, len(hidden))):
                hidden = self.update_block.update(hidden, scene.weights, finest)
        hidden = self.update_block.update(hidden, scene.weights, inputs=inputs)
        return hidden, -self.update_block.flow_head(hidden[0])

    def upsample(self, scene: RaftScene, hidden: list[Tensor], disparity: Tensor) -> Tensor:
        """Return disparity at the size of the input, in its pixels."""
        batch, _, height, width = disparity.shape
        factor = self.factor
        # The 9 weights of each fine pixel of a block lie one after another.
        logits = 0.25 * self.update_block.mask(hidden[0])
        logits = logits.unflatten(1, (9, factor * factor)).flatten(0, 1)
        logits = functional.pixel_shuffle(logits, factor)
        logits = logits.view(batch, 9, factor * height, factor * width)
        return convex_upsample(factor * disparity, precise(logits).softmax(1), factor)


def build(config: RaftStereoConfig = STANDARD) -> RaftStereo:
    """Return the network of a configuration, in eval mode, with random weights."""
    return RaftStereo(config).eval()
